"""Makes standard streams robust: closed ones, and characters that they can't encode."""

from __future__ import annotations

import io
import os
import sys
from typing import TextIO


def make_safe() -> None:
    """Open closed standard streams on /dev/null, and replace characters that a stream can't encode.

    A closed descriptor would be given to the next file that is opened, and messages would be written into that.
    """
    for number in range(3):
        try:
            os.fstat(number)
        except OSError:
            os.open(os.devnull, os.O_RDWR)
    if sys.stdin is None:
        sys.stdin = open(0, closefd=False)  # noqa: SIM115  lives as long as the program
    sys.stdout = _tolerant(sys.stdout, 1)
    sys.stderr = _tolerant(sys.stderr, 2)


def silence_stdout() -> None:
    """Point stdout to /dev/null after a broken pipe, so that the interpreter's last flush doesn't raise."""
    null = os.open(os.devnull, os.O_WRONLY)
    os.dup2(null, 1)
    os.close(null)


def _tolerant(stream: TextIO | None, number: int) -> TextIO:
    if stream is None:
        return open(number, "w", encoding="utf-8", errors="replace", closefd=False)
    if isinstance(stream, io.TextIOWrapper):
        stream.reconfigure(errors="replace")
    return stream
