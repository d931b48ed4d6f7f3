"""Adds releases to the text of a versions.toml, newest first, leaving existing rows unchanged."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping

from devboot.model.artifact import PLATFORMS
from devboot.model.edge.artifacts import ArtifactRow
from devboot.model.edge.lockfile.lock import platform_lines
from devboot.model.edge.recipe.recipe import Release, parse_releases
from devboot.model.edge.toml.text import inline
from devboot.recipes.folders import version_key

HEADER = "# Written by `devboot recipe update`: rows are added, never edited.\n"
NO_FILE, NO_PACKAGE = "has no wheel for it", "has no package for it"  # endings of generated reasons
_START = re.compile(r"^\[\[version\]\]\s*$", re.MULTILINE)


def add_release(text: str, file: str, new: Release) -> str:
    """Return the text of a versions.toml with the release `new` added; an existing version gets missing platforms.

    `file` is the name of the file in messages; `text` may be empty. Raises Problems if it can't be parsed.
    """
    releases = parse_releases(text, file).version if text.strip() else ()
    blocks = dict(zip((release.version for release in releases), _blocks(text), strict=True))
    old = next((release for release in releases if release.version == new.version), None)
    merged = new if old is None else merge_releases(old, new)
    if merged != old:
        blocks[merged.version] = release_text(merged)
    ordered = sorted(blocks, key=version_key, reverse=True)
    return "\n".join([HEADER, *(blocks[version] for version in ordered)])


def merge_releases(old: Release, new: Release) -> Release:
    """Return `old` with the platforms of `new` that it lacks.

    A reason written by a person (the file exists, but doesn't run) is kept.
    """
    told = {platform for platform, reason in old.unavailable.items() if not reason.endswith((NO_FILE, NO_PACKAGE))}
    fresh = {
        platform: row
        for platform, row in new.rows().items()
        if platform not in told and not (row.source == "app" and old.pin)  # its pins are others than those that hold
    }
    rows: dict[str, ArtifactRow] = {**fresh, **old.rows()}
    reasons = {
        platform: old.unavailable.get(platform) or new.unavailable[platform]
        for platform in PLATFORMS
        if platform not in rows and (platform in old.unavailable or platform in new.unavailable)
    }
    return release_of(old.version, rows, reasons).model_copy(update={"pin": old.pin or new.pin})


def release_of(version: str, rows: Mapping[str, ArtifactRow], unavailable: Mapping[str, str]) -> Release:
    """Return a release with these artifacts by platform, and the reasons why other platforms have none."""
    return Release.model_validate({"version": version, **rows, "unavailable": dict(unavailable)})


def release_text(release: Release) -> str:
    """Return a release as lines of versions.toml."""
    lines = ["[[version]]", f"version = {inline(release.version)}", *platform_lines("version", release)]
    return "\n".join(lines) + "\n"


def _blocks(text: str) -> Iterable[str]:
    starts = [found.start() for found in _START.finditer(text)]
    for start, end in zip(starts, [*starts, len(text)][1:], strict=True):
        yield text[start:end].rstrip("\n") + "\n"
