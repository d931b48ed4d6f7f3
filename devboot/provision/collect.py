"""Removes unused store objects and files left by killed builds, and gives a reason for everything that stays.

An object is in use if an existing project holds it, a running command is about to need it, or a process uses it. Each
object is checked again right before its removal: under its own lock, so that nobody builds it, and under the lock of
the roots, so that no root is added between that check and the rename that hides the object. A command that comes after
the rename finds nothing, waits for the object's lock, and builds the object anew.
"""

from __future__ import annotations

import os
import re
from collections.abc import Callable, Container, Iterator, Sequence
from contextlib import contextmanager

from devboot.files import fail_point, machine_error, sync_directory
from devboot.locks import BUILD, COLLECTION, FileLock, Holder
from devboot.model.printable import counted
from devboot.provision.live import objects_in_use
from devboot.provision.objects.roots import forget, project_roots, roots_lock, running_roots
from devboot.provision.objects.store import REGISTERED, STAGING
from devboot.provision.objects.tree import remove_tree
from devboot.record import Record

TRASH = ".trash-"
LEFTOVER_SECONDS = 86400.0  # leftovers of killed commands are kept for a day
OBJECT, LEFTOVER, ROOT, GENERATION, STATE = "object", "leftover", "root", "generation", "state"
_OBJECT_NAME = re.compile(r"([a-z0-9]{8,32})-.+-.+")
_LOCK_SECONDS = 600.0


class Piece(Record):
    """An item that `gc` has removed or kept: `kind` is OBJECT, LEFTOVER, …; `size` is in bytes, `why` is the reason."""

    kind: str
    name: str
    size: int
    why: str


class Collected(Record):
    """Result of `gc`: removed and kept items; with `is_dry` nothing was removed."""

    removed: tuple[Piece, ...]
    kept: tuple[Piece, ...]
    is_dry: bool

    @property
    def freed(self) -> int:
        """Bytes that were freed."""
        return sum(piece.size for piece in self.removed)


class Terms(Record):
    """Options of `gc`.

    `now` returns wall-clock seconds. `older_than` is the age in seconds that an unused object must have (None:
    any). `let_go` has references that no longer count, as (project, reason) with a reason such as `generation 3`.
    `patience` is how many seconds to wait for another collector.
    """

    now: Callable[[], float]
    older_than: float | None = None
    is_dry: bool = False
    let_go: frozenset[tuple[str, str]] = frozenset()
    patience: float = _LOCK_SECONDS

    @property
    def leftover_age(self) -> float:
        """Age in seconds from which files of killed commands are removed."""
        return LEFTOVER_SECONDS if self.older_than is None else self.older_than


def collect(data: str, terms: Terms, *, waiting: Callable[[Holder], None] | None = None) -> Collected:
    """Remove unused objects from the store below `data`; with `is_dry` only report them.

    Raises BusyError `busy/locked` if another collector runs, and MachineError.
    """
    lock = FileLock(os.path.join(data, "locks", "gc.lock"), "gc", COLLECTION)
    lock.acquire(timeout=terms.patience, waiting=waiting)
    try:
        return _Collection(data, terms).go()
    except OSError as error:
        raise machine_error(error, os.path.join(data, "store"), "remove") from error
    finally:
        lock.release()


def users_of(data: str, now: float, let_go: Container[tuple[str, str]] = ()) -> dict[str, str]:
    """Return a user of each used store object in words, plus the number of other users, projects first."""
    holders: dict[str, dict[str, str]] = {}
    for root in project_roots(data):
        for name, reason in root.objects.items() if not root.is_gone else ():
            if (root.root, reason) not in let_go:
                holders.setdefault(name, {}).setdefault(root.root, root.why(name))
    found = {name: _first_of(list(known.values())) for name, known in holders.items()}
    for running in running_roots(data, now):
        if running.who:
            found.update({name: running.who for name in running.names if name not in found})
    return found


def _first_of(users: Sequence[str]) -> str:
    return users[0] if len(users) == 1 else f"{users[0]} and {counted(len(users) - 1, 'other project')}"


def object_names(data: str) -> tuple[str, ...]:
    """Return the names of all objects in the store, complete or not."""
    directory = os.path.join(data, "store")
    names = sorted(os.listdir(directory)) if os.path.isdir(directory) else []
    return tuple(name for name in names if _OBJECT_NAME.fullmatch(name))


def leftovers(data: str, *, before: float | None = None) -> tuple[int, int]:
    """Return number and bytes of the files that killed commands have left in the store (last used `before` a time)."""
    store = os.path.join(data, "store")
    names = os.listdir(store) if os.path.isdir(store) else []
    left = [os.path.join(store, name) for name in names if name.startswith((STAGING, TRASH))]
    if before is not None:
        left = [path for path in left if _changed_at(path) < before]
    return len(left), sum(map(tree_size, left))


def remove_leftovers(data: str, terms: Terms) -> Collected:
    """Remove files that killed commands have left in the store; objects stay. Raises the errors of `collect`."""
    lock = FileLock(os.path.join(data, "locks", "gc.lock"), "gc", COLLECTION)
    lock.acquire(timeout=terms.patience)
    try:
        return _Collection(data, terms).remove_leftovers()
    except OSError as error:
        raise machine_error(error, os.path.join(data, "store"), "remove") from error
    finally:
        lock.release()


def _changed_at(path: str) -> float:
    try:
        return os.lstat(path).st_mtime
    except FileNotFoundError:
        return float("inf")


def key_of(name: str) -> str:
    """Return the store key at the beginning of an object's name."""
    return name.partition("-")[0]


def tree_size(path: str) -> int:
    """Return the total bytes of the files below `path`, without following links."""
    if not os.path.isdir(path) or os.path.islink(path):
        return _size(path)
    return sum(_size(os.path.join(parent, name)) for parent, _, files in os.walk(path) for name in files)


def _size(path: str) -> int:
    try:
        return os.lstat(path).st_size
    except FileNotFoundError:  # a running build moves its files
        return 0


def remove_object(data: str, name: str, now: Callable[[], float]) -> str:
    """Remove a store object unless it is in use; return why it stays, "" if it was removed. Raises OSError."""
    key, store = key_of(name), os.path.join(data, "store")
    with _build_lock(data, key) as is_ours:
        if not is_ours:
            return "another command is building it"
        fail_point("gc/chosen")
        running = objects_in_use(store, [key])
        trash = os.path.join(store, f"{TRASH}{os.urandom(4).hex()}-{name}")
        with roots_lock(data):
            why = users_of(data, now()).get(name) or running.get(key, "")
            if why:
                return why
            try:
                os.rename(os.path.join(store, name), trash)
            except FileNotFoundError:  # another command has removed it while we waited
                return ""
        fail_point("gc/renamed")
        sync_directory(store)
    remove_tree(trash)
    return ""


@contextmanager
def _build_lock(data: str, key: str) -> Iterator[bool]:
    """Try to take the lock under which an object is built; yield whether it was free."""
    lock = FileLock(os.path.join(data, "locks", f"{key}.lock"), "gc", BUILD)
    try:
        yield lock.try_acquire()
    finally:
        lock.release()


class _Collection:
    """One run of `gc` over the store: the items removed and kept so far."""

    def __init__(self, data: str, terms: Terms) -> None:
        self.data = data
        self.store = os.path.join(data, "store")
        self.terms = terms
        self.removed: list[Piece] = []
        self.kept: list[Piece] = []

    def go(self) -> Collected:
        """Remove what is unused, and return the removed and kept items. Raises MachineError."""
        self._roots()
        self._trash()
        names = object_names(self.data)
        users = users_of(self.data, self.terms.now(), self.terms.let_go)
        running = objects_in_use(self.store, [key_of(name) for name in names])
        for name in names:
            self._object(name, users.get(name) or running.get(key_of(name), ""))
        for name in self._hidden(STAGING):
            self._staging(name)
        if not self.terms.is_dry:
            self._locks()
        return Collected(tuple(self.removed), tuple(self.kept), self.terms.is_dry)

    def remove_leftovers(self) -> Collected:
        self._trash()
        for name in self._hidden(STAGING):
            self._staging(name)
        return Collected(tuple(self.removed), tuple(self.kept), self.terms.is_dry)

    def _roots(self) -> None:
        """Delete the roots of deleted projects and of killed commands."""
        with roots_lock(self.data):
            gone = [root for root in project_roots(self.data) if root.is_gone]
            ended = [running for running in running_roots(self.data, self.terms.now()) if not running.who]
            self.removed += [Piece(ROOT, root.root, 0, "the project is gone") for root in gone]
            if not self.terms.is_dry:
                for path in [root.path for root in gone] + [root.path for root in ended]:
                    forget(path)

    def _trash(self) -> None:
        """Delete objects that an earlier, killed `gc` had already hidden."""
        for name in self._hidden(TRASH):
            self._leftover(name, "its removal was interrupted")

    def _leftover(self, name: str, why: str) -> None:
        path = os.path.join(self.store, name)
        self.removed.append(Piece(LEFTOVER, name, tree_size(path), why))
        if not self.terms.is_dry:
            remove_tree(path)

    def _hidden(self, prefix: str) -> list[str]:
        names = sorted(os.listdir(self.store)) if os.path.isdir(self.store) else []
        return [name for name in names if name.startswith(prefix)]

    def _object(self, name: str, user: str) -> None:
        path = os.path.join(self.store, name)
        try:
            size, why = tree_size(path), user or self._why_young(path)
        except FileNotFoundError:
            return  # another command has removed it since we looked
        if not why and not self.terms.is_dry:
            why = remove_object(self.data, name, self.terms.now)
        into = self.kept if why else self.removed
        into.append(Piece(OBJECT, name, size, why or "nothing uses it"))

    def _why_young(self, path: str) -> str:
        if self.terms.older_than is None or self._age(path) >= self.terms.older_than:
            return ""
        return "unused, but younger than `--older-than`"

    def _age(self, path: str) -> float:
        registered = os.path.join(path, REGISTERED)
        return self.terms.now() - os.lstat(registered if os.path.exists(registered) else path).st_mtime

    def _staging(self, name: str) -> None:
        path = os.path.join(self.store, name)
        with _build_lock(self.data, key_of(name.removeprefix(STAGING))) as is_ours:
            if not is_ours:
                self.kept.append(Piece(LEFTOVER, name, tree_size(path), "another command is building it"))
            elif not os.path.lexists(path):
                pass  # it was built and published since we looked
            elif self.terms.now() - os.lstat(path).st_mtime < self.terms.leftover_age:
                self.kept.append(Piece(LEFTOVER, name, tree_size(path), "left recently by a killed build"))
            else:
                self._leftover(name, "left by a killed build")

    def _locks(self) -> None:
        """Delete lock files of objects that no longer exist."""
        there = {key_of(name) for name in object_names(self.data)}
        directory = os.path.join(self.data, "locks")
        for name in sorted(os.listdir(directory)):
            key, dot, _ = name.partition(".lock")
            if dot and key not in there | {"gc", "roots"}:
                with _build_lock(self.data, key) as is_ours:
                    if is_ours:  # waiters notice that the file at this path has changed
                        os.unlink(os.path.join(directory, name))
