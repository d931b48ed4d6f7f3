"""`watch`, `schedule`, `instances` and the flags of other runners, as whole commands."""

from __future__ import annotations

import os
import time

import pytest

from tests.e2e.conftest import eventually
from tests.fakes.ports import free_ports

LISTENS = "python3 -u -m http.server --bind 127.0.0.1 $PORT"
WAITS = "echo up $PS; exec sleep 1000"


@pytest.fixture
def site(machine, tmp_path):
    """Make a project that needs nothing but a Procfile: `site({"web": "command"}, "manifest")`."""

    def make(processes, manifest=""):
        folder = tmp_path / "plan/site"
        (folder / "shop").mkdir(parents=True)
        (folder / "shop/tasks.py").write_text("x = 1\n")
        (folder / "Procfile").write_text("".join(f"{name}: {command}\n" for name, command in processes.items()))
        (folder / "devboot.toml").write_text(manifest)
        (folder / ".env").write_text(f"PORT={free_ports(6, step=100)}\n")
        return machine(folder)

    return make


def names(made):
    return list(made.ps())


def test_a_changed_file_restarts_what_watches_it_and_ps_says_which(site):
    made = site({"web": LISTENS, "worker": WAITS}, "[processes.worker]\nwatch = ['**/*.py']\n")
    made.devboot("up", "-d")
    before = made.ps()

    def changed():
        (made.root / "shop/tasks.py").write_text(f"x = {time.monotonic_ns()}\n")
        return made.ps()["worker"]["note"] == "changed: shop/tasks.py"

    eventually(changed)
    after = made.ps()

    assert before["worker"]["pid"] != after["worker"]["pid"]
    assert before["web"]["pid"] == after["web"]["pid"]


def test_what_reloads_itself_is_named_and_left_to_itself(site):
    command = f"sh -c 'exec {LISTENS}' runserver"
    made = site({"web": command}, "[processes.web]\nwatch = ['**/*.py']\n")

    said = made.devboot("up", "-d").stderr

    assert "`web` reloads Python files by itself: its `watch` applies to the other files" in said


def test_scale_changes_the_number_of_one_process_and_leaves_the_others_alone(site):
    made = site({"web": LISTENS, "worker": WAITS})
    made.devboot("up", "-d")
    web = made.ps()["web"]["pid"]

    said = made.devboot("scale", "worker=3").stderr
    assert "worker stopping\n" in said
    eventually(lambda: names(made) == ["web", "worker.1", "worker.2", "worker.3"])
    kept = made.ps()
    assert kept["web"]["pid"] == web
    assert [kept[f"worker.{n}"]["port"] - kept["worker.1"]["port"] for n in (1, 2, 3)] == [0, 1, 2]

    made.devboot("scale", "worker=2", "web=2")
    eventually(lambda: names(made) == ["web.1", "web.2", "worker.1", "worker.2"])
    assert made.ps()["worker.1"]["pid"] == kept["worker.1"]["pid"]
    assert made.ps()["web.1"]["port"] == kept["web"]["port"]

    made.devboot("restart", "worker")
    assert made.ps()["worker.2"]["pid"] != kept["worker.2"]["pid"]
    made.devboot("up", "-d")
    eventually(lambda: names(made) == ["web", "worker"])


def test_scaling_to_none_and_back_restarts_nothing_and_leaves_edits_for_later(site):
    manifest = "[processes.worker]\nwatch = ['*.py']\n"
    made = site({"web": LISTENS, "worker": WAITS}, manifest)
    made.devboot("up", "-d")
    web = made.ps()["web"]["pid"]
    (made.root / "devboot.toml").write_text(manifest + "[processes.web.env]\nA = 'edited'\n")

    made.devboot("scale", "worker=0")
    eventually(lambda: names(made) == ["web"])
    made.devboot("scale", "worker=2")
    eventually(lambda: names(made) == ["web", "worker.1", "worker.2"])
    assert made.ps()["web"]["pid"] == web

    made.devboot("up", "-d")
    assert made.ps()["web"]["pid"] != web
    eventually(lambda: names(made) == ["web", "worker"])


def test_a_dry_run_of_what_runs_says_what_would_change_and_changes_nothing(site):
    manifest = "[processes.worker]\nwatch = ['*.py']\n"
    made = site({"web": LISTENS, "worker": WAITS}, manifest)
    made.devboot("up", "-d")
    assert "  nothing: what runs is up to date\n" in made.devboot("up", "--dry-run").stdout
    made.devboot("stop", "worker")
    assert ["  start  worker"] == made.devboot("up", "--dry-run").stdout.splitlines()[1:]
    assert ["  nothing: what runs is up to date"] == made.devboot("up", "-n", "web").stdout.splitlines()[1:]
    made.devboot("up", "-d")
    before = made.ps()
    edited = "[processes.mail]\ncommand = 'sleep 1000'\n[env]\nK = { generate = 'hex' }\n"
    (made.root / "devboot.toml").write_text(manifest + edited)
    kept = {path: path.stat().st_mtime_ns for path in made.state.iterdir()}

    said = made.devboot("up", "--dry-run").stdout

    assert ["  restart  web", "  restart  worker", "  start    mail"] == said.splitlines()[1:]
    assert kept == {path: path.stat().st_mtime_ns for path in made.state.iterdir()}
    assert before == {name: each | {"memory": before[name]["memory"]} for name, each in made.ps().items()}


def test_a_formation_and_an_exception_hold_for_one_up(site):
    made = site({"web": LISTENS, "worker": WAITS, "beat": WAITS}, "[processes.worker]\ninstances = 2\n")

    made.devboot("up", "-d", "-m", "worker=3,all=1", "-x", "beat")
    found = made.ps()
    assert list(found) == ["web", "worker.1", "worker.2", "worker.3", "beat"]
    assert [name for name, each in found.items() if each["pid"] is None] == ["beat"]
    made.devboot("down")

    made.devboot("up", "-d")
    assert names(made) == ["web", "worker.1", "worker.2", "beat"]


def test_another_procfile_other_env_files_and_a_base_port(site):
    made = site({"web": LISTENS, "worker": WAITS}, "[processes.worker]\nwatch = ['*.py']\n")
    (made.root / "Procfile.small").write_text("web: echo said $SAID on $PORT; exec sleep 1000\n")
    (made.root / "other.env").write_text("SAID=hello\n")
    base = free_ports(3, step=100)

    made.devboot("up", "-d", "-f", "Procfile.small", "-e", "other.env", "-p", str(base), "--wait-timeout", "1", code=1)
    assert names(made) == ["web"]
    eventually(lambda: f"said hello on {base}" in made.devboot("logs", "web").stdout)


def test_mistakes_in_these_flags_are_told_before_anything_starts(site):
    made = site({"web": WAITS, "worker": WAITS}, "[processes.web]\ndepends_on = ['worker']\n")

    for args, slug in (
        (("-m", "worker"), "usage/formation"),
        (("-m", "wroker=2"), "usage/unknown-name"),
        (("-x", "worker"), "usage/except"),
        (("-x", "web", "-x", "worker"), "usage/except"),
        (("-e", "none.env"), "usage/env-file"),
        (("-f", "none"), "procfile/not-found"),
        (("-p", "x"), "usage/port"),
    ):
        assert f"error[{slug}]" in made.devboot("up", "-d", *args, code=None).stderr
    assert "error[daemon/not-running]" in made.devboot("scale", "web=2", code=1).stderr


def test_a_scheduled_process_runs_at_its_times(site):
    made = site({"web": LISTENS, "report": "echo reported"}, "[processes.report]\nschedule = '1s'\n")
    made.devboot("up", "-d")

    eventually(lambda: made.devboot("logs", "report").stdout.count("reported") >= 2)

    def waits():
        found = made.ps()["report"]
        return found["phase"] == "waiting" and found["next_run"] and found["last_exit"]["code"] == 0

    eventually(waits)


@pytest.mark.network
def test_celery_finishes_its_task_before_a_change_restarts_it(site):
    made = site(
        {"worker": "celery -A shop.tasks worker --pool solo --loglevel info"},
        "[processes.worker]\nwatch = ['shop/*.py']\nstop_timeout = '30s'\nexpected_exit = [0]\n",
    )
    (made.root / "requirements.txt").write_text("celery\n")
    (made.root / "queue").mkdir()
    (made.root / "shop/tasks.py").write_text(
        "import time\nfrom celery import Celery\n"
        "folder = {'data_folder_in': 'queue', 'data_folder_out': 'queue', 'control_folder': 'queue'}\n"
        "app = Celery(broker='filesystem://', broker_connection_retry_on_startup=True)\n"
        "app.conf.broker_transport_options = folder\n"
        "@app.task\ndef work():\n"
        "    print('task begun', flush=True)\n    time.sleep(2)\n    print('task done', flush=True)\n"
    )
    made.devboot("up", "-d")
    log = lambda: made.devboot("logs", "-n", "1000", "worker").stdout  # noqa: E731
    eventually(lambda: " ready." in log())
    made.devboot("run", "--", "python", "-c", "from shop.tasks import work; work.delay()")
    eventually(lambda: "task begun" in log())

    os.utime(made.root / "shop/tasks.py")
    eventually(lambda: log().count(" ready.") == 2, 90)

    text = log()
    assert text.index("task begun") < text.index("task done") < text.rindex(" ready.")
    assert made.ps()["worker"]["note"] == "changed: shop/tasks.py"
