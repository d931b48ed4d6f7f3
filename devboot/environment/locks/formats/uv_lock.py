"""Reads uv.lock by `uv export`, as requirement lines, which have no URLs."""

from __future__ import annotations

import os
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import replace
from itertools import chain
from typing import Any

from packaging.requirements import InvalidRequirement, Requirement
from packaging.specifiers import SpecifierSet

from devboot.clone_reader import exists, read_bytes, read_toml
from devboot.environment.locks.indexes import explicit_indexes
from devboot.environment.locks.pins import Pins, normalised
from devboot.environment.locks.project_toml import parse_project_toml
from devboot.environment.locks.requirements import RequirementsFile, load_requirements, pins_of_locked
from devboot.uv.client import Uv
from devboot.uv.packages import export_uv_lock


def read_uv_lock(
    uv: Uv, folder: str, root: str, *, groups: Sequence[str] | None = None, extras: Sequence[str] = ()
) -> Pins:
    """Convert the uv.lock that belongs to the pyproject.toml in a folder; it may be further up, in a workspace.

    Args:
        uv: the uv to call.
        folder: the folder of the pyproject.toml.
        root: the project's root.
        groups: dependency groups; None for those that uv installs by default.
        extras: the project's extras.

    Raises:
        DevbootError: uv can't read it; `python/requirements-syntax`, its pyproject.toml isn't valid.

    """
    table = _project(folder, root)
    lock = find_lock(folder, root)
    text = export_uv_lock(
        uv.inside(folder),
        groups=_chosen(table, groups),
        extras=extras,
        every_package="project" not in table and "workspace" in table.get("tool", {}).get("uv", {}),
    )
    file = os.path.relpath(lock, root)
    pins = pins_of_locked(_parsed(text, folder, file), file)
    content = _table(lock)
    files = _files(content.get("package", ()))
    named = tuple(replace(pin, files=files.get((pin.name, pin.version), ())) for pin in pins.pins)
    root_table = _project(os.path.dirname(lock), root)
    return replace(
        pins,
        pins=named,
        python=content.get("requires-python", ""),
        indexes=tuple(explicit_indexes({**root_table, **table}, "pyproject.toml")),
        stale=stale(content, table, file),
    )


def stale(lock: Mapping[str, Any], pyproject: Mapping[str, Any], file: str) -> str:
    """Return a sentence if uv.lock was made from other dependencies than pyproject.toml has; "" if it fits.

    Names and versions in the lock's entry of this package are compared, as far as both are written down.
    """
    project = pyproject.get("project", {})
    name = normalised(project.get("name", ""))
    own = next((each for each in lock.get("package", ()) if normalised(each["name"]) == name), None)
    if own is None or "dependencies" in project.get("dynamic", ()):
        return ""
    recorded = {_recorded(each) for each in own.get("metadata", {}).get("requires-dist", ())}
    lines = [*project.get("dependencies", ()), *chain(*project.get("optional-dependencies", {}).values())]
    try:
        wanted = {_wanted(Requirement(line)) for line in lines}
    except (InvalidRequirement, RecursionError):
        return ""
    placed = {each for each, specifier in recorded if specifier == "*"}
    same = {row for row in wanted if row[0] not in placed} | {row for row in recorded if row[1] == "*"}
    return "" if same == recorded else f"{file} is older than its pyproject.toml"


def _recorded(entry: Mapping[str, Any]) -> tuple[str, str]:
    # A package with a source of its own has no specifier in the lock.
    has_source = any(key in entry for key in ("git", "url", "path", "directory", "editable", "virtual"))
    return normalised(entry["name"]), "*" if has_source else str(SpecifierSet(entry.get("specifier", "")))


def _wanted(requirement: Requirement) -> tuple[str, str]:
    return normalised(requirement.name), str(requirement.specifier)


def find_lock(folder: str, root: str) -> str:
    """Return the path of the nearest uv.lock in `folder` or above, up to `root`; "" if there is none."""
    place = folder
    while not exists(os.path.join(place, "uv.lock")) and place.startswith(root.rstrip("/") + "/"):
        place = os.path.dirname(place)
    return os.path.join(place, "uv.lock")


def _parsed(text: str, folder: str, file: str) -> RequirementsFile:
    found = load_requirements(os.path.join(folder, "uv.lock"), folder, lambda _: text.encode(), {})
    found.directs = [replace(direct, base=folder, file=file, line=0) for direct in found.directs]
    return found


def _chosen(table: Mapping[str, Any], groups: Sequence[str] | None) -> Sequence[str] | None:
    """Return the dependency groups to pass to uv, without unknown ones, which uv refuses; None for uv's default.

    A project without dependencies of its own that keeps everything in groups gets all groups.
    """
    known = {normalised(name): name for name in table.get("dependency-groups", {})}
    if "dev-dependencies" in table.get("tool", {}).get("uv", {}):
        known.setdefault("dev", "dev")
    if groups is not None:
        return [known[normalised(name)] for name in groups if normalised(name) in known]
    has_own = table.get("project", {}).get("dependencies") or "dev" in known
    is_configured = "default-groups" in table.get("tool", {}).get("uv", {})
    return None if has_own or is_configured or not known else list(known.values())


def _files(packages: Iterable[Mapping[str, Any]]) -> dict[tuple[str, str], tuple[str, ...]]:
    found = {}
    for package in packages:
        files = [*package.get("wheels", ()), *([package["sdist"]] if "sdist" in package else [])]
        names = (str(each.get("url") or each.get("path") or each.get("filename", "")) for each in files)
        found[(normalised(package["name"]), package.get("version", ""))] = tuple(
            sorted(name.rpartition("/")[2] for name in names)
        )
    return found


def _project(folder: str, root: str) -> dict[str, Any]:
    path = os.path.join(folder, "pyproject.toml")
    try:
        return parse_project_toml(read_bytes(path), os.path.relpath(path, root))[1]
    except OSError:
        return {}


def _table(path: str) -> dict[str, Any]:
    try:
        return read_toml(path)
    except (OSError, ValueError):
        return {}
