"""Records the files of a clone that a preparation reads; a stamp of each becomes part of the snapshot."""

from __future__ import annotations

import os
from typing import Self

from devboot import clone_reader, snapshot

TYPE_CHECKING = False
if TYPE_CHECKING:
    Stamp = tuple[str, int, int]


class RecordedReads:
    """A context that records each path that is read, looked for or listed through `clone_reader`.

    Stamps are taken at the first access, so that an edit during the preparation isn't overlooked. It may be entered
    several times, and within another one.
    """

    def __init__(self) -> None:
        self._stamps: dict[tuple[str, str], Stamp] = {}

    def __enter__(self) -> Self:
        clone_reader.listeners.append(self._note)
        return self

    def __exit__(self, *_: object) -> None:
        clone_reader.listeners.remove(self._note)

    @property
    def stamps(self) -> tuple[Stamp, ...]:
        """Return the stamps of all recorded paths, in order of access."""
        return tuple(self._stamps.values())

    def _note(self, path: str, what: str) -> None:
        path = os.path.abspath(path)
        if (path, what) not in self._stamps:
            self._stamps[path, what] = _stamp(path, what)


def _stamp(path: str, what: str) -> Stamp:
    if what == clone_reader.CONTENT:
        return snapshot.stamp(path)
    if what == clone_reader.PRESENCE:
        return snapshot.presence(path)
    return snapshot.matching(f"{path.rstrip('/')}/{what}")
