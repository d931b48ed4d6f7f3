"""Base of worker libraries: the manage.py command that starts a worker, and the code that shows one."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from re import Pattern
from shlex import quote

from devboot.onboarding.frameworks.framework import Clone, Framework
from devboot.onboarding.proposal_values import Evidence, Process
from devboot.onboarding.reading.layout import cwd_of
from devboot.onboarding.symbolic_eval.evaluate import Run
from devboot.onboarding.symbolic_eval.machine import Event


class Worker(Framework):
    """A library whose workers run beside the application.

    `django` is its application in INSTALLED_APPS, and the manage.py command that this adds.
    """

    django: tuple[str, str] = ("", "")

    def workers(self, clone: Clone, run: Run) -> Sequence[Process]:
        """Return one worker process: the manage.py command, else the first that `plain` finds; [] if none."""
        application, command = self.django
        if application in run.apps:
            script = f"python {quote(clone.app.path.rpartition('/')[2])}"
            return [worker(clone, f"{script} {command}", run.names["INSTALLED_APPS"].place)]
        found = next(iter(self.plain(clone, run)), None)
        return [found] if found is not None else []

    def plain(self, clone: Clone, run: Run) -> Iterator[Process]:  # noqa: ARG002 - a default
        """Yield workers that the code shows; only the first is used."""
        yield from ()


def worker(clone: Clone, command: str, place: Evidence | None, name: str = "worker") -> Process:
    """Return the process of a worker that runs in the application's folder."""
    return Process(name, command, cwd_of(clone.app), None, place)


def assigned(run: Run, pattern: Pattern[str]) -> Iterator[Event]:
    """Yield the events in which a module assigns an object of a library whose name matches."""
    return (each for each in run.found.events if each.module and each.place and pattern.search(each.name))
