"""Programs that are asked for their version: run once, without input, for a short time."""

from __future__ import annotations

import shlex
import subprocess
from typing import NamedTuple

SECONDS = 60.0  # for a program to say its version: a Python server on a busy machine takes its time the first time


class Answer(NamedTuple):
    """What a program printed, and its exit code."""

    stdout: str
    stderr: str
    code: int

    @property
    def said(self) -> str:
        """All of it."""
        return self.stdout + self.stderr


def ask_program(program: str, asks: str, folder: str | None = None) -> Answer | None:
    """What the program says to the words of `asks`, run in `folder`; None where it takes too long. Raises OSError."""
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
