"""Rendering takes time in proportion to its input, whatever is in it.

Each input is so long that anything quadratic would take days: nothing but the usual limit of a test is needed.
"""

from __future__ import annotations

import pytest

from devboot.app.screen.bottom_line import BottomLine
from devboot.daemon.views.debugger_prompts import debugger_at
from devboot.daemon.views.repeat_filter import without_numbers
from devboot.events import START, Event
from devboot.supervisor.output.line_matcher import LineMatcher, strip_escapes
from devboot.supervisor.output.relay import Tail
from devboot.text.columns import clip, expand_tabs, printable, table, wrap
from devboot.text.escapes import shown
from devboot.text.loglines import LineStyle, Prefixer
from devboot.text.masking import Masker
from devboot.text.symbols import UNICODE
from devboot.ui.board import Board, active_lines

SIZE = 1024 * 1024


def filled(unit, before=b"", after=b""):
    """`unit` as often as it goes into SIZE."""
    return before + unit * (SIZE // len(unit)) + after


BLOCKS = {
    "one line": filled(b"x"),
    "a carriage return elsewhere": filled(b"x", before=b"1%\r2%\n"),
    "a carriage return at the end": filled(b"x", after=b"\r"),
    "carriage returns": filled(b"\r"),
    "carriage returns, then an end": filled(b"\r", after=b"\n"),
    "progress": filled(b"10%\r"),
    "lines of progress": filled(b"10%\r11%\r\n"),
    "empty lines": filled(b"\n", after=b"\r"),
    "escapes": filled(b"\x1b"),
    "unended sequences": filled(b"\x1b["),
    "one unended sequence": filled(b"0", before=b"\x1b["),
    "one unended sequence of blanks": filled(b" ", before=b"\x1b[0", after=b"\x01"),
    "unended sequences with numbers": filled(b"\x1b[0;1"),
    "unended titles": filled(b"\x1b]0;title"),
    "one unended title": filled(b"x", before=b"\x1b]", after=b"\x1b"),
    "colours": filled(b"\x1b[31mred\x1b[0m"),
    "lines in colours": filled(b"\x1b[31mred\n"),
    "numbers": filled(b"0x0 1 "),
    "controls": filled(b"\x00\x08\x7f"),
    "tabs": filled(b"\t"),
    "no text": filled(b"\xff\xfe"),
}


def prefixed(data):
    style = LineStyle(colour=True)
    return Prefixer(["web", "worker"], style).block("web", data, 1.0)


def below(data):
    line = BottomLine(lambda _number, _data: None, 80)
    line.show("text")
    line.draw()
    for _ in range(3):
        line.above(1, data)


def kept(data):
    tail = Tail()
    tail.add(data)
    return tail.lines(10)


RENDERING = {
    "for people": lambda data: shown(data, colour=True),
    "for files": lambda data: shown(data, colour=False),
    "with a prefix": prefixed,
    "above the line": below,
    "for patterns": strip_escapes,
    "a pattern": LineMatcher(r".*Running on .*:\d+").matches,
    "another pattern": LineMatcher(r"^\S+ ready in (\d+|no) ms").matches,
    "a prompt": debugger_at,
    "to compare": without_numbers,
    "last lines": kept,
}


@pytest.mark.faults(123)
@pytest.mark.parametrize("render", RENDERING.values(), ids=RENDERING)
@pytest.mark.parametrize("block", BLOCKS.values(), ids=BLOCKS)
def test_output_is_rendered_in_linear_time(block, render):
    render(block)


TEXTS = {
    "addresses with slashes": "x://a:b/c" * (SIZE // 9),
    "an address": "x://a:" + "b/" * (SIZE // 2),
    "a word": "a" * SIZE,
    "words": "ab " * (SIZE // 3),
    "back-ticks": "` " * (SIZE // 2),
    "an unended quotation": "` " + "a " * (SIZE // 2),
    "tabs": "\t" * SIZE,
    "tabs after wide characters": "\t漢" * (SIZE // 8),
    "combining characters": "a" + "\u0301" * (SIZE // 8),
    "dots and schemes": "a.b+c-" * (SIZE // 6),
    "addresses": "https://me:" * (SIZE // 11),
    "slashes": "://" * (SIZE // 3),
    "at signs": "x://a:b@" * (SIZE // 8),
    "controls": "\x00" * (SIZE // 8),
}


def _step(text):
    board = Board()
    board.take(Event(START, "venv", text), 1.0)
    return active_lines(board, 2.0, UNICODE, width=80, height=10)


MESSAGES = {
    "broken lines": lambda text: wrap(text, 80, first="error: ", then="  "),
    "whole lines": lambda text: wrap(text, 0),
    "tabs": expand_tabs,
    "masks": Masker(["secret-value"]),
    "names": printable,
    "cut": lambda text: clip(text, 80),
    "a step": _step,
}


@pytest.mark.faults(123)
@pytest.mark.parametrize("say", MESSAGES.values(), ids=MESSAGES)
@pytest.mark.parametrize("text", TEXTS.values(), ids=TEXTS)
def test_messages_are_laid_out_in_linear_time(text, say):
    say(text)


@pytest.mark.faults(123)
@pytest.mark.parametrize("few", [1, 2], ids=["every row is too wide", "one of two rows is too wide"])
def test_a_table_is_laid_out_in_linear_time(few):
    paths = ["a path " * 12, "a path"][:few] * (SIZE // 16)
    rows = [("removed", f"object-{number}", path) for number, path in enumerate(paths)]
    assert len(table(rows, width=80)) > len(rows)
