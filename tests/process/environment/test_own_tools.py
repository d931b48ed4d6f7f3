"""For each lock format: what devboot installs is what the format's own tool installs from the same lock."""

from __future__ import annotations

import os
import platform
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from devboot.environment.project_python import PythonWish, read_python, sync_python
from devboot.environment.python.installed import list_installed
from devboot.events import RecordingReporter
from devboot.uv.client import find_binary, make_uv
from devboot.uv.packages import builtin_index

pytestmark = [pytest.mark.network, pytest.mark.timeout(600)]
MINOR = ".".join(platform.python_version().split(".")[:2])
LIMIT = 240
SEEDS = {"packaging", "pip", "setuptools", "wheel"}  # what some tools put into every virtualenv, whatever the lock says
PROJECT = f"""\
[project]
name = "shop"
version = "0.1.0"
requires-python = ">={MINOR},<4"
dependencies = ["requests[socks]>=2.31", "click>=8", "tzdata ; sys_platform == 'win32'"]
[dependency-groups]
dev = ["iniconfig"]
"""
PIPFILE = """\
[packages]
requests = {version = ">=2.31", extras = ["socks"]}
click = ">=8"
tzdata = {version = "*", markers = "sys_platform == 'win32'"}
[dev-packages]
iniconfig = "*"
"""
EXPECTED = {"click", "iniconfig", "pysocks", "requests"}  # and what these need


class Workplace:
    """A folder in which a tool locks and installs, and a copy of it for devboot."""

    def __init__(self, tmp_path: Path):
        self.theirs, self.ours = tmp_path / "theirs", tmp_path / "ours"
        self.theirs.mkdir()
        self.environ = {name: value for name, value in os.environ.items() if name != "VIRTUAL_ENV"}
        self.environ |= {"POETRY_VIRTUALENVS_IN_PROJECT": "1", "PIPENV_VENV_IN_PROJECT": "1", "PIPENV_YES": "1"}
        self.environ["PDM_CHECK_UPDATE"] = "0"
        self.uv = make_uv(self.environ, str(self.theirs))

    def index(self):
        """The index that uv would ask, for a tool that isn't to ask another one."""
        return self.uv.environ.get("UV_DEFAULT_INDEX") or builtin_index(self.uv, sys.executable)

    def run(self, *command):
        """A tool that fails by itself proves nothing about devboot."""
        try:
            done = subprocess.run(
                command, cwd=self.theirs, env=self.environ, capture_output=True, text=True, timeout=LIMIT, check=False
            )
        except subprocess.TimeoutExpired:
            pytest.skip(f"{command} took more than {LIMIT} s")
        if done.returncode:
            pytest.skip(f"{command} failed by itself: {done.stderr[-300:]}")

    def tool(self, *words):
        """Run a tool out of its own distribution, in an environment of its own."""
        self.run(find_binary(), "tool", "run", "--quiet", "--python", sys.executable, *words)

    def run_uv(self, *words):
        self.run(find_binary(), *words)

    def installed_by_devboot(self):
        shutil.copytree(self.theirs, self.ours, ignore=shutil.ignore_patterns(".venv"))
        wish = PythonWish(str(self.ours), str(self.ours), "shop", version=MINOR)
        uv = make_uv(self.environ, str(self.ours))
        project = read_python(uv, wish, environ=self.environ)
        assert not project.needs_lock
        reporter = RecordingReporter()
        sync_python(uv, project, None, environ=self.environ, reporter=reporter, wall_clock=lambda: 0.0)
        return versions(self.ours)


def versions(folder):
    found = list_installed(str(folder / ".venv"))
    return {name: each.version for name, each in found.items() if name not in SEEDS}


@pytest.fixture
def place(tmp_path):
    return Workplace(tmp_path)


def uv_lock(place):
    (place.theirs / "pyproject.toml").write_text(PROJECT)
    place.run_uv("lock", "--quiet", "--python", sys.executable)
    place.run_uv("sync", "--quiet", "--frozen", "--python", sys.executable)


def pylock(place):
    uv_lock(place)
    place.run_uv("export", "--quiet", "--frozen", "--format", "pylock.toml", "--output-file", "pylock.toml")
    for name in ("uv.lock", "pyproject.toml"):
        (place.theirs / name).unlink()
    shutil.rmtree(place.theirs / ".venv")
    place.run_uv("venv", "--quiet", "--python", sys.executable)
    place.run_uv("pip", "sync", "--quiet", "--python", ".venv", "pylock.toml")


def hashed_requirements(place):
    (place.theirs / "requirements.in").write_text("requests[socks]>=2.31\nclick>=8\niniconfig\n")
    place.run_uv(
        *("pip", "compile", "--quiet", "--generate-hashes", "--python", sys.executable),
        *("--output-file", "requirements.txt", "requirements.in"),
    )
    (place.theirs / "requirements.in").unlink()
    place.run_uv("venv", "--quiet", "--seed", "--python", sys.executable)
    place.run(".venv/bin/python", "-m", "pip", "install", "--quiet", "--require-hashes", "-r", "requirements.txt")


def poetry(place):
    source = f'[[tool.poetry.source]]\nname = "here"\nurl = "{place.index()}"\npriority = "primary"\n'
    (place.theirs / "pyproject.toml").write_text(f"{PROJECT}[tool.poetry]\npackage-mode = false\n{source}")
    place.tool("poetry", "lock", "--no-interaction")
    place.tool("poetry", "install", "--no-interaction", "--no-root")


def pipenv(place):
    (place.theirs / "Pipfile").write_text(PIPFILE)
    place.tool("pipenv", "--python", sys.executable, "lock")
    place.tool("pipenv", "sync", "--dev")


def pdm(place):
    (place.theirs / "pyproject.toml").write_text(f"{PROJECT}[tool.pdm]\ndistribution = false\n")
    own = f'[[tool.pdm.source]]\nname = "pypi"\nurl = "{place.index()}"\n'
    with (place.theirs / "pyproject.toml").open("a") as file:
        file.write(own)
    # Its newest versions don't run with the newest of what they need.
    old = ("--exclude-newer", "2025-06-01", "pdm")
    place.run_uv("venv", "--quiet", "--python", sys.executable)
    place.environ["VIRTUAL_ENV"] = str(place.theirs / ".venv")  # else it takes the interpreter that runs the tests
    place.tool(*old, "lock", "--quiet")
    place.tool(*old, "sync", "--quiet", "--no-self")


@pytest.mark.parametrize("locked_by", [uv_lock, pylock, hashed_requirements, poetry, pipenv, pdm])
def test_the_same_distributions_are_installed_from_the_same_lock(locked_by, place):
    locked_by(place)
    theirs = versions(place.theirs)
    assert set(theirs) > EXPECTED

    assert place.installed_by_devboot() == theirs
