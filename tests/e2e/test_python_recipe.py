"""An interpreter out of a recipe: had before anything is locked, and what the virtualenv is made with."""

from __future__ import annotations

import gzip
import hashlib
import platform
import re
import sys
from pathlib import Path

import pytest

from devboot.model.artifact import PLATFORMS
from tests.e2e.conftest import Machine
from tests.fakes.archives import honest_tar
from tests.fakes.fault_server import whole_file
from tests.fakes.index import Index
from tests.fakes.wheels import write_wheel

pytestmark = pytest.mark.own_ports

VERSION = platform.python_version()
MINOR = ".".join(VERSION.split(".")[:2])
REAL = Path(sys.base_prefix) / f"bin/python{MINOR}"  # what the archive holds leads to it
STORED = rf"python +ok +{re.escape(VERSION)}, \S+/store/\w+-python-{re.escape(VERSION)}/tree/python/bin/python3\n"


@pytest.fixture
def shop(machine, tmp_path, upstream):
    """A project with one package, whose own recipe has an interpreter at an upstream."""
    index = Index(str(tmp_path / "index"))
    write_wheel(index.folder, "greeting", "1.0", files={"greeting.py": "print('here')\n"})
    folder = tmp_path / "plan/shop"
    recipe = folder / "recipes/python"
    recipe.mkdir(parents=True)
    data = gzip.compress(honest_tar({"python/bin/python3": f'#!/bin/sh\nexec {REAL} "$@"\n'.encode()}), mtime=0)
    upstream.on("/python.tgz", whole_file(data))
    (recipe / "recipe.toml").write_text(
        '[package]\nname = "python"\ndescription = "An interpreter"\nlicenses = { "3" = "PSF-2.0" }\n\n'
        f'[[source]]\nkind = "archive"\nurl = "{upstream.url("/{file}")}"\nbin = {{ python3 = "*/bin/python3" }}\n'
        "\n[test]\n"
    )
    row = f'source = "archive"\nname = "upstream"\nversion = "{VERSION}"\nfile = "python.tgz"\n'
    row += f'sha256 = "{hashlib.sha256(data).hexdigest()}"\nsize = {len(data)}\n'
    rows = "".join(f"\n[version.{name}]\n{row}" for name in PLATFORMS)
    (recipe / "versions.toml").write_text(f'[[version]]\nversion = "{VERSION}"\n{rows}')
    (folder / "requirements.txt").write_text("greeting\n")
    (folder / "devboot.toml").write_text(f'[packages]\npython = "{MINOR}"\n')
    made = machine(folder)
    made.environ |= {"UV_DEFAULT_INDEX": index.url, "UV_CACHE_DIR": str(tmp_path / "uv")}
    yield made
    index.close()


def test_it_is_fetched_first_and_the_virtualenv_is_made_with_it(shop, upstream):
    said = shop.devboot("lock").stderr
    assert re.search(rf"\+ python {re.escape(VERSION)}", said)
    assert [asked.path for asked in upstream.requests] == ["/python.tgz"]
    assert f'interpreter = "{VERSION}"' in (shop.root / "devboot.lock").read_text()

    said = shop.devboot("sync").stderr
    assert re.search(STORED, said)
    assert shop.devboot("run", "--", "python", "-m", "greeting").stdout == "here\n"
    assert "nothing to install" in shop.devboot("sync").stderr
    assert "no problems" in shop.devboot("doctor").stdout
    assert len(upstream.requests) == 1


def test_a_virtualenv_of_another_interpreter_is_made_anew(shop):
    manifest = shop.root / "devboot.toml"
    with_recipe = manifest.read_text()
    manifest.write_text(f'[python]\nversion = "{MINOR}"\n')
    assert not re.search(STORED, shop.devboot("sync").stderr)

    manifest.write_text(with_recipe)
    said = shop.devboot("sync").stderr

    assert "rebuilding .venv with the python of `[packages]`" in said
    assert re.search(STORED, said)
    assert "/store/" in (shop.root / ".venv/devboot-venv.txt").read_text()
    assert shop.devboot("run", "--", "python", "-m", "greeting").stdout == "here\n"


def test_one_that_somebody_has_changed_is_mended(shop):
    shop.devboot("sync")
    (program,) = Path(shop.environ["DEVBOOT_HOME"]).glob("data/store/*-python-*/tree/python/bin/python3")
    whole = program.read_text()
    program.chmod(0o755)
    program.write_text(whole.replace('"$@"', '"$*"'))
    with (shop.root / "devboot.toml").open("a") as manifest:
        manifest.write('[env]\nCOLOUR = "blue"\n')

    assert f"repaired {VERSION}" in shop.devboot("sync").stderr
    assert program.read_text() == whole


def test_what_the_project_asks_for_has_to_be_the_same(shop):
    with (shop.root / "devboot.toml").open("a") as manifest:
        manifest.write('[python]\nversion = "3.99"\n')

    refused = shop.devboot("sync", code=3).stderr

    assert f"error[python/version]: `python` in `[packages]` is {VERSION}, but devboot.toml requires 3.99" in refused
    assert 'help: python = "3.99"   # in [packages]' in refused
    assert not (shop.root / "devboot.lock").exists()
    assert not (shop.root / ".venv").exists()


def test_a_kit_has_it(shop, upstream, tmp_path):
    said = shop.devboot("pack", "--without-devboot", "-o", "shop.kit.tar").stderr
    assert "is not in the kit" not in said
    upstream.close()

    other = tmp_path / "other"
    other.mkdir()
    elsewhere = Machine(other, other / "uv", shop.root, (".venv", "*.kit.tar"))
    said = elsewhere.devboot("sync", "--from", str(shop.root / "shop.kit.tar")).stderr

    assert re.search(STORED, said)
    assert elsewhere.devboot("run", "--", "python", "-m", "greeting").stdout == "here\n"


def test_offline_says_that_it_is_missing(shop):
    shop.devboot("lock")
    shop.devboot("gc", "--older-than", "0s", code=None)
    store = Path(shop.environ["DEVBOOT_HOME"])
    assert store.is_dir()

    refused = shop.devboot("sync", "--offline", DEVBOOT_HOME=str(store.parent / "fresh"), code=4).stderr

    assert "error[network/offline]: 1 download is needed, and the network is switched off" in refused
    assert re.search(rf"python +{re.escape(VERSION)} +archive upstream {re.escape(VERSION)}", refused)
