"""Runs preparing commands before a server's start, with a time limit; they end when this process ends."""

from __future__ import annotations

import os
from collections.abc import Sequence

from devboot.uv.child import Lease, run_child

SECONDS = 120.0  # enough for a first step with thousands of files, and for the repair of data after a crash


def run_step(
    argv: Sequence[str], env: Sequence[tuple[str, str]], folder: str, text: str, lease: Lease | None
) -> tuple[int, list[str]]:
    """Run a command with `text` as its input; return exit code and output lines.

    Raises OSError, MachineError and TimedOut.
    """
    environ = {"PATH": os.defpath, **dict(env)}
    ended = run_child(argv, environ=environ, folder=folder, stdin=text, timeout=SECONDS, lease=lease)
    return ended.code, [line for line in (*ended.stdout.splitlines(), *ended.lines) if line.strip()]
