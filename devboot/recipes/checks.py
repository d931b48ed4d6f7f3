"""Checks of a recipe that need no network and execute nothing."""

from __future__ import annotations

import os
from collections.abc import Iterator

from devboot.clone_reader import read_text
from devboot.model.artifact import PLATFORMS
from devboot.recipes.folders import LISTED_ELSEWHERE, KnownRecipe

UNKNOWN = "?"  # placeholder in a generated recipe, to be filled in by its author
_MOST_LINES = 120  # of recipe.toml: it is read by people


def complaints(known: KnownRecipe) -> tuple[str, ...]:
    """Return the problems of a recipe and its versions, in words; empty if there are none."""
    return (*_about_words(known), *_about_versions(known), *_about_text(known))


def _about_words(known: KnownRecipe) -> Iterator[str]:
    package = known.recipe.package
    if package.description == UNKNOWN:
        yield f"`description` still says `{UNKNOWN}`"
    if UNKNOWN in package.licenses.values():
        yield f"`licenses` still says `{UNKNOWN}`"
    for origin in known.recipe.source:
        if getattr(origin, "publisher", None) == UNKNOWN:
            yield f"`publisher` of a [[source]] still says `{UNKNOWN}`"


def _about_versions(known: KnownRecipe) -> Iterator[str]:
    if not known.releases and not any(origin.kind in LISTED_ELSEWHERE for origin in known.recipe.source):
        yield "versions.toml has no version"
    for release in known.releases:
        version, rows = release.version, release.rows()
        if not _has_licence(known, version):
            yield f"`licenses` has none for version {version}"
        for platform in PLATFORMS:
            if platform not in rows and platform not in release.unavailable:
                yield f"version {version} has neither a file nor a reason for {platform}"
            if platform in rows and platform in release.unavailable:
                yield f"version {version} has both a file and a reason for its absence for {platform}"
        for row in rows.values():
            origin = known.origin(row.source, row.name)
            if origin is None:
                yield f"version {version} is from {row.source} `{row.name}`, which is not a [[source]]"
            elif not origin.bin and not origin.shims:
                yield f"[[source]] `{row.name}` names no program in `bin`"


def _has_licence(known: KnownRecipe, version: str) -> bool:
    keys = known.recipe.package.licenses
    return any(key in ("*", version) or version.startswith(key + ".") for key in keys)


def _about_text(known: KnownRecipe) -> Iterator[str]:
    path = os.path.join(known.folder, "recipe.toml")
    lines = read_text(path).splitlines()
    if len(lines) > _MOST_LINES:
        yield f"recipe.toml has {len(lines)} lines, more than {_MOST_LINES}"
    service = known.recipe.service
    if service is None:
        return
    programs = {name for origin in known.recipe.source for name in (*origin.bin, *origin.shims)}
    if os.path.basename(service.command[0]) not in programs:
        yield f"`{service.command[0]}` of [service] is not a program of a [[source]]"
    ready = service.ready
    if not (ready.tcp or ready.http or ready.exec or ready.log):
        yield "[service.ready] has no probe"
