"""Gets the peers that aren't here, each by its registry's ordinary client, into a cached temporary folder."""

from __future__ import annotations

import os
import shutil
import subprocess
from collections.abc import Callable, Sequence
from functools import cache
from pathlib import Path

from measuring import UnmeasurableError
from workshop import CACHE, PYTHON

_LIMIT = 180  # seconds
_RUBY = (
    "ruby",
    "libruby",
    "rubygems",
    "rake",
    "libyaml",
    "libffi",
)  # what Debian's foreman needs besides the C library


def on_path(program: str) -> Callable[[], str]:
    """Only if it is installed."""

    def find() -> str:
        found = shutil.which(program)
        if found is None:
            raise UnmeasurableError("not on PATH")
        return found

    return find


def from_pypi(package: str, program: str = "") -> Callable[[], str]:
    """With pip, into a virtualenv of the peers' own."""

    @cache
    def find() -> str:
        folder = CACHE / "pypi" / package
        path = folder / "bin" / (program or package)
        if not path.exists():
            _call([PYTHON, "-m", "venv", str(folder)])
            _call([str(folder / "bin/python"), "-m", "pip", "install", "--quiet", package])
        return str(path)

    return _or_on_path(find, program or package)


def from_npm(package: str, program: str = "") -> Callable[[], str]:
    """With npm, into a folder of its own."""

    @cache
    def find() -> str:
        folder = CACHE / "npm" / package
        path = folder / "node_modules/.bin" / (program or package)
        if not path.exists():
            folder.mkdir(parents=True, exist_ok=True)
            _call(["npm", "install", "--prefix", str(folder), "--no-audit", "--no-fund", "--silent", package])
        return str(path)

    return _or_on_path(find, program or package)


def from_debian(package: str, program: str) -> Callable[[], str]:
    """With apt, unpacked without root; a script in Ruby gets a wrapper that tells Ruby where its library is."""

    @cache
    def find() -> str:
        folder = CACHE / "debian" / package
        wrapper = folder / program
        if not wrapper.exists():
            folder.mkdir(parents=True, exist_ok=True)
            wanted = [name for name in _closure(package) if name == package or name.startswith(_RUBY)]
            _call(["apt-get", "download", *wanted], folder)
            for archive in sorted(folder.glob("*.deb")):
                _call(["dpkg-deb", "-x", str(archive), str(folder / "root")])
            _wrap_ruby(wrapper, folder / "root")
        return str(wrapper)

    return _or_on_path(find, program)


def _or_on_path(install: Callable[[], str], program: str) -> Callable[[], str]:
    """What the machine has wins over what could be fetched."""
    beside = str(Path(PYTHON).parent)
    search = os.pathsep.join(part for part in os.environ.get("PATH", "").split(os.pathsep) if part != beside)
    return lambda: shutil.which(program, path=search) or install()


def _closure(package: str) -> list[str]:
    without = [f"--no-{kind}" for kind in ("recommends", "suggests", "conflicts", "breaks", "replaces", "enhances")]
    listed = _call(["apt-cache", "depends", "--recurse", *without, package])
    return [line for line in listed.splitlines() if line and line[0].isalnum() and ":" not in line]


def _wrap_ruby(wrapper: Path, root: Path) -> None:
    rubies = sorted((root / "usr/bin").glob("ruby[0-9]*"))
    if not rubies:
        raise UnmeasurableError("no ruby among its dependencies")
    libraries = [str(path) for path in (*root.glob("usr/lib/ruby/vendor_ruby"), *root.glob("usr/lib/ruby/[0-9]*"))]
    libraries += [str(path) for path in root.glob("usr/share/rubygems-integration/all/gems/*/lib")]
    libraries += [str(path.parent) for path in root.glob("usr/lib/*/ruby/[0-9]*/rbconfig.rb")]
    shared = [str(path.parent) for path in root.glob("usr/lib/*/libruby*.so*")][:1]
    # The program's own script asks for a gem, which an unpacked package isn't.
    start = "require 'foreman/cli'; Foreman::CLI.start"
    wrapper.write_text(
        f'#!/bin/sh\nRUBYLIB="{":".join(libraries)}" LD_LIBRARY_PATH="{":".join(shared)}" '
        f'exec "{rubies[-1]}" --disable-gems -e "{start}" -- "$@"\n'
    )
    wrapper.chmod(0o755)


def _call(argv: Sequence[str], folder: Path | None = None) -> str:
    try:
        done = subprocess.run(argv, cwd=folder, capture_output=True, text=True, timeout=_LIMIT, check=False)
    except (OSError, subprocess.TimeoutExpired) as error:
        raise UnmeasurableError(f"`{argv[0]}`: {error}") from error
    if done.returncode != 0:
        last = (done.stderr.strip().splitlines() or ["no output"])[-1]
        raise UnmeasurableError(f"`{' '.join(argv[:3])}` failed: {last[:80]}")
    return done.stdout
