"""Relaying: whole lines in blocks, prompts after a while, nothing lost however it is cut."""

from __future__ import annotations

import os

import pytest
from hypothesis import given, strategies

from devboot.supervisor.event_loop import Loop
from devboot.supervisor.output.relay import BLOCK, GATHER, IDLE, Output, Tail


class Relay:
    """An output at the end of a pipe, on a clock that moves when it is told to."""

    def __init__(self, *, terminal: bool = False) -> None:
        self.time = 0.0
        self.loop = Loop(lambda: self.time)
        self.blocks: list[bytes] = []
        reading, self.writing = os.pipe()
        os.set_blocking(reading, False)
        self.output = Output(self.loop, reading, self.blocks.append, terminal=terminal)

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
