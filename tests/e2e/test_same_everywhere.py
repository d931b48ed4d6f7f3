"""The same lock is the same bytes, for every user on every machine, and true of platforms that nobody ran it on."""

from __future__ import annotations

import random
import shutil
import subprocess
import sys
import tomllib
from pathlib import Path

import pytest

from devboot.model.artifact import PLATFORMS
from devboot.provision.objects.tree import remove_tree
from devboot.uv.client import make_uv
from devboot.uv.listing import list_files
from tests.e2e.conftest import LIMIT, PROJECTS, Machine, is_complete
from tests.fakes.index import Index
from tests.fakes.wheels import write_wheel

NAMES = ("ant", "bee", "cat", "dog")
ONE = {"TZ": "UTC", "LC_ALL": "C", "PYTHONHASHSEED": "1"}
OTHER = {"TZ": "Asia/Kathmandu", "LC_ALL": "C.UTF-8", "PYTHONHASHSEED": "4711", "LANG": "tr_TR.UTF-8"}
TABLES = {
    "services.redis": 'version = "8.2"\n',
    "services.valkey": "",
    "env": 'B = "2"\nA = "1"\n',
    "processes.web": 'command = "true"\n',
}


def run(here: Machine, words: list[str], *, cwd: Path, umask: int, environ: dict[str, str]) -> None:
    """Run devboot under another umask, in another folder."""
    command = ["sh", "-c", f'umask {umask:03o}; exec "$@"', "sh", *here.command(*words)]
    done = subprocess.run(
        command, cwd=cwd, env={**here.environ, **environ}, capture_output=True, text=True, timeout=LIMIT, check=False
    )
    assert 0 == done.returncode, done.stderr


def listings(here: Machine) -> dict[str, bytes]:
    """The listing of each object in the store: paths, sizes, modes and digests of all its files."""
    folder = Path(here.environ["DEVBOOT_HOME"], "data/store")
    return {path.name: (path / "object.json").read_bytes() for path in folder.iterdir()}


@pytest.mark.network
def test_the_same_lock_gives_the_same_store_for_two_users(tmp_path, download_cache):
    found = []
    for user, umask, environ in (("ada", 0o022, ONE), ("öz böyle $USER", 0o077, OTHER)):
        home = tmp_path / user
        home.mkdir()
        here = is_complete(Machine(home, download_cache, PROJECTS / "counter"))
        if found:
            shutil.copy(tmp_path / "ada/counter/devboot.lock", here.root)
        inside = here.root / "migrations"
        run(here, ["sync"], cwd=inside if found else here.root, umask=umask, environ=environ)
        found.append(listings(here))
        remove_tree(here.environ["DEVBOOT_HOME"])

    assert found[0] == found[1]
    assert ["redis"] == [name.split("-")[1] for name in found[0]]


@pytest.fixture
def index(tmp_path):
    served = Index(str(tmp_path / "index"))
    for name in NAMES:
        write_wheel(served.folder, name, "1.0", requires=["ant"] if name != "ant" else [])
    yield served
    served.close()


def test_whatever_order_the_inputs_have_the_lock_has_the_same_bytes(machine, index, tmp_path):
    (tmp_path / "plan/shop").mkdir(parents=True)
    here = machine(tmp_path / "plan/shop")
    here.environ |= {"UV_DEFAULT_INDEX": index.url, "UV_CACHE_DIR": str(tmp_path / "uv")}
    locks = set()
    for seed, environ in ((1, ONE), (2, OTHER), (3, OTHER)):
        chance = random.Random(seed)
        (here.root / "requirements.txt").write_text("".join(f"{each}\n" for each in chance.sample(NAMES, 4)))
        tables = [f"[{name}]\n{text}" for name, text in chance.sample(sorted(TABLES.items()), 4)]
        (here.root / "devboot.toml").write_text("\n".join(tables))
        (here.root / "devboot.lock").unlink(missing_ok=True)
        run(here, ["lock"], cwd=here.root, umask=0o022, environ=environ)
        locks.add((here.root / "devboot.lock").read_bytes())

    assert 1 == len(locks)


@pytest.mark.network
def test_what_a_lock_says_of_other_platforms_is_what_the_index_has(machine, tmp_path):
    (tmp_path / "plan/shop").mkdir(parents=True)
    here = machine(tmp_path / "plan/shop")
    (here.root / "devboot.toml").write_text("[services.redis]\n[services.valkey]\n[processes.web]\ncommand = 'true'\n")
    here.devboot("lock")
    uv = make_uv(here.environ, str(tmp_path))

    packages = tomllib.loads((here.root / "devboot.lock").read_text())["package"]
    checked = []
    for package in packages:
        for platform in set(PLATFORMS) & set(package):
            row = package[platform]
            versions = ("3.13", "3.12", "3.11", "3.10")
            listed = list_files(uv, f"{row['name']}=={row['version']}", python=sys.executable, python_versions=versions)
            assert (row["file"], row["sha256"], row["size"]) in {each[:3] for each in listed.wheels}
            checked.append((package["name"], platform))

    assert {("redis", "macos-arm64"), ("valkey", "macos-arm64"), ("valkey", "macos-x86_64")} <= set(checked)
