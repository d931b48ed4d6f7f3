"""Picks the fixes of a report that devboot can carry out itself, and judges whether they helped. Pure."""

from __future__ import annotations

import shlex
from collections.abc import Iterable
from typing import NamedTuple

from devboot.doctor.findings import Finding, Report

FIXED, NOT_FIXED, LEFT = "fixed", "not fixed", "left as is"


class Step(NamedTuple):
    """One devboot command that should fix the findings of an area."""

    area: str
    command: str
    cost: str
    findings: tuple[Finding, ...]

    @property
    def words(self) -> tuple[str, ...]:
        """The command's words without `devboot` itself."""
        return tuple(shlex.split(self.command)[1:])


def steps_of(report: Report) -> tuple[Step, ...]:
    """Return each fixing command once, in the order of the findings; fixes that only a person can do are left out."""
    steps: dict[str, Step] = {}
    for area, finding in report.findings:
        fix = finding.fix
        if fix.use_case:
            known = steps.get(fix.command, Step(area, fix.command, fix.cost, ()))
            steps[fix.command] = known._replace(findings=(*known.findings, finding))
    return tuple(steps.values())


def is_still_there(step: Step, after: Report) -> bool:
    """Return True if the report after the fix has one of the step's findings again."""
    before = {(finding.slug, finding.what) for finding in step.findings}
    return any((finding.slug, finding.what) in before for area, finding in after.findings if area == step.area)


def summary(outcomes: Iterable[tuple[Step, str]], others: Iterable[str]) -> str:
    """Return the last line, as in `2 fixed and checked again, 1 left: devboot lock`.

    `others` are commands that only a person can run.
    """
    known = tuple(outcomes)
    fixed = sum(outcome == FIXED for _, outcome in known)
    left = [step.command for step, outcome in known if outcome != FIXED] + list(others)
    parts = [f"{fixed} fixed and checked again"] if fixed else []
    parts += [f"{len(left)} left: {', '.join(left)}"] if left else []
    return ", ".join(parts) or "nothing to fix"
