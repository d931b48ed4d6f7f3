"""Runs checks in parallel, each with a time limit. A check that crashes or hangs is reported; the rest continue."""

from __future__ import annotations

import threading
from collections.abc import Callable, Sequence
from contextlib import nullcontext

from devboot.doctor.findings import Answer, Area, Check, Outcome, Report
from devboot.doctor.subject import Subject
from devboot.errors import DevbootError
from devboot.events import Reporter, doing
from devboot.files import machine_error

_AT_ONCE = 8


def run_checks(
    checks: Sequence[Check],
    subject: Subject,
    clock: Callable[[], float],
    *,
    limit: float | None = None,
    reporter: Reporter | None = None,
) -> Report:
    """Run all checks and return their outcomes by area; areas are in the order of their first check.

    `limit` in seconds replaces the limit of every check. A check that hangs keeps its thread, which ends with the
    program. `reporter` shows which check is being waited for.
    """
    began = clock()
    slots = threading.BoundedSemaphore(_AT_ONCE)
    running = [_Running(check, subject, slots, clock) for check in checks]
    for one in running:
        one.start()
    outcomes = []
    for one in running:
        text = one.check.area if one.check.area == one.check.name else f"{one.check.area}, {one.check.name}"
        with doing(reporter, "doctor", f"checking {text}") if reporter is not None else nullcontext():
            outcomes.append(one.outcome(limit or one.check.limit))
    areas = {outcome.check.area: None for outcome in outcomes}
    return Report(
        tuple(Area(name, tuple(outcome for outcome in outcomes if outcome.check.area == name)) for name in areas),
        clock() - began,
    )


def _describe(error: OSError) -> str:
    if not error.filename:
        return f"the check crashed: {type(error).__name__}: {error}"
    meant = machine_error(error, str(error.filename), "use")
    return f"{meant.what} [{meant.slug}]"


class _Running(threading.Thread):
    """A thread that runs one check, as soon as one of the `slots` is free, and keeps its outcome."""

    def __init__(
        self, check: Check, subject: Subject, slots: threading.BoundedSemaphore, clock: Callable[[], float]
    ) -> None:
        super().__init__(name=f"check-{check.name}", daemon=True)
        self.check = check
        self._subject = subject
        self._slots = slots
        self._clock = clock
        self._began = threading.Event()
        self._since = 0.0
        self._result: Outcome | None = None

    def run(self) -> None:
        with self._slots:
            self._since = self._clock()
            self._began.set()
            self._result = self._run()

    def _run(self) -> Outcome:
        try:
            return Outcome(self.check, self.check.run(self._subject))
        except DevbootError as error:
            return Outcome(self.check, Answer(), f"{error.what} [{error.slug}]")
        except OSError as error:
            return Outcome(self.check, Answer(), _describe(error))
        except Exception as error:  # noqa: BLE001  a bug in one check must not end the others
            return Outcome(self.check, Answer(), f"the check crashed: {type(error).__name__}: {error}")

    def outcome(self, limit: float) -> Outcome:
        # The limit counts from when the check got a slot: hanging checks may hold all slots until their own limits.
        if self._began.wait(limit):
            self.join(max(0.0, self._since + limit - self._clock()))
        if self._result is None:
            return Outcome(self.check, Answer(), f"didn't finish within {limit:g} s")
        return self._result
