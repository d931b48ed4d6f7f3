"""The store: a directory of read-only objects that are complete or absent. Callers pass a function that builds one.

    <data>/store/<key>-<name>-<version>/    an object: bin/, tree/, object.json
    <data>/store/<…>/.registered            makes the object visible; written last, so that one stat decides
    <data>/locks/<key>.lock                 held while one process builds that object
    <data>/roots/                           which objects are in use: `roots`

Steps: look up, lock, look up again, build in a staging folder, verify, sync, rename, register. A process killed before
the rename leaves a staging folder that nobody reads; after it, the next one adopts the object if every byte is right,
and otherwise discards it.
"""

from __future__ import annotations

import contextlib
import os
import tempfile
from collections.abc import Callable, Iterator

from devboot.files import atomic_write, exchange, fail_point, machine_error, make_directories, sync_directory
from devboot.locks import BUILD, FileLock, Holder
from devboot.provision.objects import listing
from devboot.provision.objects.roots import TemporaryRoots
from devboot.provision.objects.tree import make_read_only, remove_tree, sync_tree
from devboot.record import Record

REGISTERED = ".registered"
STAGING = ".staging-"
_LOCK_SECONDS = 1800.0  # a big download on a slow line takes that long


class StoreObject(Record):
    """An object in the store: its name and its directory."""

    name: str  # <key>-<name>-<version>
    path: str

    @property
    def bin(self) -> str:
        """The folder of the object's programs, for PATH."""
        return os.path.join(self.path, "bin")

    def program(self, name: str) -> str:
        """Return the path of a program of this object."""
        return os.path.join(self.path, "bin", name)


class Store:
    """The folder `store` in the data directory, which has one read-only folder per installed package."""

    def __init__(self, data: str) -> None:
        self.directory = os.path.join(data, "store")
        self._data = data

    def find(self, name: str) -> StoreObject | None:
        """Return the object with this name if it is complete, else None; costs one stat."""
        path = os.path.join(self.directory, name)
        return StoreObject(name, path) if os.path.exists(os.path.join(path, REGISTERED)) else None

    def names(self) -> Iterator[str]:
        """Yield the names of all complete objects, sorted."""
        entries = sorted(os.listdir(self.directory)) if os.path.isdir(self.directory) else []
        return (name for name in entries if not name.startswith(".") and self.find(name))

    def realise(
        self,
        name: str,
        build: Callable[[str], None],
        *,
        command: str,
        roots: TemporaryRoots,
        waiting: Callable[[Holder], None] | None = None,
        damaged: Callable[[tuple[str, ...]], None] | None = None,
        full: bool = False,
    ) -> StoreObject:
        """Return the object `name`, built by `build(staging)` if it is missing; waiters are shown `command`.

        `damaged` is called with the complaints about a damaged object before it is rebuilt. `roots` protects the
        object from collectors from before the look-up on. Raises MachineError, BusyError, and the errors of
        `build`.
        """
        roots.add(name)
        found = self._find_whole(name, full=full)
        if found is not None:
            return found
        lock = FileLock(self._lock_path(name), command, BUILD)
        lock.acquire(timeout=_LOCK_SECONDS, waiting=waiting)
        try:
            # another process may have built it while we waited for the lock
            found = self._find_whole(name, full=full) or self._adopt(name)
            if found is not None:
                return found
            if damaged is not None and os.path.isdir(os.path.join(self.directory, name)):
                damaged(self.complaints(name, full=True))
            return self._publish(name, build)
        except OSError as error:
            raise machine_error(error, os.path.join(self.directory, name)) from error
        finally:
            lock.release()

    def complaints(self, name: str, *, full: bool) -> tuple[str, ...]:
        """Return what is wrong with an object: presence and size of files, with `full` also contents, modes, extras."""
        return listing.complaints(os.path.join(self.directory, name), full=full)

    def withdraw(self, name: str) -> None:
        """Hide a damaged object until it is repaired, so that nothing uses it. Raises MachineError."""
        path = os.path.join(self.directory, name)
        try:
            with FileLock(self._lock_path(name), "repair", BUILD):
                if os.path.lexists(os.path.join(path, REGISTERED)):
                    os.chmod(path, 0o755)  # noqa: S103  as in `_register`
                    os.unlink(os.path.join(path, REGISTERED))
                    os.chmod(path, 0o555)  # noqa: S103
        except OSError as error:
            raise machine_error(error, path) from error

    def _lock_path(self, name: str) -> str:
        return os.path.join(self._data, "locks", name.partition("-")[0] + ".lock")

    def _find_whole(self, name: str, *, full: bool) -> StoreObject | None:
        found = self.find(name)
        # after a power failure files may be truncated: checking the size costs one stat each
        return None if found is None or listing.complaints(found.path, full=full) else found

    def _adopt(self, name: str) -> StoreObject | None:
        path = os.path.join(self.directory, name)
        if not os.path.isdir(path) or listing.complaints(path, full=True):
            return None
        return self._register(name, path)

    def _publish(self, name: str, build: Callable[[str], None]) -> StoreObject:
        make_directories(self.directory)
        key = name.partition("-")[0]
        for left in self._left_staging(key):  # we hold the lock, so no build is running there
            with contextlib.suppress(OSError):  # but a program started by a killed build may still write there
                remove_tree(left)
        staging = tempfile.mkdtemp(prefix=f"{STAGING}{key}-", dir=self.directory)
        final = os.path.join(self.directory, name)
        try:
            fail_point("store/staged")
            build(staging)
            fail_point("store/built")
            listing.write(staging)
            make_read_only(staging)
            sync_tree(staging)
            fail_point("store/synced")
            self._swap(staging, final)
            fail_point("store/renamed")
        except OSError as error:
            failure = machine_error(error, final)  # before the removal, which frees the disk
            remove_tree(staging)
            raise failure from error
        except BaseException:
            remove_tree(staging)
            raise
        return self._register(name, final)

    def _left_staging(self, key: str) -> list[str]:
        prefix = f"{STAGING}{key}-"
        return [os.path.join(self.directory, name) for name in os.listdir(self.directory) if name.startswith(prefix)]

    def _swap(self, staging: str, final: str) -> None:
        if os.path.isdir(final):
            exchange(staging, final)
            fail_point("store/exchanged")
            remove_tree(staging)
        else:
            os.rename(staging, final)
        sync_directory(self.directory)

    def _register(self, name: str, path: str) -> StoreObject:
        os.chmod(path, 0o755)  # noqa: S103  programs and data that hold no secret
        atomic_write(os.path.join(path, REGISTERED), listing.digest_of(path) + "\n", mode=0o444)
        fail_point("store/registered")
        os.chmod(path, 0o555)  # noqa: S103
        return StoreObject(name, path)
