"""Wheels for kits, with the real pip and an index on loopback."""

import os
import platform
import sys

import pytest

from devboot.app.kits.wheels import Wheelhouse, build_requirements
from devboot.environment.locks.pins import EDITABLE, GIT, Direct, Pin
from devboot.environment.python.interpreters import Interpreter
from devboot.errors import WorkError
from devboot.model.artifact import PLATFORMS
from devboot.uv.client import make_uv
from devboot.uv.packages import IndexSettings
from tests.fakes.index import Index
from tests.fakes.wheels import write_source_tree, write_wheel


@pytest.fixture
def index(tmp_path):
    served = Index(str(tmp_path / "index"))
    yield served
    served.close()


@pytest.fixture
def house(tmp_path, index):
    environ = {"PATH": os.defpath, "HOME": str(tmp_path), "UV_CACHE_DIR": str(tmp_path / "cache")}
    environ |= {"UV_DEFAULT_INDEX": index.url, "PIP_CONFIG_FILE": os.devnull, "PIP_NO_CACHE_DIR": "1"}
    uv = make_uv(environ, str(tmp_path))
    return Wheelhouse(
        uv, str(tmp_path / "out"), Interpreter(sys.executable, platform.python_version()), IndexSettings(), print
    )


@pytest.mark.slow
def test_each_platform_gets_what_it_can_use_and_a_wheel_for_all_is_fetched_once(house, index):
    tags = {name: f"py3-none-{tag}" for name, tag in zip(PLATFORMS, _TAGS, strict=True)}
    native = [write_wheel(index.folder, "native", "1.0", tag=tag) for tag in tags.values()]
    pins = [
        Pin("ant-hill", "1.0", hashes=(write_wheel(index.folder, "ant_hill", "1.0"),)),
        Pin("native", "1.0", hashes=tuple(native)),
        Pin("only-mac", "1.0", 'sys_platform == "darwin"', hashes=(write_wheel(index.folder, "only_mac", "1.0"),)),
    ]

    for name in PLATFORMS:
        wheels = house.fetch(pins, name, is_here=False, is_musl=False)
        expected = ["ant_hill-1.0-py3-none-any.whl", f"native-1.0-{tags[name]}.whl"]
        expected += ["only_mac-1.0-py3-none-any.whl"] if name.startswith("macos") else []
        assert expected == sorted(os.path.basename(each.path) for each in wheels)

    assert 1 == index.asked.count("/files/ant_hill-1.0-py3-none-any.whl")


_TAGS = ("manylinux_2_17_x86_64", "manylinux_2_17_aarch64", "macosx_11_0_arm64", "macosx_10_13_x86_64")


def test_what_building_takes_is_pinned(house, index, tmp_path):
    write_source_tree(str(tmp_path / "lib"), "mine", "1.0", requires=["buildtool>=1"])
    for version in ("1.0", "1.1"):
        digest = write_wheel(index.folder, "buildtool", version)

    found = build_requirements(house, [Direct(EDITABLE, "lib", str(tmp_path), "mine")])

    assert [("buildtool", "1.1", (digest,))] == [(pin.name, pin.version, pin.hashes) for pin in found]


def test_what_comes_from_git_has_no_place_in_a_kit(house):
    with pytest.raises(WorkError) as caught:
        build_requirements(house, [Direct(GIT, "https://git.example.test/lib.git", name="lib")])

    assert ("kit/not-packable", "`lib` can't be packed: it comes from a url, not from a package index") == (
        caught.value.slug,
        caught.value.what,
    )
