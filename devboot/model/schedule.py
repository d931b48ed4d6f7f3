"""Parses schedules: five fields as in cron, names such as `@daily`, or an interval such as `30s`."""

from __future__ import annotations

import time

from devboot.record import Record

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable

NAMED = {
    "@hourly": "0 * * * *",
    "@daily": "0 0 * * *",
    "@midnight": "0 0 * * *",
    "@weekly": "0 0 * * 0",
    "@monthly": "0 0 1 * *",
    "@yearly": "0 0 1 1 *",
    "@annually": "0 0 1 1 *",
}
_UNITS = {"s": 1.0, "m": 60.0, "h": 3600.0, "d": 86400.0}
_MONTHS = ("jan", "feb", "mar", "apr", "may", "jun", "jul", "aug", "sep", "oct", "nov", "dec")
_DAYS = ("sun", "mon", "tue", "wed", "thu", "fri", "sat")
_LENGTHS = (31, 29, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31)
_SHORTEST = 1.0  # seconds; the shortest interval
_HORIZON = 9 * 366 * 86400  # seconds to look ahead: 29 February may be eight years away


class _Field(Record):
    """One of cron's five fields: its range and the names of its numbers."""

    label: str
    lowest: int
    highest: int
    names: tuple[str, ...] = ()


_FIELDS = (
    _Field("minute", 0, 59),
    _Field("hour", 0, 23),
    _Field("day of the month", 1, 31),
    _Field("month", 1, 12, _MONTHS),
    _Field("day of the week", 0, 7, _DAYS),
)


class Schedule(Record):
    """When a process runs: `every` so many seconds, or at each local time that matches all fields."""

    every: float = 0.0
    minutes: frozenset[int] = frozenset()
    hours: frozenset[int] = frozenset()
    days: frozenset[int] = frozenset()
    months: frozenset[int] = frozenset()
    weekdays: frozenset[int] = frozenset()  # 0 is Sunday
    either_day: bool = False  # both days of month and weekdays are given: either may match, as in cron
    any_hour: bool = False


def parse_schedule(text: str) -> Schedule:
    """Parse a schedule. Raises ValueError; its text is a predicate to follow "`schedule`"."""
    text = text.strip()
    if text[:1] == "@":
        if text.lower() not in NAMED:
            raise ValueError(f"knows {', '.join(NAMED)}")
        text = NAMED[text.lower()]
    words = text.split()
    if len(words) == 1 and text[:1].isdigit():
        return Schedule(every=_interval(text))
    if len(words) != 5:
        raise ValueError('must be five fields like "*/5 * * * *", or an interval like "30s"')
    minutes, hours, days, months, weekdays = (_numbers(w, f) for w, f in zip(words, _FIELDS, strict=True))
    free = [word.startswith("*") for word in words]
    if free[4] and not any(day <= _LENGTHS[month - 1] for month in months for day in days):
        raise ValueError("never comes: no such day in that month")
    return Schedule(
        minutes=minutes,
        hours=hours,
        days=days,
        months=months,
        weekdays=frozenset(day % 7 for day in weekdays),
        either_day=not free[2] and not free[4],
        any_hour=free[1],
    )


def _interval(text: str) -> float:
    number, unit = text[:-1], text[-1]
    if unit not in _UNITS or number.strip("0123456789.") or number.count(".") > 1 or not number.strip("."):
        raise ValueError('must be an interval like "30s", "5m", "2h" or "1d", or five fields like "*/5 * * * *"')
    seconds = float(number) * _UNITS[unit]
    if seconds < _SHORTEST:
        raise ValueError("must be at least a second apart")
    return seconds


def _numbers(word: str, field: _Field) -> frozenset[int]:
    """Parse one field of cron, as `*/15` or `mon-fri`, and return the numbers that it matches."""
    found: set[int] = set()
    for part in word.split(","):
        span, slash, step = part.partition("/")
        if slash and (not _is_number(step) or int(step) == 0):
            raise ValueError(f"has no step in the {field.label}: `{part}`")
        if span == "*":
            lowest, highest = field.lowest, field.highest
        else:
            first, dash, last = span.partition("-")
            lowest = _number(first, field, part)
            highest = _number(last, field, part) if dash else (field.highest if slash else lowest)
            if highest < lowest:
                raise ValueError(f"has a range in the {field.label} that runs backwards: `{part}`")
        found.update(range(lowest, highest + 1, int(step) if slash else 1))
    return frozenset(found)


def _number(text: str, field: _Field, part: str) -> int:
    if text.lower() in field.names:
        return field.names.index(text.lower()) + (field.lowest if field.lowest == 1 else 0)
    if not _is_number(text) or not field.lowest <= int(text) <= field.highest:
        raise ValueError(f"has no {field.label} `{part}`: from {field.lowest} to {field.highest}")
    return int(text)


def _is_number(text: str) -> bool:
    return text.isascii() and text.isdigit()


def next_after(
    schedule: Schedule, now: float, last: float, local: Callable[[float], time.struct_time] = time.localtime
) -> float:
    """Return the first time of the schedule after `now` (seconds since the epoch); intervals count from `last`."""
    if schedule.every:
        beats = max(0, int((now - last) // schedule.every)) + 1
        return last + beats * schedule.every
    at = (int(now) // 60 + 1) * 60
    limit = at + _HORIZON
    while at < limit:
        there = local(at)
        if there.tm_mon not in schedule.months or not _is_day(schedule, there) or there.tm_hour not in schedule.hours:
            at += 3600 - there.tm_min * 60 - there.tm_sec
        elif there.tm_min not in schedule.minutes or _comes_twice(schedule, at, there, local):
            at += 60
        else:
            return float(at)
    return float(limit)


def _is_day(schedule: Schedule, there: time.struct_time) -> bool:
    in_month, in_week = there.tm_mday in schedule.days, (there.tm_wday + 1) % 7 in schedule.weekdays
    return in_month or in_week if schedule.either_day else in_month and in_week


def _comes_twice(
    schedule: Schedule, at: int, there: time.struct_time, local: Callable[[float], time.struct_time]
) -> bool:
    """Return whether this local time was reached an hour ago already, since clocks were set back."""
    if schedule.any_hour:
        return False
    before = local(at - 3600)
    return (before.tm_hour, before.tm_min) == (there.tm_hour, there.tm_min)
