"""`down` where the orderly way takes too long, or there is nobody left who could take it."""

from __future__ import annotations

import os
import shutil
import signal

import pytest

from tests.fakes.processes import are_gone, freeze, is_alive, wait_until

from .conftest import ANNOUNCED, DEAF

HOURS = 700 * 3600.0


@pytest.fixture
def deaf(project):
    """A process that has 700 hours to end, and doesn't."""
    project.spec("deaf", DEAF, pty=False, stop_timeout=HOURS, **ANNOUNCED).spec("web").write().devboot("up", "-d")
    return project


@pytest.mark.faults(206)
def test_down_by_force_kills_what_has_hours_to_stop(deaf):
    pids = deaf.pids().values()

    done = deaf.devboot("down", "--force")

    assert "forcing: " in done.stderr
    assert are_gone(pids)
    assert deaf.is_down()


@pytest.mark.faults(206)
def test_ctrl_c_in_down_kills_what_has_not_stopped(deaf):
    pids = deaf.pids()

    window = deaf.terminal("down")
    window.expect("stopping .*; ctrl-c to force")
    wait_until(lambda: not is_alive(pids["web"]), "the end of web")
    assert is_alive(pids["deaf"])
    window.type("\x03")

    assert window.wait() == 0
    assert not is_alive(pids["deaf"])
    assert deaf.is_down()


@pytest.mark.faults(206)
def test_another_down_by_force_overtakes_one_that_waits(deaf):
    first = deaf.start("down")
    wait_until(lambda: first.stderr.readline().startswith("stopping "), "the first one")

    deaf.devboot("down", "--force")

    assert first.wait(60) == 0


@pytest.mark.faults(206)
def test_force_waits_for_nobody_where_the_daemon_does_not_answer(deaf):
    pids, lease = deaf.pids().values(), deaf.lease()
    freeze(lease.pid)

    deaf.devboot("down", "--force")

    assert are_gone([lease.pid, lease.guardian, *pids])
    assert deaf.is_down()


@pytest.mark.faults(207)
def test_down_of_a_stopped_daemon_counts_what_ended_with_its_terminals(project):
    project.spec("web").spec("worker").write().devboot("up", "-d")
    freeze(project.lease().pid)

    done = project.devboot("down")

    assert done.stderr.endswith("ending it and what it runs\nstopped 2\n")


@pytest.mark.faults(208)
@pytest.mark.parametrize("is_deleted", [False, True], ids=["lease", "no-lease"])
def test_down_all_ends_what_runs_without_daemon_and_guardian(project, is_deleted):
    project.spec("web", pty=False).write().devboot("up", "-d")
    lease, pid = project.lease(), project.pids()["web"]
    freeze(lease.guardian)
    for each in (lease.pid, lease.guardian):
        os.kill(each, signal.SIGKILL)
        wait_until(lambda each=each: not is_alive(each), "its end")
    if is_deleted:
        shutil.rmtree(os.path.dirname(lease.socket))
        shutil.rmtree(f"{project.state}/run")
        shutil.rmtree(project.data)

    done = project.devboot("down", "--all")

    assert f"{project.root}\nstopped processes that an earlier run had left: " in done.stderr
    assert f"(pid {pid})" in done.stderr
    assert not is_alive(pid)
    assert project.devboot("down", "--all").stderr == "no project of yours is running\n"
