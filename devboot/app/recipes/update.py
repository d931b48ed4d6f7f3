"""`recipe update`: queries a recipe's sources, measures new files on all platforms, writes versions.toml."""

from __future__ import annotations

import os
import re
from collections.abc import Iterator, Mapping
from typing import Protocol

from devboot.clone_reader import read_text
from devboot.clone_writer import refuse_outside, replace_file
from devboot.errors import ManifestError, NetworkError, UsageError
from devboot.events import DONE, NOTE, START, Event, Reporter
from devboot.model.artifact import PLATFORMS, Artifact
from devboot.model.edge.artifacts import ArtifactRow, PartRow
from devboot.model.edge.recipe.recipe import Recipe, Release
from devboot.model.edge.recipe.source_tables import (
    AppOrigin,
    BuildOrigin,
    CondaOrigin,
    NpmOrigin,
    Origin,
    UpstreamOrigin,
    WheelOrigin,
)
from devboot.provision.objects.elf import tree_glibc_floor
from devboot.provision.objects.macho import tree_macos_floor
from devboot.provision.objects.mending import mend
from devboot.provision.objects.tree import clean_wheel_tree, drop_files, files_below, find_one
from devboot.recipes.versions_file import NO_FILE, NO_PACKAGE, add_release, release_of
from devboot.record import Record
from devboot.resolve.packages import layout_of
from devboot.resolve.source import Source
from devboot.scratch import scratch_folder
from devboot.sources.program_version import ask_program
from devboot.sources.wheel_files import best_wheels
from devboot.uv.client import Uv
from devboot.uv.listing import list_files

PYTHONS = ("3.13", "3.12", "3.11", "3.10", "3.9")
_VERSION = re.compile(r"\d+(?:\.\d+)+")


class Listed(Record):
    """The files of one version from a source, by platform; minimum versions of libc and macOS aren't measured yet."""

    name: str
    version: str
    files: Mapping[str, Artifact]


class UpdateOptions(Record):
    """Options of `recipe update`.

    `requirement` is a source's name, with `==VERSION` or another condition, "" for the newest of all sources; `version`
    the product's, if no program can print it here; `exclude_newer` a date or a span such as `7 days`.
    """

    requirement: str = ""
    version: str = ""
    exclude_newer: str = ""


class Updated(Record):
    """Result of `recipe update`: `path` is versions.toml; `added` are its new (version, platforms)."""

    path: str
    added: tuple[tuple[str, tuple[str, ...]], ...]


Listable = WheelOrigin | AppOrigin | CondaOrigin | NpmOrigin | UpstreamOrigin


class Listing(Protocol):
    """Lists the releases of one kind of source."""

    def listed(self, origin: Listable, condition: str, exclude_newer: str) -> Listed | Release:
        """Return the newest release that meets a condition (`==1.2`, "" for none).

        Returns rows of versions.toml if nothing is to be measured. Raises NetworkError.
        """


class WheelListing:
    """Queries the package indexes configured for uv and pip."""

    def __init__(self, uv: Uv, python: str) -> None:
        self._uv = uv
        self._python = python

    def listed(self, origin: Listable, condition: str, exclude_newer: str) -> Listed:
        """Return the files of the newest release that meets a condition; see `Listing`.

        Also raises `python/resolution`.
        """
        found = list_files(
            self._uv,
            origin.name + condition,
            python=self._python,
            python_versions=PYTHONS,
            exclude_newer=exclude_newer,
        )
        files = {
            platform: Artifact("wheel", found.name, found.version, wheel.name, wheel.sha256, wheel.size)
            for platform, wheel in best_wheels(found.wheels).items()
        }
        return Listed(origin.name, found.version, files)


def update_recipe(
    recipe: Recipe,
    folder: str,
    wish: UpdateOptions,
    listings: Mapping[str, Listing],
    sources: Mapping[str, Source],
    here: str,
    reporter: Reporter,
) -> Updated:
    """Write new versions into `folder`/versions.toml; `here` is this machine's platform.

    `listings` and `sources` are keyed by the kind of source.

    Raises UsageError for an unknown source, ManifestError `recipe/…`, and the errors of listing and fetching;
    MachineError `machine/leads-outside` before anything is fetched.
    """
    path = os.path.join(folder, "versions.toml")
    root = os.path.dirname(os.path.dirname(folder))
    refuse_outside(path, root)
    text = before = _read(path)
    added = []
    for origin, condition in _asked(recipe, wish.requirement):
        reporter.emit(Event(START, origin.name, "asking for its files"))
        found = listings[origin.kind].listed(origin, condition, wish.exclude_newer)
        if isinstance(found, Release):
            release = found
        else:
            release = _measured(recipe, origin, found, wish, sources[origin.kind], here, reporter)
        after = add_release(text, path, release)
        if after != text:
            added.append((release.version, tuple(release.rows())))
        text = after
        reporter.emit(Event(DONE, origin.name, f"{found.version} is {recipe.package.name} {release.version}"))
    if text != before:
        replace_file(path, root, text)
    return Updated(path, tuple(added))


def _asked(recipe: Recipe, requirement: str) -> Iterator[tuple[Listable, str]]:
    """Yield (source, condition) for each source to query: the typed one, or all that have a list of versions."""
    name = re.split(r"[=<>!~]", requirement, maxsplit=1)[0].strip()
    listable = [origin for origin in recipe.source if isinstance(origin, Listable)]
    chosen = [origin for origin in listable if name in ("", origin.name, *getattr(origin, "names", ()))]
    if requirement == name == "":  # an upstream has no list of versions: it is only queried if there is no other source
        chosen = [origin for origin in chosen if not isinstance(origin, UpstreamOrigin)] or chosen
    if not chosen:
        there = ", ".join(f"`{origin.name}`" for origin in listable)
        raise UsageError(
            "usage/unknown-name",
            f"`{recipe.package.name}` has no source `{name}` that lists its files",
            help=[f"its sources are {there}" if there else "devboot explain usage/unknown-name"],
        )
    return ((origin, requirement[len(name) :].replace(" ", "")) for origin in chosen)


def _measured(
    recipe: Recipe, origin: Listable, found: Listed, wish: UpdateOptions, source: Source, here: str, reporter: Reporter
) -> Release:
    rows, said = {}, wish.version
    for platform in PLATFORMS:
        if platform not in found.files:
            continue
        artifact = found.files[platform]
        if isinstance(origin, BuildOrigin):  # the result depends on the machine that builds it
            rows[platform], said = _row(origin, artifact), said or found.version
            continue
        with scratch_folder() as place:
            tree = os.path.join(place, "tree")
            os.mkdir(tree)
            source.fetch(artifact, platform, tree)
            rows[platform] = measure(tree, origin, artifact)
            if platform == here and not said:
                mend(tree, layout_of(origin, recipe.test.version), tree)
                said = version_of(recipe, origin, tree)
        reporter.emit(Event(NOTE, origin.name, f"{platform} {_needs(rows[platform])}"))
    if not rows:
        raise _nothing_there(recipe, found)
    if not said:
        raise _unknown_version(recipe, found)
    reason = f"{found.name}=={found.version} {NO_FILE if origin.kind == 'wheel' else NO_PACKAGE}"
    return release_of(said, rows, {platform: reason for platform in PLATFORMS if platform not in rows})


def measure(tree: str, origin: Origin, artifact: Artifact) -> ArtifactRow:
    """Return the row for an artifact unpacked into `tree`; first delete the files that the recipe drops.

    Raises IntegrityError `archive/wrong-layout` if a program isn't where the recipe has it.
    """
    # an index in HTML tells no sizes; that of the files is near enough for people
    size = artifact.size or sum(os.lstat(os.path.join(tree, name)).st_size for name in files_below(tree))
    drop_files(tree, origin.drop)
    if artifact.source == "wheel" or artifact.wheels:
        clean_wheel_tree(tree)
    for pattern in origin.bin.values():
        find_one(tree, pattern)
    glibc, macos = tree_glibc_floor(tree), tree_macos_floor(tree)
    return _row(origin, artifact._replace(size=size, glibc=_floor(glibc), macos=_floor(macos)))


def _row(origin: Origin, artifact: Artifact) -> ArtifactRow:
    kind = getattr(origin, "kind", "wheel")
    parts = tuple(PartRow(**part._asdict()) for part in artifact.files)
    return ArtifactRow(
        source=kind,
        name=artifact.name,
        version=artifact.version,
        file=artifact.file,
        sha256=None if parts else artifact.sha256,
        size=artifact.size,
        files=parts,
        glibc=artifact.glibc,
        macos=artifact.macos,
    )


def version_of(recipe: Recipe, origin: Origin, tree: str) -> str:
    """Return the version that the source's first program prints; "" if it doesn't run or prints none."""
    program = os.path.join(tree, find_one(tree, next(iter(origin.bin.values()))))
    os.chmod(program, 0o755)  # noqa: S103  a program
    try:
        answer = ask_program(program, recipe.test.version, tree)
    except OSError:
        return ""
    if answer is None or answer.code:
        return ""
    found = _VERSION.search(answer.stdout) or _VERSION.search(answer.stderr)
    return found[0] if found else ""


def _floor(floor: tuple[int, int] | None) -> str:
    return f"{floor[0]}.{floor[1]}" if floor else ""


def _needs(row: ArtifactRow) -> str:
    size = f"{row.size / 1_000_000:.1f} MB"
    if row.glibc or row.macos:
        return f"needs {f'glibc {row.glibc}' if row.glibc else f'macOS {row.macos}'}, {size}"
    return f"needs nothing, {size}"


def _read(path: str) -> str:
    try:
        return read_text(path)
    except FileNotFoundError:
        return ""


def _nothing_there(recipe: Recipe, found: Listed) -> NetworkError:
    return NetworkError(
        "recipe/no-files",
        f"{found.name} {found.version} has no wheel for any platform of devboot",
        causes=["only wheels with a platform in their name hold programs"],
        help=[f"another version: devboot recipe update {recipe.package.name} '{found.name}==VERSION'"],
    )


def _unknown_version(recipe: Recipe, found: Listed) -> ManifestError:
    return ManifestError(
        "recipe/version-unknown",
        f"the version of {recipe.package.name} in {found.name} {found.version} can't be determined here",
        causes=["its program doesn't run on this machine, or `[test] version` is not the right flag"],
        help=[f"devboot recipe update {recipe.package.name} {found.name}=={found.version} --as VERSION"],
    )
