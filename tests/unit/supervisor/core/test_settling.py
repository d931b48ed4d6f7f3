"""When a process without a port or a probe counts as up: a clock and a machine of its own."""

from __future__ import annotations

import pytest

from devboot.supervisor.core.settling import LONGEST, QUIET, Settling


class Stage:
    """Loop, host, watcher and census in one. `load(time)` gives processor seconds; None: it works right now."""

    def __init__(self, load, *, at_least=QUIET, words=lambda _age: b"node\0x.js\0"):
        self.words = words
        self.time, self.load, self.timers, self.settled = 100.0, load, [], []
        self.loop = self.watcher = self
        self.settling = Settling(
            self,
            1,
            lambda: self.settled.append(self.age),
            at_least=at_least,
            worked=self.worked,
            command_line=lambda _pid: self.words(self.age),
        )

    @property
    def age(self):
        return self.time - 100.0

    def now(self):
        return self.time

    def call_at(self, when, callback):
        self.timers.append([when, callback])
        return self

    def call_later(self, delay, callback):
        return self.call_at(self.time + delay, callback)

    def cancel(self):
        self.timers.clear()

    def census(self):
        return self

    def members(self, pid):
        return frozenset({pid})

    def worked(self, pids):
        return self.load(self.age)

    def run(self, seconds):
        end = self.time + seconds
        while self.timers and self.timers[0][0] <= end:
            self.time, callback = self.timers.pop(0)
            callback()
        self.time = end
        return self


def imports_for(seconds):
    return lambda age: min(age, seconds)


def test_what_only_waits_counts_as_up_after_a_second():
    assert Stage(lambda _age: 0.0).run(20).settled == [pytest.approx(QUIET)]


@pytest.mark.faults(160)
@pytest.mark.parametrize("seconds", [0.3, 1.0, 2.5, 6.0])
def test_what_loads_its_code_counts_as_up_only_a_second_after_that(seconds):
    (settled,) = Stage(imports_for(seconds)).run(20).settled

    assert seconds + QUIET <= settled <= seconds + QUIET + 0.5


@pytest.mark.parametrize("load", [imports_for(1000), lambda _age: None], ids=["works", "waits-for-a-processor"])
def test_what_never_stops_working_counts_as_up_in_the_end(load):
    assert Stage(load).run(60).settled == [pytest.approx(LONGEST, abs=0.05)]


class Crowd(Stage):
    """A stage of many processes, spawned one after the other; `looks` are the times at which any was looked at."""

    def __init__(self, count, seconds):
        self.due, self.looks, self.left = [], set(), count
        for number in range(count):
            self.spawned = number / count * seconds
            Stage.__init__(self, lambda _age: 0.0)
            self.due += self.timers

    def now(self):
        return self.time + self.spawned

    def census(self):
        self.looks.add(round(self.age, 6))
        return self

    def run(self, seconds):
        self.spawned, self.timers = 0.0, self.due
        while self.timers and self.timers[0][0] <= 100.0 + seconds:
            self.timers.sort(key=lambda timer: timer[0])
            self.time, callback = self.timers.pop(0)
            callback()
        return self


def test_processes_spawned_one_after_the_other_are_looked_at_together():
    crowd = Crowd(100, 0.15).run(20)

    assert len(crowd.looks) <= 10  # not one each: every look reads the whole table of processes


def test_what_looks_for_changes_of_files_all_the_time_is_no_work():
    assert Stage(lambda age: 0.05 * age).run(20).settled == [pytest.approx(QUIET)]


def test_what_happens_to_run_when_it_is_looked_at_is_no_work():
    looks = []

    def load(_age):
        looks.append(None)
        return None if len(looks) % 2 else 0.0

    (settled,) = Stage(load).run(20).settled
    assert settled == pytest.approx(QUIET, abs=0.05)


def test_what_has_crashed_after_a_while_has_to_live_longer_than_that():
    assert Stage(lambda _age: 0.0, at_least=9.0).run(20).settled == [pytest.approx(9.0)]


def test_what_has_ended_is_watched_no_more():
    stage = Stage(lambda _age: 0.0).run(0.5)
    stage.settling.cancel()

    assert stage.run(20).settled == []


def test_what_waits_for_an_answer_counts_as_up_a_second_after_that_and_not_never():
    stage = Stage(lambda _age: 0.0)
    stage.settling.is_waiting = lambda: stage.age < 4
    forever = Stage(lambda _age: 0.0)
    forever.settling.is_waiting = lambda: True

    assert (stage.run(20).settled, forever.run(20).settled) == ([pytest.approx(5, abs=0.3)], [pytest.approx(LONGEST)])


@pytest.mark.parametrize(
    "words",
    [
        b"npm install\0",
        b"/usr/bin/node\0/usr/lib/npm/bin/npm-cli.js\0ci\0",
        b"/venv/bin/python3\0-m\0pip\0install\0flask\0",
        b"/venv/bin/python\0/venv/bin/pip3\0install\0-r\0x.txt\0",
        b"uv\0sync\0",
    ],
)
def test_what_installs_packages_before_it_begins_is_not_up_until_that_is_done(words):
    stage = Stage(imports_for(3.0), words=lambda age: words if age < 30.0 else b"node\0x.js\0").run(60)
    assert stage.settled == [pytest.approx(30.0 + QUIET, abs=1.0)]


@pytest.mark.parametrize(
    "words",
    [
        b"npm\0start\0",
        b"npm run dev\0",
        b"node\0install\0",
        b"uv\0run\0app\0",
        b"sh\0-c\0npm install && node x.js\0",
        b"/bin/bash\0-e\0-c\0pip install -r x.txt; flask run\0",
        b"-zsh\0-c\0yarn add x\0",
        b"",
        None,
    ],
)
def test_what_runs_by_a_tool_that_also_installs_counts_as_up(words):
    assert Stage(lambda _age: 0.0, words=lambda _age: words).run(20).settled == [pytest.approx(QUIET)]
