"""The spec of a virtualenv: the pins, the interpreter, and a digest of everything to be installed."""

from __future__ import annotations

import hashlib
import os
from dataclasses import dataclass, field, replace

from devboot.clone_reader import read_bytes
from devboot.environment.locks.direct_references import absolute, render_direct
from devboot.environment.locks.markers import applies
from devboot.environment.locks.pins import EDITABLE, FOLDER, Direct, Pin, Pins, render_pins
from devboot.environment.python.declared import METADATA_FILES
from devboot.environment.python.interpreters import Interpreter
from devboot.environment.python.versions import VersionRequest
from devboot.model.printable import counted
from devboot.uv.packages import NO_INDEXES, IndexSettings


@dataclass(frozen=True, slots=True)
class VenvSpec:
    """What a virtualenv has to contain.

    `path` is absolute, `name` is its name in messages; `optional` are editables whose failure is only a warning;
    `bundled` is the setuptools for packages that need it: the wheel that the interpreter brings or a line with its
    digest, empty if the packages' lock is complete; `built` has digests of wheels, by name, that were built elsewhere
    from the locked sdists. `is_given`: a recipe provides the interpreter, and no other one will do. `build_date`:
    builds use what the index had on that day. `has_project`: the last direct reference is the project itself, which no
    lock lists.
    """

    path: str
    name: str
    prompt: str
    pins: Pins
    interpreter: Interpreter
    request: VersionRequest = field(default_factory=VersionRequest)
    indexes: IndexSettings = NO_INDEXES
    optional: tuple[Direct, ...] = ()
    is_forced: bool = False
    bundled: str = ""
    built: tuple[tuple[str, str], ...] = ()
    is_given: bool = False
    build_date: str = ""
    has_project: bool = False

    @property
    def root(self) -> str:
        """Return the project's folder, from which `name` leads to the virtualenv; else the folder that contains it."""
        ending = f"/{os.path.normpath(self.name)}"
        return (self.path.removesuffix(ending) or "/") if self.path.endswith(ending) else os.path.dirname(self.path)


def installable_pins(spec: VenvSpec) -> list[Pin]:
    """Return the pins whose markers apply to the interpreter, with the digests of all files they may come from."""
    built = dict(spec.built)
    pins = [pin for pin in spec.pins.pins if applies(pin.marker, spec.interpreter.environment)]
    return [replace(pin, hashes=(*pin.hashes, built[pin.name])) if pin.name in built else pin for pin in pins]


def wanted_digest(spec: VenvSpec) -> str:
    """Return a digest of everything to be installed: pins, direct references, and metadata of local packages."""
    parts = [render_pins(spec.pins.pins), spec.interpreter.minor, *spec.pins.options]
    for direct in (*spec.pins.directs, *spec.optional):
        parts.append(render_direct(direct, os.path.dirname(spec.path)))
        if direct.kind in (EDITABLE, FOLDER):
            parts += [stamp_of_content(os.path.join(absolute(direct), name)) for name in METADATA_FILES]
    return f"sha256:{hashlib.sha256(chr(0).join(parts).encode()).hexdigest()}"


def stamp_of_content(path: str) -> str:
    """Return the digest of a file's bytes; empty if it is missing."""
    try:
        return hashlib.sha256(read_bytes(path)).hexdigest()
    except OSError:
        return ""


def wanted_names(spec: VenvSpec) -> set[str]:
    """Return the names of the packages to be installed on this interpreter; for an unnamed editable its folder."""
    return {*wanted_versions(spec), *(absolute(each) for each in spec.pins.directs if not each.name)}


def count_packages(spec: VenvSpec) -> str:
    """Return the number of packages as text, such as `91 packages and the project`."""
    number = len(wanted_names(spec)) - spec.has_project
    packages = counted(number, "package")
    return f"{packages} and the project" if spec.has_project else packages


def wanted_versions(spec: VenvSpec) -> dict[str, str]:
    """Return {name: version} of the packages to be installed on this interpreter; "" for direct references."""
    environment = spec.interpreter.environment
    found = {pin.name: pin.version for pin in spec.pins.pins if applies(pin.marker, environment)}
    found.update({each.name: "" for each in spec.pins.directs if each.name and applies(each.marker, environment)})
    return found
