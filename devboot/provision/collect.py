"""The collector: removes objects that nobody needs and what killed builds have left, and says why the rest stays.

In use is what a project that is there holds, what a running command is about to need, and what a process uses. Each
object is looked at again right before it goes: under its own lock, so that nobody builds it, and under the lock of the
roots, so that nobody can add one between that look and the rename that makes the object invisible. Who comes after the
rename finds nothing, waits for the object's lock, and builds it anew.
"""

from __future__ import annotations

import os
import re
from collections.abc import Callable, Container, Iterator, Sequence
from contextlib import contextmanager
from typing import NamedTuple

from devboot.files import fail_point, machine_error, sync_directory
from devboot.locks import BUILD, COLLECTION, FileLock, Holder
from devboot.provision.live import objects_in_use
from devboot.provision.objects.roots import forget, project_roots, roots_lock, running_roots
from devboot.provision.objects.store import REGISTERED, STAGING
from devboot.provision.objects.tree import remove_tree
from devboot.text.counts import counted

TRASH = ".trash-"
LEFTOVER_SECONDS = 86400.0  # what a killed command left is removed a day later
OBJECT, LEFTOVER, ROOT, GENERATION, STATE = "object", "leftover", "root", "generation", "state"
_OBJECT_NAME = re.compile(r"([a-z0-9]{8,32})-.+-.+")
_PATIENCE = 600.0


class Piece(NamedTuple):
    """One thing that went or stays: `kind` is OBJECT, LEFTOVER, …; `size` is bytes, `why` says it in words."""

    kind: str
    name: str
    size: int
    why: str


class Collected(NamedTuple):
    """What a collection did, or with `is_dry` would do."""

    removed: tuple[Piece, ...]
    kept: tuple[Piece, ...]
    is_dry: bool

    @property
    def freed(self) -> int:
        """Bytes that are free again."""
        return sum(piece.size for piece in self.removed)


class Terms(NamedTuple):
    """How to collect: `now` is wall-clock seconds, `older_than` seconds that an unused thing has to be old (None: any).

    `let_go` has what isn't held any more, as (project, reason): `generation 3`. `patience` is how long to wait for
    another collector.
    """

    now: Callable[[], float]
    older_than: float | None = None
    is_dry: bool = False
    let_go: frozenset[tuple[str, str]] = frozenset()
    patience: float = _PATIENCE

    @property
    def leftover_age(self) -> float:
        """How old what a killed command left has to be."""
        return LEFTOVER_SECONDS if self.older_than is None else self.older_than


def collect(data: str, terms: Terms, *, waiting: Callable[[Holder], None] | None = None) -> Collected:
    """Remove what nobody needs from the store below `data`; with `is_dry` only say it.

    Raises BusyError `busy/locked` where another collector runs, and MachineError.
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
    """Who uses which object: name → one user in words and how many more, the lasting ones (projects) first."""
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
    """Every object of the store, registered or not, by name."""
    directory = os.path.join(data, "store")
    names = sorted(os.listdir(directory)) if os.path.isdir(directory) else []
    return tuple(name for name in names if _OBJECT_NAME.fullmatch(name))


def leftovers(data: str) -> tuple[int, int]:
    """What killed commands have left in the store: how many, and how many bytes."""
    store = os.path.join(data, "store")
    names = os.listdir(store) if os.path.isdir(store) else []
    left = [os.path.join(store, name) for name in names if name.startswith((STAGING, TRASH))]
    return len(left), sum(map(tree_size, left))


def key_of(name: str) -> str:
    """The key that an object's name starts with."""
    return name.partition("-")[0]


def tree_size(path: str) -> int:
    """How many bytes the files below `path` have, links not followed."""
    if not os.path.isdir(path) or os.path.islink(path):
        return _size(path)
    return sum(_size(os.path.join(parent, name)) for parent, _, files in os.walk(path) for name in files)


def _size(path: str) -> int:
    try:
        return os.lstat(path).st_size
    except FileNotFoundError:  # a build that goes on moves its files about
        return 0


def remove_object(data: str, name: str, now: Callable[[], float]) -> str:
    """Remove an object unless somebody needs it by now: why it stays, "" where it went. Raises OSError."""
    key, store = key_of(name), os.path.join(data, "store")
    with _build_lock(data, key) as is_ours:
        if not is_ours:
            return "another command builds it"
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
    """The lock that builders of an object hold, if nobody has it now."""
    lock = FileLock(os.path.join(data, "locks", f"{key}.lock"), "gc", BUILD)
    try:
        yield lock.try_acquire()
    finally:
        lock.release()


class _Collection:
    def __init__(self, data: str, terms: Terms) -> None:
        self.data = data
        self.store = os.path.join(data, "store")
        self.terms = terms
        self.removed: list[Piece] = []
        self.kept: list[Piece] = []

    def go(self) -> Collected:
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

    def _roots(self) -> None:
        """Let go of what projects hold that are gone, and of what killed commands held."""
        with roots_lock(self.data):
            gone = [root for root in project_roots(self.data) if root.is_gone]
            ended = [running for running in running_roots(self.data, self.terms.now()) if not running.who]
            self.removed += [Piece(ROOT, root.root, 0, "the project is gone") for root in gone]
            if not self.terms.is_dry:
                for path in [root.path for root in gone] + [root.path for root in ended]:
                    forget(path)

    def _trash(self) -> None:
        """What an earlier collector made invisible and was killed over: nobody can use it any more."""
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
        return "unused, but not for as long as `--older-than` asks"

    def _age(self, path: str) -> float:
        registered = os.path.join(path, REGISTERED)
        return self.terms.now() - os.lstat(registered if os.path.exists(registered) else path).st_mtime

    def _staging(self, name: str) -> None:
        path = os.path.join(self.store, name)
        with _build_lock(self.data, key_of(name.removeprefix(STAGING))) as is_ours:
            if not is_ours:
                self.kept.append(Piece(LEFTOVER, name, tree_size(path), "another command builds it"))
            elif not os.path.lexists(path):
                pass  # it was built and published since we looked
            elif self.terms.now() - os.lstat(path).st_mtime < self.terms.leftover_age:
                self.kept.append(Piece(LEFTOVER, name, tree_size(path), "a killed build left it a short while ago"))
            else:
                self._leftover(name, "a killed build left it")

    def _locks(self) -> None:
        """Lock files of objects that aren't there any more."""
        there = {key_of(name) for name in object_names(self.data)}
        directory = os.path.join(self.data, "locks")
        for name in sorted(os.listdir(directory)):
            key, dot, _ = name.partition(".lock")
            if dot and key not in there | {"gc", "roots"}:
                with _build_lock(self.data, key) as is_ours:
                    if is_ours:  # who waits for it notices that it isn't the file at that place any more
                        os.unlink(os.path.join(directory, name))
