"""Watches files and reports changes on standard output, one per line, words separated by tabs.

Its argument is a Python literal: {"root": path, "watch": {name: [glob, …]}, "since": seconds since the epoch}. It
prints `folders N` when it is watching, `changed NAME PATH…` per process, and `polling REASON` if the system has no room
for watches. It exits when its parent does.
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
PARENT_MS = 2000  # time between checks that the parent is alive
POLL_SECONDS = 1.0
_MOST_TOLD = 20
GIT_SECONDS = 10.0  # longest wait for a running git command


class Events(Protocol):
    """Protocol of a source of file events: watchfiles' RustNotify, or a fake in tests."""

    def watch(self, debounce_ms: int, step_ms: int, timeout_ms: int, stop_event: None) -> set[tuple[int, str]] | str:
        """Wait for events; return (kind, path) pairs of changes, or a word such as `timeout`."""

    def close(self) -> None:
        """Stop watching."""


def open_events(folders: Iterable[str]) -> Events:
    """Watch these folders, without their subfolders. Raises OSError if the system has no room for more watches."""
    from watchfiles._rust_notify import RustNotify, WatchfilesRustInternalError

    existing = [folder for folder in folders if os.path.isdir(folder)]
    try:
        return RustNotify(existing, False, False, 0, False, True)
    except WatchfilesRustInternalError as error:  # such as too many open files, which here means watches
        raise OSError(str(error).removeprefix("Error creating recommended watcher: ")) from error


class Watching:
    """Watches the files of one project. `say` sends a message; `is_wanted` returns whether the parent is alive."""

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
        """Report changed files until the parent ends."""
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
        """Watch added folders and no longer removed ones; return the paths changed meanwhile."""
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
            changed |= self._tree.look()  # changes between finding a folder and watching it
        return changed

    def _wait_for_quiet(self) -> set[str]:
        """Return changes in folders that weren't watched yet when the present batch of changes began."""
        changed: set[str] = set()
        deadline = time.monotonic() + LONGEST_MS / 1000
        while self._events is not None and time.monotonic() < deadline:
            happened = self._events.watch(LONGEST_MS, QUIET_MS, QUIET_MS, None)
            if isinstance(happened, str):
                break
            changed |= self._tree.look_at(path for _, path in happened) | self._rewatch()
        return changed

    def _wait_for_git(self) -> set[str]:
        """Wait for a running git command, so that a checkout is reported as one change; return further changes."""
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
    """Watch the project that `argument` describes (a Python dict: root, watch, since) until the parent ends."""
    asked = ast.literal_eval(argument)
    parent = os.getppid()

    def say(*words: str) -> None:
        line = "\t".join(word.replace("\t", " ").replace("\n", " ") for word in words) + "\n"
        os.write(1, line.encode("utf-8", "replace"))

    tree = Tree(asked["root"], asked["watch"], int(asked["since"] * 1e9))
    watching = Watching(tree, open_events=open_events, say=say, is_wanted=lambda: os.getppid() == parent)
    try:
        watching.run()
    except BrokenPipeError:  # the daemon has ended
        os._exit(0)


if __name__ == "__main__":
    main(sys.argv[1])
