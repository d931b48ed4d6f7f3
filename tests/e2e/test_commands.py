"""The commands around `up`: what they start, what they leave running, and which exit code they pass on."""

from __future__ import annotations

import json
import os
import re
import signal
import subprocess
from pathlib import Path

import pytest

from tests.e2e.conftest import eventually, fetch
from tests.e2e.test_projects import is_up

pytestmark = pytest.mark.network


def tree(root: Path) -> dict[str, tuple[int, bytes]]:
    """Every path below `root` with its mode and content."""
    return {
        str(path.relative_to(root)): (path.lstat().st_mode, path.read_bytes() if path.is_file() else b"")
        for path in sorted(root.rglob("*"))
    }


def test_a_task_gets_what_it_needs_started_and_stopped_again(counter):
    first = counter.devboot("run", "visits")
    second = counter.devboot("run", "visits")

    assert ("1\n", "2\n") == (first.stdout, second.stdout)
    assert [] == counter.left()


def test_a_task_uses_what_runs_and_leaves_it_running(counter):
    counter.devboot("up", "-d")
    before = counter.ps()
    fetch(counter.url("web", "/visit"))

    assert "2\n" == counter.devboot("run", "visits").stdout

    assert {name: entry["pid"] for name, entry in before.items()} == {
        name: entry["pid"] for name, entry in counter.ps().items()
    }


def test_a_task_starts_what_is_stopped_in_a_running_project_and_stops_it_again(counter):
    counter.devboot("up", "-d")
    counter.devboot("stop", "redis")

    assert "1\n" == counter.devboot("run", "visits").stdout

    assert {"redis": "stopped"} == {name: e["phase"] for name, e in counter.ps().items() if name == "redis"}


def test_exit_codes_pass_through(counter):
    counter.devboot("sync")

    counter.devboot("run", "fails", code=3)
    counter.devboot("run", "--", "sh", "-c", "exit 7", code=7)
    counter.devboot("run", "--", "sh", "-c", "kill -TERM $$", code=-signal.SIGTERM)
    counter.devboot("run", "--", "no-such-program", code=127)
    counter.devboot("run", "--", "./requirements.txt", code=126)
    counter.devboot("run", "no-such-task", code=2)


@pytest.mark.parametrize("ending", ["exit 3", "kill -TERM $$"])
def test_exit_codes_of_tasks_that_need_something_pass_through(counter, ending):
    manifest = counter.root / "devboot.toml"
    manifest.write_text(manifest.read_text() + f"[tasks.ends]\nrun = '{ending}'\ndepends_on = ['redis']\n")

    counter.devboot("run", "ends", code=3 if ending == "exit 3" else 143)

    assert [] == counter.left()


TASKS = """
[tasks.prepare]
run = "echo prepared >> trace"
before = ["web"]
[tasks.build]
run = "echo built >> trace; exit $(cat code)"
[tasks.check]
run = "echo checked >> trace; python -m visits"
depends_on = ["redis", "build", "prepare"]
"""


@pytest.mark.parametrize("running", [False, True])
def test_tasks_that_a_task_depends_on_run_before_it_and_stop_it_where_they_fail(counter, running):
    manifest, trace, code = (counter.root / name for name in ("devboot.toml", "trace", "code"))
    manifest.write_text(manifest.read_text() + TASKS)
    code.write_text("0")
    if running:
        counter.devboot("up", "-d")
        assert "prepared\n" == trace.read_text()
        counter.devboot("stop", "redis")

    assert "1\n" == counter.devboot("run", "check").stdout

    assert "prepared\nbuilt\nchecked\n" == trace.read_text()
    code.write_text("4")
    counter.devboot("run", "check", code=4)
    again = "" if running else "prepared\n"
    assert f"prepared\nbuilt\nchecked\n{again}built\n" == trace.read_text()
    assert running == bool(counter.processes())


def test_a_task_does_not_run_where_what_it_needs_cannot_be_had(counter):
    manifest = counter.root / "devboot.toml"
    manifest.write_text(manifest.read_text() + TASKS.replace("echo prepared >> trace", "test -e data/ready"))
    (counter.root / "code").write_text("0")
    counter.devboot("up", "-d", code=1)

    assert "prepare is not ready: exit 1" in counter.devboot("run", "check", code=1).stderr

    assert not (counter.root / "trace").exists()


def test_an_interrupted_task_ends_with_what_was_started_for_it(counter):
    manifest = counter.root / "devboot.toml"
    manifest.write_text(
        manifest.read_text() + "[tasks.waits]\nrun = 'echo begun; exec sleep 1000'\ndepends_on = ['redis']\n"
    )
    counter.devboot("sync")
    window = counter.terminal("run", "waits")
    window.expect("begun")

    window.type("\x03")

    assert 130 == window.wait()
    assert [] == counter.left()


def test_a_bare_command_has_the_environment_and_starts_nothing(counter):
    shown = counter.devboot("run", "--", "sh", "-c", "echo $REDIS_URL; command -v python")

    url, python = shown.stdout.split()
    assert re.fullmatch(r"redis://:[0-9a-f]{64}@127\.0\.0\.1:\d+/0", url)
    assert str(counter.root / ".venv/bin/python") == python
    assert [] == counter.left()


def test_arguments_go_to_the_task(counter):
    manifest = counter.root / "devboot.toml"
    manifest.write_text(manifest.read_text() + "[tasks.say]\nrun = 'echo said'\n")

    assert "said a b  c\n" == counter.devboot("run", "say", "a", "b  c").stdout
    assert "said -x\n" == counter.devboot("run", "say", "--", "-x").stdout


def test_sync_makes_everything_and_check_tells_what_is_missing(counter):
    assert "this project has not been synced yet" in counter.devboot("sync", "--check", code=1).stderr

    counter.devboot("sync")
    counter.devboot("sync", "--check")

    (counter.root / "requirements.txt").write_text("--no-index\n--find-links ./wheels\ngreeting==2.0\n")
    assert "requirements.txt has changed" in counter.devboot("sync", "--check", code=1).stderr
    assert "stale" in counter.devboot("lock", "--check", code=3).stderr
    assert [] == counter.left()


@pytest.mark.faults(41)
def test_locked_never_writes_the_lock(counter):
    counter.devboot("up", "-d", "--locked", code=3)
    assert not (counter.root / "devboot.lock").exists()
    counter.devboot("lock")
    counter.devboot("lock", "--check")
    before = (counter.root / "devboot.lock").read_bytes()
    requirements = (counter.root / "requirements.txt").read_text()
    (counter.root / "requirements.txt").write_text("--no-index\n--find-links ./wheels\ngreeting==2.0\n")

    refused = counter.devboot("up", "-d", "--locked", code=3)

    assert "error[lock/stale]" in refused.stderr
    assert "requirements.txt changed since it was locked" in refused.stderr
    assert before == (counter.root / "devboot.lock").read_bytes()
    assert not (counter.root / ".venv").exists()

    (counter.root / "requirements.txt").write_text(requirements)
    with (counter.root / "devboot.toml").open("a") as manifest:
        manifest.write("\n[python]\nexclude-newer = '7 days'\n")
    assert "`exclude-newer` changed since it was locked" in counter.devboot("lock", "--check", code=3).stderr


def test_a_dry_run_changes_nothing_with_a_manifest(counter):
    before = tree(counter.root), tree(Path(counter.environ["HOME"]))

    shown = counter.devboot("up", "--dry-run").stdout

    for word in ("devboot.lock", ".venv", "data/words.sqlite3", "python server.py"):
        assert word in shown
    assert before == (tree(counter.root), tree(Path(counter.environ["HOME"])))
    assert [] == counter.left()


def test_a_dry_run_changes_nothing_without_a_manifest(machine):
    here = machine("shortener")
    before = tree(here.root), tree(Path(here.environ["HOME"]))

    shown = here.devboot("up", "--dry-run").stdout

    assert "redis" in shown
    assert before == (tree(here.root), tree(Path(here.environ["HOME"])))
    assert not Path(here.environ["DEVBOOT_HOME"], "data").exists()


def test_a_dry_run_of_what_runs_has_nothing_to_fetch_or_build(counter):
    counter.devboot("up", "-d")
    before = tree(counter.state / "run"), tree(counter.root / ".venv")

    planned = json.loads(counter.devboot("up", "--dry-run", "--json").stdout)

    assert {"fetch", "build", "create", "lock"} & {step["kind"] for step in planned["steps"]} == set()
    assert before == (tree(counter.state / "run"), tree(counter.root / ".venv"))


def test_honcho_runs_the_processes_and_devboot_services_and_tasks(counter):
    manifest = counter.root / "devboot.toml"
    manifest.write_text(manifest.read_text() + "[tasks.prepare]\nrun = 'touch prepared'\nbefore = ['processes']\n")
    counter.devboot("sync")
    window = counter.terminal("up", "--runner", "honcho")
    window.expect("web")
    port = int(counter.devboot("run", "--", "sh", "-c", "echo ${PORT:-5000}").stdout)
    eventually(lambda: any("server.py" in line for line in counter.processes()))
    assert any("honcho" in line for line in counter.processes())
    assert any("redis-server" in line for line in counter.processes())
    assert (counter.root / "prepared").exists()
    assert "1" == eventually(lambda: answered(f"http://127.0.0.1:{port}/visit"))

    window.type("\x03")

    assert 130 == window.wait()
    assert [] == counter.left()


def test_another_runner_leaves_a_project_alone_that_is_up(counter):
    counter.devboot("up", "-d")
    before = {name: entry["pid"] for name, entry in counter.ps().items()}

    assert "error[busy/already-running]" in counter.devboot("up", "--runner", "honcho", code=7).stderr

    assert before == {name: entry["pid"] for name, entry in counter.ps().items()}


def answered(url):
    try:
        return fetch(url)
    except OSError:
        return None


def test_the_environment_is_something_that_a_shell_can_read(counter):
    (counter.root / ".env").write_text('ODD="it\'s $5\\n`and` more"\n')
    counter.devboot("sync")
    shell = counter.devboot("env").stdout

    read = subprocess.run(["sh", "-eu", "-c", f'{shell}\nprintf %s "$ODD"'], capture_output=True, text=True, check=True)

    assert "it's $5\n`and` more" == read.stdout


@pytest.mark.faults(181)
def test_env_answers_from_the_last_sync_and_names_the_command_that_brings_more(counter):
    refused = counter.devboot("env", code=1)
    assert "error[sync/needed]: the variables of counter are not known yet" in refused.stderr
    assert "help: devboot sync\n" in refused.stderr
    assert refused.stdout == ""
    assert not (counter.root / ".venv").exists()

    counter.devboot("sync")
    assert counter.devboot("env").stderr == ""
    (counter.root / ".env").write_text("LATER=1\n")
    told = counter.devboot("env")
    assert "warning[sync/needed]: counter is not up to date: these are the variables of the last sync" in told.stderr
    assert "cause: .env has changed\n" in told.stderr
    assert "SECRET_KEY" in told.stdout
    assert "LATER" not in told.stdout
    assert json.loads(counter.devboot("env", "--json").stdout)["changes"] == [".env has changed"]
    assert counter.devboot("env", "-q").stderr == ""


@pytest.mark.faults(67)
def test_no_output_has_a_secret(counter):
    canary = "canary-4711-do-not-show"
    (counter.root / ".env").write_text(f"API_KEY={canary}\n")
    manifest = counter.root / "devboot.toml"
    manifest.write_text(manifest.read_text() + "[tasks.breaks]\nrun = 'false'\nbefore = ['processes']\n")
    commands = [
        ("up", "-d"),
        ("up", "-d", "--json"),
        ("up", "--dry-run"),
        ("ps",),
        ("ps", "--json"),
        ("logs",),
        ("env", "--json"),
        ("doctor",),
        ("doctor", "--json"),
        ("doctor", "-v"),
        ("sync", "--check"),
        ("lock",),
        ("down",),
        ("run", "nothing"),
    ]
    for command in commands:
        done = counter.devboot(*command, code=None)
        assert canary not in done.stdout + done.stderr, command

    (counter.root / ".env").write_text(f"API_KEY={canary}\nBROKEN='{canary}\n")
    refused = counter.devboot("up", "-d", code=3)

    assert canary not in refused.stdout + refused.stderr
    shown = json.loads(counter.devboot("env", "--json", code=None).stdout or "{}")
    assert canary not in json.dumps(shown)
    for path in counter.state.rglob("*"):
        if path.is_file() and canary.encode() in path.read_bytes():
            assert 0o600 == path.stat().st_mode & 0o777, path


def test_json_of_the_environment_masks_and_shows_on_demand(counter):
    (counter.root / ".env").write_text("API_KEY=canary-4711\n")
    counter.devboot("sync")

    variables = json.loads(counter.devboot("env", "--json").stdout)["variables"]
    masked = variables["API_KEY"]
    shown = json.loads(counter.devboot("env", "--json", "--show-secrets").stdout)["variables"]["API_KEY"]

    assert re.fullmatch(r"redis://:\w+@127\.0\.0\.1:\d+/0", variables["REDIS_URL"]["value"])
    assert {"value": None, "source": ".env:1", "secret": True} == masked
    assert {"value": "canary-4711", "source": ".env:1", "secret": True} == shown


def test_logs_are_there_after_down_and_by_name(counter):
    counter.devboot("up", "-d")
    fetch(counter.url("web", "/words"))
    eventually(lambda: "/words" in counter.devboot("logs", "web").stdout)
    counter.devboot("down")

    assert "GET /words" in counter.devboot("logs").stdout
    assert "Ready to accept connections" in counter.devboot("logs", "redis").stdout
    assert "GET /words" not in counter.devboot("logs", "redis").stdout
    assert 1 == counter.devboot("logs", "-n", "1", "web").stdout.count("\n")


def test_ps_tells_programs_what_runs(counter):
    stopped = json.loads(counter.devboot("ps", "--json").stdout)
    counter.devboot("up", "-d")
    running = json.loads(counter.devboot("ps", "--json").stdout)

    assert set(stopped) == set(running)
    web = next(each for each in running["processes"] if each["name"] == "web")
    assert ("process", "ready") == (web["kind"], web["phase"])
    os.kill(web["pid"], 0)
    is_up(counter, "redis", "web")


def test_commands_work_from_a_folder_below_and_from_elsewhere(counter):
    counter.devboot("up", "-d", cwd=counter.root / "migrations")

    elsewhere = Path(counter.environ["HOME"])
    assert "web" in counter.devboot("-C", str(counter.root), "ps", cwd=elsewhere).stdout
    below = counter.devboot("run", "--", "pwd", cwd=counter.root / "migrations").stdout
    assert f"{counter.root / 'migrations'}\n" == below
    counter.devboot("-C", str(counter.root), "down", cwd=elsewhere)
    assert [] == counter.left()
