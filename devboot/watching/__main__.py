"""The watching process: tells on standard output what has changed, in lines of words with tabs between them.

Its argument is a Python literal: {"root": path, "watch": {name: [glob, …]}, "since": seconds since the epoch}. It says
`folders N` when it watches, `changed NAME PATH…` for each process, and `polling REASON` where the system has no room
for watches. It ends with its parent.
"""

from __future__ import annotations

import ast
import os
import sys
import time
from collections.abc import Callable, Iterable
from typing import Protocol

from devboot.watching.tree import Tree

QUIET_MS = 50  # no further change for this long ends a batch
LONGEST_MS = 2000  # but no batch lasts longer
PARENT_MS = 2000  # how often to look whether the parent is still there
POLL_SECONDS = 1.0
_MOST_TOLD = 20
GIT_SECONDS = 10.0  # how long to wait for a git that is at work


class Events(Protocol):
    """What tells of changes: as watchfiles' RustNotify."""

    def watch(self, debounce_ms: int, step_ms: int, timeout_ms: int, stop_event: None) -> set[tuple[int, str]] | str:
        """Paths that have changed, or a word: `timeout`."""

    def close(self) -> None:
        """Let go of all watches."""


def open_events(folders: Iterable[str]) -> Events:
    """Watch these folders, not what lies below them. Raises OSError where the system has no room for it."""
    from watchfiles._rust_notify import RustNotify, WatchfilesRustInternalError

    existing = [folder for folder in folders if os.path.isdir(folder)]
    try:
        return RustNotify(existing, False, False, 0, False, True)
    except WatchfilesRustInternalError as error:  # such as too many open files, which here are watches
        raise OSError(str(error).removeprefix("Error creating recommended watcher: ")) from error


class Watching:
    """One project's watch. `say` takes what has to be told; `is_wanted` says whether anybody still listens."""

    def __init__(
        self,
        tree: Tree,
        *,
        open_events: Callable[[Iterable[str]], Events],
        say: Callable[..., None],
        is_wanted: Callable[[], bool],
        poll: float = POLL_SECONDS,
    ) -> None:
        self._tree = tree
        self._open = open_events
        self._say = say
        self._is_wanted = is_wanted
        self._poll = poll
        self._events: Events | None = None
        self._watched: set[str] = set()

    def run(self) -> None:
        """Tell of changes until nobody listens any more."""
        changed = self._tree.look()
        changed |= self._rewatch()
        self._say("folders", str(len(self._tree.folders)))
        while True:
            self._tell(changed)
            if not self._is_wanted():
                return
            changed = self._next()

    def _next(self) -> set[str]:
        if self._events is None:
            time.sleep(self._poll)
            changed = self._tree.look()
        else:
            happened = self._events.watch(LONGEST_MS, QUIET_MS, PARENT_MS, None)
            if isinstance(happened, str):
                return set()
            changed = self._tree.look_at(path for _, path in happened)
            if set(self._tree.folders) != self._watched:
                changed |= self._rewatch() | self._wait_for_quiet()
        return changed | self._wait_for_git() if changed else changed

    def _rewatch(self) -> set[str]:
        """Watch other folders if there are others now; what has changed meanwhile."""
        changed: set[str] = set()
        while set(self._tree.folders) != self._watched:
            self._watched = set(self._tree.folders)
            try:
                events = self._open(sorted(self._watched))
            except OSError as error:
                if self._events is not None:
                    self._events.close()
                self._events = None
                self._say("polling", str(error.strerror or error).rstrip("."))
                return changed
            if self._events is not None:
                self._events.close()
            self._events = events
            changed |= self._tree.look()  # between the look that found a folder and its watch nothing was told
        return changed

    def _wait_for_quiet(self) -> set[str]:
        """What goes on in folders that nobody watched when the batch began belongs to it."""
        changed: set[str] = set()
        deadline = time.monotonic() + LONGEST_MS / 1000
        while self._events is not None and time.monotonic() < deadline:
            happened = self._events.watch(LONGEST_MS, QUIET_MS, QUIET_MS, None)
            if isinstance(happened, str):
                break
            changed |= self._tree.look_at(path for _, path in happened) | self._rewatch()
        return changed

    def _wait_for_git(self) -> set[str]:
        """A checkout comes as one change, however long git takes."""
        lock = os.path.join(self._tree.root, ".git", "index.lock")
        if not os.path.exists(lock):
            return set()
        deadline = time.monotonic() + GIT_SECONDS
        while os.path.exists(lock) and time.monotonic() < deadline:
            time.sleep(QUIET_MS / 1000)
        changed = self._tree.look()
        return changed | self._rewatch() if self._events is not None else changed

    def _tell(self, changed: set[str]) -> None:
        for name, paths in self._tree.names(changed).items():
            self._say("changed", name, *paths[:_MOST_TOLD])


def main(argument: str) -> None:
    """Watch what the argument says."""
    asked = ast.literal_eval(argument)
    parent = os.getppid()

    def say(*words: str) -> None:
        line = "\t".join(word.replace("\t", " ").replace("\n", " ") for word in words) + "\n"
        os.write(1, line.encode("utf-8", "replace"))

    tree = Tree(asked["root"], asked["watch"], int(asked["since"] * 1e9))
    watching = Watching(tree, open_events=open_events, say=say, is_wanted=lambda: os.getppid() == parent)
    try:
        watching.run()
    except BrokenPipeError:  # the daemon has gone
        os._exit(0)


if __name__ == "__main__":
    main(sys.argv[1])
