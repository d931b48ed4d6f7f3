"""`run` becomes the command: environment, exit codes, folders, signals."""

from __future__ import annotations

import os
import shutil
import signal
import socket
import subprocess
import sys

import pytest

from devboot.model.process import SERVICE
from tests.fakes.ports import free_ports


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


@pytest.fixture
def port():
    """A port on which nothing listens."""
    return free_ports()


@pytest.fixture
def with_client(project, tmp_path, port):
    """A service with a client beside its server."""
    programs = tmp_path / "object" / "bin"
    programs.mkdir(parents=True)
    for name in ("toy-cli", "toy-check"):
        (programs / name).write_text("#!/bin/sh\necho asked")
        (programs / name).chmod(0o755)
    project.spec("toy", "", SERVICE, argv=(str(programs / "toy-server"), "--port", "1"))
    return project.write(patch=(("+", "PATH", str(programs)),), ports=(("toy", port, ""),))


def test_a_client_of_a_service_that_does_not_run_gets_a_warning_with_the_command_that_starts_it(with_client):
    done = with_client.devboot("run", "--", "toy-cli")

    assert "asked\n" == done.stdout
    assert [
        "warning[run/service-stopped]: `toy` isn't running, so `toy-cli` can't connect to it",
        "help: devboot up -d toy",
    ] == done.stderr.splitlines()
    for program in ("true", "toy-check"):
        assert "" == with_client.devboot("run", "--", program).stderr


def test_a_program_of_the_clone_does_not_wait_for_the_table_of_clients(with_client, tmp_path):
    env = with_client.env | {"PYTHONPROFILEIMPORTTIME": "1"}

    def imported(folder):
        words = [sys.executable, "-m", "devboot", "run", "--", f"{folder}/toy-cli"]
        done = subprocess.run(words, cwd=with_client.root, env=env, capture_output=True, text=True, check=True)
        assert "asked\n" == done.stdout
        return done.stderr

    shutil.copytree(tmp_path / "object" / "bin", f"{with_client.root}/bin")
    assert "client_programs" in imported(tmp_path / "object" / "bin")
    assert "client_programs" not in imported(f"{with_client.root}/bin")


def test_a_client_of_a_service_that_listens_gets_no_warning(with_client, port):
    with socket.create_server(("127.0.0.1", port)):
        done = with_client.devboot("run", "--", "toy-cli")

    assert ("asked\n", "") == (done.stdout, done.stderr)


def test_a_client_that_the_build_of_the_server_lacks_is_found_with_the_package_that_has_it(runnable):
    runnable.env["PATH"] = os.path.dirname(sys.executable)

    advice = runnable.devboot("run", "--", "redis-cli", code=127).stderr.splitlines()[1]

    assert "help: sudo apt-get install redis-tools   # Debian, Ubuntu" == advice
