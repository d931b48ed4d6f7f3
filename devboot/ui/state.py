"""Renders the results of `state`, as text and as JSON."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from devboot.app.commands.housekeeping.state import Listed
from devboot.text.columns import printable, table
from devboot.text.units import size


def render_list(found: Iterable[Listed], home: str, width: int = 0) -> str:
    """Return one line for each project: the name of its folders, their sizes, and the project's path."""
    rows = [("NAME", "STATE", "DATA", "PROJECT")]
    rows += [(printable(each.name), size(each.state_size), size(each.data_size), _where(each, home)) for each in found]
    return "\n".join(table(rows, right=frozenset([1, 2]), width=width)) + "\n"


def list_as_json(found: Iterable[Listed]) -> dict[str, Any]:
    """Return the content of `state list --json`; sizes in bytes, `root` null if unknown."""
    return {"projects": [{**each._asdict(), "root": each.root or None} for each in found]}


def _where(each: Listed, home: str) -> str:
    below = f"{home.rstrip('/')}/"
    root = f"~/{each.root[len(below) :]}" if home and each.root.startswith(below) else each.root or "unknown"
    return printable(root) + (" (gone)" if each.is_gone else " (here)" if each.is_current else "")
