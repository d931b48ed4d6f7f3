"""The store: a directory of read-only objects that are whole or absent. It never fetches: it is handed a build.

    <data>/store/<key>-<name>-<version>/    an object: bin/, tree/, object.json
    <data>/store/<…>/.registered            what makes it visible: written last, so that one stat answers
    <data>/locks/<key>.lock                 held while one process builds that object
    <data>/roots/                           which objects are in use: `roots`

Look up, lock, look again, build in staging beside it, verify, sync, rename, register. Killed before the rename, staging
is left, which nobody reads; killed after it, the next one adopts the object when every byte is right, else discards it.
"""

from __future__ import annotations

import contextlib
import os
import tempfile
from collections.abc import Callable, Iterator
from typing import NamedTuple

from devboot.files import atomic_write, exchange, fail_point, machine_error, make_directories, sync_directory
from devboot.locks import BUILD, FileLock, Holder
from devboot.provision.objects import listing
from devboot.provision.objects.roots import TemporaryRoots
from devboot.provision.objects.tree import make_read_only, remove_tree, sync_tree

REGISTERED = ".registered"
STAGING = ".staging-"
_LOCK_SECONDS = 1800.0  # the time that a big download may take on a slow line


class StoreObject(NamedTuple):
    """A realised object: its directory, and the directory to put on PATH."""

    name: str  # <key>-<name>-<version>
    path: str

    @property
    def bin(self) -> str:
        """Where its programs are."""
        return os.path.join(self.path, "bin")

    def program(self, name: str) -> str:
        """The path of one of its programs."""
        return os.path.join(self.path, "bin", name)


class Store:
    """The store below the data directory `data`."""

    def __init__(self, data: str) -> None:
        self.directory = os.path.join(data, "store")
        self._data = data

    def find(self, name: str) -> StoreObject | None:
        """The object if it is registered: one stat."""
        path = os.path.join(self.directory, name)
        return StoreObject(name, path) if os.path.exists(os.path.join(path, REGISTERED)) else None

    def names(self) -> Iterator[str]:
        """Every registered object."""
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
        """The object `name`, built by `build(staging)` if it isn't there; `command` is told to those who wait.

        `damaged` is told what is wrong with the one that is there, before it is built anew. `roots` keeps a collector
        off it from before the look-up. Raises MachineError, BusyError, and what `build` does.
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
        """What is wrong with an object: by presence and size, or with `full` by content, modes and strangers too."""
        return listing.complaints(os.path.join(self.directory, name), full=full)

    def withdraw(self, name: str) -> None:
        """Make a damaged object invisible: nobody finds it until it is whole again. Raises MachineError."""
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
        # a loss of power may have truncated files that looked written: their sizes cost a stat each
        return None if found is None or listing.complaints(found.path, full=full) else found

    def _adopt(self, name: str) -> StoreObject | None:
        path = os.path.join(self.directory, name)
        if not os.path.isdir(path) or listing.complaints(path, full=True):
            return None
        return self._register(name, path)

    def _publish(self, name: str, build: Callable[[str], None]) -> StoreObject:
        make_directories(self.directory)
        key = name.partition("-")[0]
        for left in self._left_staging(key):  # the lock is ours, so nobody builds there any more
            with contextlib.suppress(OSError):  # but a program that a killed build has started may still write there
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
            told = machine_error(error, final)  # before the removal: afterwards there is room again
            remove_tree(staging)
            raise told from error
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
