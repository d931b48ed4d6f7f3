"""Schedules: what is understood, what is refused, and when the next run is."""

from __future__ import annotations

import calendar
import datetime as dt
import re
import time

import pytest
from cronsim import CronSim
from hypothesis import assume, given, settings, strategies as st

from devboot.model.schedule import NAMED, Schedule, next_after, parse_schedule


def at(text):
    """Seconds since the epoch, UTC."""
    return float(calendar.timegm(time.strptime(text, "%Y-%m-%d %H:%M:%S")))


def following(schedule, now, last="2026-01-01 00:00:00"):
    moment = next_after(parse_schedule(schedule), at(now), at(last), time.gmtime)
    return time.strftime("%Y-%m-%d %H:%M:%S", time.gmtime(moment))


@pytest.mark.parametrize(
    ("schedule", "now", "expected"),
    [
        ("* * * * *", "2026-05-01 10:00:00", "2026-05-01 10:01:00"),
        ("* * * * *", "2026-05-01 10:00:59", "2026-05-01 10:01:00"),
        ("*/5 * * * *", "2026-05-01 10:03:00", "2026-05-01 10:05:00"),
        ("*/5 * * * *", "2026-05-01 10:05:00", "2026-05-01 10:10:00"),
        ("7/20 * * * *", "2026-05-01 10:08:00", "2026-05-01 10:27:00"),
        ("30 2 * * *", "2026-05-01 10:00:00", "2026-05-02 02:30:00"),
        ("0 9-17/4 * * mon-fri", "2026-05-01 17:30:00", "2026-05-04 09:00:00"),
        ("0 0 1 * *", "2026-12-01 00:00:00", "2027-01-01 00:00:00"),
        ("0 0 29 2 *", "2026-05-01 00:00:00", "2028-02-29 00:00:00"),
        ("0 0 13 * fri", "2026-05-01 00:00:00", "2026-05-08 00:00:00"),
        ("0 0 * * 7", "2026-05-01 00:00:00", "2026-05-03 00:00:00"),
        ("0 0 * JAN,jul *", "2026-05-01 00:00:00", "2026-07-01 00:00:00"),
        ("@hourly", "2026-05-01 10:59:30", "2026-05-01 11:00:00"),
        ("@weekly", "2026-05-01 10:59:30", "2026-05-03 00:00:00"),
        ("30s", "2026-05-01 10:00:10", "2026-05-01 10:00:30"),
        ("1.5m", "2026-01-01 00:00:00", "2026-01-01 00:01:30"),
        ("1d", "2026-05-01 10:00:00", "2026-05-02 00:00:00"),
    ],
)
def test_when_the_next_run_is(schedule, now, expected):
    assert expected == following(schedule, now)


@pytest.mark.parametrize(
    ("schedule", "why"),
    [
        ("", 'must be five fields like "*/5 * * * *", or an interval like "30s"'),
        ("* * * *", 'must be five fields like "*/5 * * * *", or an interval like "30s"'),
        ("60 * * * *", "has no minute `60`: from 0 to 59"),
        ("* 24 * * *", "has no hour `24`: from 0 to 23"),
        ("* * 0 * *", "has no day of the month `0`: from 1 to 31"),
        ("* * * foo *", "has no month `foo`: from 1 to 12"),
        ("* * * * 8", "has no day of the week `8`: from 0 to 7"),
        ("9-5 * * * *", "has a range in the minute that runs backwards: `9-5`"),
        ("*/0 * * * *", "has no step in the minute: `*/0`"),
        ("*/x * * * *", "has no step in the minute: `*/x`"),
        ("0 0 31 feb *", "never comes: no such day in that month"),
        ("@reboot", f"knows {', '.join(NAMED)}"),
        ("5", 'must be an interval like "30s", "5m", "2h" or "1d", or five fields like "*/5 * * * *"'),
        ("0.1s", "must be at least a second apart"),
        ("1..s", 'must be an interval like "30s", "5m", "2h" or "1d", or five fields like "*/5 * * * *"'),
    ],
)
def test_what_is_refused(schedule, why):
    with pytest.raises(ValueError) as caught:  # noqa: PT011  the text is compared as a whole
        parse_schedule(schedule)

    assert why == str(caught.value)


def _field(lowest, highest):
    number = st.integers(lowest, highest)
    span = st.tuples(number, number).map(lambda pair: f"{min(pair)}-{max(pair)}")
    part = st.one_of(st.just("*"), number.map(str), span)
    stepped = st.tuples(part, st.integers(1, 30)).map(lambda pair: f"{pair[0]}/{pair[1]}")
    return st.lists(st.one_of(part, stepped), min_size=1, max_size=3).map(",".join)


_CRON = st.tuples(_field(0, 59), _field(0, 23), _field(1, 28), _field(1, 12), _field(0, 7)).map(" ".join)


def fits(schedule, there):
    """The definition, written without any jumps."""
    in_month, in_week = there.tm_mday in schedule.days, (there.tm_wday + 1) % 7 in schedule.weekdays
    day = in_month or in_week if schedule.either_day else in_month and in_week
    return (
        day and there.tm_mon in schedule.months and there.tm_hour in schedule.hours and there.tm_min in schedule.minutes
    )


@settings(max_examples=150, deadline=None)
@given(_CRON, st.integers(1_600_000_000, 1_900_000_000))
def test_the_next_run_is_later_fits_and_nothing_in_between_does(text, now):
    schedule = parse_schedule(text)
    moment = int(next_after(schedule, now, now, time.gmtime))

    assert moment > now
    assert moment % 60 == 0
    assert fits(schedule, time.gmtime(moment))
    assert not any(fits(schedule, time.gmtime(t)) for t in range((now // 60 + 1) * 60, min(moment, now + 200_000), 60))


@settings(max_examples=150, deadline=None)
@given(_CRON, st.integers(1_600_000_000, 1_900_000_000))
def test_the_next_run_is_that_of_an_independent_reader(text, now):
    assume(not re.search(r"\b(\d+)-\1/", text))  # cronsim takes `1-1/2` for `1/2`
    theirs = next(CronSim(text, dt.datetime.fromtimestamp(now, dt.UTC)))

    assert theirs.timestamp() == next_after(parse_schedule(text), now, now, time.gmtime)


@given(st.integers(1, 100_000), st.floats(0, 1e6), st.floats(0, 1e9))
def test_an_interval_keeps_its_beat(seconds, elapsed, start):
    moment = next_after(Schedule(every=float(seconds)), start + elapsed, start)

    assert start + elapsed < moment <= start + elapsed + seconds * 1.000001


def _setting_back(moment):
    """Local time that is set back by an hour at 1000 h after the epoch."""
    return time.gmtime(moment if moment < 3_600_000 else moment - 3600)


def test_a_given_hour_that_comes_twice_runs_once():
    schedule = parse_schedule(f"30 {time.gmtime(3_600_000 - 1800).tm_hour} * * *")
    first = next_after(schedule, 3_600_000 - 3600, 0, _setting_back)

    assert first == 3_600_000 - 1800
    assert next_after(schedule, first, 0, _setting_back) == first + 25 * 3600
