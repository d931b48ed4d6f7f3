"""Reads poetry.lock of every version: 2.1 lists each package's groups, older ones need a walk over the dependencies."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from typing import Any

from devboot.clone_reader import parse_toml
from devboot.environment.locks.formats.poetry_project import PoetryProject, parse_poetry_project
from devboot.environment.locks.formats.poetry_versions import alternatives
from devboot.environment.locks.formats.poetry_walk import walk
from devboot.environment.locks.markers import (
    Expression,
    decide,
    disjoin,
    membership,
    parse_marker,
    render_marker,
)
from devboot.environment.locks.pins import EDITABLE, FILE, FOLDER, GIT, URL, Direct, IndexLine, Pin, Pins, normalised

MAIN = "main"


def parse_poetry_lock(
    text: str,
    *,
    pyproject: str = "",
    groups: Iterable[str] | None = None,
    extras: Iterable[str] = (),
    base: str = "",
    file: str = "poetry.lock",
) -> Pins:
    """Convert a poetry.lock.

    Args:
        text: the lock.
        pyproject: the text of its pyproject.toml, which defines the groups and extras.
        groups: groups besides the main one; None for all that aren't optional.
        extras: the project's extras.
        base: the folder that its relative paths count from.
        file: its name in the result.

    Raises:
        ValueError: the text is no poetry.lock.

    """
    try:
        lock = parse_toml(text)
        packages = lock.get("package", [])
        project = parse_poetry_project(pyproject)
        chosen = [MAIN, *(project.default_groups if groups is None else map(normalised, groups))]
        markers = _markers(lock, packages, project, chosen, [normalised(extra) for extra in extras])
        kept = [(package, marker) for package, marker in zip(packages, markers, strict=True) if marker is not False]
        old_hashes = lock.get("metadata", {}).get("files", {})
        directs = [_direct(package, render_marker(marker), base, file) for package, marker in kept]
        return Pins(
            inputs=(file,),
            pins=tuple(
                _pin(package, marker, old_hashes)
                for (package, marker), direct in zip(kept, directs, strict=True)
                if direct is None
            ),
            directs=tuple(direct for direct in directs if direct is not None),
            indexes=project.indexes or tuple(_legacy_indexes(packages, file)),
            python=_python(lock),
            stale=project.stale(lock, file),
        )
    except (AttributeError, TypeError, KeyError) as error:
        raise ValueError(f"{file} has a form that devboot doesn't know") from error


def _markers(
    lock: Mapping[str, Any],
    packages: list[dict[str, Any]],
    project: PoetryProject,
    groups: list[str],
    extras: list[str],
) -> list[Expression]:
    """Return for each package the condition for installing it: a marker, True (always) or False (never)."""
    if all("groups" in package for package in packages):
        return [_recorded(package, groups, extras) for package in packages]
    if project.is_known:
        return walk(packages, list(project.roots(groups, extras)))
    # Without pyproject.toml only the old lock's own flags are known: development or not, optional or not.
    wanted = ("main", "dev") if len(groups) > 1 else ("main",)
    names = {normalised(name) for extra in extras for name in lock.get("extras", {}).get(extra, ())}
    return [
        package.get("category", "main") in wanted
        and (not package.get("optional") or normalised(package["name"]) in names)
        for package in packages
    ]


def _recorded(package: Mapping[str, Any], groups: Iterable[str], extras: Iterable[str]) -> Expression:
    """Return the condition of a package in a lock of version 2.1: the markers of the chosen groups, joined by or."""
    own = {normalised(group) for group in package["groups"]}
    markers = package.get("markers", "")
    table = markers if isinstance(markers, dict) else dict.fromkeys(package["groups"], markers)
    by_group = {normalised(group): parse_marker(text) for group, text in table.items()}
    expression = disjoin(by_group.get(group, True) for group in groups if group in own)
    return decide(expression, membership(("extra",), extras))


def _pin(package: Mapping[str, Any], marker: Expression, old_hashes: Mapping[str, Any]) -> Pin:
    name = normalised(package["name"])
    files = package.get("files") or old_hashes.get(package["name"]) or old_hashes.get(name) or ()
    hashes = sorted({each["hash"] for each in files})
    names = tuple(sorted({each["file"] for each in files}))
    return Pin(name, package["version"], render_marker(marker), (), tuple(hashes), names)


def _direct(package: Mapping[str, Any], marker: str, base: str, file: str) -> Direct | None:
    source = package.get("source", {})
    kind, address = source.get("type", ""), source.get("url", "")
    name = normalised(package["name"])
    if kind == "git":
        commit = source.get("resolved_reference", "")
        return Direct(
            GIT,
            address if address.startswith("git+") else f"git+{_as_url(address)}",
            base,
            name,
            marker=marker,
            commit=commit,
            subdirectory=source.get("subdirectory", ""),
            file=file,
        )
    if kind == "directory":
        return Direct(EDITABLE if package.get("develop") else FOLDER, address, base, name, marker=marker, file=file)
    if kind in ("file", "url"):
        hashes = tuple(sorted({each["hash"] for each in package.get("files", ())}))
        return Direct(FILE if kind == "file" else URL, address, base, name, marker=marker, hashes=hashes, file=file)
    return None


def _as_url(address: str) -> str:
    """Convert git's short form `git@host:path` to an address that uv accepts."""
    if "://" in address or ":" not in address:
        return address
    host, _, path = address.partition(":")
    return f"ssh://{host}/{path}"


def _legacy_indexes(packages: Iterable[Mapping[str, Any]], file: str) -> Iterator[IndexLine]:
    urls = (package.get("source", {}) for package in packages)
    for url in dict.fromkeys(source["url"] for source in urls if source.get("type") == "legacy"):
        yield IndexLine("extra", url, file)


def _python(lock: Mapping[str, Any]) -> str:
    found = alternatives(lock.get("metadata", {}).get("python-versions", "*"))
    return found[0] if len(found) == 1 else ""
