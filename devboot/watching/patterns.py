"""Converts globs to regular expressions: `*` and `?` match within a name, `**` any number of folders."""

from __future__ import annotations

import re
from collections.abc import Sequence

WILD = re.compile(r"[*?\[]")


def base_of(pattern: str) -> str:
    """Return the folder that contains all possible matches of a glob: `shop` for `shop/*.py`; "" for the root."""
    parts = pattern.split("/")
    fixed = next((index for index, part in enumerate(parts) if WILD.search(part)), len(parts) - 1)
    return "/".join(parts[:fixed])


def is_literal(pattern: str) -> bool:
    """Return whether a glob has no wildcards and so matches a single file or folder."""
    return WILD.search(pattern) is None


def compile_patterns(patterns: Sequence[str]) -> re.Pattern[str]:
    """Return one regular expression that matches paths of any of the globs; a folder includes its content."""
    if not patterns:
        return re.compile(r"(?!)")
    return re.compile("|".join(f"(?:{translate(pattern)})" for pattern in patterns))


def translate(pattern: str) -> str:
    """Return the regular expression for one glob over a whole relative path. As in a shell, `*` skips hidden names."""
    parts = [part for part in pattern.removeprefix("./").split("/") if part not in ("", ".")]
    done = []
    for index, part in enumerate(parts):
        is_last = index == len(parts) - 1
        if part == "**":
            done.append(r"(?:[^/.][^/]*/)*" + (r"[^/.][^/]*" if is_last else ""))
        else:
            done.append(name_expression(part, hides=True) + ("" if is_last else "/"))
    below = "" if pattern.endswith("**") else r"(?:/.*)?"  # the pattern may name a folder
    return "".join(done) + below + r"\Z"


def name_expression(part: str, *, hides: bool) -> str:
    """Return the regular expression for one name of a glob; with `hides`, a leading wildcard skips hidden names."""
    done = r"(?!\.)" if hides and part[:1] in "*?[" else ""
    position = 0
    while position < len(part):
        letter = part[position]
        position += 1
        if letter == "*":
            done += "[^/]*"
        elif letter == "?":
            done += "[^/]"
        elif letter == "[":
            found, position = _set(part, position)
            done += found
        elif letter == "\\" and position < len(part):
            done += re.escape(part[position])
            position += 1
        else:
            done += re.escape(letter)
    return done


def _set(part: str, position: int) -> tuple[str, int]:
    """Return the regular expression for the `[…]` before `position` in a glob, and the offset after it.

    A lone bracket is literal.
    """
    start = position + 1 if part[position : position + 1] in ("!", "^") else position
    end = part.find("]", start + 1)
    if end < 0:
        return r"\[", position
    inner = re.sub(r"([\\\[&~|^])", r"\\\1", part[start:end])
    expression = f"[{'^/' if start > position else ''}{inner}]"
    try:
        re.compile(expression)
    except re.error:  # such as a reversed range: it matches nothing
        expression = "(?!)"
    return f"(?!/){expression}", end + 1
