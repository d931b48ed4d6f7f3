"""The plan of `up --dry-run` as text: a line a step, columns aligned."""

from __future__ import annotations

from devboot.app.dry_run import DryRun
from devboot.text.columns import cells, pad, printable
from devboot.text.units import size


def render(plan: DryRun) -> str:
    """`fetch   redis   8.2.3, …   10.6 MB`, and a last line that says that nothing was changed."""
    width = max([len("devboot.lock"), *(cells(printable(step.name)) for step in plan.steps)])
    lines = []
    for step in plan.steps:
        weight = f", {size(step.size)}" if step.size else ""
        lines.append(f"  {pad(step.kind, 6)}  {pad(printable(step.name), width)}  {printable(step.text)}{weight}\n")
    return f"{printable(plan.project)}, what `devboot up` would do:\n{''.join(lines)}nothing was changed\n"
