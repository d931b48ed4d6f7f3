"""Renders the results of `generations`, `diff` and `rollback`, as text and as JSON."""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence
from typing import Any

from devboot.app.preparation.generations.history import OBJECT, PACKAGE, PROCESS, PYTHON, VARIABLE, Change, Summary
from devboot.text.columns import printable, table
from devboot.text.masking import MASK

_LONGEST = 60  # characters of a value or a command


def render_list(found: Sequence[Summary], width: int = 0) -> str:
    """Return one line for each generation, the newest first; a star marks the current one."""
    rows = [("*" if each.is_current else " ", str(each.number), _when(each.at), each.what) for each in found]
    return "".join(f"{line}\n" for line in table(rows, right=frozenset([1]), width=width)) if rows else ""


def list_as_json(found: Sequence[Summary]) -> dict[str, Any]:
    """Return the content of `generations --json`; `at` is seconds since the epoch."""
    return {"generations": [{**each._asdict()} for each in found]}


def render_changes(changes: Sequence[Change], *, unicode: bool, mask: Callable[[str], str] = str) -> str:
    """Return one line for each change: `redis 7.4.2 → 8.2.3`, `variable DEBUG: 1 → 0`."""
    arrow = "→" if unicode else "->"
    return "".join(f"{printable(mask(_line(each, arrow)))}\n" for each in changes)


def changes_as_json(changes: Sequence[Change], mask: Callable[[str], str]) -> list[dict[str, Any]]:
    """Return the changes as JSON values; secret values are masked."""
    return [
        {
            "kind": each.kind,
            "name": each.name,
            "old": _json_value(each.old, each, mask),
            "new": _json_value(each.new, each, mask),
        }
        for each in changes
    ]


def _line(change: Change, arrow: str) -> str:
    if change.kind in (OBJECT, PYTHON, PACKAGE):
        return _version_line(change, arrow)
    subject = {VARIABLE: "variable", PROCESS: "process"}[change.kind] + f" {change.name}"
    if change.old is None:
        return f"+ {subject}{_said(change, change.new)}"
    if change.new is None:
        return f"- {subject}"
    if change.secret:
        return f"{subject} changed (secret)"
    return f"{subject}: {_short(change.old)} {arrow} {_short(change.new)}"


def _version_line(change: Change, arrow: str) -> str:
    if change.old is None:
        return f"+ {change.name} {change.new}"
    if change.new is None:
        return f"- {change.name} {change.old}"
    if change.old == change.new:
        return f"{change.name} {change.old}: other content"
    return f"{change.name} {change.old} {arrow} {change.new}"


def _said(change: Change, value: str | None) -> str:
    return " (secret)" if change.secret else f": {_short(value or '')}"


def _short(text: str) -> str:
    shown = printable(text) or '""'
    return shown if len(shown) <= _LONGEST else f"{shown[:_LONGEST]}…"


def _json_value(value: str | None, change: Change, mask: Callable[[str], str]) -> str | None:
    if value is None:
        return None
    return MASK if change.secret else mask(value)


def _when(at: float) -> str:
    return time.strftime("%Y-%m-%d %H:%M", time.localtime(at))
