"""What git is asked about a clone, and what counts where it can't answer."""

import subprocess

import pytest

from devboot.environment.venv.condition import FOREIGN, FROM_CLONE
from devboot.environment.venv.origin import examine_origin
from devboot.git import tracked_below


@pytest.fixture
def clone(tmp_path):
    """A folder with something that looks like a virtualenv, in no repository as far as `.git` goes."""
    root = tmp_path / "shop"
    (root / ".venv/bin").mkdir(parents=True)
    (root / ".venv/bin/python").symlink_to("/usr/bin/env")
    (root / ".venv/pyvenv.cfg").write_text("version = 3.13.0\n")
    return root


def programs(tmp_path, script=""):
    """A folder for PATH, with a git that does what `script` says; "" for none."""
    folder = tmp_path / "programs"
    folder.mkdir()
    if script:
        (folder / "git").write_text(f"#!/bin/sh\n{script}\n")
        (folder / "git").chmod(0o755)
    return {"PATH": str(folder)}


@pytest.mark.parametrize("script", ["", "exit 128"], ids=["no git", "git fails"])
@pytest.mark.parametrize("place", ["shop", "."], ids=["in the clone", "above it"])
def test_what_git_cannot_say_counts_as_tracked_beside_a_repository(clone, tmp_path, script, place):
    environ = programs(tmp_path, script)
    venv = str(clone / ".venv")
    assert tracked_below(venv, str(clone), environ) == frozenset()
    assert examine_origin(venv, str(clone), environ).state == FOREIGN

    (tmp_path / place / ".git").mkdir()

    assert tracked_below(venv, str(clone), environ) is None
    assert examine_origin(venv, str(clone), environ).state == FROM_CLONE


def test_only_what_lies_below_is_named(clone, at_home):
    subprocess.run(["git", "init", "-q"], cwd=clone, check=True)
    (clone / "app.py").touch()
    subprocess.run(["git", "add", "-f", "app.py"], cwd=clone, check=True)
    environ = {**at_home}
    assert tracked_below(str(clone / ".venv"), str(clone), environ) == frozenset()
    subprocess.run(["git", "add", "-f", ".venv/pyvenv.cfg"], cwd=clone, check=True)
    assert tracked_below(str(clone / ".venv"), str(clone), environ) == {b".venv/pyvenv.cfg"}
