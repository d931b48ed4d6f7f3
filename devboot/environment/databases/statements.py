"""Cuts SQL files into statements, so that each runs by itself inside one transaction."""

from __future__ import annotations

import re
import sqlite3
from collections.abc import Iterator
from typing import NamedTuple

_SPACE = re.compile(r"(?:\s+|--[^\n]*(?:\n|\Z)|/\*.*?(?:\*/|\Z))+", re.DOTALL)
_OWN_TRANSACTION = re.compile(r"(begin|commit|end)\b", re.IGNORECASE)


class Statement(NamedTuple):
    """One statement; `line` is where its first word stands, counted from 1."""

    text: str
    line: int

    @property
    def is_transaction_control(self) -> bool:
        """BEGIN, COMMIT, END: dumps have them, and devboot's own transaction stands around them already."""
        return bool(_OWN_TRANSACTION.match(self.text))


def split_statements(text: str) -> Iterator[Statement]:
    """The statements of a file, in order, without the space and comments before them.

    SQLite itself says where one ends (`complete_statement`): a semicolon inside a string or a trigger ends nothing.
    """
    start = _skip_space(text, 0)
    at = start
    while (at := text.find(";", at)) >= 0:
        at += 1
        if sqlite3.complete_statement(text[start:at]):
            yield _statement(text, start, at)
            start = at = _skip_space(text, at)
    if start < len(text):
        yield _statement(text, start, len(text))


def _statement(text: str, start: int, end: int) -> Statement:
    return Statement(text[start:end].strip(), text.count("\n", 0, start) + 1)


def _skip_space(text: str, at: int) -> int:
    found = _SPACE.match(text, at)
    return found.end() if found else at
