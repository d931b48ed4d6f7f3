"""Records which objects are in use: those that projects hold, and those that running commands are about to need.

    <data>/roots/<project key>              one project: its directory, then one object per line, with its reason
    <data>/roots/.running-<random>          one running command: locked while it lives
    <data>/roots/.running-<random>.names    the objects that command needs, one per line
    <data>/locks/roots.lock                 held while a command adds an object, and while a collector works

To a collector, objects are in use if they are named by an existing project or by a `.running-` file that is locked.
A line without a reason is an object of the current environment.
"""

from __future__ import annotations

import errno
import os
from collections.abc import Iterable, Iterator, Mapping
from contextlib import contextmanager
from types import TracebackType
from typing import Self

from devboot.files import atomic_write, fail_point, machine_error, make_directories, plain
from devboot.locks import TABLE, FileLock, read_holder
from devboot.paths import project_key
from devboot.record import Record

RUNNING = ".running-"
_NAMES = ".names"
NOTHING: Mapping[str, str] = {}
_READ_ONLY = (errno.EACCES, errno.EPERM, errno.EROFS)


class TemporaryRoots:
    """Records the store objects that the running command needs, before it checks whether they exist."""

    def __init__(self, data: str) -> None:
        self._directory = os.path.join(data, "roots")
        self._path = os.path.join(self._directory, RUNNING + os.urandom(8).hex())
        self._data = data
        self._lock = FileLock(self._path, "provisioning")

    def add(self, name: str) -> None:
        """Record that the command needs the object `name`.

        Does nothing in a read-only store, which `gc` can't change.
        """
        try:
            make_directories(self._directory)
            if not os.access(self._directory, os.W_OK):
                return
            with roots_lock(self._data):  # also between threads of one command
                if not self._lock.is_held:
                    self._lock.acquire()
                with open(self._path + _NAMES, "a", encoding="utf-8", opener=plain) as stream:
                    stream.write(name + "\n")
            fail_point("roots/added")
        except OSError as error:
            if error.errno not in _READ_ONLY:
                raise machine_error(error, self._path) from error

    def release(self) -> None:
        """Delete the record: the command needs its objects no longer."""
        _unlink(self._path)
        self._lock.release()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        self.release()


class ProjectRoot(Record):
    """The objects that one project holds, each with its reason (`generation 3`, "" for the current environment).

    `root` is the project's directory; `path` is the file with this record.
    """

    root: str
    objects: Mapping[str, str]
    path: str

    @property
    def names(self) -> frozenset[str]:
        """The names of all store objects that the project holds."""
        return frozenset(self.objects)

    def why(self, name: str) -> str:
        """Return who needs an object: the project's directory, and the generation (`generation 3`) that holds it."""
        return ", ".join(filter(None, [self.root, self.objects[name]]))

    @property
    def is_gone(self) -> bool:
        """True if the project's directory was removed; one that can't be accessed counts as existing."""
        try:
            os.lstat(self.root)
        except (FileNotFoundError, NotADirectoryError):
            return True
        except OSError:
            return False
        return False


class RunningRoot(Record):
    """The objects that one command needs; `who` is `pid 4711 (provisioning, 12 s)`, "" if it was killed."""

    who: str
    names: frozenset[str]
    path: str


@contextmanager
def roots_lock(data: str) -> Iterator[None]:
    """Hold the lock that prevents commands from adding roots, between reading the roots and acting on them."""
    lock = FileLock(os.path.join(data, "locks", "roots.lock"), "roots", TABLE)
    lock.acquire()
    try:
        yield
    finally:
        lock.release()


def project_roots(data: str) -> tuple[ProjectRoot, ...]:
    """Return the records of all projects, including deleted ones."""
    found = []
    for path in _files(data, is_running=False):
        root, *names = _lines(path) or [""]
        if root:
            pairs = (name.partition(" ") for name in names)
            found.append(ProjectRoot(root, {name: why for name, _, why in pairs}, path))
    return tuple(found)


def running_roots(data: str, now: float) -> tuple[RunningRoot, ...]:
    """Return the records of running commands, and those that killed commands have left."""
    found = []
    for path in _files(data, is_running=True):
        lock = FileLock(path, "roots")
        holder = read_holder(path)
        is_free = lock.try_acquire()
        if is_free and not os.path.exists(path + _NAMES):  # it has just ended; the locked file is a new, empty one
            _unlink(path)
        else:
            found.append(RunningRoot("" if is_free else holder.describe(now), frozenset(_lines(path + _NAMES)), path))
        lock.release()
    return tuple(found)


def forget(path: str) -> None:
    """Delete the record of a deleted project or a killed command."""
    _unlink(path)


def _files(data: str, *, is_running: bool) -> list[str]:
    directory = os.path.join(data, "roots")
    names = sorted(os.listdir(directory)) if os.path.isdir(directory) else []
    wanted = [n for n in names if n.startswith(RUNNING) == is_running and not n.endswith((_NAMES, ".tmp"))]
    return [os.path.join(directory, name) for name in wanted]


def _lines(path: str) -> list[str]:
    try:
        with open(path, encoding="utf-8", errors="surrogateescape", opener=plain) as stream:
            return stream.read().split("\n")[:-1]
    except FileNotFoundError:
        return []


def _unlink(path: str) -> None:
    for each in (path + _NAMES, path):
        if os.path.lexists(each):
            os.unlink(each)


def hold_more_for_project(data: str, root: str, names: Iterable[str]) -> None:
    """Record further store objects that the project at `root` uses, in addition to the recorded ones."""
    _, *lines = _lines(os.path.join(data, "roots", project_key(root))) or [root]
    before = [line.partition(" ") for line in lines]
    used = [name for name, _, why in before if not why]
    hold_for_project(data, root, [*used, *names], {name: why for name, _, why in before if why})


def hold_for_project(data: str, root: str, names: Iterable[str], kept: Mapping[str, str] = NOTHING) -> None:
    """Record the store objects that the project at `root` uses, replacing the recorded ones.

    `kept` are further objects with their reasons, as `generation 3`.
    """
    path = os.path.join(data, "roots", project_key(root))
    now = set(names)
    lines = [*sorted(now), *(f"{name} {why}" for name, why in sorted(kept.items()) if name not in now)]
    text = "".join(f"{line}\n" for line in (root, *lines))
    try:
        with open(path, encoding="utf-8", errors="surrogateescape", opener=plain) as stream:
            if stream.read() == text:
                return
    except OSError:
        pass
    try:
        make_directories(os.path.dirname(path))
    except OSError as error:
        if error.errno not in _READ_ONLY:
            raise machine_error(error, path) from error
    if os.access(os.path.dirname(path), os.W_OK):  # a read-only store can't be collected either
        atomic_write(path, os.fsencode(text), mode=0o600)
