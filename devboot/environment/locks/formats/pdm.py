"""Reads pdm.lock of format 4 with pdm's default strategy `inherit_metadata`, where packages have groups and markers."""

from __future__ import annotations

import tomllib
from collections.abc import Iterable, Mapping
from typing import Any

from devboot.clone_reader import parse_toml
from devboot.environment.locks.pins import EDITABLE, FILE, FOLDER, GIT, URL, Direct, Pin, Pins, normalised

DEFAULT = "default"
INHERITED = "inherit_metadata"


def says_everything(text: str) -> bool:
    """Return whether each package in a pdm.lock has its groups and marker; without them only pdm can read the lock."""
    try:
        metadata = parse_toml(text).get("metadata", {})
    except tomllib.TOMLDecodeError:
        return True  # the parser has the better message
    return INHERITED in metadata.get("strategy", ()) or not metadata


def parse_pdm_lock(
    text: str,
    *,
    pyproject: str = "",
    groups: Iterable[str] | None = None,
    extras: Iterable[str] = (),
    base: str = "",
    file: str = "pdm.lock",
) -> Pins:
    """Convert a pdm.lock.

    Args:
        text: the lock.
        pyproject: the text of the pyproject.toml beside it, which names the development groups.
        groups: dependency groups; None for all that are for development, as pdm installs them.
        extras: optional dependencies.
        base: the folder that its relative paths count from.
        file: its name in the result.

    Raises:
        ValueError: the text is no pdm.lock of format 4, or one without groups and markers.

    """
    try:
        table = parse_toml(text)
        metadata = table["metadata"]
        if not str(metadata["lock_version"]).startswith("4."):
            raise ValueError(f"{file} has lock_version {metadata['lock_version']}, devboot reads 4")
        if INHERITED not in metadata.get("strategy", ()):
            raise ValueError(f"{file} was written without `{INHERITED}`, so only pdm can tell what belongs to what")
        chosen = _chosen(metadata, pyproject, groups, extras)
        pins: dict[tuple[str, str, str], Pin] = {}
        directs: dict[str, Direct] = {}
        for package in table.get("package", ()):
            if chosen & {normalised(group) for group in package.get("groups", ())}:
                _convert(package, base, file, pins, directs)
        targets = metadata.get("targets", ())
        python = next((each["requires_python"] for each in targets if each.get("requires_python")), "")
        return Pins((file,), tuple(pins.values()), tuple(directs.values()), python=python)
    except (AttributeError, TypeError, KeyError) as error:
        raise ValueError(f"{file} has a form that devboot doesn't know") from error


def _chosen(
    metadata: Mapping[str, Any], pyproject: str, groups: Iterable[str] | None, extras: Iterable[str]
) -> set[str]:
    wanted = _development(pyproject) if groups is None else {normalised(group) for group in groups}
    locked = {normalised(group) for group in metadata.get("groups", ())}
    return {DEFAULT, *(wanted & locked), *(normalised(extra) for extra in extras)}


def _development(pyproject: str) -> set[str]:
    """Return the names of the development groups that pdm installs by default, from both tables of pyproject.toml."""
    table = parse_toml(pyproject) if pyproject else {}
    own = table.get("tool", {}).get("pdm", {}).get("dev-dependencies", {})
    return {normalised(group) for group in (*own, *table.get("dependency-groups", {}))}


def _convert(
    package: Mapping[str, Any],
    base: str,
    file: str,
    pins: dict[tuple[str, str, str], Pin],
    directs: dict[str, Direct],
) -> None:
    name, marker = normalised(package["name"]), package.get("marker", "")
    if direct := _direct(name, package, marker, base, file):
        directs.setdefault(name, direct)
        return
    # A package with extras stands there once more, with the same files; what the extras need are packages of their own.
    key = (name, package["version"], "" if package.get("extras") else marker)
    files = package.get("files", ())
    hashes = tuple(sorted(each["hash"] for each in files if each["hash"].startswith("sha256:")))
    names = tuple(sorted(str(each.get("file") or each.get("url", "")).rpartition("/")[2] for each in files))
    if package.get("extras") and any((known[0], known[1]) == key[:2] for known in pins):
        return
    if not package.get("extras"):
        pins.pop((name, package["version"], ""), None)
    pins[key] = Pin(name, package["version"], marker, (), hashes, names)


def _direct(name: str, package: Mapping[str, Any], marker: str, base: str, file: str) -> Direct | None:
    common: dict[str, Any] = {"marker": marker, "subdirectory": package.get("subdirectory", ""), "file": file}
    if address := package.get("git"):
        return Direct(GIT, f"git+{address}", base, name, commit=package["revision"], **common)
    if path := package.get("path"):
        is_file = path.endswith((".whl", ".tar.gz", ".zip"))
        kind = EDITABLE if package.get("editable") else FILE if is_file else FOLDER
        return Direct(kind, path, base, name, **common)
    if url := package.get("url"):
        hashes = tuple(each["hash"] for each in package.get("files", ()))
        return Direct(URL, url, base, name, hashes=hashes, **common)
    return None
