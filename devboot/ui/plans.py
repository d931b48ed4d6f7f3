"""Renders the steps of `up --dry-run`, one line each."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any

from devboot.app.commands.preparing.dry_run import DryRun
from devboot.app.preparation.compose.preview import Running
from devboot.text.columns import printable, table
from devboot.text.units import size

_OF_A_START = ("run", "start")


def render_plan(plan: DryRun, running: Running | None, mask: Callable[[str], str] = str, *, width: int = 0) -> str:
    """Return the steps in order and the total size of downloads; for a running project, also what would change."""
    asked = "devboot up" if running is None else "devboot up -d"
    lines = [f"{printable(plan.project)}: what `{asked}` would do; nothing was changed"]
    rows = [
        ("", step.kind, step.name, mask(step.text), size(step.size) if step.size else "")
        for step in plan.steps
        if running is None or step.kind not in _OF_A_START
    ]
    rows += [] if running is None else [("", kind, name, text, "") for kind, name, text in _changes(running)]
    lines += table(rows, right=frozenset({4}), width=width) if rows else [f"  {_nothing(running)}"]
    total = sum(step.size for step in plan.steps)
    if total:
        lines.append(f"{size(total)} to download, besides Python packages")
    return "\n".join(lines) + "\n"


def _nothing(running: Running | None) -> str:
    if running is None:
        return "nothing: everything is there, and nothing is named to run"
    return "nothing: what runs is up to date" if running.same else "nothing: the changes don't affect what runs"


def _changes(running: Running) -> Iterator[tuple[str, str, str]]:
    if running.installs:
        yield "install", "packages", "" if running.restarted else "nothing restarts for it"
    yield from (("run", name, "") for name in running.tasks)
    yield from (("restart", name, "") for name in running.restarted)
    yield from (("start", name, "") for name in running.started)
    yield from (("stop", name, "") for name in running.stopped)
    yield from (("update", name, "as it runs") for name in running.updated)
    yield from (("keep", name, f"changed, keeps running as it is: devboot restart {name}") for name in running.kept)
    yield from (
        ("keep", name, f"part of the change takes effect at its next start: devboot restart {name}")
        for name in running.later
        if name not in running.kept
    )


def plan_as_json(plan: DryRun, running: Running | None, mask: Callable[[str], str] = str) -> dict[str, Any]:
    """Return the content of `up --dry-run --json`; sizes in bytes, null if unknown; `running` null if nothing runs."""
    return {
        "project": plan.project,
        "running": None if running is None else running._asdict(),
        "steps": [
            {"kind": step.kind, "name": step.name, "text": mask(step.text), "size": step.size or None}
            for step in plan.steps
        ],
    }
