"""The last line: never torn, never over the output. A terminal of a few rows shows what becomes of the bytes."""

from __future__ import annotations

import re

import pytest

from devboot.app.screen.bottom_line import BottomLine

COLUMNS = 20


class Screen:
    """As much of a terminal as the line needs."""

    def __init__(self, columns=COLUMNS):
        self.columns = columns
        self.rows = [""]
        self.row = self.column = 0

    def write(self, _number, data):
        for escape, text in re.findall(rb"(\x1b\[\d*[A-Z])|([^\x1b]+)", data):
            self._move(escape) if escape else self._print(text.decode())

    def _move(self, escape):
        count, kind = int(escape[2:-1] or 1), escape[-1:]
        if kind == b"A":
            self.row -= count
        elif kind == b"G":
            self.column = count - 1
        elif kind in b"KJ":
            self.rows[self.row] = self.rows[self.row][: self.column]
            if kind == b"J":
                del self.rows[self.row + 1 :]

    def _print(self, text):
        for character in text:
            if character == "\r":
                self.column = 0
            elif character == "\n":
                self._next_row()
            else:
                if self.column == self.columns:
                    self._next_row()
                old = self.rows[self.row].ljust(self.column)
                self.rows[self.row] = old[: self.column] + character + old[self.column + 1 :]
                self.column += 1

    def _next_row(self):
        self.row, self.column = self.row + 1, 0
        if self.row == len(self.rows):
            self.rows.append("")


@pytest.fixture
def screen():
    return Screen()


@pytest.fixture
def line(screen):
    made = BottomLine(screen.write, COLUMNS)
    made.show("keys")
    made.draw()
    return made


def test_output_goes_above_it(screen, line):
    line.above(1, b"one\ntwo\n")
    line.draw()

    assert screen.rows == ["one", "two", "keys"]


@pytest.mark.parametrize(
    "pieces", [(b"a pro", b"mpt\n"), (b"p" * 20, b"q\n"), (b"p" * 30, b"q\n"), (b"\xc3\xa9", b"x\n")]
)
def test_a_line_that_comes_in_pieces_is_whole_in_the_end(screen, line, pieces):
    for piece in pieces:
        line.above(1, piece)
        line.draw()
    line.clear()

    shown = Screen()
    shown.write(1, b"".join(pieces))
    assert screen.rows == shown.rows


def test_it_stands_below_an_unended_line(screen, line):
    line.above(1, b"(Pdb) ")
    line.draw()

    assert screen.rows == ["(Pdb) ", "keys"]


def test_what_is_no_output_begins_below_an_unended_line(screen, line):
    line.above(1, b"(Pdb) ")
    line.draw()
    line.end_output()
    screen.write(1, b"attached\n")
    line.above(1, b"on\n")
    line.draw()

    assert screen.rows == ["(Pdb) ", "attached", "on", "keys"]


def test_nothing_is_ended_below_a_line_that_is_whole(screen, line):
    line.above(1, b"one\n")
    line.draw()
    line.end_output()
    screen.write(1, b"attached\n")

    assert screen.rows == ["one", "attached", ""]


def test_it_is_cut_to_the_terminal_and_absent_on_a_very_narrow_one(screen):
    line = BottomLine(screen.write, COLUMNS)
    line.show("x" * 50)
    line.draw()
    assert screen.rows == ["x" * (COLUMNS - 1)]

    line.resize(19)
    line.draw()
    assert screen.rows == [""]


def test_clearing_it_leaves_nothing(screen, line):
    line.above(1, b"end\n")
    line.draw()
    line.clear()

    assert screen.rows == ["end", ""]


def test_nothing_is_written_while_nothing_changes(line):
    assert not line.is_due
    line.show("other")
    assert line.is_due
