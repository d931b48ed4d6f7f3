"""What happened while provisioning, for whoever reports it: values in, no printing here.

A step is a line of the progress display (`redis`, `venv`, `lock`). Its events come as START, any number of PROGRESS,
RETRY and NOTE, then one of DONE, UNCHANGED, FAILED. Reporters live in `ui`; use cases get one handed in.
"""

from __future__ import annotations

from collections.abc import Collection, Iterator
from contextlib import contextmanager
from typing import NamedTuple, Protocol

START, PROGRESS, DONE, UNCHANGED, FAILED = "start", "progress", "done", "unchanged", "failed"
FETCH, NOTE, WARNING, RETRY = "fetch", "note", "warning", "retry"
BESIDE = ""  # the step of what is only shown where no step is at work
DOING = "doing"  # what goes on within a step, or before there is one; without text: it has ended


class Event(NamedTuple):
    """One thing that happened. `text` is a sentence part without full stop; sizes are bytes, -1 where unknown."""

    kind: str
    step: str
    text: str = ""
    done: int = -1
    total: int = -1
    unit: str = ""  # "bytes", "packages"
    slug: str = ""  # of a warning: it can be silenced
    lines: tuple[str, ...] = ()  # details below: `+ stripe 11.1.0`
    waits_for: str = ""


class Reporter(Protocol):
    """Takes events from any thread, in order of their happening."""

    def emit(self, event: Event) -> None:
        """Show or record one event; never raises on a broken terminal."""


class SilentReporter:
    """Shows nothing."""

    def emit(self, event: Event) -> None:
        """Drop the event."""


@contextmanager
def doing(reporter: Reporter, step: str, text: str) -> Iterator[None]:
    """Show what goes on meanwhile, should it take longer than a second; it may be nested.

    Within a step it takes the place of the step's text. Where no step is at work it stands for itself, and leaves no
    line behind: whatever may take long belongs into one of these, or into a step.
    """
    reporter.emit(Event(DOING, step, text))
    try:
        yield
    finally:
        reporter.emit(Event(DOING, step))


class Silenced:
    """Passes everything on but what has one of these slugs."""

    def __init__(self, reporter: Reporter, slugs: Collection[str]) -> None:
        self._reporter = reporter
        self._slugs = frozenset(slugs)

    def emit(self, event: Event) -> None:
        """Pass the event on, unless nobody wants to read of it."""
        if event.slug not in self._slugs:
            self._reporter.emit(event)


class RecordingReporter:
    """Keeps what it is told, for tests."""

    def __init__(self) -> None:
        self.events: list[Event] = []

    def emit(self, event: Event) -> None:
        """Append the event."""
        self.events.append(event)
