"""`run` becomes the command: environment, exit codes, folders, signals."""

from __future__ import annotations

import os
import signal

import pytest


@pytest.fixture
def runnable(project):
    os.mkdir(f"{project.root}/sub")
    patch = (("=", "COLOUR", "blue"), ("?", "SHAPE", "round"), ("+", "PATH", f"{project.root}/bin"))
    return project.write(patch=patch, tasks=(("test", "echo testing", project.root, False),))


def test_a_command_gets_the_composed_environment(runnable):
    runnable.env["SHAPE"] = "square"

    done = runnable.devboot("run", "--", "sh", "-c", "echo $COLOUR $SHAPE ${PATH%%:*}")

    assert (done.stdout, done.stderr) == (f"blue square {runnable.root}/bin\n", "")


@pytest.mark.parametrize(
    ("script", "code"), [("exit 0", 0), ("exit 7", 7), ("kill -KILL $$", -9), ("kill -PIPE $$", -13)]
)
def test_exit_codes_and_signals_pass_through(runnable, script, code):
    runnable.devboot("run", "--", "sh", "-c", script, code=code)


def test_a_task_takes_more_arguments(runnable):
    assert runnable.devboot("run", "test").stdout == "testing\n"
    assert runnable.devboot("run", "test", "a  b", "c").stdout == "testing a  b c\n"
    assert runnable.devboot("run", "test", "--", "-k", "x").stdout == "testing -k x\n"


def test_a_command_runs_where_it_is_typed_and_with_c_there(runnable):
    assert runnable.devboot("run", "--", "pwd", cwd=f"{runnable.root}/sub").stdout == f"{runnable.root}/sub\n"
    assert runnable.devboot("-C", "sub", "run", "--", "pwd").stdout == f"{runnable.root}/sub\n"
    assert runnable.devboot("run", "test", cwd=f"{runnable.root}/sub").stdout == "testing\n"


def test_what_is_not_there_is_127_and_what_may_not_be_run_126(runnable):
    assert runnable.devboot("run", "--", "no-such-program", code=127).stderr.startswith("error[run/not-found]: ")
    open(f"{runnable.root}/plain", "w").close()
    assert runnable.devboot("run", "--", "./plain", code=126).stderr.splitlines() == [
        "error[run/not-executable]: `./plain` is not executable",
        "help: chmod +x ./plain",
    ]


def test_signals_that_python_ignores_are_as_usual_for_the_command(runnable):
    child = runnable.start("run", "--", "yes")
    child.stdout.readline()

    child.stdout.close()

    assert child.wait(60) == -signal.SIGPIPE
