"""`--no-wait`: who doesn't want to wait for another devboot hears at once who that is."""

import os
import re

import pytest

from devboot.cli.main import main
from devboot.locks import FileLock
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
    assert f"error[busy/locked]: another devboot holds `{lock}`" in said
    assert re.search(rf"^cause: pid {os.getpid()} \(other, \d+ s\) is at work$", said, re.MULTILINE)
    assert not (root / "devboot.lock").exists()
