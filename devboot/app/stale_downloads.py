"""Removes files left by killed commands: partial downloads, unpacked kits, renamed virtualenvs.

Each is removed after a certain age, and only if no lock is held on it and no process uses it.
"""

from __future__ import annotations

import os
import re
from collections.abc import Iterable, Iterator
from contextlib import suppress

from devboot.environment.venv.record import load_record
from devboot.locks import FileLock
from devboot.provision.collect import LEFTOVER, Piece, Terms, tree_size
from devboot.provision.live import users_of
from devboot.provision.objects.tree import remove_tree

_DAY = 86400.0
_UNUSED = 30 * _DAY  # seconds for things of possible use: whole downloads, virtualenvs that were moved aside
_SEEN = 7 * _DAY  # seconds for files that somebody may want to inspect
_SHORTEST = 3600.0  # seconds for files without a lock, which a command may just have created
_FOLDERS = (".unpacked-", ".packing-", ".apt-")  # temporary folders of commands
_WHOLE = re.compile(r"[0-9a-f]{64}")
_PART = re.compile(r"([0-9a-f]{64})\..+")
_ASIDE = re.compile(r"\.venv\.(\d{4}-\d\d-\d\dT\d{6}(-\d+)?|new)")


def remove_stale_downloads(cache: str, roots: Iterable[str], terms: Terms) -> Iterator[Piece]:
    """Remove such files below `cache` and in the projects at `roots`, if old enough; yield each. Raises OSError."""
    now = terms.now()
    yield from _downloads(os.path.join(cache, "downloads"), terms, now)
    for path in (*_entries(os.path.join(cache, "kits")), *_entries(os.path.join(cache, "downloads"))):
        if os.path.basename(path).startswith(_FOLDERS) and _age(path, now) >= max(terms.leftover_age, _SHORTEST):
            yield _removed(path, "a killed command left it", terms)
    yield from _virtualenvs(roots, terms, now)


def _downloads(directory: str, terms: Terms, now: float) -> Iterator[Piece]:
    for path in _entries(directory):
        name = os.path.basename(path)
        part = _PART.fullmatch(name)
        if part and _age(path, now) >= terms.leftover_age:
            lock = FileLock(os.path.join(directory, "locks", f"{part[1]}.lock"), "gc")
            if lock.try_acquire():
                with lock:
                    yield _removed(path, "part of a download", terms)
        elif _WHOLE.fullmatch(name) and _age(path, now) >= max(_UNUSED, terms.older_than or 0.0):
            yield _removed(path, "downloaded, and not used for a month", terms)
    for path in _entries(os.path.join(directory, "quarantine")):
        if _age(path, now) >= max(_SEEN, terms.older_than or 0.0):
            yield _removed(path, "differs from the lock, set aside a week ago", terms)


def _virtualenvs(roots: Iterable[str], terms: Terms, now: float) -> Iterator[Piece]:
    found = [path for root in roots for path in _entries(root) if _is_ours(path)]
    old = [path for path in found if _age(path, now) >= max(_UNUSED, terms.older_than or 0.0)]
    users = users_of(old)
    for path in old:
        if path not in users:
            yield _removed(path, "moved aside, a month ago", terms)


def _is_ours(path: str) -> bool:
    """Return whether a path is a virtualenv that a sync created and renamed; others belong to the user."""
    if not _ASIDE.fullmatch(os.path.basename(path)) or os.path.islink(path):
        return False
    record = load_record(path)
    return record is not None and not record.is_adopted


def _removed(path: str, why: str, terms: Terms) -> Piece:
    piece = Piece(LEFTOVER, path, tree_size(path), why)
    if not terms.is_dry:
        _remove(path)
    return piece


def _remove(path: str) -> None:
    if os.path.isdir(path):
        remove_tree(path)
    else:
        with suppress(FileNotFoundError):  # a transfer that was just completed
            os.unlink(path)


def _entries(directory: str) -> list[str]:
    try:
        return [os.path.join(directory, name) for name in sorted(os.listdir(directory))]
    except (FileNotFoundError, NotADirectoryError, PermissionError):
        return []


def _age(path: str, now: float) -> float:
    try:
        found = os.lstat(path)
    except FileNotFoundError:  # it is gone, or has another name by now
        return -1.0
    return now - max(found.st_mtime, found.st_atime if os.path.isfile(path) else 0.0)
