"""Reads logs of processes, with or without a daemon: merges selected lines of several logs by time, block by block.

Logs may be far longer than memory, and are written and rotated while they are read. So each log is opened once, with
its rotated part and their indexes, and read up to its size at that moment.
"""

from __future__ import annotations

import os
from errno import EMFILE, ENFILE

from devboot.record import Record
from devboot.supervisor.output.log_index import TimeIndex
from devboot.supervisor.output.log_writer import index_path

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence

    from devboot.supervisor.output.log_index import Read

    Ranges = Callable[[bytes], Iterable[tuple[int, int]]]
    """Returns the ranges of a block of whole lines that are wanted, in their order."""

_BLOCK = 128 * 1024  # bytes read at once, so that a block stays in the CPU's cache while it is searched
_SMALLEST = 8 * 1024
_TOGETHER = 4 * 1024 * 1024  # bytes of blocks of all logs together
_RESERVE = 50  # descriptors for everything else, such as modules that are imported later
_ATTEMPTS = 5  # to open the files of a log between two rotations


class Lines(Record):
    """Whole lines of one process with the same wall-clock time (0.0: unknown). The last one may have no line end."""

    at: float
    name: str
    data: bytes


class Filter(Record):
    """Selects log lines from `since` to before `until` (wall-clock seconds, 0: no limit), and by `ranges`.

    `ranges(block)` returns the parts of a block to keep, as pairs of offsets; None keeps all.
    """

    since: float = 0.0
    until: float = 0.0
    ranges: Ranges | None = None

    @property
    def has_times(self) -> bool:
        """True if `since` or `until` is set."""
        return bool(self.since or self.until)

    def takes(self, at: float) -> bool:
        """Return whether lines written at `at` are within `since` and `until`."""
        return at >= self.since and (not self.until or at < self.until)

    def ranges_of(self, data: bytes) -> Iterable[tuple[int, int]]:
        """Return the parts of a block that `ranges` selects, as pairs of offsets, whatever its time."""
        return self.ranges(data) if self.ranges is not None else ((0, len(data)),)

    def out_of(self, lines: Lines) -> Iterator[Lines]:
        """Yield the parts of `lines` that the filter selects by time and text."""
        if self.takes(lines.at):
            for start, end in self.ranges_of(lines.data):
                yield Lines(lines.at, lines.name, lines.data[start:end])


ALL = Filter()


class Log:
    """The log of one process, opened with its rotated part. Reading isn't disturbed by a later rotation or deletion.

    Bytes after the offset `end` of the current file are ignored.
    """

    def __init__(
        self, path: str, name: str = "", chosen: Filter = ALL, *, end: int | None = None, read: Read = os.pread
    ) -> None:
        self._name = name
        self._chosen = chosen
        older, newer = (_Part(fds, chosen, read) for fds in _open_log(path))
        if end is not None and newer.size < end:
            newer, older = older, newer  # it was rotated since the offset was determined
            older.end = older.begin
        if end is not None:
            newer.end = max(newer.begin, min(newer.end, end))
        self._parts = (older, newer)

    def keep_last(self, count: int) -> None:
        """Limit what `lines` yields to the last `count` selected lines."""
        if count >= sum(part.end - part.begin for part in self._parts):
            return  # no line is shorter than its line end
        for part in reversed(self._parts):
            count = part.keep_last(count)

    def lines(self, block: int = _BLOCK) -> Iterator[Lines]:
        """Yield the selected lines, oldest first."""
        for part in self._parts:
            for offset, data in part.blocks(block):
                for at, start, end in part.selected(offset, data):
                    yield Lines(at, self._name, data[start:end])

    def close(self) -> None:
        """Close the descriptors of the log."""
        for part in self._parts:
            part.close()


def merged(logs: Mapping[str, str], chosen: Filter, count: int | None, ends: Mapping[str, int]) -> Iterator[Lines]:
    """Yield the selected lines of several logs (name → path) in order of time; of each log all, or the last `count`.

    `ends` maps names to byte offsets at which to stop reading. Raises OSError if too many files would be open.
    """
    from heapq import merge  # late: one log needs none

    _allow_descriptors(len(logs))
    opened: list[Log] = []
    try:
        for name, path in logs.items():
            opened.append(Log(path, name, chosen, end=ends.get(name)))
        for log in opened:
            if count is not None:
                log.keep_last(count)
        block = max(_SMALLEST, min(_BLOCK, _TOGETHER // max(1, len(opened))))
        yield from merge(*(log.lines(block) for log in opened), key=_time_of)
    finally:
        for log in opened:
            log.close()


def last_lines(path: str, count: int) -> list[bytes]:
    """Return the last `count` lines of one log, without line ends; none if there is no log."""
    log = Log(path)
    try:
        log.keep_last(count)
        data = b"".join([lines.data for lines in log.lines()])
    finally:
        log.close()
    return data.removesuffix(b"\n").split(b"\n") if data else []


def last_text_lines(path: str, count: int) -> list[str]:
    """Return the last `count` lines of one log, without colours; none if there is no log, or it can't be opened."""
    from devboot.supervisor.output.line_matcher import strip_escapes

    try:
        return [strip_escapes(line).decode("utf-8", "replace") for line in last_lines(path, count)]
    except OSError:
        return []


def is_ended(path: str) -> bool:
    """Return whether a log ends with a complete line; a prompt that waits for input doesn't."""
    try:
        with open(path, "rb", opener=_at_once) as file:
            file.seek(-1, os.SEEK_END)
            return file.read() == b"\n"
    except OSError:
        return False


class _Part:
    """One file of a log (current or rotated) and its index; descriptor -1 for a file that doesn't exist."""

    def __init__(self, fds: tuple[int, int], chosen: Filter, read: Read) -> None:
        self._fd, self._index_fd = fds
        self._chosen = chosen
        self._read = read
        self.size = os.fstat(self._fd).st_size if self._fd >= 0 else 0
        self.begin, self.end = 0, self.size
        self._index = TimeIndex(self._index_fd, read)  # after the size, so that it has all times
        if chosen.has_times and self.end:
            begin, end = self._index.span(chosen.since, chosen.until)
            self.begin, self.end = self._line_from(begin), self._line_from(end)

    def close(self) -> None:
        _close_all((self._fd, self._index_fd))

    def blocks(self, size: int) -> Iterator[tuple[int, bytes]]:
        """Yield (offset, block) from begin to end: whole lines of about `size` bytes, or one line longer than that."""
        offset, wanted = self.begin, size
        while offset < self.end:
            data = self._read(self._fd, min(wanted, self.end - offset), offset)
            end = data.rfind(b"\n") + 1
            if not data:
                return  # somebody has truncated it
            if not end and offset + len(data) < self.end and len(data) == wanted:
                wanted *= 4
                continue
            if end and offset + len(data) < self.end:
                data = data[:end]
            yield offset, data
            offset, wanted = offset + len(data), size

    def blocks_back(self) -> Iterator[tuple[int, bytes]]:
        """Yield (offset, block) of whole lines from the end to the beginning, small blocks first."""
        end, size = self.end, _SMALLEST
        while end > self.begin:
            offset = max(self.begin, end - size)
            data = self._read(self._fd, end - offset, offset)
            cut = data.find(b"\n") + 1 if offset > self.begin else 0
            if offset > self.begin and data and cut in (0, len(data)):
                size *= 4
                continue
            if len(data) > cut:
                yield offset + cut, data[cut:]
            end, size = offset + cut, min(size * 2, _BLOCK)

    def selected(self, offset: int, data: bytes) -> Iterator[tuple[float, int, int]]:
        """Yield (time, start, end) for each selected range of a block, split where the time changes."""
        for begin, stop in self._chosen.ranges_of(data):
            start = begin
            while start < stop:
                at, following = self._index.at(offset + start)
                end = stop
                if offset + start < following < offset + stop:
                    # A line has the time of its beginning.
                    end = data.find(b"\n", following - offset - 1, stop) + 1 or stop
                if self._chosen.takes(at):
                    yield at, start, end
                start = end

    def keep_last(self, count: int) -> int:
        """Skip all but the last `count` selected lines of this file; return how many of them it lacks."""
        if count <= 0:
            self.begin = self.end
        for offset, data in self.blocks_back() if count > 0 else ():
            ranges = list(self._ranges(offset, data))
            found = sum(_count(data, start, end) for start, end in ranges)
            if found >= count:
                self.begin = offset + _skip(data, ranges, found - count)
                return 0
            count -= found
        return max(0, count)

    def _ranges(self, offset: int, data: bytes) -> Iterable[tuple[int, int]]:
        """Return (start, end) of the selected ranges of a block; looks up times only if lines are selected by time."""
        if not self._chosen.has_times:
            return self._chosen.ranges_of(data)
        return ((start, end) for _, start, end in self.selected(offset, data))

    def _line_from(self, offset: int) -> int:
        """Return the offset of the first line that begins at `offset` or after it."""
        if offset <= 0:
            return 0
        while offset < self.end:
            data = self._read(self._fd, _SMALLEST, offset - 1)
            if not data:
                break
            found = data.find(b"\n")
            if found >= 0:
                return min(self.end, offset + found)
            offset += len(data)
        return self.end


def _count(data: bytes, start: int, end: int) -> int:
    return data.count(b"\n", start, end) + (data[end - 1 : end] != b"\n")


def _skip(data: bytes, ranges: Iterable[tuple[int, int]], count: int) -> int:
    """Return the offset in a block where the line after the first `count` lines of these ranges begins."""
    for start, end in ranges:
        lines = _count(data, start, end)
        if count < lines:
            place = start
            for _ in range(count):
                place = data.find(b"\n", place) + 1
            return place
        count -= lines
    return len(data)


def _open_log(path: str) -> tuple[tuple[int, int], tuple[int, int]]:
    """Open four files: the rotated part of a log and the log itself, each with its index.

    Return two pairs of descriptors.

    A rotation renames all four; if one happens meanwhile, they are opened again.
    """
    older = f"{path}.1"
    paths = (older, index_path(older), path, index_path(path))
    fds = _open_all(paths)
    for _ in range(_ATTEMPTS):
        if all(map(_is_at, fds, paths)):
            break
        _close_all(fds)
        fds = _open_all(paths)
    if fds[0] < 0 and fds[3] < 0:  # the writer was killed during a rotation: only the index was renamed
        fds[1], fds[3] = fds[3], fds[1]
    return (fds[0], fds[1]), (fds[2], fds[3])


def _open_all(paths: Sequence[str]) -> list[int]:
    # The newest first: a rotation meanwhile makes a log appear twice rather than not at all.
    fds: list[int] = []
    try:
        for path in reversed(paths):
            fds.append(_open(path))  # noqa: PERF401  (close them after a failure)
    except OSError:
        _close_all(fds)
        raise
    return fds[::-1]


def _close_all(fds: Iterable[int]) -> None:
    for fd in fds:
        if fd >= 0:
            os.close(fd)


def _open(path: str) -> int:
    """Open a regular file for reading and return its descriptor; -1 for anything else."""
    from stat import S_ISREG

    try:
        fd = _at_once(path, os.O_RDONLY | os.O_CLOEXEC)
    except OSError as error:
        if error.errno in (EMFILE, ENFILE):
            raise
        return -1
    if S_ISREG(os.fstat(fd).st_mode):
        return fd
    os.close(fd)
    return -1


def _allow_descriptors(logs: int) -> None:
    """Raise the soft limit of open files for reading `logs` logs, four descriptors each, as far as permitted."""
    limit = os.sysconf("SC_OPEN_MAX")  # the soft limit, -1 if there is none
    wanted = 4 * logs + _RESERVE
    if 0 <= limit < wanted:
        import resource

        hard = resource.getrlimit(resource.RLIMIT_NOFILE)[1]
        allowed = wanted if hard == resource.RLIM_INFINITY else min(wanted, hard)
        resource.setrlimit(resource.RLIMIT_NOFILE, (allowed, hard))


def _is_at(fd: int, path: str) -> bool:
    """Return whether `path` is still the file open as `fd`; for `fd` -1, or an unreadable path without one, True."""
    try:
        now = os.stat(path)
    except OSError:
        return fd < 0
    return fd < 0 or os.path.samestat(os.fstat(fd), now)


def _at_once(path: str, flags: int) -> int:
    """Open a path without blocking (for `open(opener=…)`), so that a named pipe in place of a log reads as empty."""
    return os.open(path, flags | os.O_NONBLOCK)


def _time_of(lines: Lines) -> float:
    return lines.at
