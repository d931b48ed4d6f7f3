"""Lists locked packages that a virtualenv needs but uv can't install offline."""

from __future__ import annotations

from collections.abc import Iterable, Mapping

from devboot.environment.locks.direct_references import render_direct
from devboot.environment.locks.formats.poetry_versions import release_key
from devboot.environment.locks.markers import applies
from devboot.environment.locks.pins import Direct, Pin, render_pins
from devboot.environment.python.installed import list_installed, lost_files
from devboot.environment.venv.condition import FOREIGN, OURS
from devboot.environment.venv.origin import examine_origin
from devboot.environment.venv.spec import VenvSpec, installable_pins, wanted_digest
from devboot.record import Record
from devboot.uv.cached import lacking
from devboot.uv.client import Uv


class MissingPackage(Record):
    """A package that isn't on this machine; `version` is "" for a direct reference, `origin` its URL."""

    name: str
    version: str
    origin: str


def missing_packages(uv: Uv, spec: VenvSpec) -> tuple[MissingPackage, ...]:
    """Return the packages that a sync would have to download; nothing is changed.

    `uv` works in the folder that a sync would use.

    Raises:
        DevbootError: uv can't be started.

    """
    pins, directs = _wanted(spec, uv.environ)
    variables = spec.indexes.variables(uv.environ)
    options = [*spec.indexes.options, *spec.pins.options]

    def positions(lines: Iterable[str]) -> tuple[int, ...]:
        return lacking(uv, list(lines), python=spec.interpreter.path, options=options, variables=variables)

    gone = [pins[position] for position in positions(render_pins([pin]).rstrip("\n") for pin in pins)]
    lost = [directs[position] for position in positions(render_direct(direct, uv.folder) for direct in directs)]
    return (
        *(MissingPackage(pin.name, pin.version, "package index") for pin in gone),
        *(MissingPackage(each.name or each.reference, "", _origin(each)) for each in lost),
    )


def _wanted(spec: VenvSpec, environ: Mapping[str, str]) -> tuple[list[Pin], list[Direct]]:
    """Return the pins and direct references that the virtualenv lacks; all if it must be rebuilt."""
    environment = spec.interpreter.environment
    pins = installable_pins(spec)
    directs = [direct for direct in spec.pins.directs if applies(direct.marker, environment)]
    condition = examine_origin(spec.path, spec.root, environ)
    is_kept = condition.state in (OURS, FOREIGN) and condition.version.startswith(f"{spec.interpreter.minor}.")
    if not is_kept:
        return pins, directs
    if condition.record is not None and condition.record.wanted == wanted_digest(spec):
        directs = []
    lost = lost_files(spec.path)
    present = {name: each for name, each in list_installed(spec.path).items() if name not in lost}
    return [
        pin for pin in pins if not _is_there(pin, present[pin.name].version if pin.name in present else "")
    ], directs


def _is_there(pin: Pin, version: str) -> bool:
    return bool(version) and (not pin.version or release_key(version) == release_key(pin.version))


def _origin(direct: Direct) -> str:
    return f"{direct.kind}, or what building it needs"
