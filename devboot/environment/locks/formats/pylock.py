"""Reads pylock.toml, the standardised lock: names, versions, markers and hashes; its URLs are ignored."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

from devboot.clone_reader import parse_toml
from devboot.environment.locks.markers import Expression, decide, membership, parse_marker, render_marker
from devboot.environment.locks.pins import EDITABLE, FILE, FOLDER, GIT, URL, Direct, Pin, Pins, normalised


def parse_pylock(
    text: str,
    *,
    groups: Iterable[str] | None = None,
    extras: Iterable[str] = (),
    base: str = "",
    file: str = "pylock.toml",
) -> Pins:
    """Convert a pylock.toml.

    Args:
        text: the lock.
        groups: dependency groups; None for those that the lock calls its default.
        extras: optional dependencies.
        base: the folder that its relative paths count from.
        file: its name in the result.

    Raises:
        ValueError: the text is no pylock.toml of version 1.

    """
    try:
        table = parse_toml(text)
        if not str(table["lock-version"]).startswith("1."):
            raise ValueError(f"{file} has lock-version {table['lock-version']}, devboot reads 1")
        chosen = {normalised(name) for name in (table.get("default-groups", ()) if groups is None else groups)}
        given = {normalised(name) for name in extras}
        pins, directs = list[Pin](), list[Direct]()
        for package in table.get("packages", ()):
            _convert(package, _marker(package, chosen, given), base, file, pins, directs)
        return Pins((file,), tuple(pins), tuple(directs), python=table.get("requires-python", ""))
    except (AttributeError, TypeError, KeyError) as error:
        raise ValueError(f"{file} has a form that devboot doesn't know") from error


def _marker(package: Mapping[str, Any], groups: set[str], extras: set[str]) -> Expression:
    expression = parse_marker(package.get("marker", ""))
    expression = decide(expression, membership(("dependency_groups",), groups))
    return decide(expression, membership(("extras", "extra"), extras))


def _convert(
    package: Mapping[str, Any], marker: Expression, base: str, file: str, pins: list[Pin], directs: list[Direct]
) -> None:
    if marker is False:
        return
    name = normalised(package["name"])
    if direct := _direct(name, package, render_marker(marker), base, file):
        directs.append(direct)
        return
    files = [*package.get("wheels", ()), *([package["sdist"]] if "sdist" in package else [])]
    hashes = {f"sha256:{each['hashes']['sha256']}" for each in files if "sha256" in each["hashes"]}
    names = tuple(sorted(_file_name(each) for each in files))
    pins.append(Pin(name, package["version"], render_marker(marker), (), tuple(sorted(hashes)), names))


def _file_name(file: Mapping[str, Any]) -> str:
    return str(file.get("name") or file.get("url") or file.get("path", "")).rpartition("/")[2].partition("#")[0]


def _direct(name: str, package: Mapping[str, Any], marker: str, base: str, file: str) -> Direct | None:
    if vcs := package.get("vcs"):
        address = vcs.get("url") or vcs.get("path", "")
        return Direct(
            GIT,
            f"{vcs['type']}+{address}",
            base,
            name,
            marker=marker,
            commit=vcs["commit-id"],
            subdirectory=vcs.get("subdirectory", ""),
            file=file,
        )
    if folder := package.get("directory"):
        kind = EDITABLE if folder.get("editable") else FOLDER
        return Direct(kind, folder["path"], base, name, marker=marker, file=file)
    if archive := package.get("archive"):
        hashes = tuple(f"{kind}:{digest}" for kind, digest in archive.get("hashes", {}).items())
        kind, reference = (URL, archive["url"]) if "url" in archive else (FILE, archive["path"])
        return Direct(kind, reference, base, name, marker=marker, hashes=hashes, file=file)
    return None
