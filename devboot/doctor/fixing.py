"""Selects the fixes in a report that devboot can carry out itself, applies them, and judges whether they helped.

The fixes themselves and all I/O are elsewhere.
"""

from __future__ import annotations

import shlex
from collections.abc import Callable, Iterable
from typing import NamedTuple

from devboot.doctor.findings import Finding, Report

RESTORE_DATABASE, COPY_TEMPLATE = "restore-database", "copy-template"
PROTECT, UNLOCK = "protect", "unlock"  # modes of devboot's folders
IGNORE, REMOVE_LEFTOVERS, RESUME_DAEMON = "ignore", "remove-leftovers", "resume-daemon"
REPAIR_LOG = "repair-log"  # the append-only file of a server
REPAIRS = frozenset(
    {RESTORE_DATABASE, COPY_TEMPLATE, PROTECT, UNLOCK, IGNORE, REMOVE_LEFTOVERS, RESUME_DAEMON, REPAIR_LOG}
)  # without a command of their own
OF_PROJECT = frozenset({RESTORE_DATABASE, COPY_TEMPLATE, IGNORE, REPAIR_LOG})
"""Repairs that change files of the project; they need its lock. The others are harmless at any time, or must not wait
for a command that itself waits for them: a paused daemon, folders in which no lock can be made."""
FIXED, NOT_FIXED, LEFT = "fixed", "not fixed", "left as is"
RESOLVED, CHANGED = "already resolved, nothing done", "changed since it was examined, nothing done"


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
        """Return the fixing command's words, split as by a shell, without the first; it is `devboot` if no repair."""
        return tuple(shlex.split(self.command)[1:])


def steps_of(report: Report) -> tuple[Step, ...]:
    """Return each fixing command once, in the order of the findings, without those that only a person can run."""
    steps: dict[tuple[str, ...], Step] = {}
    for area, finding in report.findings:
        fix = finding.fix
        if fix.use_case:
            step = Step(area, fix.command, fix.cost, (), fix.use_case, fix.arguments)
            known = steps.setdefault(_key(step), step)
            steps[_key(step)] = known._replace(findings=(*known.findings, finding))
    return tuple(steps.values())


def apply(step: Step, found: Report, examine: Callable[[], Report], act: Callable[[], object]) -> str:
    """Carry out a step if a fresh report still has it, and return its outcome.

    `found` is the report that has the step, and `examine` makes another one of its area. Between the two somebody may
    have answered a question, repaired the project by hand or started it: a fix never acts on what was true earlier.
    """
    before = examine()
    if not any((now.area, *_key(now)) == (step.area, *_key(step)) for now in steps_of(before)):
        return CHANGED if is_still_there(step, found, before) else RESOLVED
    act()
    return NOT_FIXED if is_still_there(step, before, examine()) else FIXED


def is_still_there(step: Step, before: Report, after: Report) -> bool:
    """Return whether the later report has one of the findings of a step, or can't tell.

    It can't tell if a check of the area has crashed that gave an answer in the report before.
    """
    known = {(finding.slug, finding.what) for finding in step.findings}
    is_found = any((finding.slug, finding.what) in known for area, finding in after.findings if area == step.area)
    return is_found or bool(_crashes(step, after) - _crashes(step, before))


def _crashes(step: Step, report: Report) -> set[str]:
    return {outcome.check.name for outcome in report.crashes if outcome.check.area == step.area}


def _key(step: Step) -> tuple[str, ...]:
    # Other commands find out by themselves what is to be done; a repair is of one thing
    return step.command, *(step.arguments if step.is_repair else ())


def summary(outcomes: Iterable[tuple[Step, str]], others: Iterable[str]) -> str:
    """Return the last line of `doctor --fix`: `2 fixed and checked again, 1 left: devboot lock`.

    `others` are commands that only a person can run.
    """
    known = tuple(outcomes)
    fixed = sum(outcome == FIXED for _, outcome in known)
    left = [step.command for step, outcome in known if outcome not in (FIXED, RESOLVED)] + list(others)
    parts = [f"{fixed} fixed and checked again"] if fixed else []
    parts += [f"{len(left)} left: {', '.join(dict.fromkeys(left))}"] if left else []
    return ", ".join(parts) or "nothing to fix"
