"""With the network off: what is missing is said before anything starts; what was had once comes up again."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
import tomllib
from pathlib import Path

import pytest

from devboot.model.artifact import platform_of
from tests.e2e.conftest import LIMIT, Machine
from tests.fakes.darkness import dark, is_possible
from tests.fakes.index import Index
from tests.fakes.wheels import write_wheel

# Both have to be in the same namespace: another one has another loopback device.
UP_AND_FETCH = """
import json, subprocess, sys, urllib.request
path, count, *words = sys.argv[1:]
devboot, up = words[:int(count)], words[int(count):]
subprocess.run([*devboot, *up], check=True, stdout=sys.stderr)
told = json.loads(subprocess.run([*devboot, "ps", "--json"], check=True, stdout=subprocess.PIPE).stdout)
address = next(each["address"] for each in told["processes"] if each["name"] == "web")
print(urllib.request.urlopen(f"http://{address}{path}", timeout=60).read().decode())
"""


@pytest.fixture
def index(tmp_path):
    served = Index(str(tmp_path / "index"))
    for name in ("greeting", "farewell"):
        write_wheel(served.folder, name, "1.0")
    yield served
    served.close()


@pytest.fixture
def indexed(cold_counter, index, tmp_path):
    """The project `counter` with two packages from an index; neither Redis nor a package is on the machine."""
    (cold_counter.root / "requirements.txt").write_text("farewell==1.0\ngreeting==1.0\n")
    cold_counter.environ |= {"UV_DEFAULT_INDEX": index.url, "UV_CACHE_DIR": str(tmp_path / "uv")}
    return cold_counter


def page_without_network(here: Machine, path: str, *flags: str, devboot: list[str] | None = None) -> str:
    """What the project's web process serves after an `up` in a namespace without network."""
    devboot = devboot or here.command()
    words = [sys.executable, "-c", UP_AND_FETCH, path, str(len(devboot)), *devboot, "up", "-d", *flags]
    done = subprocess.run(
        dark(words), cwd=here.root, env=here.environ, capture_output=True, text=True, timeout=LIMIT, check=False
    )
    assert 0 == done.returncode, done.stderr
    return done.stdout.strip()


@pytest.mark.faults(1)
@pytest.mark.parametrize("how", ["flag", "variable"])
def test_all_that_is_missing_is_said_before_anything_starts(indexed, how):
    here = indexed
    here.devboot("lock")
    shutil.rmtree(here.environ["UV_CACHE_DIR"])

    flags, environ = (["--offline"], {}) if how == "flag" else ([], {"DEVBOOT_OFFLINE": "1"})
    refused = here.devboot("up", "-d", *flags, code=4, **environ)

    (redis,) = tomllib.loads((here.root / "devboot.lock").read_text())["package"]
    wheel = redis[platform_of(sys.platform, os.uname().machine)]
    assert refused.stderr.endswith(
        f"""\
error[network/offline]: 3 downloads are needed, and the network is switched off
  redis     {redis["version"]}  wheel {wheel["name"]} {wheel["version"]}
  farewell  1.0{" " * (len(redis["version"]) - 3)}  package index
  greeting  1.0{" " * (len(redis["version"]) - 3)}  package index
cause: because of `--offline`, DEVBOOT_OFFLINE or UV_OFFLINE
help: devboot sync   # once with the network: without `--offline`, DEVBOOT_OFFLINE and UV_OFFLINE
help: or `devboot pack` on a machine that has them, then `devboot up --from KIT` here
kept: nothing was fetched, made or started
"""
    )
    assert not (here.root / ".venv").exists()
    assert [] == here.store()
    assert [] == here.left()


@pytest.mark.network
@pytest.mark.skipif(not is_possible(), reason="no network namespaces here")
def test_a_second_clone_comes_up_without_network(indexed, redis_store, tmp_path):
    here = indexed
    shutil.copytree(redis_store, Path(here.environ["DEVBOOT_HOME"], "data/store"), symlinks=True)
    here.devboot("up", "-d")
    here.devboot("down")
    second = tmp_path / "second"
    shutil.copytree(here.root, second, ignore=shutil.ignore_patterns(".venv"))

    here.root = second

    assert "1" == page_without_network(here, "/visit")
