"""Somebody who types the commands of a page at a terminal and compares what is printed with the page."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from pathlib import Path

from tests.fakes.terminal import Terminal


def commands(block: str) -> Iterator[tuple[str, list[str]]]:
    """Yield each command of a block that shows a console, with the lines of its output."""
    for part in re.split(r"^\$ ", block, flags=re.MULTILINE)[1:]:
        command, *lines = part.splitlines()
        yield command, lines


def typed(command: str, environ: Mapping[str, str], folder: Path) -> tuple[int, str]:
    """Run `command` on a terminal to its end; return its exit code and what stays on the screen."""
    window = Terminal(["/bin/sh", "-c", command], dict(environ), folder)
    try:
        while window.read(1):
            pass
        return window.wait(), shown(window.text.decode())
    finally:
        window.close()


def missing(lines: list[str], printed: str) -> list[str]:
    """Return those of a page's `lines` that were not printed, whatever the numbers in them."""
    found = {shape(line) for line in printed.splitlines()}
    return [line for line in lines if shape(line) not in found]


def shown(text: str) -> str:
    """Return what stays on the terminal: without colours, and without lines that were drawn again."""
    plain = re.sub(r"\x1b\[[0-9;?]*[a-zA-Z]", "", text)
    return "\n".join(line.rstrip("\r").rpartition("\r")[2] for line in plain.split("\n"))


def shape(line: str) -> str:
    """Return `line` without what differs from one machine and time to the next: numbers, units, blanks.

    On a busy machine the first page may take longer than `up` waits for its status, and where another program takes a
    port meanwhile, `up` begins again with nothing left to install.
    """
    line = line.replace("no answer in time", "200").removesuffix(", nothing to install")
    counted = re.sub(r"(?:\d+ min )?\d+(?:[.:]\d+)* ?(?:(?:ms|s|m|min)\b)?", "#", line)
    return re.sub(r"\s+", " ", counted).strip()
