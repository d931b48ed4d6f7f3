"""Platforms and artifacts: what a lock pins and a source fetches, as plain values."""

from __future__ import annotations

import hashlib
from collections.abc import Iterable
from typing import NamedTuple

LINUX_X86_64, LINUX_AARCH64 = "linux-x86_64", "linux-aarch64"
MACOS_ARM64, MACOS_X86_64 = "macos-arm64", "macos-x86_64"
PLATFORMS = (LINUX_X86_64, LINUX_AARCH64, MACOS_ARM64, MACOS_X86_64)

_SYSTEMS = {"linux": "linux", "darwin": "macos"}
_MACHINES = {
    ("linux", "x86_64"): "x86_64",
    ("linux", "amd64"): "x86_64",
    ("linux", "aarch64"): "aarch64",
    ("linux", "arm64"): "aarch64",
    ("macos", "arm64"): "arm64",
    ("macos", "x86_64"): "x86_64",
}


class Part(NamedTuple):
    """One file of an artifact of several; `version` is the source's own, `size` is bytes."""

    name: str
    version: str
    file: str
    sha256: str
    size: int


class AppPin(NamedTuple):
    """One distribution of an app: where its `marker` applies, it is installed from a file with one of the `hashes`."""

    name: str
    version: str
    marker: str  # "" for everywhere
    hashes: tuple[str, ...]  # `sha256:…`


class Building(NamedTuple):
    """How a source archive becomes programs: commands, tools that they take, and patterns of files that are kept."""

    steps: tuple[tuple[str, ...], ...]
    tools: tuple[str, ...]
    keep: tuple[str, ...]


class Artifact(NamedTuple):
    """Downloadable bytes of one platform. `size` is bytes; `glibc` and `macos` are the measured floors, "" for none.

    Of an artifact of several files, `files` or `pins` say which; `sha256` stands for all of them then. An app is
    installed for one minor version of Python, `python`, that `pythons` admits; "" until that is chosen. `address` and
    `building` are the recipe's, and stand in no lock.
    """

    source: str  # the kind: wheel
    name: str
    version: str  # the source's own, not the product's
    file: str
    sha256: str
    size: int
    glibc: str = ""
    macos: str = ""
    files: tuple[Part, ...] = ()
    pins: tuple[AppPin, ...] = ()
    pythons: str = ""
    python: str = ""
    address: str = ""
    building: Building | None = None

    @property
    def wheels(self) -> tuple[Part, ...]:
        """Those of its files that are wheels, which uv fetches."""
        return tuple(part for part in self.files if part.file.endswith(".whl"))

    def of_part(self, part: Part, source: str = "") -> Artifact:
        """One of its files, as an artifact."""
        return Artifact(source or self.source, part.name, part.version, part.file, part.sha256, part.size)


class Layout(NamedTuple):
    """Which of an artifact's files a store object shows, and which it leaves out.

    `bin` pairs a program's name with the pattern of the one file that it is; `drop` are patterns of relative paths;
    `asks_version` are the words after the first program that make it print its version. `shims` pairs a program with
    the command line that it stands for, `links` a symbolic link with its target, `substitute` a pattern of files with
    texts by turns: one that is there, and the one that replaces it; `env` are variables that every program gets;
    `modules` are patterns of folders with Python modules, which the first program compiles. `prefix` is where a tree of
    libraries believes to be, `/usr`: its configuration programs and pkg-config files name the tree instead.
    """

    bin: tuple[tuple[str, str], ...]
    drop: tuple[str, ...] = ()
    asks_version: str = "--version"
    shims: tuple[tuple[str, str], ...] = ()
    links: tuple[tuple[str, str], ...] = ()
    substitute: tuple[tuple[str, tuple[str, ...]], ...] = ()
    env: tuple[tuple[str, str], ...] = ()
    modules: tuple[str, ...] = ()
    prefix: str = ""

    @property
    def programs(self) -> tuple[str, ...]:
        """The names of all its programs; the first is the one that is asked for its version."""
        return tuple(name for name, _ in (*self.bin, *self.shims))


class Wanted(NamedTuple):
    """One package of a lock on one platform, with all that its store key depends on."""

    name: str  # the recipe's
    version: str
    revision: int
    platform: str
    artifact: Artifact
    layout: Layout
    others: tuple[tuple[str, str], ...] = ()  # (version, glibc floor) of what else there is here; not in the key


def platform_of(system: str, machine: str) -> str | None:
    """The platform for `sys.platform` and `os.uname().machine`; None for one that no lock covers."""
    name = _SYSTEMS.get(system, "")
    architecture = _MACHINES.get((name, machine.lower()))
    return f"{name}-{architecture}" if architecture else None


def digest_of_parts(parts: Iterable[Part | AppPin]) -> str:
    """One digest that stands for several files, whatever order they come in."""
    total = hashlib.sha256()
    for part in sorted(repr(tuple(part)) for part in parts):
        total.update(part.encode() + b"\n")
    return total.hexdigest()
