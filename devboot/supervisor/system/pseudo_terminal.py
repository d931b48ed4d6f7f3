"""Pseudo-terminals for children, so that they behave as in a user's terminal."""

from __future__ import annotations

import os
import termios

from devboot.record import Record

DEFAULT_SIZE = (40, 150)  # rows, columns, if devboot wasn't started from a terminal
SMALLEST, LARGEST = (4, 20), (4096, 4096)  # rows, columns; the kernel's fields have 16 bits


class Terminal(Record):
    """A pseudo-terminal: `master` is devboot's descriptor, `slave` the child's, `name` the path of the child's side."""

    master: int
    slave: int
    name: str


def open_terminal(rows: int, columns: int) -> Terminal:
    """Open a pseudo-terminal whose master doesn't block, and that passes output on unchanged (no CR before LF)."""
    master, slave = os.openpty()
    os.set_blocking(master, False)
    attributes = termios.tcgetattr(slave)
    attributes[1] &= ~termios.OPOST
    termios.tcsetattr(slave, termios.TCSANOW, attributes)
    resize(master, rows, columns)
    return Terminal(master, slave, os.ttyname(slave))


def resize(master: int, rows: int, columns: int) -> None:
    """Set the terminal's size; its processes get SIGWINCH if it has changed."""
    if rows <= 0 or columns <= 0:
        rows, columns = DEFAULT_SIZE
    size = (min(max(rows, SMALLEST[0]), LARGEST[0]), min(max(columns, SMALLEST[1]), LARGEST[1]))
    termios.tcsetwinsize(master, size)


def terminal_type(inherited: str | None) -> str:
    """Return TERM for a child on a pseudo-terminal: inherited, but `xterm-256color` in place of unset or `dumb`."""
    return inherited if inherited and inherited != "dumb" else "xterm-256color"
