"""Reporters for plain output (a line per event), for programs (JSON lines), and a quiet one."""

from __future__ import annotations

import json
import threading
from collections.abc import Callable, Mapping
from types import TracebackType
from typing import Any, Protocol, Self, TextIO

from devboot.events import DOING, DONE, FAILED, FETCH, NOTE, PROGRESS, RETRY, START, UNCHANGED, WARNING, Event
from devboot.text.columns import printable
from devboot.text.invocation import as_called
from devboot.text.paint import terminal_text
from devboot.text.summary import stopwatch
from devboot.ui.board import SILENT, Board, Finished, what_goes_on
from devboot.ui.units import progress
from devboot.wire.jsontext import printable_json

_WORDS = {DONE: "ok", UNCHANGED: "ok", FAILED: "failed", FETCH: "fetch", RETRY: "retry", NOTE: "note"}
_PLAIN_PERIOD = 10.0  # seconds between two lines about a running step
_LOOK = 1.0  # seconds between checks for silent steps
_PLAIN_SHARE = 25  # or per cent


class RunReporter(Protocol):
    """A reporter for one command: a context manager that restores the terminal at its end."""

    def emit(self, event: Event) -> None:
        """Show an event; may be called from any thread."""

    def kept(self) -> list[str]:
        """Return texts about the complete and partial downloads that remain if the command is interrupted now."""

    def __enter__(self) -> Self:
        """Begin to show events."""

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, at: TracebackType | None) -> None:
        """Show the final lines, and stop."""


class QuietReporter:
    """A reporter that shows nothing, but keeps track of downloads; base of the other reporters."""

    def __init__(self, clock: Callable[[], float], mask: Callable[[str], str] = str) -> None:
        self._clock = clock
        self._mask = mask
        self._board = Board()
        self._lock = threading.RLock()
        self._done: list[str] = []
        self._warned: set[tuple[str, str]] = set()

    def emit(self, event: Event) -> None:
        """Process an event; may be called from any thread."""
        event = event._replace(
            step=self._clean(event.step),
            text=self._clean(event.text),
            waits_for=self._clean(event.waits_for),
            lines=tuple(map(self._clean, event.lines)),
        )
        with self._lock:
            if self._is_repeated(event):
                return
            now = self._clock()
            if event.kind == DONE:
                self._done.append(f"{event.step} (done)")
            final = self._board.take(event, now)
            self._tell(event, now)
            self._settle(final)

    def _clean(self, text: str) -> str:
        """Return text for display: secrets masked, on one line, printable."""
        return printable(self._mask(text))

    def _is_repeated(self, event: Event) -> bool:
        """Return whether the same warning was shown before, so that it is left out."""
        if event.kind != WARNING:
            return False
        key = (event.slug, event.text)
        is_known = key in self._warned
        self._warned.add(key)
        return is_known

    def kept(self) -> list[str]:
        """Return texts about the downloads that remain if the command is interrupted now."""
        with self._lock:
            return [*self._done, *self._board.kept()]

    def _tell(self, event: Event, now: float) -> None:
        """Show an event; does nothing here, overridden by other reporters."""

    def _settle(self, final: list[Finished]) -> None:
        """Show final lines; does nothing here, overridden by other reporters."""

    def __enter__(self) -> Self:
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, at: TracebackType | None) -> None:
        """Do nothing: the terminal wasn't changed."""


class PlainReporter(QuietReporter):
    """Prints one line per event with the seconds since the start; no escape codes, no redrawing.

    `is_folded` puts them into a group of GitHub Actions, whose log then shows the header, and errors below it.
    """

    def __init__(
        self,
        stream: TextIO,
        clock: Callable[[], float],
        *,
        header: str = "",
        is_folded: bool = False,
        mask: Callable[[str], str] = str,
        looks_every: float = _LOOK,
    ) -> None:
        super().__init__(clock, mask)
        self._stream = stream
        self._looks_every = looks_every
        self._header = f"::group::{header}" if is_folded else header
        self._footer = "::endgroup::" if is_folded else ""
        self._began = clock()
        self._said: dict[str, tuple[float, int]] = {}  # step → time and per cent of its last line
        self._spoken: dict[str, float] = {}  # step → time of its last line
        self._begun: set[str] = set()  # steps that have begun and have no line yet: most end at once
        self._done_now: dict[str, tuple[str, float]] = {}  # step → its last printed activity, and since when
        self._ended = threading.Event()
        self._reminder = threading.Thread(target=self._keep_reminding, name="devboot-reminder", daemon=True)

    def __enter__(self) -> Self:
        if self._header:
            self._write(self._header)
        self._reminder.start()
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, at: TracebackType | None) -> None:
        self._ended.set()
        self._reminder.join()
        if self._footer:
            self._write(self._footer)

    def remind(self) -> None:
        """Print activities that take longer than a second, and steps without an event for long."""
        with self._lock:
            now = self._clock()
            for step in self._board.active(now):
                is_silent = now - self._spoken.setdefault(step.name, step.since) >= _PLAIN_PERIOD
                is_new = bool(step.doing) and self._done_now.get(step.name) != (step.doing, step.doing_since)
                has_begun = step.name in self._begun and not step.doing and now - step.since >= SILENT
                if is_silent or has_begun or (is_new and now - step.doing_since >= SILENT):
                    self._done_now[step.name] = (step.doing, step.doing_since)
                    self._line(step.name, "going", what_goes_on(step, now), now)

    def _keep_reminding(self) -> None:
        while not self._ended.wait(self._looks_every):
            self.remind()

    def _tell(self, event: Event, now: float) -> None:
        if event.kind == START and event.text:
            self._begun.add(event.step)
        word, text = self._words(event, now)
        if not text:
            return
        self._line(event.step, word, text, now)
        for line in event.lines:
            self._write(" " * 25 + line)

    def _line(self, step: str, word: str, text: str, now: float) -> None:
        self._spoken[step] = now
        self._begun.discard(step)
        self._write(stopwatch(now - self._began) + " " + step.ljust(10) + " " + word.ljust(8) + text)

    def _words(self, event: Event, now: float) -> tuple[str, str]:
        """Return (word, text) for an event's line; the text is "" if no line is to be printed.

        None is due for DOING and START, and for progress without a total or soon after its last line. The time of a
        line of progress is recorded.
        """
        if event.kind in {DOING, START}:
            return "", ""
        if event.kind == WARNING:
            return "warning", f"{event.text} [{event.slug}]" if event.slug else event.text
        if event.kind == PROGRESS:
            return "fetch" if event.unit == "bytes" else "going", self._share(event, now)
        if event.kind in {DONE, UNCHANGED, FAILED}:
            return _WORDS[event.kind], event.text or event.kind
        return _WORDS[event.kind], event.text or (f"waits for {event.waits_for}" if event.waits_for else "")

    def _share(self, event: Event, now: float) -> str:
        if event.total <= 0:
            return ""
        percent = 100 * event.done // event.total
        since, before = self._said.setdefault(event.step, (now, 0))
        if percent - before < _PLAIN_SHARE and now - since < _PLAIN_PERIOD:
            return ""
        self._said[event.step] = (now, percent)
        if event.unit == "bytes":
            return f"{percent} %, {progress(event.done, event.total)}"
        return f"{percent} %, {event.done} of {event.total} {event.unit}"

    def _write(self, line: str) -> None:
        try:
            self._stream.write(terminal_text(as_called(line.rstrip())) + "\n")
            self._stream.flush()
        except (OSError, ValueError):
            # A reader that has gone must not end the work: the result counts, not its progress.
            return


class JsonReporter(QuietReporter):
    """Prints one JSON object per event; the first line has schema and version."""

    def __init__(
        self,
        write: Callable[[Mapping[str, Any]], None],
        clock: Callable[[], float],
        start: Mapping[str, Any],
        *,
        mask: Callable[[str], str] = str,
    ) -> None:
        super().__init__(clock, mask)
        self._write = write
        self._start = start

    def _clean(self, text: str) -> str:
        """Return text for JSON: secrets masked, otherwise unchanged."""
        return self._mask(text)

    def __enter__(self) -> Self:
        self._write({**self._start, "event": "start"})
        return self

    def _tell(self, event: Event, now: float) -> None:  # noqa: ARG002  the reader has a clock of its own
        if event.kind != DOING or event.text:
            self._write(event_as_json(event))


def event_as_json(event: Event) -> dict[str, Any]:
    """Return an event as JSON values, without unknown ones."""
    facts: dict[str, Any] = {"event": event.kind, "step": event.step}
    if event.text:
        facts["text"] = event.text
    if event.done >= 0:
        facts |= {"done": event.done, "total": event.total if event.total >= 0 else None, "unit": event.unit}
    for name in ("slug", "waits_for"):
        if value := getattr(event, name):
            facts[name] = value
    if event.lines:
        facts["lines"] = list(event.lines)
    return facts


def json_line(value: Mapping[str, Any]) -> str:
    """Return a JSON document on one line, with a newline."""
    return printable_json(json.dumps(value, ensure_ascii=False, separators=(",", ":"))) + "\n"
