"""Who gets which signal when: decided over plain values."""

from __future__ import annotations

import subprocess

import pytest

from devboot.daemon import leases, ownership
from devboot.daemon.orphan_cleanup import Reclaimed, due, end_all, keep
from devboot.daemon.signalling import SIGKILL, signal_process
from devboot.supervisor.system import proctable
from devboot.supervisor.system.proctable import Seen
from tests.fakes.processes import freeze


def member(pid, session):
    return (Seen(pid, 1, session, "S", "1"), f"p{session}")


def pids(due):
    return [seen.pid for seen, _ in due]


def test_leaders_are_asked_first_and_their_members_only_when_they_are_gone():
    found = [member(10, 10), member(11, 10), member(21, 20)]

    assert pids(due(found, {}, is_over=False)) == [10, 21]
    assert pids(due(found[1:], {10: "p10", 21: "p20"}, is_over=False)) == [11]


def test_nobody_is_asked_twice_before_the_grace_is_over_and_everybody_after():
    found = [member(10, 10), member(11, 10)]

    assert pids(due(found, {10: "p10", 11: "p10"}, is_over=False)) == []
    assert pids(due(found, {10: "p10", 11: "p10"}, is_over=True)) == [10, 11]


def test_nothing_to_end_is_nothing_done():
    assert end_all(lambda _table: [], 5.0) == Reclaimed()


@pytest.mark.faults(135)
def test_what_cannot_be_ended_is_named_and_found_by_the_next_command(tmp_path):
    child = subprocess.Popen(["sleep", "1000"])
    try:
        result = Reclaimed((), ((5, "web"),), ((child.pid, "stuck"),))
        with ownership.take(str(tmp_path), "down") as owned:
            keep(owned, result)

        assert result.describe() == f"web (pid 5, killed), stuck (pid {child.pid}, still there)"
        assert [(seen.pid, name) for seen, name in leases.orphans_of(str(tmp_path))] == [(child.pid, "stuck")]
    finally:
        child.kill()
        child.wait()
    assert leases.orphans_of(str(tmp_path)) == []


@pytest.mark.faults(133)
def test_a_process_that_was_found_once_is_ended_also_where_nothing_leads_to_it_any_more():
    child = subprocess.Popen(["sh", "-c", "trap '' TERM; echo; while :; do sleep 0.01; done"], stdout=subprocess.PIPE)
    try:
        child.stdout.read(1)
        times = []

        def find(table):
            times.append(1)
            return [(table[child.pid], "web")] if len(times) == 1 else []

        assert end_all(find, 0.1).killed[0] == (child.pid, "web")
        assert child.wait() == -9
    finally:
        child.kill()
        child.communicate()


@pytest.mark.faults(81)
def test_a_later_process_of_the_same_number_is_not_signalled():
    child = subprocess.Popen(["sleep", "1000"])
    try:
        signal_process(proctable.look(child.pid)._replace(started="1"), SIGKILL)

        assert child.poll() is None
    finally:
        child.kill()
        child.wait()


def test_what_takes_longer_than_a_second_to_end_is_named_once():
    child = subprocess.Popen(["sleep", "1000"], start_new_session=True)
    now, told = [0.0], []
    seen = proctable.look(child.pid)

    def pause(seconds):
        now[0] += 0.3
        if now[0] > 3:
            child.kill()
            child.wait()

    def find(table):
        return [(table[child.pid], "web")] if child.pid in table else []

    freeze(child.pid)  # so that SIGTERM has no effect yet
    end_all(find, 5.0, lambda: now[0], pause, told.append)
    assert [[(each.pid, name) for each, name in found] for found in told] == [[(seen.pid, "web")]]


def test_a_slow_first_look_takes_nothing_of_the_time_to_end():
    child = subprocess.Popen(["sleep", "1000"], start_new_session=True)
    now = [0.0]

    def find(table):
        if child.poll() is None:
            now[0] += 60.0
            return [(table[child.pid], "web")]
        return []

    try:
        done = end_all(find, 5.0, lambda: now[0], lambda _: child.wait())
    finally:
        child.kill()
        child.wait()

    assert ((child.pid, "web"),) == done.stopped
    assert () == done.killed


@pytest.mark.faults(202)
def test_process_1_and_what_it_has_adopted_is_never_found_nor_ended(tmp_path):
    init, stranger = Seen(1, 0, 1, "S", "1"), Seen(7, 1, 7, "S", "9")
    lease = leases.DaemonLease(
        6, "5", proctable.boot_id(), "", "", "", "", str(tmp_path), "0", guardian=1, guardian_started="1", grace="0"
    )

    assert leases.orphans_of(str(tmp_path), {1: init, 7: stranger}, lease) == []
    assert end_all(lambda table: [(table[1], "")], 0.0) == Reclaimed()


def test_only_the_process_that_has_forked_a_daemon_is_its_guardian():
    daemon = Seen(6, 5, 4, "S", "3")

    assert proctable.forked_from(daemon, guardian := Seen(5, 1, 4, "S", "2")) is guardian
    assert proctable.forked_from(daemon, Seen(1, 0, 1, "S", "1")) is None
    assert proctable.forked_from(daemon, Seen(1, 0, 4, "S", "1")) is None
    assert proctable.forked_from(daemon, Seen(5, 1, 5, "S", "2")) is None  # a subreaper, such as a desktop session's
    assert proctable.forked_from(daemon._replace(session=0), guardian._replace(session=0)) is None
    assert proctable.forked_from(daemon, None) is None


def test_a_long_wait_looks_at_all_processes_twice_a_second():
    child = subprocess.Popen(["sleep", "1000"], start_new_session=True)
    now, pauses = [0.0], []

    def pause(seconds):
        pauses.append(seconds)
        now[0] += seconds
        if now[0] > 60:
            child.kill()
            child.wait()

    try:
        freeze(child.pid)  # so that SIGTERM has no effect
        end_all(lambda table: [(table[child.pid], "web")] if child.pid in table else [], 7200.0, lambda: now[0], pause)
    finally:
        child.kill()
        child.wait()
    assert pauses[0] == 0.01
    assert max(pauses) == 0.5
    assert len(pauses) < 300
