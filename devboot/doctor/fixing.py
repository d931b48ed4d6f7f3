"""Selects the fixes in a report that devboot can carry out itself, and judges whether they helped; no I/O."""

from __future__ import annotations

import shlex
from collections.abc import Iterable
from typing import NamedTuple

from devboot.doctor.findings import Finding, Report

RESTORE_DATABASE, COPY_TEMPLATE = "restore-database", "copy-template"
PROTECT, UNLOCK = "protect", "unlock"  # modes of devboot's folders
IGNORE, REMOVE_LEFTOVERS, RESUME_DAEMON = "ignore", "remove-leftovers", "resume-daemon"
REPAIR_LOG = "repair-log"  # the append-only file of a server
REPAIRS = frozenset(
    {RESTORE_DATABASE, COPY_TEMPLATE, PROTECT, UNLOCK, IGNORE, REMOVE_LEFTOVERS, RESUME_DAEMON, REPAIR_LOG}
)  # without a command of their own
FIXED, NOT_FIXED, LEFT = "fixed", "not fixed", "left as is"


class Step(NamedTuple):
    """One command or repair to fix findings of an area; `use_case` and `arguments` as in `Fix`."""

    area: str
    command: str
    cost: str
    findings: tuple[Finding, ...]
    use_case: str = ""
    arguments: tuple[str, ...] = ()

    @property
    def is_repair(self) -> bool:
        """Return True if doctor carries out the fix by a function of devboot, rather than by running a command."""
        return self.use_case in REPAIRS

    @property
    def words(self) -> tuple[str, ...]:
        """Return the words of the fixing command without `devboot` itself."""
        return tuple(shlex.split(self.command)[1:])


def steps_of(report: Report) -> tuple[Step, ...]:
    """Return each fixing command once, in the order of the findings, without those that only a person can run."""
    steps: dict[tuple[str, ...], Step] = {}
    for area, finding in report.findings:
        fix = finding.fix
        if fix.use_case:
            # Other commands find out by themselves what is to be done; a repair is of one thing
            key = (fix.command, *(fix.arguments if fix.use_case in REPAIRS else ()))
            known = steps.get(key, Step(area, fix.command, fix.cost, (), fix.use_case, fix.arguments))
            steps[key] = known._replace(findings=(*known.findings, finding))
    return tuple(steps.values())


def is_still_there(step: Step, after: Report) -> bool:
    """Return whether the report after a fix still has one of the findings that it should fix."""
    before = {(finding.slug, finding.what) for finding in step.findings}
    return any((finding.slug, finding.what) in before for area, finding in after.findings if area == step.area)


def summary(outcomes: Iterable[tuple[Step, str]], others: Iterable[str]) -> str:
    """Return the last line of `doctor --fix`: `2 fixed and checked again, 1 left: devboot lock`.

    `others` are commands that only a person can run.
    """
    known = tuple(outcomes)
    fixed = sum(outcome == FIXED for _, outcome in known)
    left = [step.command for step, outcome in known if outcome != FIXED] + list(others)
    parts = [f"{fixed} fixed and checked again"] if fixed else []
    parts += [f"{len(left)} left: {', '.join(dict.fromkeys(left))}"] if left else []
    return ", ".join(parts) or "nothing to fix"
