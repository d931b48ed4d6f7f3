"""Code that can't be loaded: no restart heals it, so the second same failure is the last one."""

from __future__ import annotations

import subprocess
import sys

import pytest

from devboot.model.process import Probe, ProcessSpec
from devboot.supervisor.explain.advice import advised
from devboot.supervisor.explain.import_errors import broken_code
from devboot.supervisor.explain.process_errors import cannot_load

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
    assert advised(failure.error).help == (
        "`devboot up -d` installs new packages; if none of them provides `striped`, add the package first",
        "after a fix: `devboot up -d`",
        "all output: `devboot logs web`",
    )
    assert stage.status("web").note == failure.error.what

    stage.script("shop.py", "import time; time.sleep(1000)\n")
    stage.supervisor.restart(["web"])
    stage.until_phase("web", "running")


@pytest.mark.faults(68)
def test_a_script_that_is_not_there_gives_up_at_the_second_failure_and_names_the_nearest(stage):
    stage.script("web.py", SERVES)
    stage.add("web", f"exec {sys.executable} wbe.py", origin="Procfile:1")

    stage.up()
    stage.until_settled()
    (failure,) = stage.supervisor.verdict().failures

    assert stage.status("web").restarts == 1
    assert "can't open file" in failure.error.what
    assert failure.error.help[:2] == (
        r"sed -i.bak '1s|wbe\.py|web.py|' Procfile && devboot up -d   # `web.py` is there",
        "after a fix: `devboot up -d`",
    )


@pytest.mark.parametrize(
    ("fact", "raised", "restarts", "what"),
    [
        ("unset\\tMAIL\\tnone\\tapp.py:3", "set MAIL first", 1, "web read MAIL (app.py:3), which has no value"),
        (
            "no-file\\t/app/x.json\\t\\tapp.py:3", "[Errno 2] No such file or directory: '/app/x.json'", 1,
            "web looked for /app/x.json (app.py:3), which doesn't exist",
        ),
        (
            "no-file\\tx.json\\t\\tapp.py:3", "[Errno 2] No such file or directory: 'x.json'", 3,
            "web looked for x.json (app.py:3), which doesn't exist",
        ),
    ],
)  # fmt: skip
def test_what_lacks_and_will_be_lacking_gives_up_at_the_second_same_failure(stage, fact, raised, restarts, what):
    record = f"{stage.root}/record"
    program = f"open({record!r}, 'w').write('{fact}\\n'); raise RuntimeError({raised!r})"
    stage.add("web", python=program, observed=("", record), max_restarts=3)

    stage.up()
    stage.until_settled()
    (failure,) = stage.supervisor.verdict().failures

    assert ("gave-up", restarts) == (stage.status("web").phase, stage.status("web").restarts)
    assert what == failure.error.what


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

    assert stage.status("web").note.endswith(", last with code 1")


def state_of(stage, name):
    status = stage.status(name)
    return status.phase, status.restarts


@pytest.mark.faults(68)
def test_what_ran_before_a_bad_edit_waits_for_a_better_one(stage):
    stage.script("shop.py", SERVES)
    stage.add("web", f'exec {sys.executable} -c "{IMPORTS}"', ready=Probe("log", expect="^up"), watch=("*.py",))
    stage.up()
    stage.until_phase("web", "ready")
    stage.until(lambda: stage.supervisor.watches.is_watching)

    stage.script("shop.py", "import time, striped\n")
    stage.until_phase("web", "gave-up")

    assert not stage.supervisor.has_ended
    assert stage.errors["process/import-error"].help[-2] == (
        "it starts again when its files change, or by `devboot up -d`"
    )
    stage.script("shop.py", SERVES)
    stage.until_phase("web", "ready")


MISTAKES = {
    "a variable that isn't set": "import os; os.environ['SHOP_KEY']",
    "a name that isn't defined": "shelves",
    "an attribute that isn't there": "import os; os.shelves",
    "a call that doesn't fit": "len()",
    "a text that is not a number": "PORT = int('eighty')",
    "a key in a function that is called at import": "def settings():\n    return {}['shelf']\nsettings()",
    "a check of the settings": "assert False",
    "an error in handling an error": "try:\n    {}['a']\nexcept KeyError:\n    len()",
    "a line that isn't Python": "def (",
}
MAY_HEAL = {
    "a connection that was refused": "raise ConnectionRefusedError(111, 'refused')",
    "a library's own exception": "class OperationalError(Exception): ...\nraise OperationalError('no such host')",
    "a name that can't be looked up": "import socket; raise socket.gaierror(-2, 'Name or service not known')",
    "a file that isn't there yet": "open('not-there-yet')",
}


def told_by(folder, argv):
    """The lines that Python writes when it runs `argv`."""
    done = subprocess.run([sys.executable, *argv], cwd=folder, capture_output=True, text=True, check=False)
    return done.stderr.rstrip().split("\n")


@pytest.mark.faults(211)
@pytest.mark.parametrize("name", MISTAKES)
@pytest.mark.parametrize(
    "argv",
    [
        ["-c", "import shop"],
        ["shop.py"],
        ["-m", "shop"],
        ["-c", "import importlib as i; i.import_module('shop')"],
    ],
    ids=["imported", "run", "run as a module", "imported by a server"],
)
def test_a_mistake_in_the_code_that_is_being_loaded_is_seen_however_it_is_loaded(tmp_path, argv, name):
    (tmp_path / "shop.py").write_text(f"{MISTAKES[name]}\n", encoding="utf-8")
    lines = told_by(tmp_path, argv)

    does_its_work = argv[0] != "-c" and "called at import" in name  # a program's own functions may fail for the moment
    assert broken_code(lines) == ("" if does_its_work else lines[-1])
    assert broken_code([*lines, "[17] [INFO] Worker exiting (pid: 17)"]) == broken_code(lines)


@pytest.mark.faults(211)
@pytest.mark.parametrize("name", MAY_HEAL)
def test_what_another_try_may_heal_is_no_mistake_in_the_code(tmp_path, name):
    (tmp_path / "shop.py").write_text(f"{MAY_HEAL[name]}\n", encoding="utf-8")

    assert broken_code(told_by(tmp_path, ["-c", "import shop"])) == ""


@pytest.mark.faults(211)
def test_a_variable_that_is_not_set_ends_the_tries_at_the_second_same_end(stage):
    stage.script("shop.py", "import os\nKEY = os.environ['SHOP_KEY']\n")
    stage.add("web", f'exec {sys.executable} -c "{IMPORTS}"')

    stage.up()
    stage.until_settled()
    (failure,) = stage.supervisor.verdict().failures

    assert (stage.status("web").phase, stage.status("web").restarts) == ("gave-up", 1)
    assert failure.error.what == "web read SHOP_KEY (shop.py:2), which has no value"
    assert failure.error.help[0] == "echo 'SHOP_KEY=…' >> .env"
