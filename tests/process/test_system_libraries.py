"""Packages without a wheel, built and imported on a machine that has a compiler and none of their libraries."""

import os
import shutil
import subprocess
import sys

import pytest

pytestmark = [
    pytest.mark.network,
    pytest.mark.skipif(shutil.which("apt-get") is None, reason="the libraries come by way of apt"),
    pytest.mark.skipif(shutil.which("gcc") is None, reason="no C compiler"),
]
# A machine with a compiler and apt, and no configuration program of any library
PROGRAMS = """
    apt-cache apt-config apt-get apt-key ar as basename bash cat chmod cp cpp cut dirname dpkg expr env g++ gcc git gpgv
    grep gzip head ld ln ls mkdir mktemp mv od perl python3 ranlib readlink rm sed sh sleep sort sqv strip tar test
    touch tr true uname wc which x86_64-linux-gnu-g++ x86_64-linux-gnu-gcc xz zstd
"""
PACKAGES = {
    "mysqlclient": ("mysqlclient==2.2.4", "import MySQLdb; print(MySQLdb.get_client_info())"),
    "psycopg2": ("psycopg2==2.9.10", "import psycopg2; print(psycopg2.__libpq_version__)"),
    "pycurl": ("--no-binary pycurl\npycurl==7.45.3", "import pycurl; print(pycurl.version)"),
    "python-ldap": ("python-ldap==3.4.4", "import ldap; print(ldap.__version__)"),
    "compiled": ("psycopg2==2.9.11", "import psycopg2; print(psycopg2.__libpq_version__)"),
}
COMPILERS = ("gcc", "g++", "cpp", "as", "ld", "ar", "ranlib", "x86_64-linux-gnu-gcc", "x86_64-linux-gnu-g++")
UNREACHED = ("network/", "python/no-such-package", "lock/")


@pytest.fixture(scope="module")
def place(tmp_path_factory):
    """The state of devboot and uv, empty before the first test of this file."""
    return tmp_path_factory.mktemp("machine")


@pytest.fixture
def environ(place):
    programs = place / "bin"
    programs.mkdir(exist_ok=True)
    for name in PROGRAMS.split():
        if (found := shutil.which(name)) and not (programs / name).exists():
            (programs / name).symlink_to(found)
    kept = {name: value for name, value in os.environ.items() if not name.startswith(("DEVBOOT", "XDG", "VIRTUAL"))}
    own = {"HOME": str(place), "DEVBOOT_HOME": str(place / "devboot"), "UV_CACHE_DIR": str(place / "uv")}
    return {**kept, **own, "PATH": str(programs)}


@pytest.mark.parametrize("name", list(PACKAGES)[:-1])
def test_a_package_without_a_wheel_is_built_and_imported_without_roots_packages(name, environ, tmp_path):
    build_and_import(name, environ, tmp_path)


def test_a_machine_without_a_compiler_gets_one(environ, tmp_path, place):
    programs = tmp_path / "bin"
    shutil.copytree(place / "bin", programs, symlinks=True)
    for name in COMPILERS:
        (programs / name).unlink(missing_ok=True)

    build_and_import("compiled", {**environ, "PATH": str(programs)}, tmp_path)


def build_and_import(name, environ, tmp_path):
    """Start a project that imports the package, and look at what it was linked with."""
    requirement, code = PACKAGES[name]
    (tmp_path / "requirements.txt").write_text(f"{requirement}\n")
    (tmp_path / "app.py").write_text(f"{code}\n")
    (tmp_path / "Procfile").write_text("web: python app.py\n")
    command = [sys.executable, "-m", "devboot", "run", "--", "python", "app.py"]

    done = subprocess.run(command, cwd=tmp_path, env=environ, capture_output=True, text=True, check=False)

    if done.returncode and any(f"error[{slug}" in done.stderr for slug in UNREACHED):
        pytest.skip(f"the package index or the distribution's archive isn't in reach: {done.stderr[-300:]}")
    assert done.returncode == 0, done.stderr
    assert done.stdout.strip()
    record = next(tmp_path.glob(".venv/devboot-venv.txt")).read_text()
    libraries = [line for line in record.splitlines() if line.startswith(f"library {environ['DEVBOOT_HOME']}")]
    assert libraries
    built = next(tmp_path.glob(".venv/lib/python*/site-packages/**/*.so"))
    assert environ["DEVBOOT_HOME"].encode() in built.read_bytes()
