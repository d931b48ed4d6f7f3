"""Converts the errors with which `up` would refuse to start into findings."""

from __future__ import annotations

from collections.abc import Callable

from devboot.doctor.findings import ERROR, Answer, Check, Finding, Fix
from devboot.doctor.subject import Subject
from devboot.errors import DevbootError

Repair = Callable[[Subject, DevbootError, str], Fix | None]

_OWN = ("lock", "sync", "down", "store repair")  # commands that `--fix` runs; `up` would start the project


def refused(area: str, repair: Repair = lambda _subject, _error, _name: None) -> Check:
    """Return a check that reports those errors of `up` that belong to `area`.

    `repair` returns a better fix than an error's own advice, or None.
    """

    def run(subject: Subject) -> Answer:
        numbered = enumerate(subject.refusals())
        return Answer(
            findings=tuple(
                finding_of(error, number, repair(subject, error, name))
                for number, (where, error, name) in numbered
                if where == area
            )
        )

    return Check(f"{area}-start", area, run)


def finding_of(error: DevbootError, number: int, fix: Fix | None = None) -> Finding:
    """Return the finding for an error of `up`; `number` is its position among all errors of `up`."""
    place = error.place
    where = f"{place.file}:{place.line}:{place.column}" if place and place.line else place.file if place else ""
    return Finding(
        error.slug,
        ERROR,
        error.what,
        "`devboot up` refuses to start because of it",
        fix or fix_of(error),
        (*filter(None, (where,)), *error.details, *error.causes),
        refusal=number,
    )


def fix_of(error: DevbootError) -> Fix:
    """Return the first advice of an error as a fix: the command, and the remark after it as its cost."""
    advice = next(iter(error.help), "devboot up")
    if advice.startswith("`"):
        command, _, cost = advice[1:].partition("`")
    else:
        command, _, cost = advice.partition("   # ") if "   # " in advice else advice.partition("  # ")
    words = command.strip().removeprefix("devboot ")
    is_own = command.startswith("devboot ") and words.startswith(_OWN)
    return Fix(command.strip(), cost.strip(" ,"), words if is_own else "")
