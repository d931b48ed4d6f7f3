"""Writes TOML in canonical form: keys in a given order, one list item per line."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Collection, Sequence

    from devboot.model.edge.types import Table

_BARE = re.compile(r"[A-Za-z0-9_-]+")
_ESCAPES = {'"': '\\"', "\\": "\\\\", "\b": "\\b", "\t": "\\t", "\n": "\\n", "\f": "\\f", "\r": "\\r"}


def key_text(key: str) -> str:
    """Return a key as TOML, quoted if necessary."""
    return key if _BARE.fullmatch(key) else inline(key)


def inline(value: str | bool | int) -> str:
    """Return a text, boolean or integer as TOML."""
    if isinstance(value, bool):
        return "true" if value else "false"
    return str(value) if isinstance(value, int) else f'"{"".join(map(_escaped, value))}"'


def inline_table(table: Table) -> str:
    """Return a table as TOML on one line, without values that equal their defaults."""
    return f"{{ {', '.join(lines_of(table, tuple(type(table).model_fields)))} }}"


def _escaped(letter: str) -> str:
    if letter in _ESCAPES:
        return _ESCAPES[letter]
    return letter if letter >= " " and letter != "\x7f" else f"\\u{ord(letter):04x}"


def lines_of(table: Table, fields: Sequence[str], *, sort: Collection[str] = ()) -> list[str]:
    """Return a TOML line for each of these fields, without default values; lists named in `sort` are sorted."""
    lines = []
    for name in fields:
        field = type(table).model_fields[name]
        value: Any = getattr(table, name)
        if value is None or (not field.is_required() and value == field.default):
            continue
        key = key_text(field.alias or name)
        if isinstance(value, tuple):
            items = sorted(value) if name in sort else value
            texts = (inline(item) if isinstance(item, (str, int)) else inline_table(item) for item in items)
            lines += [f"{key} = [", *(f"    {text}," for text in texts), "]"]
        else:
            lines.append(f"{key} = {inline(value)}")
    return lines
