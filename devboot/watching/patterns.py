"""Globs of paths to regular expressions: `*` and `?` stay within a name, `**` stands for any number of folders."""

from __future__ import annotations

import re
from collections.abc import Sequence

WILD = re.compile(r"[*?\[]")


def base_of(pattern: str) -> str:
    """The folder below which everything lies that `pattern` can match: `shop/*.py` gives `shop`; "" for the root."""
    parts = pattern.split("/")
    fixed = next((index for index, part in enumerate(parts) if WILD.search(part)), len(parts) - 1)
    return "/".join(parts[:fixed])


def is_literal(pattern: str) -> bool:
    """Whether it names one file or folder, and no other."""
    return WILD.search(pattern) is None


def compile_patterns(patterns: Sequence[str]) -> re.Pattern[str]:
    """One expression for whole paths that at least one of the patterns means; a folder means all that is in it."""
    if not patterns:
        return re.compile(r"(?!)")
    return re.compile("|".join(f"(?:{translate(pattern)})" for pattern in patterns))


def translate(pattern: str) -> str:
    """The expression for one glob over a whole relative path. As in a shell, `*` means no hidden names."""
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
    """The expression for one name of a path; with `hides` a leading wildcard doesn't take a leading dot."""
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
    """The expression for `[…]`, which begins before `position`, and where it ends; a lone bracket is itself."""
    start = position + 1 if part[position : position + 1] in ("!", "^") else position
    end = part.find("]", start + 1)
    if end < 0:
        return r"\[", position
    inner = re.sub(r"([\\\[&~|^])", r"\\\1", part[start:end])
    expression = f"[{'^/' if start > position else ''}{inner}]"
    try:
        re.compile(expression)
    except re.error:  # such as a range that runs backwards: it means nothing
        expression = "(?!)"
    return f"(?!/){expression}", end + 1
