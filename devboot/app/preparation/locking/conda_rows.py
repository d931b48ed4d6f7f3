"""Resolves a conda package with its dependencies for every platform, by py-rattler, into rows of versions.toml."""

from __future__ import annotations

from devboot.errors import DevbootError, WorkError
from devboot.model.artifact import PLATFORMS, Part
from devboot.model.edge.artifacts import ArtifactRow, PartRow
from devboot.model.edge.recipe.recipe import Release
from devboot.model.edge.recipe.source_tables import CondaOrigin
from devboot.sources.conda import SUBDIRS, Solved, solve


def list_conda(origin: CondaOrigin, condition: str, cache: str, *, is_offline: bool = False) -> Release:
    """Return the newest version, under a condition (`8.*`, "" for none), that most platforms have.

    Other platforms get the reason why they lack it. `is_offline` uses the index as it was read before.

    Raises MachineError `conda/not-installed`, NetworkError, WorkError `conda/failed` if no platform has it.
    """
    found: dict[str, Solved] = {}
    failure: DevbootError | None = None
    for platform in PLATFORMS:
        try:
            wanted = f"{origin.name} {condition}".strip()
            found[platform] = solve(origin.channel, wanted, platform, cache, is_offline=is_offline)
        except WorkError as error:
            failure = error
    if not found:
        assert failure is not None
        raise failure
    return release_of_conda(origin, found)


def release_of_conda(origin: CondaOrigin, found: dict[str, Solved]) -> Release:
    """Return the rows of the version that most platforms have, from the results by platform."""
    versions = [each.version for each in found.values()]
    version = max(dict.fromkeys(versions), key=versions.count)
    rows = {
        platform: ArtifactRow(
            source="conda",
            name=origin.name,
            version=version,
            files=tuple(map(_row, each.files)),
        )
        for platform, each in found.items()
        if each.version == version
    }
    missing = {
        platform: f"{origin.name} {version} has no package for {SUBDIRS[platform]} in {origin.channel}"
        for platform in PLATFORMS
        if platform not in rows
    }
    return Release.model_validate({"version": version, **rows, "unavailable": missing})


def _row(part: Part) -> PartRow:
    return PartRow(name=part.name, version=part.version, file=part.file, sha256=part.sha256, size=part.size)
