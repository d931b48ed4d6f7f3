"""Temporary folders that are locked by their creator, so that later commands can delete those of killed ones."""

from __future__ import annotations

import fcntl
import os
import shutil
import stat
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress

_PREFIX = "devboot-scratch-"
_LOCK = "lock"
_SHORTEST = 3600.0  # seconds: a folder without its lock may just be made


@contextmanager
def scratch_folder(where: str | None = None) -> Iterator[str]:
    """Create an empty temporary folder (in `where`), yield its path, delete it in the end. Raises OSError."""
    with tempfile.TemporaryDirectory(prefix=_PREFIX, dir=where) as place:
        # A lock also holds where processes of another container see the folder, which a process id wouldn't.
        # It gets its name when it is locked: before that, another command would take the folder for abandoned.
        new = os.path.join(place, f"{_LOCK}.new")
        lock = os.open(new, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
            os.rename(new, os.path.join(place, _LOCK))
            inner = os.path.join(place, "work")
            os.mkdir(inner)
            yield inner
        finally:
            os.close(lock)


def remove_abandoned(where: str | None = None) -> int:
    """Delete the temporary folders that this user's killed commands have left; return how many. Raises nothing."""
    directory = where or tempfile.gettempdir()
    with suppress(OSError), os.scandir(directory) as entries:
        paths = [entry.path for entry in entries if entry.name.startswith(_PREFIX)]
        return sum(map(_remove_if_abandoned, paths))
    return 0


def _remove_if_abandoned(path: str) -> bool:
    try:
        found = os.lstat(path)
        if not stat.S_ISDIR(found.st_mode) or found.st_uid != os.geteuid():
            return False
        lock = os.open(os.path.join(path, _LOCK), os.O_RDWR | os.O_CLOEXEC | os.O_NOFOLLOW)
    except FileNotFoundError:
        return _remove(path) if _age(path) > _SHORTEST else False
    except OSError:
        return False
    try:
        fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except OSError:  # its owner is still running
        return False
    else:
        return _remove(path)
    finally:
        os.close(lock)


def _age(path: str) -> float:
    with suppress(OSError):
        return time.time() - os.lstat(path).st_mtime
    return 0.0


def _remove(path: str) -> bool:
    """Delete a folder tree that may contain read-only folders; return whether it is gone."""
    for folder, _, _ in os.walk(path):
        with suppress(OSError):
            os.chmod(folder, 0o700)
    shutil.rmtree(path, ignore_errors=True)
    return not os.path.lexists(path)
