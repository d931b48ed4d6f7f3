"""A connection never blocks and holds a bounded amount."""

from __future__ import annotations

import pytest

from devboot.daemon.clients import connection as module
from devboot.daemon.clients.connection import Connection
from devboot.supervisor.event_loop import Loop
from devboot.wire import frames, sockets
from devboot.wire.frames import FrameReader, frame


class Ends:
    def __init__(self):
        self.loop = Loop()
        self.theirs, ours = sockets.pair()
        self.theirs.setblocking(False)
        self.frames = []
        self.closed = 0
        self.connection = Connection(self.loop, ours, self._frame, self._closed)

    def _frame(self, _connection, kind, payload):
        self.frames.append((kind, payload))

    def _closed(self, _connection):
        self.closed += 1

    def turn(self):
        self.loop.turn(0.01)

    def drain(self):
        """Everything that arrives until nothing more comes."""
        data = b""
        while True:
            self.turn()
            try:
                piece = self.theirs.recv(1 << 20)
            except BlockingIOError:
                return data
            if not piece:
                return data
            data += piece


@pytest.fixture
def ends():
    made = Ends()
    yield made
    made.connection.close()
    made.theirs.close()
    made.loop.close()


def test_frames_go_both_ways(ends):
    ends.theirs.send(frame(frames.HELLO, b"x") + frame(frames.MESSAGE, b"{}"))
    ends.turn()
    ends.connection.send(frames.OUT, b"hello\n")

    assert ends.frames == [(frames.HELLO, b"x"), (frames.MESSAGE, b"{}")]
    assert list(FrameReader().feed(ends.drain())) == [(frames.OUT, b"hello\n")]


@pytest.mark.faults(66)
def test_garbage_ends_the_connection_and_nothing_else(ends):
    ends.theirs.send(b"GET / HTTP/1.1\r\nHost: localhost\r\n\r\n")
    ends.turn()

    assert (ends.frames, ends.closed, ends.connection.is_open) == ([], 1, False)


@pytest.mark.faults(75, 85)
def test_a_client_that_reads_nothing_loses_lines_with_a_count_and_gets_the_rest(ends):
    block = b"x" * 1023 + b"\n"
    offered = 2 * module.FULL // len(block)

    for _ in range(offered):
        ends.connection.offer(block)

    assert ends.connection.take_left_out() == 0  # no room yet
    left_out = ends.connection.left_out
    assert ends.connection.take_left_out(at_end=True) == left_out
    ends.connection.left_out = left_out
    assert 0 < left_out < offered
    held = sum(payload.count(b"\n") for _, payload in FrameReader().feed(ends.drain()))
    assert held + left_out == offered
    assert ends.connection.take_left_out() == left_out
    assert ends.connection.offer(block)


@pytest.mark.faults(75)
def test_a_client_that_is_behind_is_worth_waiting_for_only_while_it_takes_something(ends):
    told = []
    ends.connection.on_room = lambda: told.append(True)
    ends.connection.offer(b"x" * (module.BEHIND + 2_000_000))

    assert ends.connection.is_catching_up
    late = ends.loop.now() + module.STALLED + 1
    ends.loop.now = lambda: late
    assert not ends.connection.is_catching_up
    ends.drain()
    assert told == [True]


@pytest.mark.faults(75, 85)
def test_of_what_waits_for_a_client_that_has_stopped_reading_little_is_kept_and_the_rest_counted(ends):
    block = b"x" * 1023 + b"\n"
    offered = 0
    while ends.connection.size <= module.BEHIND + module.KEPT:  # the system keeps some for itself
        ends.connection.offer(block)
        offered += 1
    ends.connection.send(frames.ERR, b"web gave up\n")
    assert ends.connection.is_catching_up
    late = ends.loop.now() + module.STALLED
    ends.loop.now = lambda: late

    ends.connection.offer(block)

    assert ends.connection.size < module.KEPT + 2 * len(block)
    assert not ends.connection.offer(block)
    left_out = ends.connection.left_out
    arrived = list(FrameReader().feed(ends.drain()))
    assert sum(payload.count(b"\n") for kind, payload in arrived if kind == frames.OUT) + left_out == offered + 2
    assert arrived[-1] == (frames.ERR, b"web gave up\n")
    assert ends.connection.take_left_out() == left_out


def test_the_exit_code_comes_last_even_to_a_slow_reader(ends):
    ends.connection.send(frames.OUT, b"y" * 2_000_000)
    ends.connection.finish(7)

    arrived = list(FrameReader().feed(ends.drain()))

    assert [kind for kind, _ in arrived] == [frames.OUT, frames.EXIT]
    assert arrived[-1][1] == b"7"
    assert not ends.connection.is_open


def test_a_client_that_has_gone_is_noticed_once(ends):
    ends.theirs.close()
    ends.turn()
    ends.connection.send(frames.OUT, b"x")

    assert ends.closed == 1
