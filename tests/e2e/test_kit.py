"""A kit, packed on one machine, brings the project up on another one that has neither network nor anything else."""

from __future__ import annotations

import json
import os
import re
import shutil
import sqlite3
import subprocess
import sys
import tarfile
import zipfile
from pathlib import Path

import pytest

from devboot.model.artifact import platform_of
from tests.e2e.conftest import LIMIT, Machine, is_complete
from tests.e2e.test_offline import page_without_network
from tests.fakes.darkness import dark, is_possible
from tests.fakes.index import Index
from tests.fakes.wheels import write_sdist, write_source_tree, write_wheel

pytestmark = pytest.mark.own_ports

OWN = platform_of(sys.platform, os.uname().machine)
MANIFEST = """
[databases.default]
path = "data/words.sqlite3"

[env]
SECRET_KEY = { generate = "hex" }

[processes.web]
command = "python -m greeting"
ready = { log = "here" }
"""


@pytest.fixture
def index(tmp_path):
    served = Index(str(tmp_path / "index"))
    for version in ("1.0", "2.0"):
        text = f"VERSION = '{version}'\nif __name__ == '__main__':\n    import time\n    print('here', flush=True)\n"
        write_wheel(served.folder, "greeting", version, files={"greeting.py": f"{text}    time.sleep(1000)\n"})
    yield served
    served.close()


@pytest.fixture
def site(machine, index, tmp_path):
    """A project with one process, one package from an index, and a database with a word in it."""
    folder = tmp_path / "plan/site"
    (folder / "data").mkdir(parents=True)
    (folder / "requirements.txt").write_text("greeting==1.0\n")
    (folder / "devboot.toml").write_text(MANIFEST)
    (folder / ".env").write_text("API_TOKEN=0123456789abcdef-canary\n")
    with sqlite3.connect(folder / "data/words.sqlite3") as database:
        database.execute("create table words (word text)")
        database.execute("insert into words values ('kept')")
    database.close()
    here = machine(folder)
    here.environ |= {"UV_DEFAULT_INDEX": index.url, "UV_CACHE_DIR": str(tmp_path / "uv"), "PIP_CONFIG_FILE": os.devnull}
    for name in ("PIP_FIND_LINKS", "PIP_INDEX_URL"):
        here.environ.pop(name, None)
    return here


def other_machine(here: Machine, folder: Path) -> None:
    """Go on in a fresh clone with an empty home, empty caches and an index that nobody answers for."""
    clone = folder / "other/site"
    shutil.copytree(here.root, clone, ignore=shutil.ignore_patterns(".venv", "*.tar", "data"))
    (folder / "other/run").mkdir(mode=0o700)
    (folder / "other/home").mkdir()
    here.root = clone
    here.environ |= {
        "HOME": str(folder / "other/home"),
        "XDG_RUNTIME_DIR": str(folder / "other/run"),
        "DEVBOOT_HOME": str(folder / "other/devboot"),
        "UV_CACHE_DIR": str(folder / "other/uv"),
        "UV_DEFAULT_INDEX": "http://127.0.0.1:9/simple/",
    }


def everything_in(folder: Path) -> set[str]:
    return {str(path.relative_to(folder)) for path in folder.rglob("*")}


@pytest.fixture
def kit(site, tmp_path):
    site.devboot("pack", "--with-data", "--without-devboot", "-o", str(tmp_path / "site.kit.tar"))
    return tmp_path / "site.kit.tar"


def test_the_same_lock_packs_to_the_same_bytes_and_no_secret_is_in_them(site, kit, tmp_path):
    here = site
    here.devboot("up", "-d")  # makes the secret
    here.devboot("down")
    secret = json.loads(here.devboot("env", "--json", "--show-secrets").stdout)["variables"]["SECRET_KEY"]["value"]
    again = tmp_path / "again.kit.tar"

    other = {"HOME": str(tmp_path), "TZ": "Asia/Tokyo", "LC_ALL": "C", "PYTHONHASHSEED": "7"}
    told = here.devboot("pack", "--with-data", "--without-devboot", "--json", "-o", str(again), **other)

    assert kit.read_bytes() == again.read_bytes()
    assert ["data/default.sqlite3", "lock/devboot.lock", "wheels/greeting-1.0-py3-none-any.whl"] == [
        each["path"] for each in json.loads(told.stdout)["files"]
    ]
    for canary in (secret, "0123456789abcdef-canary", str(tmp_path)):
        assert canary.encode() not in kit.read_bytes()


def test_a_fresh_clone_comes_up_from_a_kit_alone(site, kit, tmp_path):
    here = site
    other_machine(here, tmp_path)

    done = here.devboot("up", "-d", "--from", str(kit))

    assert "digests ok" in done.stderr
    assert "data/words.sqlite3 was restored from the kit" in done.stderr
    assert "ready" == here.ps()["web"]["phase"]
    with sqlite3.connect(here.root / "data/words.sqlite3") as database:
        assert [("kept",)] == database.execute("select word from words").fetchall()
    database.close()
    assert [] == list(Path(here.environ["DEVBOOT_HOME"], "cache/kits").iterdir())
    here.devboot("up", "-d")  # the kit is needed only once
    assert "no problems" in here.devboot("doctor").stdout


def test_nothing_of_the_project_is_overwritten_by_a_kit(site, kit, tmp_path):
    here = site
    other_machine(here, tmp_path)
    (here.root / "data").mkdir()
    with sqlite3.connect(here.root / "data/words.sqlite3") as database:
        database.execute("create table words (word text)")
        database.execute("insert into words values ('mine')")
    database.close()
    before = {path: path.read_bytes() for path in here.root.rglob("*") if path.is_file()}

    here.devboot("sync", "--from", str(kit))

    assert before == {path: path.read_bytes() for path in before}


def test_a_clone_without_a_lock_gets_the_one_in_the_kit(site, kit, tmp_path):
    here = site
    lock = (here.root / "devboot.lock").read_bytes()
    other_machine(here, tmp_path)
    (here.root / "devboot.lock").unlink()

    here.devboot("sync", "--from", str(kit))

    assert lock == (here.root / "devboot.lock").read_bytes()


@pytest.mark.faults(5, 10)
def test_a_kit_that_is_not_whole_is_refused_and_nothing_is_written(site, kit, tmp_path):
    here = site
    data = kit.read_bytes()
    middle = data.index(b"VERSION = '1.0'")
    other_machine(here, tmp_path)
    before = everything_in(here.root), everything_in(Path(here.environ["HOME"]))
    for slug, damaged in (
        ("kit/damaged", data[: len(data) // 2]),
        ("kit/damaged", data[:middle] + b"VERSION = '6.6'" + data[middle + 15 :]),
        ("kit/not-a-kit", b"<!doctype html><title>Please log in</title>"),
    ):
        kit.write_bytes(damaged)

        refused = here.devboot("up", "-d", "--from", str(kit), code=5)

        assert f"error[{slug}]" in refused.stderr
        assert f"error[{slug}]" in here.devboot("up", "--dry-run", "--from", str(kit), code=5).stderr
        assert before == (everything_in(here.root), everything_in(Path(here.environ["HOME"])))
        assert [] == here.store()
        assert [] == here.left()


def test_a_kit_is_made_with_the_interpreter_that_the_lock_pins(site, tmp_path):
    minor = f"{sys.version_info[0]}.{sys.version_info[1]}"
    (site.root / "devboot.toml").write_text(f'{MANIFEST}[python]\nversion = "{minor}"\nexact = true\n')
    site.devboot("lock")
    lock = site.root / "devboot.lock"
    lock.write_text(re.sub(r'interpreter = "(\d+\.\d+)\.\d+"', r'interpreter = "\1.999"', lock.read_text()))

    words = ["pack", "--without-devboot", "-o", str(tmp_path / "k.tar")]
    refused = site.devboot(*words, code=6, UV_PYTHON_DOWNLOADS="never")

    assert "error[python/not-found]" in refused.stderr
    assert f"{minor}.999" in refused.stderr


def test_a_kit_of_another_lock_says_what_it_lacks(site, kit, tmp_path):
    here = site
    (here.root / "requirements.txt").write_text("greeting==2.0\n")
    here.devboot("lock")
    other_machine(here, tmp_path)

    refused = here.devboot("up", "-d", "--from", str(kit), code=3)

    assert refused.stderr.endswith(
        """\
error[kit/does-not-fit]: `site.kit.tar` doesn't fit this project on this machine
  greeting 2.0: the kit has 1.0
cause: it was packed with another devboot.lock than the project has
help: devboot pack   # again, with this devboot.lock, on a machine with network
kept: nothing of the kit was used, nothing was started
"""
    )
    assert not (here.root / ".venv").exists()


def test_a_kit_of_another_platform_says_so(site, tmp_path):
    here = site
    other = "macos-arm64" if OWN != "macos-arm64" else "linux-x86_64"
    here.devboot("pack", "--without-devboot", "--platform", other, "-o", str(tmp_path / "other.kit.tar"))
    other_machine(here, tmp_path)

    refused = here.devboot("up", "-d", "--from", str(tmp_path / "other.kit.tar"), code=3)

    assert f"cause: it is for {other}, this machine is {OWN}" in refused.stderr


def test_packing_replaces_an_older_kit_and_no_other_file(site, kit):
    here = site
    here.devboot("pack", "--without-devboot", "-o", str(kit))
    (here.root / "notes.txt").write_text("mine")

    refused = here.devboot("pack", "-o", "notes.txt", code=2)

    assert "error[kit/in-the-way]" in refused.stderr
    assert "mine" == (here.root / "notes.txt").read_text()


def test_a_package_without_a_wheel_for_the_platform_is_named(site, index, tmp_path):
    here = site
    write_wheel(index.folder, "native", "1.0", tag="py3-none-manylinux_2_17_x86_64")
    (here.root / "requirements.txt").write_text("greeting==1.0\nnative==1.0\n")

    refused = here.devboot("pack", "--without-devboot", "--platform", "macos-arm64", code=1)

    assert "error[kit/not-packable]: `native 1.0` has no wheel for macos-arm64" in refused.stderr
    assert [] == list(here.root.glob("*.tar"))


def test_what_has_no_wheel_is_built_for_this_platform_and_the_own_package_on_the_other_machine(site, index, tmp_path):
    here, kit = site, tmp_path / "site.kit.tar"
    write_sdist(index.folder, "ancient", "1.0")
    write_wheel(index.folder, "buildtool", "1.0")
    write_source_tree(str(here.root / "lib"), "mine", "3.0", requires=["buildtool"])
    (here.root / "requirements.txt").write_text("ancient==1.0\ngreeting==1.0\n-e ./lib\n")

    told = here.devboot("pack", "--without-devboot", "-o", str(kit))

    assert "built here, since there is no wheel: ancient" in told.stderr
    other_machine(here, tmp_path)
    here.devboot("up", "-d", "--from", str(kit))
    python = str(here.root / ".venv/bin/python")
    code = "import ancient, greeting, mine; print(ancient.VERSION, greeting.VERSION, mine.VERSION)"
    done = subprocess.run([python, "-c", code], capture_output=True, text=True, check=True)
    assert "1.0 1.0 3.0" == done.stdout.strip()
    assert "everything is up to date" in here.devboot("sync", "--check").stderr


def install_devboot(here: Machine, kit: Path, folder: Path) -> list[str]:
    """Install devboot as the documentation says, with nothing but a Python and the kit; without network."""
    with tarfile.open(kit) as archive:
        archive.extractall(folder, filter="data")
    minor = json.loads((folder / "kit.json").read_text())["python"]
    (wheel,) = (folder / "wheels").glob("uv-*.whl")
    with zipfile.ZipFile(wheel) as files:
        (name,) = (name for name in files.namelist() if name.endswith("/scripts/uv"))
        files.extract(name, folder)
    uv = folder / name
    uv.chmod(0o755)
    places = ["--no-index", "--find-links", str(folder / "wheels")]
    for words in (
        ["venv", "--quiet", "--no-project", "--python", minor, str(folder / "venv")],
        ["pip", "install", "--quiet", "--python", str(folder / "venv/bin/python"), *places, "devboot"],
    ):
        done = subprocess.run(
            dark([str(uv), *words]), env=here.environ, capture_output=True, text=True, timeout=LIMIT, check=False
        )
        assert 0 == done.returncode, done.stderr
    return [str(folder / "venv/bin/devboot")]


@pytest.mark.network
@pytest.mark.timeout(300)  # it downloads 45 MB
@pytest.mark.skipif(not is_possible(), reason="no network namespaces here")
def test_a_kit_and_a_python_are_enough_for_redis_and_all(machine, tmp_path):
    here = is_complete(machine("counter"))
    kit = tmp_path / "counter.kit.tar"
    here.devboot("pack", "-o", str(kit))
    other_machine(here, tmp_path)
    devboot = install_devboot(here, kit, tmp_path / "other/kit")
    shutil.rmtree(here.environ["UV_CACHE_DIR"])

    assert "1" == page_without_network(here, "/visit", "--from", str(kit), devboot=devboot)
