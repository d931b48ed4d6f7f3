"""`devboot sync` killed at every checkpoint: the same command again succeeds, and doctor has no complaint after it."""

import hashlib
import json
import os
import sys

import pytest

from devboot.model.artifact import PLATFORMS
from devboot.provision.objects.tree import remove_tree
from tests.fakes import warm_commands
from tests.fakes.checkpoints import PROVISIONING, checkpoints
from tests.fakes.on_path import with_devboot
from tests.fakes.wheels import write_wheel

MANIFEST = """
[services.toy]
[databases.default]
path = "db.sqlite3"
pragmas = { journal_mode = "wal" }
migrations = "migrations/*.sql"
[env]
SECRET_KEY = { generate = "token" }
[processes.web]
command = "true"
"""
RECIPE = """
[package]
name = "toy"
description = "a toy"
[[source]]
kind = "wheel"
name = "toy"
bin = { toy-server = "toy/toy-server" }
[service]
command = ["toy-server"]
port = 23999
[service.ready]
tcp = "{port}"
[test]
"""


@pytest.fixture
def project(tmp_path):
    for name in ("shop/migrations", "shop/recipes/toy", "wheels"):
        (tmp_path / name).mkdir(parents=True)
    write_wheel(str(tmp_path / "wheels"), "toy", "1.0.0", files={"toy/toy-server": "#!/bin/sh\necho toy 1.0.0\n"})
    (wheel,) = (tmp_path / "wheels").iterdir()
    rows = {"source": "wheel", "name": "toy", "version": "1.0.0", "file": wheel.name}
    rows |= {"sha256": hashlib.sha256(wheel.read_bytes()).hexdigest(), "size": wheel.stat().st_size}
    lines = ['[[version]]\nversion = "1.0.0"']
    lines += [
        f"[version.{name}]\n" + "\n".join(f"{key} = {json.dumps(value)}" for key, value in rows.items())
        for name in PLATFORMS
    ]
    (tmp_path / "shop/recipes/toy/versions.toml").write_text("\n".join(lines))
    (tmp_path / "shop/recipes/toy/recipe.toml").write_text(RECIPE)
    (tmp_path / "shop/devboot.toml").write_text(MANIFEST)
    (tmp_path / "shop/migrations/1.sql").write_text("CREATE TABLE a (b);")
    yield tmp_path
    remove_tree(str(tmp_path / "home/data/store"))


def devboot(project, *words, fail_point=""):
    environ = {
        "PATH": with_devboot(os.environ["PATH"]),
        "HOME": str(project),
        "DEVBOOT_HOME": str(project / "home"),
        "PYTHONPATH": os.getcwd(),
        "UV_FIND_LINKS": str(project / "wheels"),
        "UV_NO_INDEX": "1",
        "UV_CACHE_DIR": str(project / "uv"),
        "DEVBOOT_TEST": "1",
        "DEVBOOT_FAIL_POINT": fail_point,
    }
    return warm_commands.run([sys.executable, "-m", "devboot"], words, project / "shop", environ, 60)


def settle(project):
    """What a second, undisturbed run ends with."""
    done = devboot(project, "sync")
    assert done.returncode == 0, done.stderr
    doctor = devboot(project, "doctor")
    assert doctor.returncode == 0, doctor.stdout
    (name,) = os.listdir(project / "home/data/store")
    lock = (project / "shop/devboot.lock").read_text()
    assert [entry.name for entry in (project / "home/data/roots").iterdir() if not entry.name.startswith(".")]
    return name, lock


@pytest.mark.faults(29)
@pytest.mark.parametrize("point", [name for name in checkpoints() if name.startswith(PROVISIONING)])
def test_the_same_command_again_succeeds(point, project):
    killed = devboot(project, "sync", fail_point=f"{point}=kill")
    if killed.returncode == 0:  # passed only where there is something already, or by another command
        (project / "shop/migrations/2.sql").write_text("CREATE TABLE c (d);")
        killed = devboot(project, "sync", fail_point=f"{point}=kill")
    assert killed.returncode in (0, -9), killed.stderr

    expected = settle(project)
    assert expected[0].endswith("-toy-1.0.0")
    assert settle(project) == expected
    assert list((project / "shop").glob("*.tmp")) == []
