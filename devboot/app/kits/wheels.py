"""Collects the wheels of a project's pins for a kit: downloaded for each platform, or built here."""

from __future__ import annotations

import glob
import hashlib
import os
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass

from packaging.requirements import Requirement
from packaging.utils import InvalidWheelFilename, parse_wheel_filename

from devboot.clone_reader import read_toml
from devboot.environment.locks.markers import applies
from devboot.environment.locks.pins import EDITABLE, FOLDER, GIT, URL, Direct, Pin, normalised
from devboot.environment.python.interpreters import Interpreter
from devboot.environment.python.platform_tags import marker_values, target_of
from devboot.errors import WorkError
from devboot.provision.objects.tree import link_or_copy
from devboot.record import Record
from devboot.uv.client import Uv
from devboot.uv.packages import IndexSettings, compile_requirements
from devboot.uv.pip.download import download_wheels, index_lines, run_pip
from devboot.uv.pip.failures import pip_failure

_SETUPTOOLS = ("setuptools>=40.8.0",)  # the default for a pyproject.toml without a build system
_EDITABLES = "editables>=0.3"  # a requirement that hatchling only adds at run time


class Wheel(Record):
    """A wheel file: package, version, `path`; `built_from` are the sdist's digests, "" if it was downloaded."""

    name: str
    version: str
    path: str
    built_from: str = ""


@dataclass(frozen=True, slots=True)
class Wheelhouse:
    """Downloads wheels into the folder `into`; `hear` is called with each file's name."""

    uv: Uv
    into: str
    interpreter: Interpreter
    indexes: IndexSettings
    hear: Callable[[str], None]

    def fetch(
        self, pins: Sequence[Pin], platform: str, *, is_here: bool, is_musl: bool, minor: str = ""
    ) -> tuple[Wheel, ...]:
        """Fetch a wheel of each pin that applies on a platform, and return the wheels.

        `is_here`: the platform is that of this machine, so that wheels can be built.

        `minor` is the Python that they are for, if it isn't that of the interpreter.

        Raises:
            WorkError: `kit/not-packable`, some have no wheel and can't be built.
            DevbootError: as `download_wheels`.

        """
        minor = minor or self.interpreter.minor
        version = self.interpreter.version if minor == self.interpreter.minor else f"{minor}.0"
        here = self.interpreter.environment if is_here and minor == self.interpreter.minor else {}
        values = here or marker_values(platform, version)
        wanted = {_line(pin): pin for pin in pins if pin.version and applies(pin.marker, values)}
        target = target_of(platform, minor, is_musl=is_musl)
        # a folder for each: a wheel of one platform must not be used for another one
        folder = os.path.join(self.into, f"{platform}-{minor}")
        os.makedirs(folder, exist_ok=True)
        lines = [line for line, pin in wanted.items() if not self._reuse(pin, minor, folder)]
        lacking = download_wheels(self.uv, lines, folder, target, indexes=self.indexes, hear=self.hear)
        sdists = {wanted[line].name: line for line in lacking}
        if sdists and not here:
            raise _no_wheels([wanted[line] for line in lacking], platform)
        if sdists:
            self._build(tuple(sdists.values()), folder)
        return _wheels_of(wanted.values(), sdists, folder)

    def _reuse(self, pin: Pin, minor: str, folder: str) -> bool:
        """Link an already fetched pure-Python wheel of the pin into the folder; return whether there was one."""
        stem = normalised(pin.name).replace("-", "_")
        for path in sorted(glob.glob(os.path.join(glob.escape(self.into), f"*-{minor}", f"{stem}-*-none-any.whl"))):
            if f"sha256:{digest_of(path)}" in pin.hashes:
                target = os.path.join(folder, os.path.basename(path))
                if not os.path.exists(target):
                    link_or_copy(path, target)
                return True
        return False

    def _build(self, lines: Sequence[str], folder: str) -> None:
        options = ["--python", self.interpreter.path, "wheel", "--no-deps", "--wheel-dir", folder]
        text = index_lines(self.uv, self.indexes) + "".join(f"{line}\n" for line in lines)
        said = run_pip(self.uv, options, text, hear=self.hear, is_repeatable=True)
        if said is not None:
            raise pip_failure(said, doing="build the packages that have no wheel")


def _wheels_of(pins: Iterable[Pin], built: Mapping[str, str], folder: str) -> tuple[Wheel, ...]:
    files = _by_release(folder)
    found = []
    for pin in pins:
        for path in files.get(normalised(pin.name), ()):
            if pin.name in built or not pin.hashes or f"sha256:{digest_of(path)}" in pin.hashes:
                version = os.path.basename(path).split("-")[1]
                found.append(Wheel(pin.name, version, path, ",".join(sorted(pin.hashes)) if pin.name in built else ""))
    return tuple(found)


def build_requirements(wheelhouse: Wheelhouse, directs: Iterable[Direct]) -> tuple[Pin, ...]:
    """Return pins of the packages needed to build the project's local packages.

    Raises WorkError for unpackable ones.
    """
    lines: list[str] = []
    for direct in directs:
        if direct.kind in (GIT, URL):
            raise WorkError(
                "kit/not-packable",
                f"`{direct.name or direct.reference}` can't be packed: it comes from a url, not from a package index",
                causes=["the lock has no digest of it, so the other machine couldn't verify it"],
                help=["replace it by a released version, then `devboot lock`"],
            )
        if direct.kind in (EDITABLE, FOLDER):
            lines += _build_system(os.path.join(direct.base, direct.reference))
    if not lines:
        return ()
    text = compile_requirements(
        wheelhouse.uv,
        text="".join(f"{line}\n" for line in dict.fromkeys(lines)),
        python=wheelhouse.interpreter.path,
        lowest_python=wheelhouse.interpreter.minor,
        indexes=wheelhouse.indexes,
    )
    return parse_pins(text)


def parse_pins(text: str) -> tuple[Pin, ...]:
    """Parse the output of `uv pip compile` into pins."""
    return tuple(_pin(block) for block in text.replace(" \\\n", " ").splitlines() if block.strip())


def _build_system(folder: str) -> Sequence[str]:
    try:
        table = read_toml(os.path.join(folder, "pyproject.toml")).get("build-system", {})
    except (OSError, ValueError):
        table = {}
    more = [_EDITABLES] if str(table.get("build-backend", "")).startswith("hatchling") else []
    return [*map(str, table.get("requires", _SETUPTOOLS)), *more]


def _pin(block: str) -> Pin:
    head, *hashes = (part.strip() for part in block.split("--hash="))
    wanted = Requirement(head)
    version = next(iter(wanted.specifier)).version
    marker = str(wanted.marker) if wanted.marker else ""
    return Pin(wanted.name, version, marker, tuple(sorted(wanted.extras)), tuple(hashes))


def _line(pin: Pin) -> str:
    return " ".join([f"{pin.name}=={pin.version}", *(f"--hash={digest}" for digest in pin.hashes)])


def _by_release(folder: str) -> dict[str, list[str]]:
    found: dict[str, list[str]] = {}
    for name in sorted(os.listdir(folder)):
        try:
            distribution, *_ = parse_wheel_filename(name)
        except InvalidWheelFilename:
            continue
        found.setdefault(str(distribution), []).append(os.path.join(folder, name))
    return found


def digest_of(path: str) -> str:
    """Return the sha256 of a file, in hexadecimal digits."""
    with open(path, "rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def _no_wheels(pins: Sequence[Pin], platform: str) -> WorkError:
    names = [f"{pin.name} {pin.version}" for pin in pins]
    what = f"`{names[0]}` has" if len(names) == 1 else f"{len(names)} packages have"
    return WorkError(
        "kit/not-packable",
        f"{what} no wheel for {platform}",
        details=names,
        causes=["they have to be compiled on a machine of that platform"],
        help=[
            f"devboot pack   # on a machine with {platform}: it compiles them",
            "or lock a version that has one: `devboot lock --update NAME`",
        ],
    )
