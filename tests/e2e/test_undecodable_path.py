"""A project below a folder whose name isn't UTF-8."""

from __future__ import annotations

import os
import subprocess

import pytest

from devboot.provision.objects.tree import remove_tree
from tests.fakes.toyproject import ToyProject

MANIFEST = """
[services.toy]
[databases.default]
path = "db.sqlite3"
migrations = "m*/*.sql"
[env]
PLACE = "${project.root}/x"
[processes.web]
command = "exec sleep 100"
depends_on = []
[tasks.assets]
run = "cat m*/*.sql > assets"
inputs = ["m*/*.sql"]
before = ["processes"]
depends_on = []
"""
COMMANDS = (
    "sync", "sync", "sync --check", "up -d web", "ps -v", "ps --json", "env", "env --json", "run -- pwd", "run assets",
    "doctor", "logs", "generations --json", "restart web", "up -d web", "up --dry-run", "lock --check", "gc --dry-run",
    "export systemd ../units", "down",
)  # fmt: skip


@pytest.fixture
def project(tmp_path):
    made = ToyProject(tmp_path, manifest=MANIFEST)
    made.root = made.root.rename(os.fsdecode(os.fsencode(tmp_path) + b"/caf\xe9"))
    migrations = made.root / os.fsdecode(b"m\xe9")
    migrations.mkdir()
    (migrations / os.fsdecode(b"1\xe9.sql")).write_text("create table a (b);")
    yield made
    made.devboot("down", code=None)
    if made.store.exists():
        remove_tree(str(made.store))


@pytest.mark.faults(165)
def test_every_command_works_below_a_folder_whose_name_is_not_utf_8(project):
    for command in COMMANDS:
        project.devboot(*command.split(), LANG="C.UTF-8")

    assert (project.root / "assets").exists()


@pytest.mark.faults(165)
def test_packages_are_refused_there_before_anything_is_changed_with_advice_that_works(project):
    (project.root / "requirements.txt").write_text("six\n")

    done = project.devboot("up", "-d", code=6)
    assert "error[python/path-encoding]" in done.stderr
    assert project.objects() == []

    (advice,) = [line.removeprefix("help: ") for line in done.stderr.splitlines() if line.startswith("help: mv ")]
    subprocess.run(["bash", "-c", advice], check=True)
    project.root = project.root.with_name("another-name")
    assert (project.root / "devboot.toml").exists()
