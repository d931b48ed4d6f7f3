"""Reads the time index of a log: finds the time of a line, and the part of a log from a given time on.

An index may be as long as its log, so it is never in memory as a whole: a line's time is searched by bisection.
"""

from __future__ import annotations

import os
from bisect import bisect_left, bisect_right

from devboot.supervisor.output.log_writer import STAMP

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable

    Read = Callable[[int, int, int], bytes]
    """Reads like `os.pread`: descriptor, number of bytes, offset."""

FAR = 1 << 63  # beyond the end of any log
_WINDOW = 256  # entries that are read at once
_CHECKED = 64 * _WINDOW  # the same when the whole index is checked
_LATEST = float(1 << 37)  # wall-clock seconds, in the year 6325; a later time is damage, and no date for the system


class TimeIndex:
    """Times of the lines of one log file.

    A time is 0.0 if unknown: if it is impossible, or there is no index (`fd` -1).
    """

    def __init__(self, fd: int, read: Read = os.pread) -> None:
        self._fd = fd
        self._read = read
        # The last entry may be incomplete after a crash.
        self._count = os.fstat(fd).st_size // STAMP.size if fd >= 0 else 0
        self._first = 0  # number of the first entry that is in memory
        self._times: list[float] = []
        self._offsets: list[int] = []

    def at(self, offset: int) -> tuple[float, int]:
        """Return the time of the line at byte `offset` (wall-clock seconds), and the offset of the next entry."""
        if not self._holds(offset) and self._count:
            self._load(self._first + max(0, len(self._offsets) - 1))  # nearly always: reading goes forward
            if not self._holds(offset):
                self._load(max(0, bisect_right(range(self._count), offset, key=self.offset) - 1))
        place = bisect_right(self._offsets, offset)
        time = self._times[place - 1] if place else 0.0
        return time, self._offsets[place] if place < len(self._offsets) else FAR

    def span(self, since: float, until: float) -> tuple[int, int]:
        """Return the byte offsets between which all lines from `since` to before `until` (0: no limit) begin.

        The range may contain other lines, too: all, if the clock was set back while the log was written.
        """
        marks = self._marks()
        if marks is None:
            return 0, FAR
        first = self._first_from(since, marks) if since else 0
        last = self._first_from(until, marks) if until else self._count
        # A log without times has no line after `since`.
        return (self.offset(first) if since else 0), self.offset(last)

    def offset(self, number: int) -> int:
        """Return the byte offset in the log of the index entry with this number; FAR if there is none."""
        entries = self._entries(number, 1) if number < self._count else []
        return entries[0][1] if entries else FAR

    def _marks(self) -> list[float] | None:
        """Return the time of each _WINDOW-th entry; None if times or offsets don't ascend or are impossible."""
        from _operator import le
        from _struct import unpack

        marks: list[float] = []
        time, offset = 0.0, 0
        for number in range(0, self._count, _CHECKED):
            raw = self._raw(number, _CHECKED)
            count = len(raw) // STAMP.size * 2
            times = (time, *unpack(f"<{count}d", raw)[::2])
            offsets = (offset, *unpack(f"<{count}Q", raw)[1::2])
            if not all(map(le, times, times[1:])) or not all(map(le, offsets, offsets[1:])):  # no number is above NaN
                return None
            marks += times[1::_WINDOW]
            time, offset = times[-1], offsets[-1]
        return marks if time < _LATEST else None

    def _first_from(self, time: float, marks: list[float]) -> int:
        """Return the number of the first entry that isn't earlier than `time`; `marks` is each _WINDOW-th time."""
        place = bisect_left(marks, time)
        if not place:
            return 0
        first = (place - 1) * _WINDOW
        times = self._times_from(first, _WINDOW)
        return first + next((number for number, each in enumerate(times) if each >= time), len(times))

    def _holds(self, offset: int) -> bool:
        """Return whether the index entry for the line at byte `offset` is in memory."""
        offsets = self._offsets
        if not offsets:
            return False
        ends = self._first + len(offsets) >= self._count
        return (self._first == 0 or offsets[0] <= offset) and (ends or offset < offsets[-1])

    def _load(self, number: int) -> None:
        entries = self._entries(number, _WINDOW)
        self._first = number
        self._times = [time for time, _ in entries]
        self._offsets = [offset for _, offset in entries]

    def _times_from(self, number: int, count: int) -> list[float]:
        return [time for time, _ in self._entries(number, count)] or [0.0]

    def _entries(self, number: int, count: int) -> list[tuple[float, int]]:
        entries = STAMP.iter_unpack(self._raw(number, count))
        return [(time if 0.0 < time < _LATEST else 0.0, offset) for time, offset in entries]

    def _raw(self, number: int, count: int) -> bytes:
        """Return the raw bytes of up to `count` index entries, from the entry with this number on."""
        count = min(count, self._count - number)
        raw = self._read(self._fd, count * STAMP.size, number * STAMP.size)
        return raw[: len(raw) - len(raw) % STAMP.size]
