"""Files that change restart what watches them: once, in peace, and never by halves."""

from __future__ import annotations

import os
import shutil
import signal
import subprocess
import sys

import pytest

from devboot.model.process import Dependency
from tests.fakes.processes import freeze

UP = "echo up; exec sleep 1000"


@pytest.fixture
def watched(stage):
    """A stage whose worker watches all Python files, at work and watched."""
    write(stage, "shop/tasks.py")
    stage.add("worker", UP, watch=("**/*.py",))
    stage.up()
    stage.until_output("worker", b"up")
    until_watching(stage)
    return stage


def write(stage, name, text="x = 1\n"):
    path = os.path.join(stage.root, name)
    os.makedirs(os.path.dirname(path), exist_ok=True)
    with open(path, "w", encoding="utf-8") as file:
        file.write(text)


def until_watching(stage):
    """Until the watching child has looked at everything."""
    stage.until(lambda: stage.supervisor.watches.pid and stage.supervisor.watches.is_watching)


def runs(stage, name="worker"):
    return stage.output.get(name, b"").count(b"up")


def test_a_changed_file_restarts_the_process_and_its_note_says_which(watched):
    first = watched.status("worker").pid
    write(watched, "shop/tasks.py", "x = 22\n")

    watched.until(lambda: runs(watched) == 2)

    assert watched.status("worker").pid != first
    assert watched.status("worker").note == "changed: shop/tasks.py"
    assert watched.status("worker").restarts == 0
    assert "worker restarts, shop/tasks.py changed" in watched.notes


def test_a_daemon_that_has_not_looked_at_its_packages_yet_can_watch(stage, monkeypatch):
    """As the wrapper starts it: without `site`, so that its own path leads to devboot and the library only."""
    monkeypatch.setattr(sys, "path", [each for each in sys.path if not each.endswith("-packages")])
    write(stage, "shop/tasks.py")
    stage.add("worker", UP, watch=("**/*.py",))
    stage.up()
    stage.until_output("worker", b"up")
    until_watching(stage)

    write(stage, "shop/tasks.py", "x = 22\n")
    stage.until(lambda: runs(stage) == 2)


def test_files_that_are_no_edit_restart_nothing(watched):
    write(watched, ".gitignore", "generated/\n")
    for name in ("generated/a.py", "node_modules/a.py", ".venv/a.py", "shop/__pycache__/a.py", "shop/readme.md"):
        write(watched, name)
    watched.run_for(0.4)
    write(watched, "shop/new.py")

    watched.until(lambda: runs(watched) == 2)

    assert watched.status("worker").note == "changed: shop/new.py"


def test_a_storm_of_edits_is_one_restart(watched):
    pid = watched.supervisor.watches.pid
    freeze(pid)  # however slowly they are written, no pause among them is longer than a storm's
    for number in range(300):
        write(watched, f"shop/deep{number % 7}/module{number}.py")
    os.kill(pid, signal.SIGCONT)
    watched.until(lambda: runs(watched) == 2)
    watched.run_for(0.5)

    assert runs(watched) == 2


@pytest.mark.skipif(shutil.which("git") is None, reason="needs git")
def test_a_checkout_of_another_branch_is_one_restart(stage):
    def git(*args):
        name = ["-c", "user.name=a", "-c", "user.email=a@example.test"]
        subprocess.run(["git", "-C", stage.root, *name, *args], check=True, capture_output=True)

    git("init", "-q", "-b", "main")
    write(stage, ".gitignore", "state\n")
    for number in range(200):
        write(stage, f"shop/m{number}.py")
    git("add", ".")
    git("commit", "-qm", "one")
    git("checkout", "-qb", "other")
    for number in range(200):
        write(stage, f"shop/m{number}.py", "x = 22\n")
    git("commit", "-qam", "two")
    stage.add("worker", UP, watch=("**/*.py",))
    stage.up()
    stage.until_output("worker", b"up")
    until_watching(stage)

    git("checkout", "-q", "main")
    stage.until(lambda: runs(stage) == 2)
    stage.run_for(0.5)

    assert runs(stage) == 2


def test_the_process_finishes_its_work_before_it_is_restarted(stage):
    """As Celery does: the stop signal ends the worker when its task is done."""
    stage.add(
        "worker",
        python="""
import os, signal, time
stop = []
signal.signal(signal.SIGTERM, lambda *_: stop.append(1))
print("up", flush=True)
while not stop:
    if os.path.exists("task"):
        os.unlink("task")
        print("task begun", flush=True)
        deadline = time.monotonic() + 0.6
        while time.monotonic() < deadline:
            time.sleep(0.02)
        print("task done", flush=True)
    time.sleep(0.01)
print("bye", flush=True)
""",
        watch=("shop/*.py",),
        pty=False,
    )
    write(stage, "shop/tasks.py")
    stage.up()
    stage.until_output("worker", b"up")
    until_watching(stage)
    write(stage, "task")
    stage.until_output("worker", b"task begun")

    write(stage, "shop/tasks.py", "x = 22\n")
    stage.until(lambda: runs(stage) == 2)

    assert stage.output["worker"] == b"up\ntask begun\ntask done\nbye\nup\n"


def test_a_change_during_a_restart_is_not_lost(stage):
    """The old run ends slowly; what is written meanwhile has to be what the new one reads, or a third one comes."""
    write(stage, "shop/tasks.py", "1")
    stage.add("worker", "trap 'sleep 0.4; exit 0' TERM; echo up $(cat shop/tasks.py); while :; do sleep 0.02; done",
              watch=("shop/*.py",))  # fmt: skip
    stage.up()
    stage.until_output("worker", b"up 1")
    until_watching(stage)

    write(stage, "shop/tasks.py", "2")
    stage.until(lambda: stage.status("worker").phase == "stopping")
    write(stage, "shop/tasks.py", "3")
    stage.until_output("worker", b"up 3")
    stage.run_for(0.7)

    assert stage.output["worker"].split(b"\n")[-2].strip() == b"up 3"


def test_a_change_just_after_the_start_is_not_lost_although_nobody_watched_yet(stage):
    write(stage, "shop/tasks.py")
    stage.add("worker", UP, watch=("**/*.py",))
    stage.up()
    stage.until(lambda: stage.supervisor.watches.pid)
    write(stage, "shop/tasks.py", "x = 22\n")

    stage.until(lambda: runs(stage) == 2)


def test_a_fix_restarts_what_has_given_up_and_leaves_alone_what_was_stopped(stage):
    write(stage, "shop/tasks.py", "exit 1")
    stage.add("worker", "echo up; . ./shop/tasks.py; exec sleep 1000", watch=("shop/*.py",), max_restarts=0)
    stage.add("other", UP, watch=("shop/*.py",))
    stage.up()
    stage.until_phase("worker", "gave-up")
    until_watching(stage)
    stage.supervisor.stop(["other"])
    stage.until_phase("other", "stopped")

    write(stage, "shop/tasks.py", "true")
    stage.until_phase("worker", "running")
    stage.run_for(0.3)

    assert stage.status("other").phase == "stopped"


@pytest.mark.parametrize(("cascade", "dependent"), [(True, 2), (False, 1)])
def test_dependents_follow_where_cascade_says_so(stage, cascade, dependent):
    write(stage, "shop/tasks.py")
    stage.add("api", UP, watch=("shop/*.py",), cascade=cascade)
    stage.add("web", UP, needs=[Dependency("api", "started")])
    stage.add("worker", UP, needs=[Dependency("web", "started")])
    stage.up()
    stage.until(lambda: all(runs(stage, name) for name in ("api", "web", "worker")))
    until_watching(stage)

    write(stage, "shop/tasks.py", "x = 22\n")
    stage.until(lambda: (runs(stage, "api"), runs(stage, "web")) == (2, dependent))
    stage.run_for(0.3)

    assert (runs(stage, "api"), runs(stage, "web"), runs(stage, "worker")) == (2, dependent, 1)
    assert stage.status("web").note == ("restarted with api" if cascade else "")


def test_a_watch_that_dies_is_replaced_and_what_changed_meanwhile_is_seen(watched):
    pid = watched.supervisor.watches.pid
    os.kill(pid, signal.SIGKILL)
    watched.until(lambda: watched.supervisor.watches.pid != pid)
    write(watched, "shop/tasks.py", "x = 22\n")

    watched.until(lambda: runs(watched) == 2)


def test_a_new_plan_watches_other_files(watched):
    write(watched, "docs/a.md")
    before = watched.supervisor.watches.pid
    spec = watched.specs[0]._replace(watch=("docs/*.md",))
    watched.supervisor.apply(watched.plan._replace(processes=(spec,)))
    watched.until(lambda: watched.supervisor.watches.pid != before)
    until_watching(watched)
    write(watched, "shop/tasks.py", "x = 22\n")
    watched.run_for(0.3)
    assert runs(watched) == 1

    write(watched, "docs/a.md", "b")
    watched.until(lambda: runs(watched) == 2)
    assert watched.status("worker").note == "changed: docs/a.md"


def test_nothing_watched_costs_no_child_and_down_leaves_none(watched):
    pid = watched.supervisor.watches.pid
    watched.down()

    assert not os.path.exists(f"/proc/{pid}")
    assert watched.supervisor.watches.pid == 0


def test_a_project_that_watches_nothing_has_no_child(stage):
    stage.add("worker", UP)
    stage.up()
    stage.until_output("worker", b"up")
    stage.run_for(0.05)

    assert stage.supervisor.watches.pid == 0


@pytest.mark.faults(16)
def test_without_room_for_watches_it_looks_once_a_second_and_says_so(stage):
    """In a user namespace of its own a process may be given no room at all, which touches nobody else."""
    limit = "/proc/sys/user/max_inotify_instances"
    command = ["unshare", "-Ur", "sh", "-c", f"echo 0 > {limit}"]
    if shutil.which("unshare") is None or subprocess.run(command, capture_output=True, check=False).returncode:
        pytest.skip("no user namespaces here")
    write(stage, "shop/tasks.py")
    inner = f'echo 0 > {limit}; exec {sys.executable} "$@"'
    wrapper = stage.script("python", f"#!/bin/sh\nexec unshare -Ur sh -c '{inner}' sh \"$@\"\n")
    os.chmod(wrapper, 0o755)
    stage.add("worker", UP, watch=("shop/*.py",))
    stage.supervisor.watches.program = wrapper
    stage.up()
    until_watching(stage)

    write(stage, "shop/tasks.py", "x = 22\n")
    stage.until(lambda: runs(stage) == 2)

    assert [note for note in stage.notes if note.startswith("polling watched files once a second: ")] != []


def test_two_changes_in_a_row_are_two_restarts(watched):
    for count, text in enumerate(("x = 2\n", "x = 33\n"), 2):
        write(watched, "shop/tasks.py", text)
        watched.until(lambda count=count: runs(watched) == count)


@pytest.mark.faults(214)
def test_a_watch_that_is_taken_out_of_the_last_process_ends_the_watching_at_once(watched):
    spec = watched.plan.processes[0]._replace(watch=())

    watched.supervisor.apply(watched.plan._replace(processes=(spec,)))

    watched.until(lambda: watched.supervisor.watches.pid == 0)
    assert runs(watched) == 1


def test_a_process_that_writes_what_is_watched_is_said_to_reload_in_a_loop(stage):
    write(stage, "seen.py")
    stage.add("worker", "while sleep 0.2; do date +%s%N > seen.py; done", watch=("**/*.py",))
    stage.up()
    text = "reloads in a loop: seen.py changed 8 times"

    stage.until(lambda: any(text in note for note in stage.notes), seconds=60)

    assert stage.status("worker").note.startswith(text)
    assert [note for note in stage.notes if "in a loop" in note][1:] == []
    with open(stage.status("worker").log, "rb") as file:
        assert f"devboot: {text}".encode() in file.read()


def test_what_a_reloader_writes_of_itself_shows_a_loop_though_its_process_lives_on(stage):
    reloader = "while :; do echo \"WatchFiles detected changes in 'a.py'. Reloading...\"; sleep 0.05; done"
    stage.add("web", reloader)
    stage.up()

    stage.until(lambda: "reloads in a loop: a.py changed 8 times" in stage.status("web").note)

    assert stage.status("web").restarts == 0


def test_watching_that_fails_each_time_is_given_up_and_said_with_the_number_of_tries(stage):
    write(stage, "shop/tasks.py")
    stage.add("worker", UP, watch=("**/*.py",))
    stage.supervisor.watches.program = "/bin/false"
    stage.up()

    stage.until(lambda: stage.skip(10.0) or stage.notes)

    assert "file changes aren't noticed any more: watching has failed 4 times (" in stage.notes[0]
