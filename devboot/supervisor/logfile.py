"""Writes one process' log: raw bytes, rotated by size, with a time for each block in a sidecar index.

A full disk or a deleted file must never stop or block the process whose output this is.
"""

from __future__ import annotations

import os
from _struct import Struct

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable

LIMIT = 16 * 1024 * 1024  # then it becomes `.1`, and the older `.1` goes
STAMP = Struct("<dQ")  # wall-clock seconds, offset of the block that was written then
RESOLUTION = 0.01  # seconds; blocks that follow closer share a time
RECHECK = 1.0  # seconds between looks whether somebody has deleted the file


def index_path(path: str) -> str:
    """Where the times of the log at `path` are."""
    return f"{path}.index"


class LogFile:
    """Appends to the log at `path`; opens it at the first write and again after it was deleted."""

    def __init__(
        self, path: str, wall_clock: Callable[[], float], warn: Callable[[str], None], *, limit: int = LIMIT
    ) -> None:
        self.path = path
        self._wall_clock = wall_clock
        self._warn = warn
        self._limit = limit
        self._fd = self._index = -1
        self._size = 0
        self._stamped = self._checked = 0.0
        self._lost = 0  # lines that could not be written since the last success
        self._reason = ""

    @property
    def trouble(self) -> str:
        """Why what the process says now isn't written, empty where it is."""
        return f"log not written: {self._reason}" if self._lost else ""

    def write(self, block: bytes) -> None:
        """Append one block; never raises and never blocks on anything but the disk itself."""
        now = self._wall_clock()
        try:
            self._prepare(now)
            if self._lost:
                self._append(now, f"devboot: {self._lost} lines not written here\n".encode())
                self._lost = 0
            self._append(now, block)
        except OSError as error:
            self._fail(block, error)

    def close(self) -> None:
        """Close both files; writing again opens them anew."""
        for fd in (self._fd, self._index):
            if fd >= 0:
                os.close(fd)
        self._fd = self._index = -1

    def _prepare(self, now: float) -> None:
        if self._fd >= 0 and not 0 <= now - self._checked < RECHECK:
            self._checked = now
            state = os.fstat(self._fd)
            self._size = state.st_size  # somebody may have emptied it
            if not state.st_nlink:
                self.close()
        if self._fd >= 0 and self._size >= self._limit:
            self._rotate()
        if self._fd < 0:
            self._open(now)

    def _open(self, now: float) -> None:
        os.makedirs(os.path.dirname(self.path), mode=0o700, exist_ok=True)
        self._fd = _open_private(self.path)
        self._size = os.fstat(self._fd).st_size
        try:
            self._index = _open_private(index_path(self.path))
            if not self._size:
                os.ftruncate(self._index, 0)  # times of a log that is gone
        except OSError:
            self.close()  # both or none, so that the next block tries again
            raise
        self._stamped, self._checked = 0.0, now

    def _rotate(self) -> None:
        self.close()
        older = f"{self.path}.1"
        for path, place in ((self.path, older), (index_path(self.path), index_path(older))):
            if os.path.lexists(place):
                os.unlink(place)  # ext4 writes a file that replaces another one to the disk at once
            os.rename(path, place)

    def _append(self, now: float, block: bytes) -> None:
        if not 0 <= now - self._stamped < RESOLUTION:
            self._stamped = now
            os.write(self._index, STAMP.pack(now, self._size))
        done = 0
        while done < len(block):
            done += os.write(self._fd, block[done:] if done else block)
        self._size += done

    def _fail(self, block: bytes, error: OSError) -> None:
        self._reason = (error.strerror or str(error)).lower()
        if not self._lost:
            self._warn(f"log not written: {error.strerror or error} ({self.path})")
        self._lost += block.count(b"\n") or 1


def _open_private(path: str) -> int:
    # without waiting: a named pipe in its place is an error, or somebody's who reads it
    return os.open(path, os.O_WRONLY | os.O_APPEND | os.O_CREAT | os.O_CLOEXEC | os.O_NONBLOCK, 0o600)
