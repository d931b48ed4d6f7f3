"""Fast parser for the restricted TOML that devboot writes into locks.

Anything else, such as an escape, an inline table or a duplicate key, is left to the full parser, which decides whether
it is allowed and reports the place if not.
"""

from __future__ import annotations

import re
from typing import Any

_ODD = re.compile(r"[^\n\x20-\x7e]|\\")  # characters that may need decoding or end a line
_KEY = re.compile(r'[A-Za-z0-9_-]+|"[^"]*"')
_NUMBER = re.compile(r"0|[1-9][0-9]{0,17}")
_WORDS = {"true": True, "false": False}

_Table = dict[str, Any]


class _OtherFormError(Exception):
    """Raised for TOML beyond the restricted form that this module parses."""


def read_plain(text: str) -> _Table | None:
    """Parse a lock's TOML in the form that devboot writes; None for any other form."""
    if _ODD.search(text):
        return None
    try:
        return _read(text.split("\n"))
    except _OtherFormError:
        return None


def _read(lines: list[str]) -> _Table:
    root: _Table = {}
    table = root
    rest = iter(lines)
    for line in rest:
        if not line or line[0] == "#":
            continue
        if line[0] == "[":
            table = _open(root, line)
            continue
        key, separator, value = line.partition(" = ")
        if not separator or not _KEY.fullmatch(key):
            raise _OtherFormError
        key = key.strip('"')
        if key in table:
            raise _OtherFormError
        table[key] = _items(rest) if value == "[" else _value(value)
    return root


def _value(text: str) -> str | int | bool:
    if text[:1] == '"':
        if len(text) > 1 and text.find('"', 1) == len(text) - 1:
            return text[1:-1]
    elif text in _WORDS:
        return _WORDS[text]
    elif _NUMBER.fullmatch(text):
        return int(text)
    raise _OtherFormError


def _items(rest: Any) -> list[str | int | bool]:
    items: list[str | int | bool] = []
    for line in rest:
        if line == "]":
            return items
        if line[:4] != "    " or line[-1:] != ",":
            raise _OtherFormError
        items.append(_value(line[4:-1]))
    raise _OtherFormError


def _open(root: _Table, line: str) -> _Table:
    """Create the table of a header line (`[a.b]` or `[[a.b]]`) and return it.

    In a list of tables the last one counts.
    """
    is_list = line[:2] == "[["
    name = line[2:-2] if is_list and line[-2:] == "]]" else line[1:-1]
    parts = name.split(".")
    if line[-1] != "]" or not all(_KEY.fullmatch(part) and part[0] != '"' for part in parts):
        raise _OtherFormError
    at: Any = root
    for part in parts[:-1]:
        at = at.get(part) if isinstance(at, dict) else None
        at = at[-1] if isinstance(at, list) and at else at
    last = parts[-1]
    if not isinstance(at, dict) or (last in at and not is_list):
        raise _OtherFormError
    table: _Table = {}
    if not is_list:
        at[last] = table
        return table
    if last not in at:
        at[last] = [table]
    elif isinstance(at[last], list) and at[last] and isinstance(at[last][0], dict):
        at[last].append(table)
    else:
        raise _OtherFormError
    return table
