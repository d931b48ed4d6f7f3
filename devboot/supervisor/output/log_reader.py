"""Reads logs of processes, with or without a daemon: last lines, all lines, several logs merged by time."""

from __future__ import annotations

import os

from devboot.record import Record
from devboot.supervisor.output.log_writer import STAMP, index_path

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

_CHUNK = 64 * 1024


class Line(Record):
    """One line without its newline. `at` is the wall-clock time of its block (0.0: unknown)."""

    at: float
    name: str
    data: bytes


def log_path(state: str, name: str) -> str:
    """Return the path of the log of process `name`, below the project's state folder."""
    return os.path.join(state, "logs", f"{name}.log")


def tail(path: str, count: int, *, name: str = "", end: int | None = None) -> list[Line]:
    """Return the last `count` lines of one log, including its rotated part; none if there is no log.

    `end` is an offset; what was written after it is ignored.
    """
    lines = _last_lines(path, count, name, end)
    if len(lines) < count:
        lines = _last_lines(f"{path}.1", count - len(lines), name) + lines
    return lines


def is_ended(path: str) -> bool:
    """Return whether the last line of a log is complete; a prompt isn't."""
    try:
        with open(path, "rb", opener=_at_once) as file:
            file.seek(-1, os.SEEK_END)
            return file.read() == b"\n"
    except OSError:
        return False


def tail_merged(paths: Mapping[str, str], count: int) -> list[Line]:
    """Return the last `count` lines of each of several logs (name → path), ordered by time."""
    from heapq import merge

    streams = [tail(path, count, name=name) for name, path in paths.items()]
    return list(merge(*streams, key=lambda line: line.at))


def read(path: str, *, name: str = "", end: int | None = None) -> Iterator[Line]:
    """Yield all lines of one log up to offset `end`, oldest first, without holding them in memory."""
    for part, limit in ((f"{path}.1", None), (path, end)):
        if os.path.exists(part):
            yield from _read_part(part, name, limit)


def _at_once(path: str, flags: int) -> int:
    """Open without blocking, so that a named pipe in place of a log reads as an empty one."""
    return os.open(path, flags | os.O_NONBLOCK)


def _read_part(path: str, name: str, end: int | None) -> Iterator[Line]:
    times = _Times(path)
    offset = 0
    with open(path, "rb", opener=_at_once) as file:
        for line in file:
            if end is not None and offset >= end:
                return
            yield Line(times.at(offset), name, line.removesuffix(b"\n"))
            offset += len(line)


def _last_lines(path: str, count: int, name: str, end: int | None = None) -> list[Line]:
    try:
        fd = _at_once(path, os.O_RDONLY)
    except OSError:
        return []
    try:
        data, start = _read_back(fd, count, end)
    except IsADirectoryError:
        return []
    finally:
        os.close(fd)
    if not data or count <= 0:
        return []
    times = _Times(path)
    lines = []
    for line in data.removesuffix(b"\n").split(b"\n"):
        lines.append(Line(times.at(start), name, line))
        start += len(line) + 1
    return lines[-count:]


def _read_back(fd: int, count: int, end: int | None) -> tuple[bytes, int]:
    """Return the end of the file with at least `count` whole lines, and its offset."""
    size = os.fstat(fd).st_size
    start = size if end is None else min(end, size)
    blocks: list[bytes] = []
    ends = 0
    while start > 0 and ends <= count:
        step = min(_CHUNK, start)
        start -= step
        block = os.pread(fd, step, start)
        blocks.insert(0, block)
        ends += block.count(b"\n")
    data = b"".join(blocks)
    if start > 0:
        cut = data.find(b"\n") + 1
        return data[cut:], start + cut
    return data, start


class _Times:
    """Index of one log: write time by byte offset."""

    def __init__(self, path: str) -> None:
        from bisect import bisect_right  # late: the daemon uses only `log_path` of this module

        self._place = bisect_right
        try:
            with open(index_path(path), "rb", opener=_at_once) as file:
                raw = file.read() or b""
        except OSError:
            raw = b""
        whole = raw[: len(raw) - len(raw) % STAMP.size]  # the last entry may be incomplete after a crash
        entries = list(STAMP.iter_unpack(whole))
        self._offsets = [offset for _, offset in entries]
        self._times = [at for at, _ in entries]

    def at(self, offset: int) -> float:
        place = self._place(self._offsets, offset)
        return self._times[place - 1] if place else 0.0
