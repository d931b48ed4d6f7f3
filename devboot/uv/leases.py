"""Files that record running process groups, so that the next command can end those of a killed one."""

from __future__ import annotations

import contextlib
import os
import signal
from collections.abc import Callable

from devboot.files import plain

_PREFIX = "child-"


class FolderLeases:
    """Keeps lease files in a folder, which it creates.

    Call it with the id of a process group; call the result when that group is gone.
    """

    def __init__(self, folder: str) -> None:
        self._folder = folder

    def __call__(self, group: int) -> Callable[[], None]:
        """Write the lease of a process group that has just been started."""
        os.makedirs(self._folder, mode=0o700, exist_ok=True)
        path = os.path.join(self._folder, f"{_PREFIX}{group}")
        try:
            with open(path, "w", encoding="ascii") as file:
                file.write(f"{started_at(group)}\n{_boot_id()}\n")
        except OSError as error:
            with contextlib.suppress(OSError):
                os.unlink(path)
            error.filename = path
            raise

        def release() -> None:
            with contextlib.suppress(FileNotFoundError):
                os.unlink(path)

        return release


def end_leftovers(folder: str) -> tuple[int, ...]:
    """End the process groups recorded in the folder, delete the records, return those groups that were alive.

    Call it while holding the project's lock: then no other command can own any of them.
    """
    ended = []
    for name in _names(folder):
        path = os.path.join(folder, name)
        group = int(name.removeprefix(_PREFIX))
        if _is_same(group, path):
            with contextlib.suppress(ProcessLookupError, PermissionError):
                os.killpg(group, signal.SIGKILL)
                ended.append(group)
        with contextlib.suppress(FileNotFoundError):
            os.unlink(path)
    return tuple(ended)


def _names(folder: str) -> list[str]:
    try:
        entries = os.listdir(folder)
    except FileNotFoundError:
        return []
    return [name for name in entries if name.startswith(_PREFIX) and name.removeprefix(_PREFIX).isdigit()]


def _is_same(group: int, path: str) -> bool:
    """Return whether a process group is the recorded one, or what remains of it after its leader's end."""
    try:
        with open(path, encoding="ascii", opener=plain) as file:
            started, boot = (*file.read().split("\n"), "", "")[:2]
    except (OSError, UnicodeDecodeError):
        return False
    if boot != _boot_id():
        return False
    now = started_at(group)
    # The kernel doesn't reuse a pid while a group of that number has members: without a leader it is still ours.
    return now in ("", started)


def started_at(pid: int) -> str:
    """Return the start time of a process in the kernel's ticks; "" if it has ended, or not on Linux."""
    try:
        with open(f"/proc/{pid}/stat", encoding="utf-8", errors="replace") as file:
            return file.read().rpartition(")")[2].split()[19]
    except (OSError, IndexError):
        return ""


def _boot_id() -> str:
    try:
        with open("/proc/sys/kernel/random/boot_id", encoding="ascii") as file:
            return file.read().strip()
    except OSError:
        return ""
