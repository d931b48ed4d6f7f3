"""Processes that end well though nothing says that they should."""

from __future__ import annotations

import pytest

from devboot.model.process import TASK, Dependency, Probe


def test_a_process_that_has_ended_by_itself_fails_the_start(project):
    project.spec("web").spec("mailer", "echo no queue", origin="Procfile:2").write()

    said = project.devboot("up", "-d", code=1).stderr

    assert said.startswith("error[process/ended]: mailer ended by itself, with code 0 after ")
    assert "\n  echo no queue     (Procfile:2)\n  | no queue\nhelp: devboot run -- echo no queue " in said
    assert "shop is up" not in said
    assert project.devboot("up", "-d", "-q", code=1).stderr.startswith("error[process/ended]")
    assert "web" in project.devboot("ps").stdout
    project.devboot("down")


def test_a_server_that_ends_before_it_is_ready_fails_the_start(project):
    project.spec("web", "echo nothing to serve", ready=Probe("listen", port=1), gates=True).write()

    said = project.devboot("up", "-d", code=1).stderr

    assert said.startswith("error[process/exited]: web ended by itself, with code 0 after ")
    assert ", before it was ready\n" in said
    assert "| nothing to serve\n" in said
    project.devboot("down", code=None)


@pytest.mark.parametrize(
    ("kind", "more"),
    [("process", {"restart": "never"}), ("process", {"schedule": "@daily"}), (TASK, {"restart": "never"})],
    ids=["once", "scheduled", "task"],
)
def test_what_is_meant_to_end_is_not_remarked_upon(project, kind, more):
    project.spec("web").spec("build", "true", kind=kind, **more).write()

    assert "build" not in project.devboot("up", "-d").stderr
    project.devboot("down")


def test_what_others_wait_for_until_it_has_ended_is_meant_to_end(project):
    project.spec("build", "true").spec("web", depends_on=(Dependency("build", "completed"),)).write()

    assert "build" not in project.devboot("up", "-d").stderr
    project.devboot("down")


def test_a_run_on_a_terminal_or_in_a_pipe_says_so_when_it_happens(project):
    project.spec("web").spec("mailer", "sleep 0.2").write()
    up = project.start("up")

    assert any(line.startswith("mailer ended by itself, with code 0 after ") for line in up.stderr)
    project.devboot("down")


def test_ps_says_once_how_a_process_has_ended_and_then_when(project):
    project.spec("web", depends_on=(Dependency("default", "succeeded"),)).spec("mailer", "true")
    project.spec("default", "true", kind=TASK, restart="never", notes=("database shop in postgres",)).write()
    project.devboot("up", "-d", code=1)

    lines = {line.split()[0]: line for line in project.devboot("ps").stdout.splitlines()}

    assert "exit 0" not in lines["mailer"]
    assert "  at " in lines["mailer"]
    assert "  database shop in postgres; at " in lines["default"]
    project.devboot("down")
