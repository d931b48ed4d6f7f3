"""Scheduled processes: they run at their time, never twice at once, and what was missed is made up for once."""

from __future__ import annotations

import time

import pytest

from devboot.model.process import Dependency
from devboot.supervisor.core.schedule_timer import Timetable
from devboot.supervisor.system.child_exits import Exits
from devboot.supervisor.system.host import Host
from devboot.supervisor.system.membership import Watcher


def runs(stage, name="report"):
    return stage.output.get(name, b"").count(b"run")


def test_it_waits_for_its_time_and_is_up_meanwhile(stage):
    stage.add("report", "echo run", schedule="0 0 1 1 *")
    stage.add("web", "echo up; exec sleep 1000")
    stage.up()
    stage.until_settled()
    year = time.localtime().tm_year + 1

    assert stage.supervisor.verdict().ok
    assert stage.status("report").phase == "waiting"
    assert stage.status("report").note == f"next {year}-01-01 00:00"
    assert stage.status("report").next_run == time.mktime((year, 1, 1, 0, 0, 0, 0, 0, -1))


def test_an_interval_runs_it_again_and_again_and_the_note_has_the_last_result(stage):
    stage.add("report", "echo run; exit 3", schedule="1s")
    stage.up()
    stage.until(lambda: runs(stage) == 2 and stage.status("report").phase == "waiting")

    assert stage.status("report").restarts == 0
    assert stage.status("report").note.startswith("exit 3 at ")
    assert ", next " in stage.status("report").note
    assert stage.notes.count("report failed, with code 3") >= 1


def test_runs_never_overlap(stage):
    stage.add(
        "report", "test -e running && echo overlap; touch running; echo run; sleep 1.3; rm running", schedule="1s"
    )
    stage.up()
    stage.until(lambda: runs(stage) == 2)

    assert b"overlap" not in stage.output["report"]


def test_start_and_restart_run_it_now_and_stop_ends_the_waiting(stage):
    stage.add("report", "echo run", schedule="@yearly")
    stage.up()
    stage.until_phase("report", "waiting")

    stage.supervisor.start(["report"])
    stage.until(lambda: runs(stage) == 1 and stage.status("report").phase == "waiting")
    stage.supervisor.restart(["report"])
    stage.until(lambda: runs(stage) == 2 and stage.status("report").phase == "waiting")
    stage.supervisor.stop(["report"])

    assert stage.status("report").phase == "stopped"
    assert stage.status("report").next_run is None


def test_a_run_that_is_due_waits_for_what_it_depends_on(stage):
    stage.add("redis", "sleep 0.3; echo up; exec sleep 1000", kind="service")
    stage.add("report", "echo run", schedule="@yearly", needs=[Dependency("redis", "ready")])
    stage.up("report")

    stage.until(lambda: runs(stage) == 1)

    assert stage.spawned == ["redis", "report"]


def test_only_scheduled_processes_keep_a_run_alive(stage):
    stage.add("report", "echo run", schedule="@yearly")
    stage.up()
    stage.until_settled()
    stage.run_for(0.05)
    assert (stage.finished, stage.supervisor.has_ended) == (0, False)

    stage.down()
    assert stage.finished == 1


def test_a_new_plan_brings_another_time(stage):
    stage.add("report", "echo run", schedule="@yearly")
    stage.up()
    stage.until_phase("report", "waiting")
    stage.supervisor.apply(stage.plan._replace(processes=(stage.specs[0]._replace(schedule="1s"),)))

    stage.until(lambda: runs(stage) == 1)


class Clock:
    """People's clock, which a test can set; the loop's own goes on by itself."""

    def __init__(self, now):
        self.now = now

    def __call__(self):
        return self.now


@pytest.fixture
def clock():
    return Clock(1_800_000_000.0)


@pytest.fixture
def timetable(stage, clock):
    host = Host(stage.loop, Exits(stage.loop), Watcher(stage.loop, set(), adopts=False), clock, set())
    due = []
    made = Timetable(host, "*/5 * * * *", lambda: due.append(clock.now))
    made.due = due
    yield made
    made.cancel()


def test_runs_that_a_sleeping_machine_has_missed_are_made_up_for_once(timetable, clock):
    timetable.plan()
    assert timetable.at == 1_800_000_300.0
    clock.now += 8 * 3600 + 17
    timetable.look()

    assert timetable.due == [clock.now]
    timetable.plan()
    assert timetable.at == 1_800_000_000.0 + 8 * 3600 + 300


def test_a_clock_that_is_set_back_does_not_put_off_the_next_run_for_hours(timetable, clock):
    timetable.plan()
    clock.now -= 6 * 3600
    timetable.look()

    assert timetable.due == []
    assert timetable.at == clock.now + 300


def test_an_interval_keeps_its_beat_but_for_a_long_sleep(stage, clock):
    host = Host(stage.loop, Exits(stage.loop), Watcher(stage.loop, set(), adopts=False), clock, set())
    timetable = Timetable(host, "10s", lambda: None)
    timetable.plan()
    clock.now += 10.2
    timetable.look()
    timetable.plan()
    assert timetable.at == 1_800_000_020.0
    clock.now += 1000
    timetable.look()
    timetable.plan()
    assert timetable.at == clock.now + 10
    timetable.cancel()
