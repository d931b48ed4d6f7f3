"""Resolves git's merge conflicts in a lock: splits the text into both sides and combines them."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import TypeVar

from devboot.errors import DevbootError
from devboot.model.edge.lockfile.lock import LOCK, Lock, LockedPackage, PythonLock, PythonPackage, parse_lock
from devboot.record import Record

_Row = TypeVar("_Row", LockedPackage, PythonPackage)
_RANKS = {"dev": -2, "post": 0}  # other words rank between them: dev < rc, beta, … < release and post
_OURS, _BASE, _MIDDLE, _THEIRS = "<<<<<<<", "|||||||", "=======", ">>>>>>>"


class Choice(Record):
    """A package with different versions on both sides of a conflict; `taken` is the version to try first."""

    name: str
    ours: str
    theirs: str
    taken: str


class Merged(Record):
    """Result of merging the sides of a git conflict in devboot.lock; a following resolution keeps versions of `lock`.

    `unread` names sides (`ours`, `theirs`) that can't be parsed.
    """

    lock: Lock
    choices: tuple[Choice, ...]
    unread: tuple[str, ...]  # "ours", "theirs"


def sides_of(text: str) -> tuple[str, str] | None:
    """Split a text with git's conflict markers into both sides; None if there are no markers."""
    ours: list[str] = []
    theirs: list[str] = []
    into: Sequence[list[str]] = (ours, theirs)
    found = False
    for line in text.splitlines(keepends=True):
        mark = line.rstrip("\r\n")[:7]
        if mark == _OURS:
            into, found = (ours,), True
        elif found and mark == _BASE:
            into = ()
        elif found and mark == _MIDDLE and line.rstrip() == _MIDDLE:
            into = (theirs,)
        elif found and mark == _THEIRS:
            into = (ours, theirs)
        else:
            for side in into:
                side.append(line)
    return ("".join(ours), "".join(theirs)) if found else None


def merge_text(text: str, file: str = LOCK) -> Merged | None:
    """Combine both sides of a lock with conflict markers; None if there are no markers."""
    sides = sides_of(text)
    if sides is None:
        return None
    locks: list[Lock] = []
    unread: list[str] = []
    for name, side in zip(("ours", "theirs"), sides, strict=True):
        try:
            locks.append(parse_lock(side, file))
        except DevbootError:  # git merges line by line, so a side may not be a valid lock
            unread.append(name)
    if len(locks) < 2:
        return Merged(locks[0] if locks else Lock(), (), tuple(unread))
    lock, choices = merge_locks(*locks)
    return Merged(lock, choices, ())


def merge_locks(ours: Lock, theirs: Lock) -> tuple[Lock, tuple[Choice, ...]]:
    """Combine two locks, taking the newer version of each package; return also a choice per differing package."""
    choices: list[Choice] = []
    packages = _merged(_by_key(ours), _by_key(theirs), choices)
    python = ours.python or theirs.python
    if ours.python is not None and theirs.python is not None:
        rows = _merged(_by_name(ours.python), _by_name(theirs.python), choices)
        python = ours.python.model_copy(update={"package": tuple(rows)})
    return Lock(package=tuple(packages), python=python), tuple(sorted(choices))


def _merged(
    ours: Mapping[object, list[_Row]], theirs: Mapping[object, list[_Row]], choices: list[Choice]
) -> Iterator[_Row]:
    for key in dict.fromkeys((*ours, *theirs)):
        mine, other = ours.get(key, []), theirs.get(key, [])
        taken = mine or other
        if mine and other and _versions(mine) != _versions(other):
            taken = max(mine, other, key=lambda rows: [version_order(row.version) for row in rows])
            choices.append(Choice(taken[0].name, _versions(mine), _versions(other), _versions(taken)))
        yield from taken


def _by_key(lock: Lock) -> dict[object, list[LockedPackage]]:
    return {package.key: [package] for package in lock.package}


def _by_name(python: PythonLock) -> dict[object, list[PythonPackage]]:
    rows: dict[object, list[PythonPackage]] = {}
    for row in python.package:
        rows.setdefault(row.name, []).append(row)
    return rows


def _versions(rows: Iterable[LockedPackage | PythonPackage]) -> str:
    return ", ".join(sorted({row.version for row in rows}))


def version_order(version: str) -> tuple[tuple[int, str], ...]:
    """Return a sort key that orders versions numerically: 8.10 after 8.2, and 1.0rc1 before 1.0."""
    parts = re.findall(r"\d+|[a-z]+", version.partition("+")[0])
    ordered = [(int(part), "") if part.isdigit() else (_RANKS.get(part, -1), part) for part in parts]
    return (*ordered, (0, ""))
