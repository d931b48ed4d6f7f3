"""Splits SQL files into statements, so that each can run separately inside one transaction."""

from __future__ import annotations

import re
import sqlite3
from collections.abc import Iterator

from devboot.record import Record

_SPACE = re.compile(r"(?:\s+|--[^\n]*(?:\n|\Z)|/\*.*?(?:\*/|\Z))+", re.DOTALL)
_OWN_TRANSACTION = re.compile(r"(begin|commit|end)\b", re.IGNORECASE)


class Statement(Record):
    """One SQL statement; `line` is the line of its first word, counted from 1."""

    text: str
    line: int

    @property
    def is_transaction_control(self) -> bool:
        """Return whether the statement is BEGIN, COMMIT or END, as in dumps; devboot opens the transaction itself."""
        return bool(_OWN_TRANSACTION.match(self.text))


def split_statements(text: str) -> Iterator[Statement]:
    """Yield the statements of an SQL file in order, without the space and comments before them.

    SQLite's `complete_statement` decides where one ends: not at a semicolon inside a string or a trigger.
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
