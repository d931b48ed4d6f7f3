"""How long a detached `up` waits."""

from __future__ import annotations

import time
from pathlib import Path

from devboot.model.process import TASK, Dependency, Probe
from tests.fakes.processes import wait_until


def test_a_task_gets_the_time_that_it_takes(project):
    project.spec("migrate", "while ! test -e go; do sleep 0.05; done", kind=TASK)
    project.spec("once", "true", restart="never", depends_on=(Dependency("migrate", "succeeded"),)).write()
    up = project.start("up", "-d", "--wait-timeout", "2")
    wait_until(lambda: "migrate" in project.pids())
    end = time.monotonic() + 2.5  # longer than a process would be waited for
    wait_until(lambda: time.monotonic() > end)

    Path(project.root, "go").touch()

    said = up.communicate(timeout=60)[1]
    assert up.returncode == 0, said
    project.devboot("down", code=None)


def test_a_start_names_the_processes_that_it_watched_since_they_have_no_probe(project):
    project.spec("worker", "sleep 1000").spec("web", "sleep 1000", ready=Probe("exec", command="true")).write()

    said = project.devboot("up", "-d").stderr

    assert "idle    worker: no probe, so it counts as up once idle for a second" in said
    assert "no probe" not in project.devboot("up", "-d", "web").stderr
    project.devboot("down", code=None)


def test_on_a_terminal_a_long_line_about_processes_without_a_probe_continues_below_its_text(project):
    project.spec("background-worker", "sleep 1000").spec("mail-sender", "sleep 1000").write()

    terminal = project.terminal("up", "-d")

    terminal.expect(r"  idle    background-worker, mail-sender: no probe, so [a-z ]+\r\n {10}[a-z ]+ a second\r\n")
    project.devboot("down", code=None)
