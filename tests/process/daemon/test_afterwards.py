"""What can be learned of a project that isn't running any more: what failed, and how its daemon ended."""

from __future__ import annotations

import os
import signal

import pytest

from devboot.daemon import leases
from devboot.model.process import TASK, Dependency
from devboot.supervisor.last_failure import read_failures
from devboot.supervisor.last_success import keep_changes, last_success
from tests.fakes.processes import wait_until

from .conftest import SLEEP

FAILS = "test -e mended || { echo 'ERROR: relation exists'; exit 3; }"


def test_a_task_that_failed_is_on_record_until_it_has_succeeded(project):
    project.spec("migrate", FAILS, TASK).spec("web", SLEEP, depends_on=(Dependency("migrate", "succeeded"),)).write()
    failed = project.devboot("up", "-d", code=1)
    assert "error[process/task-failed]: migrate failed: ERROR: relation exists" in failed.stderr
    project.devboot("down")

    assert [(each.name, each.slug) for each in read_failures(project.state)] == [("migrate", "process/task-failed")]
    open(f"{project.root}/mended", "w").close()
    project.devboot("up", "-d")
    assert read_failures(project.state) == ()


def test_a_start_that_fails_says_first_what_has_changed_since_the_last_that_worked(project):
    open(f"{project.root}/mended", "w").close()
    project.spec("web", f"test -e mended || {{ echo 'ERROR: no table'; exit 3; }}; {SLEEP}").write()
    assert "since it last worked" not in project.devboot("up", "-d").stderr
    wait_until(lambda: last_success(project.state) is not None, "the record of the start")
    project.devboot("down")
    os.unlink(f"{project.root}/mended")
    keep_changes(project.state, ["python 3.12.3 → 3.13.5"])

    failed = project.devboot("up", "-d", code=1).stderr

    said = "since it last worked, a moment ago: python 3.12.3 → 3.13.5\n"
    assert 0 <= failed.find(said) < failed.find("error[process/"), failed
    project.devboot("down")
    open(f"{project.root}/mended", "w").close()
    project.devboot("up", "-d")
    wait_until(lambda: not os.path.exists(f"{project.state}/changed"), "the record of the next start")


def killed(project, *, with_guardian):
    lease = project.lease()
    if with_guardian:
        os.kill(lease.guardian, signal.SIGKILL)
    os.kill(lease.pid, signal.SIGKILL)
    wait_until(lambda: not lease.is_alive and (with_guardian or project.is_down()), "the daemon's end")
    return lease


@pytest.mark.parametrize("with_guardian", [False, True])
def test_ps_says_that_the_daemon_was_killed_until_the_project_is_started_or_stopped(project, with_guardian):
    project.spec("web", SLEEP).write()
    for command in ("up -d", "down"):
        project.devboot("up", "-d")
        lease = killed(project, with_guardian=with_guardian)
        said = project.devboot("ps").stderr
        assert said.startswith(f"shop is not running, its daemon (pid {lease.pid}) was killed")
        assert said.splitlines()[0].endswith(": devboot up -d")
        assert leases.sudden_end(project.state).pid == lease.pid
        project.devboot(*command.split())
        assert leases.sudden_end(project.state) is None
        project.devboot("down")
        assert project.devboot("ps").stderr == "shop is not running: devboot up\n"


def test_a_daemon_of_an_earlier_boot_was_not_killed(project):
    project.spec("web", SLEEP).write().devboot("up", "-d")
    lease = project.lease()
    project.devboot("down")
    path = leases.daemon_path(project.state)
    with open(path, "w", encoding="utf-8") as file:
        file.write(leases.format_daemon(lease._replace(boot="another")))

    assert (
        project.devboot("ps").stderr == "shop is not running, the machine was restarted while it ran: devboot up -d\n"
    )
    os.unlink(path)
