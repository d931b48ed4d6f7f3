"""Events of provisioning, as values that are passed to a reporter; nothing is printed here.

A step is a line of the progress display (`redis`, `venv`, `lock`). Its events come as START, any number of PROGRESS,
RETRY and NOTE, then one of DONE, UNCHANGED, FAILED. Reporters live in `ui`; use cases get one passed in.
"""

from __future__ import annotations

from collections.abc import Collection, Iterator
from contextlib import contextmanager
from typing import Protocol

from devboot.record import Record

START, PROGRESS, DONE, UNCHANGED, FAILED = "start", "progress", "done", "unchanged", "failed"
FETCH, NOTE, WARNING, RETRY = "fetch", "note", "warning", "retry"
BESIDE = ""  # the step of activities that are only shown if no step is running
DOING = "doing"  # an activity within a step or before the first one; without text: it has ended


class Event(Record):
    """One event of provisioning. `text` is a sentence part without full stop; sizes are bytes, -1 where unknown."""

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
    """Receiver of events from any thread, in order."""

    def emit(self, event: Event) -> None:
        """Show or record one event; never raises on a broken terminal."""


class SilentReporter:
    """A reporter that shows nothing."""

    def emit(self, event: Event) -> None:
        """Drop the event."""


@contextmanager
def doing(reporter: Reporter, step: str, text: str) -> Iterator[None]:
    """Show `text` while the block runs, if it takes longer than a second; may be nested.

    Within a step it replaces the step's text. Without a running step it has a line of its own, which disappears at the
    end. Anything that may take long belongs into one of these, or into a step.
    """
    reporter.emit(Event(DOING, step, text))
    try:
        yield
    finally:
        reporter.emit(Event(DOING, step))


class Silenced:
    """A reporter that drops events with certain slugs and passes on the rest."""

    def __init__(self, reporter: Reporter, slugs: Collection[str]) -> None:
        self._reporter = reporter
        self._slugs = frozenset(slugs)

    def emit(self, event: Event) -> None:
        """Pass the event on, unless its slug is silenced."""
        if event.slug not in self._slugs:
            self._reporter.emit(event)


class RecordingReporter:
    """A reporter that stores all events, for tests."""

    def __init__(self) -> None:
        self.events: list[Event] = []

    def emit(self, event: Event) -> None:
        """Append the event."""
        self.events.append(event)
