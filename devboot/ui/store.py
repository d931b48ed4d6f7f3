"""Renders the results of `store` and `gc`, as text and as JSON."""

from __future__ import annotations

import os
from collections.abc import Iterable, Sequence
from typing import Any

from devboot.app.commands.housekeeping.store import Repaired, Verified, title_of
from devboot.model.printable import counted
from devboot.provision.collect import OBJECT, ROOT, Collected, Piece
from devboot.text.columns import printable, table
from devboot.text.units import size


def render_collected(done: Collected, home: str, width: int = 0) -> str:
    """Return one line for each item that `gc` has removed or kept, and how much space was freed."""
    gone = "would remove" if done.is_dry else "removed"
    rows = [(gone, *_row(piece, home)) for piece in done.removed]
    rows += [("kept", *_row(piece, home)) for piece in done.kept]
    ends = "would be freed" if done.is_dry else "freed"
    objects = counted(sum(piece.kind == OBJECT for piece in done.kept), "object")
    return _lines(
        table(rows, right=frozenset([2]), width=width) if rows else [], f"{size(done.freed)} {ends}; {objects} kept"
    )


def collected_as_json(done: Collected) -> dict[str, Any]:
    """Return the content of `gc --json`; sizes in bytes."""
    return {
        "dry_run": done.is_dry,
        "freed": done.freed,
        "removed": [_as_json(piece) for piece in done.removed],
        "kept": [_as_json(piece) for piece in done.kept],
    }


def render_contents(pieces: Sequence[Piece], home: str, width: int = 0) -> str:
    """Return one line for each store object: name, size, user."""
    rows = [(piece.name, size(piece.size), _short(piece.why, home) or "unused") for piece in pieces]
    total = f"{counted(len(pieces), 'object')}, {size(sum(piece.size for piece in pieces))}"
    return _lines(table(rows, right=frozenset([1]), width=width) if rows else [], total)


def contents_as_json(pieces: Iterable[Piece]) -> dict[str, Any]:
    """Return the content of `store list --json`; `user` is null for an unused object."""
    return {
        "objects": [
            {"name": piece.name, "title": title_of(piece.name), "bytes": piece.size, "user": piece.why or None}
            for piece in pieces
        ]
    }


def verified_as_json(found: Verified) -> dict[str, Any]:
    """Return the content of `store verify --json`: number of intact objects, and the others' complaints."""
    return {
        "intact": found.intact,
        "damaged": [{"name": each.name, "complaints": list(each.complaints)} for each in found.damaged],
    }


def render_repaired(done: Repaired) -> str:
    """Return one line for each store object that was repaired or removed."""
    lines = [f"repaired {printable(title_of(name))}" for name in done.repaired]
    lines += [f"removed {printable(title_of(name))}: damaged, and nothing uses it" for name in done.removed]
    return "\n".join(lines or [f"nothing to repair: {counted(done.intact, 'object')} intact"])


def _as_json(piece: Piece) -> dict[str, Any]:
    return {"kind": piece.kind, "name": piece.name, "bytes": piece.size, "why": piece.why}


def _row(piece: Piece, home: str) -> tuple[str, str, str]:
    name = title_of(piece.name) if piece.kind == OBJECT else _short(piece.name, home)
    if piece.kind == ROOT:  # the folder is gone already
        name = f"record of {name}"
    return name, "" if piece.kind == ROOT else size(piece.size), _short(piece.why, home)


def _short(text: str, home: str) -> str:
    """Return a path with the home folder as `~`."""
    return f"~{text[len(home) :]}" if home and text.startswith(home + os.sep) else text


def _lines(lines: Sequence[str], last: str) -> str:
    return "".join(f"{line}\n" for line in (*lines, last))
