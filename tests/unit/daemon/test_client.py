"""The client's end: what is passed through comes out in order with what isn't, however it is cut."""

from __future__ import annotations

import os
import random
import threading
from contextlib import closing

import pytest

from devboot.daemon.client import FLOOD, Client
from devboot.wire import frames, sockets
from devboot.wire.frames import frame


class Out:
    """Where output ends up: what was written, and what was passed through `limit` bytes at a time."""

    def __init__(self, limit):
        self.shown = bytearray()
        self.passed = 0
        self._limit = limit

    def pass_through(self, source, size):
        """Take it out of the socket as the kernel would, and no more than the limit."""
        try:
            data = os.read(source, min(size, self._limit))
        except BlockingIOError:
            return 0
        self.shown += data
        self.passed += len(data)
        return len(data)

    def write(self, number, data):
        """Only standard output counts here."""
        self.shown += data if number == 1 else b""


def said(seed, sizes):
    """Frames in random order with the output that they make."""
    choose = random.Random(seed)
    sent, output = [], bytearray()
    for _ in range(60):
        kind = choose.choice([frames.OUT] * 6 + [frames.ERR, frames.WORD])
        payload = choose.randbytes(choose.choice(sizes))
        output += payload if kind == frames.OUT else b""
        sent.append(frame(kind, payload))
    return b"".join([*sent, frame(frames.EXIT, b"7")]), bytes(output)


@pytest.mark.parametrize("seed", range(4))
@pytest.mark.parametrize("limit", [FLOOD * 8, FLOOD // 3])
def test_a_flood_passes_through_in_order(seed, limit):
    stream, output = said(seed, (0, 100, FLOOD // 2, FLOOD, 2 * FLOOD + 1))
    ours, theirs = sockets.pair()
    with closing(ours), closing(theirs):
        sending = threading.Thread(target=theirs.sendall, args=(stream,))
        sending.start()
        client, out = Client(ours), Out(limit)
        client.pass_through = out.pass_through
        assert client.copy(out.write) == 7
        sending.join()

    assert out.shown == output
    assert out.passed


def test_what_is_no_flood_is_taken_as_it_comes():
    stream, output = said(1, (0, 1, 100))
    ours, theirs = sockets.pair()
    with closing(ours), closing(theirs):
        theirs.sendall(stream)
        client, out = Client(ours), Out(FLOOD)
        client.pass_through = out.pass_through
        assert client.copy(out.write) == 7

    assert (out.shown, out.passed) == (output, 0)


def test_the_end_within_a_frame_is_the_end():
    ours, theirs = sockets.pair()
    with closing(ours):
        client, out = Client(ours), Out(FLOOD * 8)
        client.pass_through = out.pass_through
        whole = frame(frames.OUT, bytes(FLOOD))
        sending = threading.Thread(target=theirs.sendall, args=(whole * 3 + whole[:-10],))
        sending.start()
        threading.Thread(target=lambda: (sending.join(), theirs.close())).start()
        assert client.copy(out.write) is None

    assert len(out.shown) >= 3 * FLOOD
