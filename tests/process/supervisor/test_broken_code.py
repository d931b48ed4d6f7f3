"""Code that can't be loaded: no restart heals it, so the second same failure is the last one."""

from __future__ import annotations

import sys

import pytest

from devboot.model.process import Probe, ProcessSpec
from devboot.supervisor.broken import broken_code
from devboot.supervisor.failures import cannot_load

SERVES = "import time; print('up', flush=True); time.sleep(1000)\n"
IMPORTS = "import sys; print('ran', flush=True); sys.path.insert(0, '.'); import shop"


@pytest.mark.faults(68)
def test_code_that_cannot_be_imported_gives_up_at_the_second_same_failure(stage):
    stage.script("shop.py", "import striped\n")
    stage.add("web", f'exec {sys.executable} -c "{IMPORTS}"', origin="Procfile:1")

    stage.up()
    stage.until_settled()
    (failure,) = stage.supervisor.verdict().failures

    assert (stage.status("web").phase, stage.status("web").restarts) == ("gave-up", 1)
    assert stage.output["web"].splitlines().count(b"ran") == 2
    assert failure.error.slug == "process/import-error"
    assert failure.error.what == "web can't start: ModuleNotFoundError: No module named 'striped'"
    assert failure.error.help == (
        "`devboot up -d` installs what is new; if no dependency brings `striped`, add the package first",
        "after a fix: `devboot up -d`",
        "all output: `devboot logs web`",
    )
    assert stage.status("web").note == failure.error.what

    stage.script("shop.py", "import time; time.sleep(1000)\n")
    stage.supervisor.restart(["web"])
    stage.until_phase("web", "running")


@pytest.mark.parametrize(
    "said",
    ["ModuleNotFoundError: No module named 'feedreadr'", "Error: Could not import 'feedreadr'.",
     "Unable to load celery application.\nThe module feedreadr was not found."],
)  # fmt: skip
def test_a_module_of_the_project_that_was_probably_meant_is_named(tmp_path, said):
    (tmp_path / "feedreader").mkdir()
    (tmp_path / "manage.py").touch()
    spec = ProcessSpec("web", "process", str(tmp_path), "gunicorn feedreadr.wsgi")
    tail = tuple(said.split("\n"))

    error = cannot_load(spec, broken_code(tail), tail)

    assert ("did you mean `feedreader`?", "after a fix: `devboot up -d`") == error.help[:2]


def test_an_import_that_fails_otherwise_the_second_time_is_tried_again(stage):
    stage.script("shop.py", "import os, time\nos.path.exists('a') or (open('a', 'w'), __import__('striped'))\n")
    stage.script("more.py", "")
    with open(f"{stage.root}/shop.py", "a", encoding="utf-8") as file:
        file.write("os.path.exists('b') or (open('b', 'w'), __import__('stripes'))\ntime.sleep(1000)\n")
    stage.add("web", f'exec {sys.executable} -c "{IMPORTS}"')

    stage.up()
    stage.until(lambda: stage.output.get("web", b"").splitlines().count(b"ran") == 3)
    stage.until_phase("web", "running")

    assert "gave-up" not in stage.phases["web"]


FAILS_WHEN_TOLD = """
import os, time
while not os.path.exists("go"):
    time.sleep(0.01)
os.unlink("go")
import striped
"""


def test_an_import_error_of_what_has_been_ready_is_a_crash_like_others(stage):
    stage.add("web", python=FAILS_WHEN_TOLD, ready=Probe("exec", command="true", period=0.02), max_restarts=2)

    stage.up()
    for restarts in range(3):
        stage.until(lambda restarts=restarts: [*state_of(stage, "web")] == ["ready", restarts])
        stage.script("go", "")
    stage.until_phase("web", "gave-up")

    assert stage.status("web").note == "exit 1"


def state_of(stage, name):
    status = stage.status(name)
    return status.phase, status.restarts


@pytest.mark.faults(68)
def test_what_ran_before_a_bad_edit_waits_for_a_better_one(stage):
    stage.script("shop.py", SERVES)
    stage.add("web", f'exec {sys.executable} -c "{IMPORTS}"', ready=Probe("log", expect="^up"), watch=("*.py",))
    stage.up()
    stage.until_phase("web", "ready")
    stage.until(lambda: stage.supervisor._watches.is_watching)

    stage.script("shop.py", "import time, striped\n")
    stage.until_phase("web", "gave-up")

    assert not stage.supervisor.has_ended
    assert stage.errors["process/import-error"].help[-2] == (
        "it starts again when its files change, or by `devboot up -d`"
    )
    stage.script("shop.py", SERVES)
    stage.until_phase("web", "ready")
