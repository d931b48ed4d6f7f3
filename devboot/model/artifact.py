"""Platforms, digests and artifacts: the downloads that a lock pins and a source fetches, as plain values."""

from __future__ import annotations

import hashlib
from collections.abc import Iterable

from devboot.record import Record

LINUX_X86_64, LINUX_AARCH64 = "linux-x86_64", "linux-aarch64"
MACOS_ARM64, MACOS_X86_64 = "macos-arm64", "macos-x86_64"
PLATFORMS = (LINUX_X86_64, LINUX_AARCH64, MACOS_ARM64, MACOS_X86_64)

ALGORITHM = "sha256"
_DIGITS = frozenset("0123456789abcdef")
_SYSTEMS = {"linux": "linux", "darwin": "macos"}
_MACHINES = {
    ("linux", "x86_64"): "x86_64",
    ("linux", "amd64"): "x86_64",
    ("linux", "aarch64"): "aarch64",
    ("linux", "arm64"): "aarch64",
    ("macos", "arm64"): "arm64",
    ("macos", "x86_64"): "x86_64",
}


class Part(Record):
    """One file of a multi-file artifact; `version` is the package's own, `size` is in bytes."""

    name: str
    version: str
    file: str
    sha256: str
    size: int


class AppPin(Record):
    """One Python package of an app: installed if its `marker` applies, from a file with one of the `hashes`."""

    name: str
    version: str
    marker: str  # "" means always
    hashes: tuple[str, ...]  # `sha256:…`


class Building(Record):
    """How to build a package from source: commands, required tools, and patterns of the files to keep."""

    steps: tuple[tuple[str, ...], ...]
    tools: tuple[str, ...]
    keep: tuple[str, ...]


class Artifact(Record):
    """Downloadable bytes for one platform. `size` is in bytes; `glibc` and `macos` are measured minimum versions.

    Without a measurement they are "". A multi-file artifact lists its `files` or `pins`, and `sha256` is a digest over
    them. An app is installed for one minor version of Python, `python`, allowed by `pythons`; "" until it is chosen.
    `address` and `building` come from the recipe and aren't stored in a lock.
    """

    source: str  # the kind, such as `wheel`
    name: str
    version: str  # the version at the source, which may differ from the product's
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
        """Files of this artifact that are wheels, which uv downloads."""
        return tuple(part for part in self.files if part.file.endswith(".whl"))

    def of_part(self, part: Part, source: str = "") -> Artifact:
        """Return one file of a multi-file artifact as a separate artifact."""
        return Artifact(source or self.source, part.name, part.version, part.file, part.sha256, part.size)


class Layout(Record):
    """Which files of an artifact a store object contains, and what is changed in them.

    `bin` pairs a program's name with a pattern of its file; `drop` are patterns of files to leave out; `asks_version`
    are the arguments that make the first program print its version. `shims` pairs a program with the command line that
    it runs, `links` a symbolic link with its target, `substitute` a pattern of files with alternating old and new
    texts; `env` are variables for every program; `modules` are patterns of folders with Python modules, compiled by the
    first program. `prefix` is the location built into a tree of libraries, such as `/usr`: its configuration programs
    and pkg-config files are changed to name the tree instead.
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
        """Names of all programs in the artifact; the first one is run to get the version."""
        return tuple(name for name, _ in (*self.bin, *self.shims))


class Wanted(Record):
    """One locked package on one platform, with all values that its store key is computed from."""

    name: str  # the recipe's
    version: str
    revision: int
    platform: str
    artifact: Artifact
    layout: Layout
    others: tuple[tuple[str, str], ...] = ()  # (version, minimum glibc) of alternatives; not part of the key


def platform_of(system: str, machine: str) -> str | None:
    """Return devboot's name of a platform, as `linux-x86_64`; None if locks don't cover it.

    `system` is `sys.platform`, `machine` as in `os.uname()`.
    """
    name = _SYSTEMS.get(system, "")
    architecture = _MACHINES.get((name, machine.lower()))
    return f"{name}-{architecture}" if architecture else None


def digest_of_parts(parts: Iterable[Part | AppPin]) -> str:
    """Return one digest for several files of an artifact, independent of their order."""
    total = hashlib.sha256()
    for part in sorted(repr(tuple(part)) for part in parts):
        total.update(part.encode() + b"\n")
    return total.hexdigest()


class Digest(Record):
    """A SHA-256 digest; `hex` has 64 lower-case digits."""

    hex: str

    def __str__(self) -> str:
        return f"{ALGORITHM}:{self.hex}"

    @property
    def short(self) -> str:
        """The first 12 digits, for messages."""
        return self.hex[:12]


def parse_digest(text: str) -> Digest:
    """Parse a digest written as `sha256:…`. Raises ValueError for any other form."""
    algorithm, _, digits = text.partition(":")
    if algorithm != ALGORITHM or not is_sha256(digits):
        raise ValueError(f"expected `{ALGORITHM}:` and 64 hexadecimal digits")
    return Digest(digits)


def digest_of(data: bytes) -> Digest:
    """Return the digest of these bytes."""
    return Digest(hashlib.sha256(data).hexdigest())


def is_sha256(digits: str) -> bool:
    """Return whether the text is 64 lower-case hexadecimal digits."""
    return len(digits) == 64 and _DIGITS.issuperset(digits)
