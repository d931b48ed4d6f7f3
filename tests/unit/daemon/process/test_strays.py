"""The list of strays is written when it changes, tried again where that failed, and looked at rarely in quiet times."""

from __future__ import annotations

import os

import pytest

from devboot.daemon.leases import ChildLease
from devboot.daemon.process.strays import Strays
from devboot.supervisor.system import proctable
from tests.fakes.clock import Clock


class Scene:
    """Strays on a clock that is set by hand, and a list whose writes may fail."""

    def __init__(self, kept=()):
        self.clock, self.found, self.written, self.works, self.looks = Clock(), [], [], True, 0
        self.strays = Strays(self.clock, self.look, self.write, kept)

    def look(self):
        self.looks += 1
        return self.found

    def write(self, entries):
        self.written += [list(entries)] * self.works
        return self.works

    def wait(self, seconds):
        for _ in range(round(seconds / 0.05)):
            self.clock.pass_(0.05)


@pytest.fixture
def me():
    return proctable.look(os.getpid())


@pytest.mark.faults(133)
def test_each_change_is_written_once(me):
    scene = Scene()
    scene.wait(1)
    scene.found = [me]
    scene.wait(10)
    scene.found = []
    scene.wait(20)

    assert scene.written == [[ChildLease(me.pid, me.started, proctable.name_of(me.pid))], []]


@pytest.mark.faults(133)
def test_a_write_that_fails_is_tried_again(me):
    scene = Scene()
    scene.found, scene.works = [me], False
    scene.wait(3)
    scene.works = True
    scene.wait(3)

    assert [entry.pid for entry in scene.written[0]] == [me.pid]
    assert len(scene.written) == 1


@pytest.mark.faults(135)
def test_what_an_earlier_run_could_not_end_stays_in_the_list(me):
    old = ChildLease(1, "1", "stuck")
    scene = Scene([old])
    scene.found = [me]
    scene.wait(1)

    assert scene.written[0][-1] == old


@pytest.mark.faults(133)
def test_it_looks_rarely_in_quiet_times_and_soon_after_an_end():
    scene = Scene()
    scene.wait(100)
    quiet = scene.looks
    scene.strays.look_soon()
    scene.wait(0.1)

    assert quiet < 30
    assert scene.looks == quiet + 1
    scene.strays.close()
