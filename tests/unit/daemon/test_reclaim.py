"""Who gets which signal when: decided over plain values."""

from __future__ import annotations

from devboot.daemon.reclaim import Reclaimed, _due, end_all
from devboot.supervisor.proctable import Seen


def member(pid, session):
    return (Seen(pid, 1, session, "S", "1"), f"p{session}")


def pids(due):
    return [seen.pid for seen, _ in due]


def test_leaders_are_asked_first_and_their_members_only_when_they_are_gone():
    found = [member(10, 10), member(11, 10), member(21, 20)]

    assert pids(_due(found, {}, is_over=False)) == [10, 21]
    assert pids(_due(found[1:], {10: "p10", 21: "p20"}, is_over=False)) == [11]


def test_nobody_is_asked_twice_before_the_grace_is_over_and_everybody_after():
    found = [member(10, 10), member(11, 10)]

    assert pids(_due(found, {10: "p10", 11: "p10"}, is_over=False)) == []
    assert pids(_due(found, {10: "p10", 11: "p10"}, is_over=True)) == [10, 11]


def test_nothing_to_end_is_nothing_done():
    assert end_all(lambda _table: [], 5.0) == Reclaimed()
