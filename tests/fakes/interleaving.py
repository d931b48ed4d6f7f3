"""Runs functions against each other line by line: a schedule decides which one goes on, nothing is left to chance.

Each actor is a thread that stops before every line of the traced files, of a loop the first time. Only one of them
runs at a time.
"""

from __future__ import annotations

import linecache
import sys
import threading

_WAITS = ("pause(", "time.sleep(")


class Actor:
    """One function in a thread of its own; `result` is what it returned, `error` what it raised."""

    def __init__(self, function, files) -> None:
        self.steps = 0
        self.result = self.error = None
        self.is_done = False
        self._function = function
        self._files = files
        self._seen = set()
        self._go = threading.Semaphore(0)
        self._stopped = threading.Semaphore(0)
        self._waits = False
        self._thread = threading.Thread(target=self._run, daemon=True)
        self._thread.start()

    def advance(self, steps: float) -> None:
        """Let it execute so many lines; it stops early where it ends, or waits for somebody else."""
        self._waits = False
        while steps > 0 and not self.is_done and not self._waits:
            self._go.release()
            self._stopped.acquire()
            steps -= 1
            self.steps += 1

    def _run(self) -> None:
        self._go.acquire()
        sys.settrace(self._trace)
        try:
            self.result = self._function()
        except BaseException as error:  # noqa: BLE001  the test looks at it
            self.error = error
        finally:
            sys.settrace(None)
            self.is_done = True
            self._stopped.release()

    def _trace(self, frame, event, _argument):
        path = frame.f_code.co_filename
        if not path.endswith(self._files):
            return None
        if event == "line":
            self._waits = any(word in linecache.getline(path, frame.f_lineno) for word in _WAITS)
            if self._waits or (path, frame.f_lineno) not in self._seen:
                self._seen.add((path, frame.f_lineno))
                self._stopped.release()
                self._go.acquire()
        return self._trace


def run(functions, schedule, files):
    """Run them by `schedule`, pairs of an actor's index and its number of lines, then each to its end in turn.

    Returns the actors. Raises AssertionError where all wait for each other for ever.
    """
    actors = [Actor(function, files) for function in functions]
    for number, steps in schedule:
        actors[number].advance(steps)
    for _ in range(10_000):
        for actor in actors:
            actor.advance(float("inf"))
        if all(actor.is_done for actor in actors):
            return actors
    raise AssertionError(f"stuck after {[actor.steps for actor in actors]} lines")
