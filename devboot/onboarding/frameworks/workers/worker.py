"""What libraries with workers share: the command of Django's that starts one, and events that show one."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from re import Pattern

from devboot.onboarding.frameworks.framework import Clone, Framework
from devboot.onboarding.proposal_values import Evidence, Process
from devboot.onboarding.reading.layout import cwd_of
from devboot.onboarding.symbolic_eval.evaluate import Run
from devboot.onboarding.symbolic_eval.machine import Event


class Worker(Framework):
    """A library whose workers run beside the application.

    `django` is its application in INSTALLED_APPS and the command that manage.py gets by it.
    """

    django: tuple[str, str] = ("", "")

    def workers(self, clone: Clone, run: Run) -> Sequence[Process]:
        """Return the worker that manage.py starts, else what the code shows."""
        application, command = self.django
        if application in run.apps:
            script = f"python {clone.app.path.rpartition('/')[2]}"
            return [worker(clone, f"{script} {command}", run.names["INSTALLED_APPS"].place)]
        found = next(iter(self.plain(clone, run)), None)
        return [found] if found is not None else []

    def plain(self, clone: Clone, run: Run) -> Iterator[Process]:  # noqa: ARG002 - a default
        """Yield the workers that the code shows; the first is taken."""
        yield from ()


def worker(clone: Clone, command: str, place: Evidence | None, name: str = "worker") -> Process:
    """Return a worker that runs where the application does."""
    return Process(name, command, cwd_of(clone.app), None, place)


def assigned(run: Run, pattern: Pattern[str]) -> Iterator[Event]:
    """Yield what modules hold of objects of a library; the names of such events end with `=:`."""
    return (each for each in run.found.events if each.module and each.place and pattern.search(each.name))
