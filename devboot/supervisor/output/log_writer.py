"""Writes one process' log: raw bytes, rotated by size, with the time of each block in an index file.

A full disk or a deleted file must never stop or block the process whose output this is.
"""

from __future__ import annotations

import os
from _struct import Struct
from errno import ENOSPC

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable

LIMIT = 16 * 1024 * 1024  # bytes after which the log is renamed to `.1`, replacing an older one
STAMP = Struct("<dQ")  # wall-clock seconds and offset of a block
RESOLUTION = 0.01  # seconds; blocks in quicker succession share a time
RECHECK = 1.0  # seconds between checks whether the file was deleted


def log_path(state: str, name: str) -> str:
    """Return the path of the log of process `name`, below the project's state folder."""
    return os.path.join(state, "logs", f"{name}.log")


def index_path(path: str) -> str:
    """Return the path of the index of the log at `path`."""
    return f"{path}.index"


class LogFile:
    """Appends output to the log at `path`; opens the file at the first write, and again after it was deleted."""

    def __init__(
        self, path: str, wall_clock: Callable[[], float], warn: Callable[[str], None], *, limit: int = LIMIT
    ) -> None:
        from devboot.files import fail_point  # not for those who only read logs

        self.fail_point = fail_point
        self.path = path
        self._wall_clock = wall_clock
        self._warn = warn
        self._limit = limit
        self._fd = self._index = -1
        self._size = 0
        self._stamped = self._checked = 0.0
        self._lost = 0  # complete lines that could not be written since the last success
        self._lost_open = False  # the last lost line is incomplete so far
        self._is_cut = False  # the file ends with an incomplete line
        self._reason = ""

    @property
    def trouble(self) -> str:
        """Reason why output can't be written now, such as a full disk; "" if it can."""
        return f"log not written: {self._reason}" if self._reason else ""

    def write(self, block: bytes) -> None:
        """Append one block of output; a failure is kept in `trouble`, never raised."""
        now = self._wall_clock()
        done = 0
        try:
            self._prepare(now)
            if self._lost or self._lost_open:
                self._append_all(now, self._note())
                self._lost, self._lost_open = 0, False
            while done < len(block):
                done += self._append(now, block[done:] if done else block)
        except OSError as error:
            self._fail(block[done:], error)
        else:
            self._reason = ""

    def close(self) -> None:
        """Close the log and its index; the next write opens them again."""
        for fd in (self._fd, self._index):
            if fd >= 0:
                try:
                    os.close(fd)
                except OSError:
                    continue  # some filesystems report the failure of an earlier write only here
        self._fd = self._index = -1

    def _note(self) -> bytes:
        """Return the log line that replaces lost ones: `devboot: 3 lines not written here`."""
        from devboot.model.printable import counted  # late: `logs` reads this module's constants

        count = self._lost + self._lost_open
        lead = "\n" if self._is_cut else ""
        return f"{lead}devboot: {counted(count, 'line')} not written here\n".encode()

    def _prepare(self, now: float) -> None:
        if self._fd >= 0 and not 0 <= now - self._checked < RECHECK:
            state = os.fstat(self._fd)
            if state.st_size < self._size:
                self._cut_index(state.st_size)
                self._stamped = 0.0
            self._size, self._checked = state.st_size, now
            if not state.st_nlink:
                self.close()
        if self._fd >= 0 and self._size >= self._limit:
            self._rotate()
        if self._fd < 0:
            self._open(now)

    def _open(self, now: float) -> None:
        self.fail_point("log/open")
        os.makedirs(os.path.dirname(self.path), mode=0o700, exist_ok=True)
        self._fd = _open_private(self.path)
        self._size = os.fstat(self._fd).st_size
        if self._size >= self._limit:
            self._rotate()
            self._fd, self._size = _open_private(self.path), 0
        try:
            self._index = _open_private(index_path(self.path))
            self._is_cut = self._is_cut and self._size > 0
            self._cut_index(self._size)
        except OSError:
            self.close()  # both or none, so that the next block tries to open both
            raise
        self._stamped, self._checked = 0.0, now

    def _rotate(self) -> None:
        self.fail_point("log/rotate")
        older = f"{self.path}.1"
        # The log last: after a failure or a kill, the next attempt continues with the files that are left.
        # Renaming over an existing file makes ext4 flush it to disk at once, so that one is deleted first.
        if os.path.lexists(older):
            os.unlink(older)
        if os.path.lexists(index_path(self.path)):
            if os.path.lexists(index_path(older)):
                os.unlink(index_path(older))
            os.rename(index_path(self.path), index_path(older))
        if os.path.lexists(self.path):
            os.rename(self.path, older)
        self.close()

    def _cut_index(self, end: int) -> None:
        """Remove index entries at or after byte `end` of the log, because the log is new or somebody truncated it."""
        fd = os.open(index_path(self.path), os.O_RDONLY | os.O_CLOEXEC | os.O_NONBLOCK)
        try:
            size = os.fstat(fd).st_size
            count = size // STAMP.size
            if count and (not end or _offset(fd, count - 1) >= end):
                from bisect import bisect_left  # late: rarely needed

                count = bisect_left(range(count), end, key=lambda number: _offset(fd, number))
        finally:
            os.close(fd)
        if count * STAMP.size != size:
            self.fail_point("log/cut-index")
            os.ftruncate(self._index, count * STAMP.size)

    def _append_all(self, now: float, data: bytes) -> None:
        while data:
            data = data[self._append(now, data) :]

    def _append(self, now: float, data: bytes) -> int:
        """Write the time of `data` to the index and `data` to the log.

        Return the number of bytes written, maybe fewer.
        """
        if not 0 <= now - self._stamped < RESOLUTION:
            self._stamp(now)
        self.fail_point("log/write")
        done = os.write(self._fd, data)
        self._size += done
        self._is_cut = data[done - 1 : done] != b"\n"
        return done

    def _stamp(self, now: float) -> None:
        self.fail_point("log/index")
        if os.write(self._index, STAMP.pack(now, self._size)) == STAMP.size:
            self._stamped = now
            return
        # The disk had room for part of an entry: remove it, so that entries stay aligned.
        size = os.fstat(self._index).st_size
        os.ftruncate(self._index, size - size % STAMP.size)
        raise OSError(ENOSPC, os.strerror(ENOSPC), index_path(self.path))

    def _fail(self, lost: bytes, error: OSError) -> None:
        if not self._reason:
            self._warn(f"log not written: {error.strerror or error} ({self.path})")
        self._reason = (error.strerror or str(error)).lower()
        self._lost += lost.count(b"\n")
        self._lost_open = not lost.endswith(b"\n")


def _open_private(path: str) -> int:
    # without blocking: a named pipe in its place fails unless it has a reader
    return os.open(path, os.O_WRONLY | os.O_APPEND | os.O_CREAT | os.O_CLOEXEC | os.O_NONBLOCK, 0o600)


def _offset(fd: int, number: int) -> int:
    """Return the byte offset in the log that entry `number` of the index open as `fd` refers to."""
    entry: tuple[float, int] = STAMP.unpack(os.pread(fd, STAMP.size, number * STAMP.size))
    return entry[1]
