"""Standard output as a pipe, into which the kernel may be asked to move what a daemon has sent."""

from __future__ import annotations

import errno
import os
from contextlib import contextmanager

import pytest

from devboot.app.fast.streams import BROKEN_PIPE, Streams
from devboot.wire import sockets

pytestmark = pytest.mark.skipif(not hasattr(os, "splice"), reason="only Linux moves bytes like this")


@contextmanager
def piped():
    """Standard output is a pipe, whose reading end this gives; no fixture, since pytest takes it back before a test."""
    kept = os.dup(1)
    reading, writing = os.pipe()
    os.dup2(writing, 1)
    os.close(writing)
    try:
        with open(reading, "rb", buffering=0) as reader:
            yield reader
    finally:
        os.dup2(kept, 1)
        os.close(kept)


@pytest.fixture
def sent():
    ours, theirs = sockets.pair()
    ours.setblocking(False)
    theirs.sendall(b"some output")
    yield ours
    ours.close()
    theirs.close()


def test_what_was_sent_comes_out_and_what_is_still_to_come_is_left(sent):
    with piped() as reader:
        moved = Streams().passing_through()(sent.fileno(), 100)
        shown = reader.read(100)

    assert (moved, shown) == (len(b"some output"), b"some output")


def test_where_the_system_cannot_do_it_nothing_is_lost(sent, monkeypatch):
    def refuse(*_):
        raise OSError(errno.EINVAL, os.strerror(errno.EINVAL))

    monkeypatch.setattr(os, "splice", refuse)
    streams = Streams()
    with piped() as reader:
        moved = streams.passing_through()(sent.fileno(), 100)
        streams.write(1, sent.recv(100))
        shown = reader.read(100) if not streams.failure else b""

    assert (moved, shown, streams.end()) == (0, b"some output", 0)


def test_a_reader_that_has_gone_is_told_by_the_write_that_follows(sent):
    streams = Streams()
    with piped() as reader:
        reader.close()
        moved = streams.passing_through()(sent.fileno(), 100)
        streams.write(1, sent.recv(100))

    assert (moved, streams.end()) == (0, BROKEN_PIPE)
