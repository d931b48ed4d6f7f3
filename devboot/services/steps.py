"""Runs the steps before a server's start: bounded in time, ended with their parent and with all that they start."""

from __future__ import annotations

import os
from collections.abc import Sequence

from devboot.uv.child import Lease, run_child

SECONDS = 120.0  # a first step writes some thousand files, and a server that was killed repairs its data


def run_step(
    argv: Sequence[str], env: Sequence[tuple[str, str]], folder: str, text: str, lease: Lease | None
) -> tuple[int, list[str]]:
    """Run a step with `text` as its input; return its exit code and the lines that it wrote.

    Raises OSError, MachineError and TimedOut.
    """
    environ = {"PATH": os.defpath, **dict(env)}
    ended = run_child(argv, environ=environ, folder=folder, stdin=text, timeout=SECONDS, lease=lease)
    return ended.code, [line for line in (*ended.stdout.splitlines(), *ended.lines) if line.strip()]
