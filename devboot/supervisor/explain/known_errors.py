"""Matches a program's last output with the table of known errors, `known_errors.toml`."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from devboot.errors import shell_word
from devboot.model.data_tables import load_table

LONGEST = 4096  # characters of a line that are searched: the time may grow with their square


def known_errors() -> Sequence[Mapping[str, Any]]:
    """Return the rows of `known_errors.toml`: a pattern for an output line, and the advice for it."""
    rows: Sequence[Mapping[str, Any]] = load_table(__file__, "known_errors")["error"]
    return rows


def last_python_with(module: str) -> str:
    """Return the last Python version, such as `3.11`, with a module removed from the standard library.

    "" for others.
    """
    return str(load_table(__file__, "known_errors")["removed-modules"].get(module, ""))


def find_advice(lines: Sequence[str], folder: str = "") -> tuple[str, ...]:
    """Return the advice for the first known error in the output `lines`; nothing if there is none."""
    lines = [line[:LONGEST] for line in lines]

    def last(pattern: str) -> re.Match[str] | None:
        return next((found for line in reversed(lines) if (found := re.search(pattern, line))), None)

    for row in known_errors():
        if (found := last(row["said"])) and ("also" not in row or (found := last(row["also"]))):
            word = found[1] if found.re.groups else ""
            return tuple(_filled_in(text, folder, word) for text in _advice(row))
    return ()


def _filled_in(text: str, folder: str, word: str) -> str:
    """Return advice with `{folder}` (quoted together with the path after it) and `{found}` replaced by `word`."""
    text = re.sub(r"\{folder\}(\S*)", lambda path: shell_word(folder + path[1].replace("{found}", word)), text)
    return text.replace("{found}", word)


def _advice(row: Mapping[str, Any]) -> Iterator[str]:
    yield from row.get("advice", ())
    if "debian" in row:
        yield f"sudo apt-get install {row['debian']}   # Debian, Ubuntu"
    if "homebrew" in row:
        yield f"brew install {row['homebrew']}   # macOS"
