"""Lists an upstream's files of one version: downloads each address in the recipe to compute its digest."""

from __future__ import annotations

from collections.abc import Mapping

from devboot.app.recipes.update import Listable, Listed
from devboot.errors import NetworkError, UsageError
from devboot.model.artifact import PLATFORMS, Artifact
from devboot.model.edge.recipe.source_tables import BuildOrigin, UpstreamOrigin
from devboot.sources.archive import MIRROR, mirrored
from devboot.sources.transfers.download import Downloads
from devboot.sources.transfers.transfer import Download

_NOT_THERE = ("-404", "-410")  # how the slugs of such answers end


class ArchiveListing:
    """Downloads files from the addresses of a recipe, by the mirrors that `environ` configures."""

    def __init__(self, downloads: Downloads, environ: Mapping[str, str]) -> None:
        self._downloads = downloads
        self._mirrors = environ.get(MIRROR, "")

    def listed(self, origin: Listable, condition: str, exclude_newer: str) -> Listed:
        """Return the files of the version in the condition `==VERSION`, since an upstream has no list of versions.

        A platform whose address isn't found has no file. Raises UsageError, NetworkError.
        """
        assert isinstance(origin, UpstreamOrigin)
        version = condition.removeprefix("==")
        if exclude_newer or version in ("", condition) or "{file}" in origin.url:
            raise UsageError(
                "usage/argument",
                "an upstream source needs a version, and an address without `{file}`",
                help=[f"devboot recipe update NAME {origin.name}==VERSION"],
            )
        addresses = {platform: origin.address(version, platform, "") for platform in origin.platforms or PLATFORMS}
        measured = {url: self._measured(origin, version, url) for url in dict.fromkeys(addresses.values())}
        building = origin.building if isinstance(origin, BuildOrigin) else None
        files = {
            platform: Artifact(
                origin.kind,
                origin.name,
                version,
                url.partition("?")[0].rpartition("/")[2],
                found.sha256,
                found.size,
                address=url,
                building=building,
            )
            for platform, url in addresses.items()
            if (found := measured[url]) is not None
        }
        return Listed(origin.name, version, files)

    def _measured(self, origin: UpstreamOrigin, version: str, url: str) -> Download | None:
        there = mirrored(url, self._mirrors, "the recipe")
        try:
            return self._downloads.measure(
                Download(there.url, "", -1, f"{origin.name} {version}", origin.name, there.said_by)
            )
        except NetworkError as error:
            if error.slug.endswith(_NOT_THERE):
                return None
            raise
