"""Records what a preparation asks of a clone: each question becomes a stamp that makes its snapshot stale."""

from __future__ import annotations

import os
from typing import Self

from devboot import clone_reader, snapshot

TYPE_CHECKING = False
if TYPE_CHECKING:
    Stamp = tuple[str, int, int]


class Watched:
    """A context in which all that is read, looked for and listed through `clone_reader` is recorded.

    Stamps are taken when something is first asked for, so that an edit during the preparation isn't overlooked. A
    Watched may be entered several times, and within another one.
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
        """The stamps of everything that was asked for, in that order."""
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
