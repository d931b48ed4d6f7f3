"""Lists the files of an npm package: downloads each, since registries don't publish sha256 digests."""

from __future__ import annotations

import hashlib
import os
from collections.abc import Mapping

from packaging.version import InvalidVersion, Version

from devboot.app.recipes.update import Listable, Listed, Listing
from devboot.errors import NetworkError, UsageError
from devboot.model.artifact import Artifact, Part, digest_of_parts
from devboot.model.edge.recipe.source_tables import NpmOrigin, WheelOrigin
from devboot.sources.npm import Published, Registry

_LARGEST = 400_000_000


class NpmListing:
    """Queries the npm registry configured for this user; `wheels` lists additional wheels of a recipe."""

    def __init__(self, registry: Registry, wheels: Listing) -> None:
        self._registry = registry
        self._wheels = wheels

    def listed(self, origin: Listable, condition: str, exclude_newer: str) -> Listed:
        """Return the newest version that all platforms have, or the one in the condition `==VERSION`.

        Raises UsageError for another condition, NetworkError.
        """
        assert isinstance(origin, NpmOrigin)
        if exclude_newer or (condition and not condition.startswith("==")):
            what = "`--exclude-newer` doesn't work for packages of npm" if exclude_newer else ""
            raise UsageError(
                "usage/argument",
                what or "an npm package can be updated to one version, or to the newest",
                help=[f"devboot recipe update NAME '{origin.name}==VERSION'"],
            )
        packages = {platform: origin.name_on(platform) for platform in origin.platforms}
        published = {name: self._registry.published(name, name) for name in packages.values() if name}
        version = condition.removeprefix("==") or _newest(origin, published)
        files = {
            platform: self._artifact(name, published[name][version])
            for platform, name in packages.items()
            if name and version in published[name]
        }
        return Listed(origin.name, version, self._with_wheels(origin, files))

    def _with_wheels(self, origin: NpmOrigin, files: Mapping[str, Artifact]) -> Mapping[str, Artifact]:
        """Return the files with the recipe's additional wheels; a platform without such a wheel is dropped."""
        for requirement in origin.wheels:
            name, _, version = requirement.partition("==")
            found = self._wheels.listed(WheelOrigin(kind="wheel", name=name), f"=={version}", "")
            assert isinstance(found, Listed)
            files = {
                platform: _together(file, found.files[platform])
                for platform, file in files.items()
                if platform in found.files
            }
        return files

    def _artifact(self, name: str, found: Published) -> Artifact:
        data = self._registry.tarball(name, found, most=_LARGEST)
        file = os.path.basename(found.tarball.partition("?")[0])
        return Artifact("npm", name, found.version, file, hashlib.sha256(data).hexdigest(), len(data))


def _together(file: Artifact, wheel: Artifact) -> Artifact:
    first = file.files or (Part(file.name, file.version, file.file, file.sha256, file.size),)
    parts = tuple(sorted((*first, Part(wheel.name, wheel.version, wheel.file, wheel.sha256, wheel.size))))
    size = sum(part.size for part in parts)
    return file._replace(file="", sha256=digest_of_parts(parts), size=size, files=parts)


def _newest(origin: NpmOrigin, published: dict[str, dict[str, Published]]) -> str:
    everywhere = set.intersection(*(set(versions) for versions in published.values()))
    stable = [version for text in everywhere if (version := _stable(text)) is not None]
    if not stable:
        raise NetworkError(
            "recipe/no-files",
            f"no version of {origin.name} has files for every platform",
            causes=[f"the recipe needs {', '.join(sorted(published))}"],
            help=[f"npm view {origin.name} versions   # what the registry has"],
        )
    return str(max(stable))


def _stable(text: str) -> Version | None:
    """Parse a version that isn't a prerelease, which npm marks by a hyphen; None otherwise."""
    try:
        found = Version(text)
    except InvalidVersion:
        return None
    return None if found.is_prerelease or "-" in text or "+" in text else found
