"""How requirements are resolved, with the real uv."""

import os
import sys

import pytest

from devboot.environment.locks.inputs import PYPROJECT, Input
from devboot.environment.locks.load import read_bytes
from devboot.environment.locks.unlocked import gather
from devboot.errors import DevbootError
from devboot.uv.client import make_uv
from devboot.uv.packages import IndexSettings, compile_requirements
from tests.fakes.wheels import write_wheel


@pytest.fixture
def resolve(tmp_path):
    """Resolve requirements from the wheels of a folder."""
    environ = {"PATH": os.defpath, "HOME": str(tmp_path), "UV_CACHE_DIR": str(tmp_path / "cache")}
    indexes = IndexSettings(find_links=(str(tmp_path / "wheels"),), no_index=True)

    def run(text):
        uv = make_uv(environ, str(tmp_path))
        return compile_requirements(uv, text=text, python=sys.executable, lowest_python="3.11", indexes=indexes)

    return run


@pytest.fixture
def wheels(tmp_path):
    """Two versions of `ant`, of which `bee` takes the second anywhere and the first on PyPy."""
    for version in ("1.0", "2.0"):
        write_wheel(str(tmp_path / "wheels"), "ant", version)
    needs = ["ant>=1", "ant<2 ; platform_python_implementation == 'PyPy'"]
    write_wheel(str(tmp_path / "wheels"), "bee", "1.0", requires=needs)


def test_a_contradiction_for_pypy_alone_is_none(wheels, resolve):
    found = resolve("ant==2.0\nbee\n")

    assert ["ant==2.0", "bee==1.0"] == [line.split()[0] for line in found.splitlines() if "==" in line.split(";")[0]]


def test_what_a_project_tells_uv_is_not_lost_for_it(wheels, resolve, tmp_path):
    (tmp_path / "pyproject.toml").write_text("[tool.uv]\n")

    with pytest.raises(DevbootError) as caught:
        resolve("ant==2.0\nbee\n")

    assert "python/resolution" == caught.value.slug


def test_a_contradiction_for_everybody_stays_one(wheels, resolve):
    with pytest.raises(DevbootError) as caught:
        resolve("ant==2.0\nant<2\nbee\n")

    assert "python/resolution" == caught.value.slug


def test_groups_are_found_where_a_resolution_leaves_out_pythons(wheels, tmp_path):
    file = tmp_path / "pyproject.toml"
    file.write_text("[project]\nname = 'shop'\nversion = '1'\n[dependency-groups]\ndev = ['ant']\n")
    found = compile_requirements(
        make_uv({"PATH": os.defpath, "HOME": str(tmp_path), "UV_CACHE_DIR": str(tmp_path / "cache")}, str(tmp_path)),
        files=[str(file)],
        groups=gather([Input(PYPROJECT, str(file))], str(tmp_path), read=read_bytes, environ={}).groups,
        python=sys.executable,
        lowest_python="3.11",
        below_python="3.99",
        indexes=IndexSettings(find_links=(str(tmp_path / "wheels"),), no_index=True),
    )

    assert "ant==2.0" in found
