"""Relaying: whole lines in blocks, prompts after a while, nothing lost however it is cut."""

from __future__ import annotations

import fcntl
import os
import sys

import pytest
from hypothesis import given, strategies

from devboot.supervisor.event_loop import Loop
from devboot.supervisor.output.relay import BLOCK, GATHER, IDLE, PAUSE, QUICK, Output, Tail


class Relay:
    """An output at the end of a pipe, on a clock that moves when it is told to."""

    def __init__(self, *, terminal: bool = False, size: int = 0) -> None:
        self.time = 0.0
        self.loop = Loop(lambda: self.time)
        self.blocks: list[bytes] = []
        reading, self.writing = os.pipe()
        if size:
            fcntl.fcntl(self.writing, fcntl.F_SETPIPE_SZ, size)
        os.set_blocking(reading, False)
        self.deliver = self.blocks.append
        self.output = Output(self.loop, reading, self._pass_on, terminal=terminal)

    def _pass_on(self, block: bytes) -> None:
        self.deliver(block)

    def write(self, data: bytes) -> None:
        os.write(self.writing, data)
        self.loop.turn(0)

    def wait(self, seconds: float) -> None:
        self.time += seconds
        self.loop.turn(0)

    def close(self) -> None:
        if self.writing >= 0:
            os.close(self.writing)
        self.output.close()
        self.loop.close()


@pytest.fixture
def relay():
    relay = Relay()
    yield relay
    relay.close()


def test_a_block_ends_with_a_line(relay):
    relay.write(b"one\ntwo\nthr")
    relay.write(b"ee\nfour")
    relay.write(b"\n")

    assert relay.blocks == [b"one\ntwo\n", b"three\n", b"four\n"]


@pytest.mark.faults(76)
def test_a_prompt_is_shown_after_a_short_idle_time(relay):
    relay.write(b"Password: ")
    assert relay.blocks == []
    relay.wait(IDLE)
    relay.write(b"ok\n")

    assert relay.blocks == [b"Password: ", b"ok\n"]


def test_the_idle_time_counts_from_the_last_byte(relay):
    relay.write(b"a")
    relay.wait(IDLE * 0.7)
    relay.write(b"b")
    relay.wait(IDLE * 0.7)
    assert relay.blocks == []
    relay.wait(IDLE * 0.7)

    assert relay.blocks == [b"ab"]


@pytest.mark.faults(76)
def test_in_a_flood_a_line_without_end_gets_more_time(relay):
    relay.write(b"x" * 5000)
    relay.wait(IDLE)
    assert relay.blocks == []
    relay.write(b"y\n")

    assert relay.blocks == [b"x" * 5000 + b"y\n"]


@pytest.fixture
def terminal():
    relay = Relay(terminal=True)
    yield relay
    relay.close()


def test_a_flood_from_a_terminal_is_gathered_and_single_lines_are_not(terminal):
    page = b"a line\n" * 600
    terminal.write(b"one\n")
    terminal.write(b"two\n")
    terminal.write(page)
    assert terminal.blocks == [b"one\n", b"two\n", page]

    terminal.write(page)
    terminal.write(b"last\n")
    assert len(terminal.blocks) == 3
    terminal.wait(GATHER)

    assert terminal.blocks[3:] == [page + b"last\n"]


def test_so_much_is_gathered_as_makes_a_block(terminal):
    page = b"a line\n" * 600
    for _ in range(BLOCK // len(page) + 2):
        terminal.write(page)

    assert [BLOCK < len(block) < BLOCK + 2 * len(page) for block in terminal.blocks[1:]] == [True]


def test_what_is_gathered_is_not_lost_at_the_end_nor_while_a_viewer_is_waited_for(terminal):
    page = b"a line\n" * 600
    terminal.write(page)
    terminal.write(page)
    terminal.output.hold(True)
    terminal.wait(1.0)
    assert terminal.blocks == [page]
    terminal.output.hold(False)
    assert terminal.blocks == [page, page]

    os.write(terminal.writing, page)
    terminal.output.close()

    assert terminal.blocks == [page, page, page]


def test_a_carriage_return_before_the_line_end_is_dropped_however_it_is_cut(relay):
    relay.write(b"a\r\nb\r")
    relay.wait(IDLE)
    relay.write(b"\nc\r")
    relay.wait(IDLE)
    relay.write(b"d\n")

    assert relay.blocks == [b"a\n", b"b", b"\n", b"c", b"\rd\n"]


@pytest.mark.faults(76)
def test_the_last_line_without_end_is_kept(relay):
    os.write(relay.writing, b"last\nwords\r")
    relay.close()
    relay.writing = -1

    assert b"".join(relay.blocks) == b"last\nwords\r"


@pytest.mark.faults(76)
@given(strategies.lists(strategies.binary(min_size=1, max_size=200), max_size=20), strategies.data())
def test_no_byte_is_lost_or_torn(pieces, data):
    relay = Relay()
    try:
        for piece in pieces:
            relay.write(piece)
            if data.draw(strategies.booleans()):
                relay.wait(IDLE)
    finally:
        relay.close()
        relay.writing = -1

    assert b"".join(relay.blocks) == b"".join(pieces).replace(b"\r\n", b"\n")


def test_a_silent_output_needs_no_timer(relay):
    relay.write(b"whole\n")

    assert relay.loop.timers == []


def test_a_tap_gets_the_raw_bytes_at_once(relay):
    raw = []
    relay.output.tap = raw.append
    relay.write(b"a\r\n$ ")

    assert (raw, relay.blocks) == ([b"a\r\n$ "], [b"a\n"])


def test_a_tail_is_bounded_and_keeps_the_last_lines():
    tail = Tail()
    for number in range(100_000):
        tail.add(b"line %d\n" % number)
    assert len(tail.text) < 2 * Tail.LIMIT
    assert tail.lines(2) == ("line 99998", "line 99999")
    tail.add(b"x" * 1_000_000 + b"\nend \xff\n")

    assert len(tail.text) < 2 * Tail.LIMIT
    assert tail.lines(1) == ("end \ufffd",)
    tail.clear()
    assert tail.lines(5) == ()


def test_a_tail_has_no_colours():
    tail = Tail()
    tail.add(b"\x1b[1;35mModuleNotFoundError\x1b[0m: \x1b[35mNo module named 'stripe'\x1b[0m\n")

    assert tail.lines(5) == ("ModuleNotFoundError: No module named 'stripe'",)


def flood(relay):
    """Write lines one by one until they are gathered; the number of them that have arrived."""
    for number in range(QUICK + 5):
        relay.write(b"%03d\n" % number)
    return len(relay.blocks)


def test_lines_that_follow_each_other_at_once_are_read_together(relay):
    assert flood(relay) == QUICK + 1

    relay.wait(PAUSE)
    for number in range(100):
        relay.write(b"%03d\n" % number)
    assert len(relay.blocks) == QUICK + 2
    relay.wait(PAUSE)

    assert relay.blocks[QUICK + 1].count(b"\n") == 4
    assert relay.blocks[QUICK + 2].count(b"\n") == 100
    assert len(relay.blocks) == QUICK + 3


def test_a_line_after_a_flood_is_passed_on_at_once(relay):
    flood(relay)
    relay.wait(PAUSE)
    relay.wait(PAUSE)
    relay.blocks.clear()
    relay.write(b"one\n")

    assert relay.blocks == [b"one\n"]


def test_output_that_is_held_in_a_flood_waits_and_none_is_lost(relay):
    arrived = flood(relay)
    relay.output.hold(True)
    relay.wait(PAUSE)
    assert len(relay.blocks) == arrived
    relay.output.hold(False)
    relay.wait(0)

    assert b"".join(relay.blocks) == b"".join(b"%03d\n" % number for number in range(QUICK + 5))
    relay.output.hold(True)
    relay.output.hold(False)
    relay.wait(0)
    relay.write(b"one\n")
    assert relay.blocks[-1] == b"one\n"


def test_a_receiver_that_holds_output_in_a_flood_gets_no_more_of_it(relay):
    flood(relay)

    def hold(block):
        relay.blocks.append(block)
        relay.output.hold(True)

    relay.blocks.clear()
    relay.deliver = hold
    relay.wait(PAUSE)
    relay.write(b"late\n")
    relay.wait(PAUSE)

    assert len(relay.blocks) == 1


def test_the_end_of_a_flood_is_read(relay):
    flood(relay)
    os.close(relay.writing)
    relay.writing = -1
    relay.wait(PAUSE)
    relay.wait(PAUSE)

    assert b"".join(relay.blocks).endswith(b"%03d\n" % (QUICK + 4))
    assert relay.output.fd == -1


@pytest.mark.skipif(sys.platform != "linux", reason="sets the size of a pipe")
def test_a_full_pipe_is_read_again_without_a_pause():
    relay = Relay(size=4096)
    flood(relay)
    relay.wait(PAUSE)
    os.write(relay.writing, b"x" * 2047 + b"\n")
    relay.wait(PAUSE)
    os.write(relay.writing, b"last\n")
    relay.wait(0)

    assert relay.blocks[-1] == b"last\n"
    relay.close()


def test_a_flood_goes_on_after_a_receiver_has_failed():
    failures = []
    relay = Relay()
    relay.loop.on_error = lambda error, _fail: failures.append(error)
    flood(relay)
    relay.output.tap = lambda _data: 1 / 0
    relay.wait(PAUSE)
    relay.output.tap = None
    relay.write(b"one\n")
    relay.close()

    assert [type(error) for error in failures] == [ZeroDivisionError]
    assert relay.blocks[-1] == b"one\n"


def test_a_receiver_that_holds_and_releases_output_in_a_flood_is_called_as_often_as_before(relay):
    flood(relay)

    def hold_and_release(block):
        relay.blocks.append(block)
        relay.output.hold(True)
        relay.output.hold(False)

    relay.deliver = hold_and_release
    for _ in range(20):
        os.write(relay.writing, b"one\n")
        relay.wait(PAUSE)

    assert len(relay.loop.timers) == 1
