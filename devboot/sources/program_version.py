"""Runs a program once, without input and with a time limit, to read its version."""

from __future__ import annotations

import shlex
import subprocess

from devboot.record import Record

SECONDS = 60.0  # time limit: the first start of a Python server on a busy machine is slow


class Answer(Record):
    """A program's output and exit code."""

    stdout: str
    stderr: str
    code: int

    @property
    def said(self) -> str:
        """The program's standard output, followed by its standard error."""
        return self.stdout + self.stderr


def ask_program(program: str, asks: str, folder: str | None = None) -> Answer | None:
    """Run a program with the arguments in `asks`, in `folder`; return its output, None after a timeout.

    Raises OSError.
    """
    try:
        ended = subprocess.run(
            [program, *shlex.split(asks)],
            stdin=subprocess.DEVNULL,
            capture_output=True,
            text=True,
            errors="replace",
            timeout=SECONDS,
            check=False,
            cwd=folder,
        )
    except subprocess.TimeoutExpired:
        return None
    return Answer(ended.stdout, ended.stderr, ended.returncode)
