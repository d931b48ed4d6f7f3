"""Children that have daemonised and hidden where they come from, after a SIGKILL of daemon and guardian."""

from __future__ import annotations

import os
import signal
import sys

import pytest

from devboot.daemon import cgroup, leases
from devboot.supervisor.system import proctable
from tests.fakes.processes import is_alive, wait_until

# Forks twice, in a session of its own, and goes on as a program with the environment that is left in `kept`.
DAEMONISE = """
import os, sys, time
if os.fork() == 0:
    os.setsid()
    if os.fork() == 0:
        kept = {KEPT}
        with open("pid.new", "w") as file:
            file.write(str(os.getpid()))
        os.rename("pid.new", "pid")
        os.closerange(0, 100)
        os.execve(sys.executable, [sys.executable, "-I", "-S", "-c", "import time; time.sleep(1000)"], kept)
    os._exit(0)
os.wait()
time.sleep(1000)
"""
SCRUBBED = DAEMONISE.replace("{KEPT}", "{}")
LARGE = DAEMONISE.replace("{KEPT}", "{**{f'A{n}': 'x' * 1000 for n in range(400)}, **os.environ}")


def start(project, program):
    """The pid of the daemonised child; daemon and guardian run."""
    argv = (sys.executable, "-I", "-S", "-c", program)
    project.spec("web", "", argv=argv, stop_timeout=1.0).write().devboot("up", "-d")
    wait_until(lambda: os.path.exists(f"{project.root}/pid"), "the child")
    with open(f"{project.root}/pid") as file:
        return int(file.read())


def kill_both(project):
    lease = project.lease()
    os.kill(lease.guardian, signal.SIGKILL)
    os.kill(lease.pid, signal.SIGKILL)
    wait_until(lambda: not is_alive(lease.pid) and not is_alive(lease.guardian), "their end")


def without_group(project):
    """The lease as it is where no control group can be made."""
    lease = project.lease()
    with open(leases.daemon_path(project.state), "w") as file:
        file.write(leases.format_daemon(lease._replace(group="")))
    return lease.group


def group_or_skip(project):
    """The control group of a running daemon; skips where none may be made."""
    group = project.lease().group
    if not group:
        project.devboot("down")
        pytest.skip("no control group may be made here")
    return group


@pytest.fixture
def group_of(project):
    """Removes control groups that a test has made devboot forget."""
    groups = []
    yield groups
    for group in groups:
        cgroup.remove(group)


@pytest.mark.faults(133)
@pytest.mark.parametrize("command", [["down"], ["up", "-d"]])
def test_a_child_with_an_empty_environment_is_ended_by_the_next_command(project, group_of, command):
    child = start(project, SCRUBBED)
    wait_until(lambda: [each.pid for each in leases.read_children(leases.strays_path(project.state))] == [child])
    group_of.append(without_group(project))
    kill_both(project)
    assert is_alive(child)

    assert f"(pid {child})" in project.devboot("doctor", code=None).stdout
    done = project.devboot(*command)

    assert f"(pid {child})" in done.stderr
    assert not is_alive(child)
    project.devboot("down")


@pytest.mark.faults(133)
def test_a_child_with_an_empty_environment_is_found_by_its_control_group(project):
    child = start(project, SCRUBBED)
    group = group_or_skip(project)
    wait_until(lambda: leases.read_children(leases.strays_path(project.state)))
    kill_both(project)
    os.unlink(leases.strays_path(project.state))

    done = project.devboot("down")

    assert f"(pid {child})" in done.stderr
    assert not is_alive(child)
    assert not os.path.exists(group)


@pytest.mark.faults(133)
def test_a_control_group_is_removed_with_the_daemon(project):
    project.spec("web").write().devboot("up", "-d")
    group = group_or_skip(project)
    assert os.path.exists(group)
    project.devboot("down")

    assert not os.path.exists(group)


@pytest.mark.faults(133)
def test_the_control_group_of_a_killed_guardian_is_removed_by_the_next_start(project):
    project.spec("web").write().devboot("up", "-d")
    group = group_or_skip(project)
    os.kill(project.lease().guardian, signal.SIGKILL)
    project.devboot("down")

    project.devboot("up", "-d")
    project.devboot("down")

    assert not os.path.exists(group)


@pytest.mark.faults(134)
def test_a_child_with_a_very_large_environment_is_found_by_its_marker(project, group_of):
    child = start(project, LARGE)
    wait_until(lambda: leases.read_children(leases.strays_path(project.state)))
    group_of.append(without_group(project))
    kill_both(project)
    os.unlink(leases.strays_path(project.state))
    assert len(proctable.environment(child)) > 256 * 1024

    done = project.devboot("down")

    assert f"web (pid {child})" in done.stderr
    assert not is_alive(child)


@pytest.mark.faults(133)
def test_a_child_that_was_never_adopted_is_ended_though_its_parent_dies_with_the_daemon(project, group_of):
    program = DAEMONISE.replace("{KEPT}", "{}").replace(
        "    if os.fork() == 0:\n        kept", "    if True:\n        kept"
    )
    child = start(project, program.replace("os.wait()\n", ""))
    wait_until(lambda: [each.pid for each in leases.read_children(leases.strays_path(project.state))] == [child])
    group_of.append(without_group(project))
    kill_both(project)

    project.devboot("down")

    assert not is_alive(child)
