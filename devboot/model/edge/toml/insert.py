"""Adds keys and tables to a TOML text without changing its other characters."""

from __future__ import annotations

import re
import tomllib
from bisect import bisect_right
from collections.abc import Iterable, Sequence
from typing import Any

from devboot.model.edge.toml.locator import Locator, Path

_COMMENTS = re.compile(r"(?:[ \t]*#[^\n]*\n)+(?![ \t]*[\[#])")  # comments above a header belong to that table


class FormError(Exception):
    """Raised for a table that can't be extended, such as an inline table; `name` is its key."""

    def __init__(self, name: str) -> None:
        super().__init__(f"nothing can be added to {name}")
        self.name = name


def insert_tables(text: str, tables: Iterable[Sequence[str]], order: Sequence[str] = ()) -> str:
    """Return the text with `tables` added, each a list of lines that starts with its header.

    Keys of an existing table are added after its last key. A new table is added after the last one of its kind, else
    after the last one of a kind that precedes it in `order`, else at the end, separated by a blank line. `text` must be
    valid TOML. Raises FormError.
    """
    end = "\r\n" if "\r\n" in text else "\n"
    for lines in tables:
        wanted = _deep_merge(tomllib.loads(text), tomllib.loads("\n".join(lines)))
        path = _path_of(lines[0])
        text = _inserted(text, path, [f"{line}{end}" for line in lines], end, order)
        if not _says(text, wanted):
            raise FormError(path[0])
    return text


def _inserted(text: str, path: tuple[str, ...], lines: list[str], end: str, order: Sequence[str]) -> str:
    if text and not text.endswith("\n"):
        text += end
    locator = Locator(text)
    headers = sorted((locator.entries[each].value.start, each) for each in locator.headers)
    if path in locator.headers:
        place = _end_of(locator, headers, path)
        return f"{text[:place]}{''.join(lines[1:])}{text[place:]}"
    kinds = [path[0], *reversed(order[: order.index(path[0])] if path[0] in order else ())]
    above = [[each for _, each in headers if each[0] == kind] for kind in kinds]
    nearest = next(filter(None, above), None)
    place = _end_of(locator, headers, nearest[-1]) if nearest else len(text)
    before, after = text[:place], text[place:]
    apart = end if before and not before.endswith((end * 2, "\n\n")) else ""
    behind = end if after and not after.startswith(("\n", "\r\n")) else ""
    return f"{before}{apart}{''.join(lines)}{behind}{after}"


def _end_of(locator: Locator, headers: list[tuple[int, Path]], path: Path) -> int:
    """Return the offset after the last line of a table, including comments that follow directly."""
    start = locator.entries[path].value
    number = bisect_right(headers, (start.start, path))
    limit = headers[number][0] if number < len(headers) else len(locator.text)
    ends = [each.value.end for each in locator.entries.values() if start.start <= each.value.start < limit]
    line = locator.text.find("\n", max(ends)) + 1
    comments = _COMMENTS.match(locator.text, line)
    return comments.end() if comments else line


def _path_of(header: str) -> tuple[str, ...]:
    table: Any = tomllib.loads(header)
    path: tuple[str, ...] = ()
    while table:
        name, table = next(iter(table.items()))
        path = (*path, name)
    return path


def _says(text: str, wanted: dict[str, Any]) -> bool:
    try:
        return tomllib.loads(text) == wanted
    except tomllib.TOMLDecodeError:
        return False


def _deep_merge(one: dict[str, Any], other: dict[str, Any]) -> dict[str, Any]:
    """Merge two tables recursively; for a key in both, the value of the first one counts."""
    merged = dict(one)
    for key, value in other.items():
        known = merged.get(key)
        if isinstance(known, dict) and isinstance(value, dict):
            merged[key] = _deep_merge(known, value)
        else:
            merged.setdefault(key, value)
    return merged
