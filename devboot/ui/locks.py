"""Renders the result of `lock` as JSON, and the differences of two locks as text and JSON."""

from __future__ import annotations

from typing import Any

from devboot.app.commands.preparing.lock_diff import LockDiff
from devboot.app.preparation.locking.lockfile import LockResult
from devboot.text.columns import cells, pad, printable


def lock_as_json(done: LockResult) -> dict[str, Any]:
    """Return the content of `lock --json`: locked packages, changed versions, and the reasons."""
    lock = done.lock
    return {
        "lock": done.path,
        "written": done.written,
        "reasons": list(done.reasons),
        "packages": [{"name": one.name, "version": one.version, "requested": one.requested} for one in lock.package],
        "python_packages": 0 if lock.python is None else len(lock.python.package),
        "changes": [{"name": one.name, "old": one.old or None, "new": one.new or None} for one in done.changes],
    }


def diff_as_json(found: LockDiff) -> dict[str, Any]:
    """Return the content of `lock diff --json`."""
    listed = [
        {"kind": _KINDS[one.kind], "name": one.name, "what": one.text, "details": list(one.details)}
        for one in found.differences
    ]
    return {"old": found.old, "new": found.new, "differences": listed}


def render_diff(found: LockDiff) -> str:
    """Return one line for each difference of two locks, with details below; important ones are marked with `!`."""
    if not found.differences:
        return f"{printable(found.new)} and {printable(found.old)} are the same\n"
    width = max(cells(printable(one.name)) for one in found.differences)
    lines = [f"{found.old} -> {found.new}"]
    for one in found.differences:
        lines.append(f"  {one.kind} {pad(printable(one.name), width)}  {one.text}")
        lines += [f"    {' ' * width}  {detail}" for detail in one.details]
    return "".join(f"{printable(line)}\n" for line in lines)


_KINDS = {"+": "added", "-": "removed", "~": "changed", "!": "other-origin"}
