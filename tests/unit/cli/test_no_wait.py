"""`--no-wait`: who doesn't want to wait for another devboot hears at once who that is."""

import contextlib
import io
import os
import re

import pytest

from devboot.cli.main import main
from devboot.daemon import leases
from devboot.locks import FileLock
from devboot.state.claiming import lock_projects
from devboot.state.projects import Projects
from tests.fakes.folders import state_folder


@pytest.mark.faults(25)
@pytest.mark.parametrize("command", [("sync",), ("lock",), ("up", "-d")])
def test_a_project_that_another_command_works_in_is_refused_at_once(command, tmp_path, monkeypatch, capsys):
    root = tmp_path / "shop"
    root.mkdir()
    (root / "devboot.toml").write_text("[processes.web]\ncommand = 'sleep 100'\n")
    monkeypatch.chdir(root)
    monkeypatch.setenv("DEVBOOT_HOME", str(tmp_path / "home"))
    monkeypatch.setenv("XDG_RUNTIME_DIR", str(tmp_path))
    (tmp_path / "home").mkdir()
    assert 0 == main(["sync"])
    (root / "devboot.toml").write_text("[processes.web]\ncommand = 'sleep 200'\n")  # with nothing to do none waits
    lock = state_folder(root, tmp_path / "home") / "run/prepare.lock"
    capsys.readouterr()
    with FileLock(str(lock), "other"):
        code = main(["--no-wait", *command])
        said = capsys.readouterr().err

    assert 7 == code, said
    assert f"error[busy/locked]: another devboot command has locked `{lock}`" in said
    assert re.search(rf"^cause: pid {os.getpid()} \(other, \d+ s\) is still running$", said, re.MULTILINE)
    assert not (root / "devboot.lock").exists()


@pytest.fixture
def detected(tmp_path, monkeypatch):
    """A project without a devboot.toml, whose state is being given another name by somebody else."""
    root = tmp_path / "shop"
    root.mkdir()
    (root / "Procfile").write_text("web: sleep 100\n")
    (tmp_path / "home").mkdir()
    monkeypatch.chdir(root)
    monkeypatch.setenv("DEVBOOT_HOME", str(tmp_path / "home"))
    monkeypatch.setenv("XDG_RUNTIME_DIR", str(tmp_path))
    return lock_projects(Projects.from_environ({"DEVBOOT_HOME": str(tmp_path / "home")}))


@pytest.mark.faults(205)
@pytest.mark.parametrize("command", [("sync",), ("lock",), ("up", "-d"), ("run", "--", "true")])
def test_a_detected_project_whose_folders_another_devboot_changes_is_refused_at_once(detected, command, capsys):
    with detected:
        code = main(["--no-wait", *command])

    assert code == 7
    assert f"cause: pid {os.getpid()} (state, " in capsys.readouterr().err


@pytest.mark.faults(205)
def test_a_detected_project_says_for_whom_it_waits(detected, capsys):
    said = []

    def release_when_told(text):
        said.append(text)
        if "waiting for" in text:
            detected.release()
        return len(text)

    with contextlib.redirect_stderr(type("Told", (io.StringIO,), {"write": lambda _, text: release_when_told(text)})()):
        code = main(["lock"])

    assert code == 0, said
    assert re.search(rf"^waiting for pid {os.getpid()} \(state, \d+ s\)$", "".join(said), re.MULTILINE)


@pytest.mark.faults(205)
def test_down_is_refused_at_once_where_another_devboot_has_the_project(tmp_path, monkeypatch, capfd):
    root = tmp_path / "shop"
    root.mkdir()
    (root / "devboot.toml").touch()
    monkeypatch.chdir(root)
    monkeypatch.setenv("DEVBOOT_HOME", str(tmp_path / "home"))
    monkeypatch.setenv("XDG_RUNTIME_DIR", str(tmp_path))
    (tmp_path / "home").mkdir()
    with FileLock(leases.lock_path(str(state_folder(root, tmp_path / "home"))), "up"):
        code = main(["--no-wait", "down"])

    assert code == 7
    assert f"cause: pid {os.getpid()} (up, 0 s) is still running" in capfd.readouterr().err


@pytest.mark.parametrize("has_manifest", [True, False])
def test_logs_of_an_unknown_name_are_an_error_before_anything_has_run(tmp_path, monkeypatch, capfd, has_manifest):
    root = tmp_path / "shop"
    root.mkdir()
    (root / "Procfile").write_text("web: sleep 100\n")
    if has_manifest:
        (root / "devboot.toml").touch()
    monkeypatch.chdir(root)
    monkeypatch.setenv("DEVBOOT_HOME", str(tmp_path / "home"))
    (tmp_path / "home").mkdir()

    assert main(["logs", "wbe"]) == 2
    assert capfd.readouterr().err.startswith("error[usage/unknown-name]: ")
    assert main(["logs", "web"]) == 0
