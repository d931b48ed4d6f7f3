"""Pseudo-terminals for children that should believe somebody is looking."""

from __future__ import annotations

import os
import termios

from devboot.record import Record

DEFAULT_SIZE = (40, 150)  # rows, columns, where no terminal started us
SMALLEST, LARGEST = (4, 20), (4096, 4096)  # the kernel holds 16 bits; nobody lays out text wider than this


class Terminal(Record):
    """The side that we read (`master`), and the side that the child opens by name."""

    master: int
    slave: int
    name: str


def open_terminal(rows: int, columns: int) -> Terminal:
    """A new pseudo-terminal, non-blocking on our side, that passes output on as it is (no CR before LF)."""
    master, slave = os.openpty()
    os.set_blocking(master, False)
    attributes = termios.tcgetattr(slave)
    attributes[1] &= ~termios.OPOST
    termios.tcsetattr(slave, termios.TCSANOW, attributes)
    resize(master, rows, columns)
    return Terminal(master, slave, os.ttyname(slave))


def resize(master: int, rows: int, columns: int) -> None:
    """Tell the children of this terminal its size; they get SIGWINCH when it changed."""
    if rows <= 0 or columns <= 0:
        rows, columns = DEFAULT_SIZE
    size = (min(max(rows, SMALLEST[0]), LARGEST[0]), min(max(columns, SMALLEST[1]), LARGEST[1]))
    termios.tcsetwinsize(master, size)


def terminal_type(inherited: str | None) -> str:
    """TERM for a child on a pseudo-terminal: as inherited unless that says there are no abilities at all."""
    return inherited if inherited and inherited != "dumb" else "xterm-256color"
