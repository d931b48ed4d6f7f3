"""What of a report devboot itself would carry out, and whether it helped. Pure."""

from __future__ import annotations

import shlex
from collections.abc import Iterable
from typing import NamedTuple

from devboot.doctor.findings import Finding, Report

FIXED, NOT_FIXED, LEFT = "fixed", "not fixed", "left as is"


class Step(NamedTuple):
    """One command that would mend the findings of an area."""

    area: str
    command: str
    cost: str
    findings: tuple[Finding, ...]

    @property
    def words(self) -> tuple[str, ...]:
        """The command without devboot's own name."""
        return tuple(shlex.split(self.command)[1:])


def steps_of(report: Report) -> tuple[Step, ...]:
    """Each command once, in the order of the findings; what only a person can do is none of them."""
    steps: dict[str, Step] = {}
    for area, finding in report.findings:
        fix = finding.fix
        if fix.use_case:
            known = steps.get(fix.command, Step(area, fix.command, fix.cost, ()))
            steps[fix.command] = known._replace(findings=(*known.findings, finding))
    return tuple(steps.values())


def is_still_there(step: Step, after: Report) -> bool:
    """Whether the area complains of the same as before."""
    before = {(finding.slug, finding.what) for finding in step.findings}
    return any((finding.slug, finding.what) in before for area, finding in after.findings if area == step.area)


def summary(outcomes: Iterable[tuple[Step, str]], others: Iterable[str]) -> str:
    """The last line: `2 fixed and checked again, 1 left: devboot lock`; `others` are commands for persons alone."""
    known = tuple(outcomes)
    fixed = sum(outcome == FIXED for _, outcome in known)
    left = [step.command for step, outcome in known if outcome != FIXED] + list(others)
    parts = [f"{fixed} fixed and checked again"] if fixed else []
    parts += [f"{len(left)} left: {', '.join(left)}"] if left else []
    return ", ".join(parts) or "nothing to fix"
