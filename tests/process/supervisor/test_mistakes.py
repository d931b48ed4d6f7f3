"""An error of devboot's own in a callback ends the process that it belongs to, and nothing else."""

from __future__ import annotations

import errno
import os

import pytest

from devboot.errors import DevbootError
from devboot.supervisor.system.child_exits import Exits

SLEEP = "echo up; exec sleep 1000"


@pytest.fixture
def reported(stage):
    """The errors that were contained, as a daemon takes them."""
    errors = []

    def report(error, fail):
        errors.append(error)
        if fail is not None:
            fail(DevbootError("bug", f"a mistake ({type(error).__name__})"))

    stage.loop.on_error = report
    return errors


def up_with_witness(stage):
    stage.add("witness", SLEEP, pty=False)
    stage.up()
    stage.until_settled()
    return stage.status("witness").pid


@pytest.mark.faults(140)
@pytest.mark.parametrize("pty", [True, False])
def test_an_error_in_the_output_of_one_process_ends_that_one(stage, reported, pty):
    stage.add("odd", "sleep 1000 & echo up; read line; sleep 1000", pty=pty)
    witness = up_with_witness(stage)
    odd = stage.status("odd").pid

    stage.supervisor.process("odd").tail = None  # a mistake of ours, whatever it is
    stage.supervisor.process("odd").host.loop.call_later(0, lambda: stage.supervisor.process("odd").on_output(b"x\n"))
    stage.until_phase("odd", "failed")
    stage.until(lambda: not os.path.exists(f"/proc/{odd}"))

    assert [type(error) for error in reported] == [AttributeError]
    assert stage.notes[-1] == "`odd` was ended: a mistake (AttributeError)"
    assert stage.status("odd").note == "a mistake (AttributeError)"
    assert stage.status("witness").pid == witness
    stage.down()


@pytest.mark.faults(140)
def test_a_stop_signal_that_is_none_ends_the_process_all_the_same(stage, reported):
    stage.add("odd", SLEEP, stop_signal="TERM")
    witness = up_with_witness(stage)
    odd = stage.status("odd").pid

    stage.supervisor.stop(["odd"])
    stage.until_phase("odd", "failed")
    stage.until(lambda: not os.path.exists(f"/proc/{odd}"))

    assert [type(error) for error in reported] == [TypeError]
    assert stage.status("witness").pid == witness
    stage.down()


@pytest.mark.faults(140)
def test_a_process_that_has_failed_so_starts_again_when_told_to(stage, reported):
    stage.add("odd", SLEEP)
    up_with_witness(stage)
    process = stage.supervisor.process("odd")

    process.host.loop.call_later(0, lambda: 1 / 0)
    stage.until_phase("odd", "failed")
    stage.supervisor.restart(["odd"])
    stage.until_phase("odd", "running")

    assert len(reported) == 1
    stage.down()


@pytest.mark.faults(140)
def test_an_error_of_the_listener_ends_no_process(stage, reported):
    witness = up_with_witness(stage)
    on_change, stage.on_change = stage.on_change, None
    stage.add("other", SLEEP)

    stage.supervisor.apply(stage.plan)
    stage.until(lambda: stage.status("other").pid is not None and len(reported) > 0)
    stage.on_change = on_change

    assert stage.status("witness").pid == witness
    stage.down()


@pytest.mark.faults(142)
def test_a_stop_timeout_of_a_month_doesn_t_overflow_the_wait(stage):
    stage.add("patient", "trap 'sleep 0.3; exit' TERM; echo up; while :; do sleep 0.1; done", stop_timeout=700 * 3600.0)
    stage.up()
    stage.until_output("patient", b"up")

    stage.down()

    assert stage.status("patient").phase == "stopped"


@pytest.mark.faults(142)
@pytest.mark.parametrize("size", [(70_000, 70_000), (10**9, 10**9)])
def test_terminals_of_any_size_are_clamped(stage, size):
    stage.add("web", "stty size; exec sleep 1000")
    stage.supervisor.resize(*size)
    stage.up()
    stage.until_output("web", b"4096 4096")

    stage.supervisor.resize(*size)

    assert stage.status("web").pid
    stage.down()


@pytest.mark.faults(140)
def test_a_failed_process_leaves_no_timer_of_its_earlier_run(stage, reported):
    stage.add("odd", "exit 1", pty=False)
    stage.up()
    stage.until_phase("odd", "backoff")
    process = stage.supervisor.process("odd")
    timers = [process.delay]

    process.fail(DevbootError("bug", "a mistake"))

    assert [timer.cancelled for timer in timers] == [True]
    assert stage.status("odd").phase == "failed"
    stage.down()


@pytest.mark.faults(140)
def test_a_failed_process_is_no_longer_watched_for_a_stalled_start(stage, reported):
    stage.add("odd", "echo Traceback; exec sleep 1000", pty=False)
    up_with_witness(stage)
    process = stage.supervisor.process("odd")
    process.heed(b"Traceback\n")
    timer = process.silence.timer
    assert not timer.cancelled

    process.fail(DevbootError("bug", "a mistake"))

    assert timer.cancelled
    stage.down()


class Refusing:
    """A poll that refuses to watch the next `left` descriptors, as epoll_ctl does with ENOSPC."""

    def __init__(self, poll):
        self.left = 0
        self.poll = poll
        self.change, self.remove, self.wait, self.close = poll.change, poll.remove, poll.wait, poll.close

    def add(self, fd, events):
        if self.left:
            self.left -= 1
            raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))
        self.poll.add(fd, events)


@pytest.mark.faults(140)
def test_a_child_whose_output_cannot_be_watched_is_killed_now_and_reaped_later(stage, reported):
    up_with_witness(stage)
    process = stage.supervisor.process("witness")
    stage.supervisor.stop(["witness"])
    stage.until_phase("witness", "stopped")
    children = process.host.children
    assert children == set()
    stage.loop.poll = poll = Refusing(stage.loop.poll)

    poll.left = 1
    process.spawn()

    assert (len(children), poll.left) == (1, 0)
    stage.until(lambda: not children)
    stage.down()


@pytest.mark.faults(140)
def test_an_end_that_cannot_be_watched_is_looked_for(stage):
    stage.loop.poll = poll = Refusing(stage.loop.poll)
    ended = []
    pid = os.posix_spawn("/bin/true", ["true"], {})
    poll.left = 1
    Exits(stage.loop).watch(pid, ended.append)
    stage.until(lambda: ended == [pid])
    os.waitpid(pid, 0)
