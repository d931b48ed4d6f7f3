"""Builds that lack a system library, with the real uv and sdists whose backend looks for it."""

import os
import subprocess
import sys
from dataclasses import replace

import pytest

from devboot.errors import DevbootError, NetworkError
from devboot.uv.client import make_uv
from devboot.uv.packages import IndexSettings, compile_requirements, create_venv, install_directs, install_requirements
from tests.fakes.wheels import write_sdist, write_source_tree, write_wheel

# The words of a compiler without the header, unless a variable leads to it
LOOKS = """
if os.environ.get("PLACE_OF_{key}") != "here":
    raise SystemExit("toy.c:1:10: fatal error: {header}: No such file or directory")
"""
LDAP = LOOKS.format(key="LDAP", header="lber.h")
ODBC = LOOKS.format(key="ODBC", header="sql.h")


class Supply:
    """Libraries that are nothing but a variable; `refuses` stands for a source that can't be reached."""

    def __init__(self, folder, *, refuses=False):
        self.folder = folder
        self.refuses = refuses
        self.given = []
        self.known = {}
        self.used = ()

    def variables(self, libraries):
        if self.refuses:
            raise NetworkError("network/unreachable", "the packages of this distribution can't be reached")
        keys = sorted(each.key for each in libraries)
        self.given.append(keys)
        cache = os.path.join(self.folder, "-".join(keys))
        return {**{f"PLACE_OF_{key.upper()}": "here" for key in keys}, "UV_CACHE_DIR": cache}

    def recall(self, requirement):
        return self.variables(self.known[requirement]) if requirement in self.known else None

    def remember(self, requirement, libraries):
        self.known[requirement] = libraries


class Project:
    """A virtualenv, a folder of packages, and uv."""

    def __init__(self, folder):
        self.folder = folder
        self.packages = str(folder / "packages")
        environ = {"PATH": os.defpath, "HOME": str(folder), "UV_CACHE_DIR": str(folder / "cache")}
        self.uv = make_uv(environ, str(folder))
        self.indexes = IndexSettings(find_links=(self.packages,), no_index=True)
        self.count = 0

    def install(self, *pins, supply=None):
        """Install pins into a new virtualenv and name what is in it."""
        self.count += 1
        venv = str(self.folder / f"venv{self.count}")
        create_venv(self.uv, venv, sys.executable, prompt="toy")
        uv = replace(self.uv, libraries=supply)
        python = os.path.join(venv, "bin", "python")
        text = "".join(f"{name}=={version} \\\n    --hash={digest}\n" for name, version, digest in pins)
        install_requirements(uv, python, text, require_hashes=True, indexes=self.indexes)
        listed = subprocess.check_output([self.uv.binary, "pip", "freeze", "--python", python], env=self.uv.environ)
        return listed.decode().split()


@pytest.fixture
def project(tmp_path):
    return Project(tmp_path)


@pytest.fixture
def supply(tmp_path):
    return Supply(str(tmp_path / "caches"))


@pytest.fixture
def pins(project):
    """A package without a wheel that lacks a library, one that lacks two, and one that lacks nothing."""
    return [
        ("ant", "1.0", write_sdist(project.packages, "ant", "1.0", backend=LDAP)),
        ("bee", "1.0", write_sdist(project.packages, "bee", "1.0", backend=LDAP + ODBC)),
        ("cow", "1.0", write_wheel(project.packages, "cow", "1.0")),
    ]


def test_packages_without_a_wheel_are_built_with_the_libraries_that_they_lack(project, supply, pins):
    assert project.install(*pins, supply=supply) == ["ant==1.0", "bee==1.0", "cow==1.0"]

    known = {requirement: [each.key for each in libraries] for requirement, libraries in supply.known.items()}
    assert known == {"ant==1.0": ["ldap"], "bee==1.0": ["ldap", "odbc"]}


def test_what_was_built_with_libraries_is_in_no_cache_that_others_use(project, supply, pins):
    project.install(*pins, supply=supply)

    with pytest.raises(DevbootError) as caught:
        project.install(*pins)

    assert caught.value.slug == "python/missing-library"


def test_what_was_built_before_needs_no_failing_build_and_no_packages(project, supply, pins):
    project.install(*pins, supply=supply)
    supply.given.clear()
    for name in os.listdir(project.packages):
        if name.startswith("bee"):
            os.rename(os.path.join(project.packages, name), project.folder / name)
    later = Supply(supply.folder)
    later.known = {"ant==1.0": supply.known["ant==1.0"]}

    assert project.install(pins[0], pins[2], supply=later) == ["ant==1.0", "cow==1.0"]

    assert later.given == [["ldap"]]


def test_a_library_that_cant_be_fetched_is_an_error_with_the_reason(project, tmp_path, pins):
    with pytest.raises(DevbootError) as caught:
        project.install(*pins, supply=Supply(str(tmp_path), refuses=True))

    assert caught.value.slug == "python/missing-library"
    assert caught.value.causes[-1] == "the packages of this distribution can't be reached"


def test_a_build_that_goes_on_to_fail_with_all_libraries_says_why(project, supply):
    backend = LDAP + 'raise SystemExit("toy.c:7:1: error: unknown type name")'
    pin = ("ant", "1.0", write_sdist(project.packages, "ant", "1.0", backend=backend))

    with pytest.raises(DevbootError) as caught:
        project.install(pin, supply=supply)

    assert caught.value.slug == "python/build-failed"
    assert "toy.c:7:1: error: unknown type name" in caught.value.details
    assert supply.given == [["ldap"]]


def test_resolving_and_the_projects_own_packages_get_libraries_too(project, supply, tmp_path):
    write_sdist(project.packages, "ant", "1.0", backend=LDAP)
    uv = replace(project.uv, libraries=supply)
    # Without static metadata the backend has to be asked
    own = tmp_path / "own"
    write_source_tree(str(own), "own", "1.0")
    (own / "backend.py").write_text((own / "backend.py").read_text() + ODBC)

    found = compile_requirements(uv, text="ant\n", python=sys.executable, lowest_python="3.11", indexes=project.indexes)
    venv = str(tmp_path / "venv")
    create_venv(uv, venv, sys.executable, prompt="toy")
    install_directs(uv, f"{venv}/bin/python", [str(own)], indexes=project.indexes)

    assert found.startswith("ant==1.0")
    assert ["odbc"] in supply.given
