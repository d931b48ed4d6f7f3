"""A recipe of the project's own, from nothing to a tool that runs, out of wheels that no one has seen before."""

from __future__ import annotations

import hashlib
import json
import zipfile

import pytest

from tests.fakes.index import Index

pytestmark = pytest.mark.timeout(400)  # many commands, of which each may be slow on a busy machine

TAGS = ("manylinux_2_17_x86_64", "manylinux_2_17_aarch64", "macosx_11_0_arm64")


def write_tool(folder, version, *, tags=TAGS, said=None):
    """Wheels that hold one program, called `shout`, for several platforms."""
    info = f"shout_bin-{version}.dist-info"
    files = {
        "shout_bin-" + version + ".data/scripts/shout": f"#!/bin/sh\necho shout {said or version} $2\n",
        f"{info}/METADATA": f"Metadata-Version: 2.1\nName: shout-bin\nVersion: {version}\nSummary: Says it loudly\n"
        "Author: Ann Onymous\nLicense-Expression: MIT\n",
    }
    for tag in tags:
        name = f"shout_bin-{version}-py3-none-{tag}.whl"
        content = {**files, f"{info}/WHEEL": f"Wheel-Version: 1.0\nRoot-Is-Purelib: false\nTag: py3-none-{tag}\n"}
        content[f"{info}/RECORD"] = "".join(f"{path},,\n" for path in [*content, f"{info}/RECORD"])
        with zipfile.ZipFile(folder / name, "w") as archive:
            for path, text in content.items():
                member = zipfile.ZipInfo(path, (2020, 1, 1, 0, 0, 0))
                member.external_attr = 0o100755 << 16
                archive.writestr(member, text)


@pytest.fixture
def index(tmp_path):
    (tmp_path / "index").mkdir()
    served = Index(str(tmp_path / "index"))
    yield served
    served.close()


@pytest.fixture
def shop(machine, index, tmp_path):
    """An empty project whose index serves version 1.0 of the tool."""
    write_tool(tmp_path / "index", "1.0")
    folder = tmp_path / "plan/shop"
    folder.mkdir(parents=True)
    (folder / "devboot.toml").write_text('[packages]\nshout = "1"\n')
    here = machine(folder)
    here.environ |= {"UV_DEFAULT_INDEX": index.url, "UV_CACHE_DIR": str(tmp_path / "uv")}
    return here


def test_a_recipe_is_written_filled_tried_and_used(shop, tmp_path):
    shop.devboot("recipe", "new", "shout", "shout-bin")
    text = (shop.root / "recipes/shout/recipe.toml").read_text()
    assert 'bin = { shout = "bin/shout" }' in text
    assert 'description = "Says it loudly"' in text
    assert 'publisher = "Ann Onymous"' in text

    shop.devboot("recipe", "update", "shout")
    tested = shop.devboot("recipe", "test", "shout")
    assert "`shout --version` says 1.0" in tested.stderr
    assert tested.stderr.endswith("shout 1.0 works on this machine\n")
    assert shop.devboot("run", "--", "shout", "x", "loud").stdout == "shout 1.0 loud\n"

    write_tool(tmp_path / "index", "1.1")
    before = (shop.root / "recipes/shout/versions.toml").read_text()
    shop.environ["UV_CACHE_DIR"] = str(tmp_path / "uv-later")
    done = json.loads(shop.devboot("recipe", "update", "shout", "--json").stdout)
    after = (shop.root / "recipes/shout/versions.toml").read_text()
    assert done["added"] == [
        {"version": "1.1", "platforms": ["linux-x86_64", "linux-aarch64", "macos-arm64"]},
    ]
    assert before.partition("[[version]]")[2] in after
    assert "127.0.0.1" not in after

    assert "unchanged" in shop.devboot("recipe", "update", "shout").stderr
    assert (shop.root / "recipes/shout/versions.toml").read_text() == after


@pytest.mark.faults(41)
def test_a_frozen_lock_is_taken_as_it_is_and_says_so(shop, tmp_path):
    shop.devboot("recipe", "new", "shout", "shout-bin")
    shop.devboot("recipe", "update", "shout")
    shop.devboot("lock")
    before = (shop.root / "devboot.lock").read_bytes()
    (shop.root / "devboot.toml").write_text('[packages]\nshout = "2"\n')

    assert "lock/stale" in shop.devboot("sync", "--locked", code=3).stderr
    done = shop.devboot("sync", "--frozen")

    assert "used unchanged, although it is out of date" in done.stderr
    assert "`shout 2` is not locked" in done.stderr
    assert (shop.root / "devboot.lock").read_bytes() == before
    (shop.root / "devboot.toml").write_text('[packages]\nshout = "2"\nredis = "8"\n')
    assert "lock/frozen" in shop.devboot("sync", "--frozen", code=3).stderr


def test_a_file_that_changed_behind_its_digest_fails_the_last_level(shop, tmp_path):
    shop.devboot("recipe", "new", "shout", "shout-bin")
    shop.devboot("recipe", "update", "shout")
    wheel = next((tmp_path / "index").glob("*_2_17_x86_64.whl"))
    locked = hashlib.sha256(wheel.read_bytes()).hexdigest()
    versions = shop.root / "recipes/shout/versions.toml"
    assert locked in versions.read_text()
    versions.write_text(versions.read_text().replace(locked, "0" * 64))
    assert "looks right" in shop.devboot("recipe", "test", "shout", "--offline").stderr

    failed = shop.devboot("recipe", "test", "shout", code=1)

    assert "error[recipe/test-failed]: the recipe `shout` fails its test" in failed.stderr
    assert "integrity/hash-mismatch" in failed.stderr


def test_a_recipe_that_lacks_something_fails_the_first_level(shop):
    shop.devboot("recipe", "new", "shout", "shout-bin")
    shop.devboot("recipe", "update", "shout")
    versions = shop.root / "recipes/shout/versions.toml"
    versions.write_text(versions.read_text().partition("[version.unavailable]")[0])

    failed = shop.devboot("recipe", "test", "shout", code=1)

    assert "version 1.0 has neither a file nor a reason for macos-x86_64" in failed.stderr


def test_nothing_is_overwritten_and_slips_are_understood(shop):
    shop.devboot("recipe", "new", "shout")
    assert "recipe/exists" in shop.devboot("recipe", "new", "shout", code=7).stderr
    assert "did you mean `devboot recipe update`?" in shop.devboot("recipe", "updat", "shout", code=2).stderr
    assert "recipe/no-versions" in shop.devboot("recipe", "test", "shout", code=3).stderr
    assert "devboot recipe new redis" in shop.devboot("recipe", "update", "redis", code=2).stderr


def test_a_copy_of_a_bundled_recipe_comes_before_it(shop):
    shop.devboot("recipe", "new", "just")
    recipe = shop.root / "recipes/just/recipe.toml"
    recipe.write_text(recipe.read_text().replace('name = "just"', 'name = "just"\nrevision = 7', 1))
    (shop.root / "devboot.toml").write_text('[packages]\njust = "*"\n')

    shop.devboot("lock")

    assert "revision = 7" in (shop.root / "devboot.lock").read_text()
