"""Reads Pipfile.lock and Pipfile: pins of the default and develop groups, sources, the Python version, staleness."""

from __future__ import annotations

import hashlib
import json
import tomllib
from collections.abc import Iterable, Iterator, Mapping
from typing import Any

from devboot.clone_reader import parse_json, parse_toml
from devboot.environment.locks.markers import conjoin, parse_marker, render_marker
from devboot.environment.locks.pins import EDITABLE, FILE, FOLDER, GIT, URL, Direct, IndexLine, Pin, Pins, normalised

DEVELOP = "develop"


def parse_pipfile_lock(
    text: str,
    *,
    groups: Iterable[str] = (DEVELOP,),
    pipfile: str | None = None,
    base: str = "",
    file: str = "Pipfile.lock",
) -> Pins:
    """Convert a Pipfile.lock.

    Args:
        text: the lock.
        groups: the groups besides `default`; `dev` and `dev-packages` are other words for `develop`.
        pipfile: the text of the Pipfile, to tell whether the lock is stale.
        base: the folder that its relative paths count from.
        file: its name in the result.

    Raises:
        ValueError: the text is no Pipfile.lock.

    """
    try:
        table = parse_json(text)
        sections = ["default", *dict.fromkeys(_section(group) for group in groups)]
        entries = [entry for section in sections for entry in table.get(section, {}).items()]
        meta = table.get("_meta", {})
        pins: dict[str, Pin] = {}
        directs: dict[str, Direct] = {}
        for name, entry in entries:
            _convert(normalised(name), entry, base, file, pins, directs)
        return Pins(
            inputs=(file,),
            pins=tuple(pins.values()),
            directs=tuple(directs.values()),
            indexes=tuple(_sources(meta.get("sources", ()), file)),
            python=_python(meta.get("requires", {})),
            stale=_stale(meta, pipfile, file),
        )
    except (AttributeError, TypeError, KeyError) as error:
        raise ValueError(f"{file} has a form that devboot doesn't know") from error


def _section(group: str) -> str:
    return DEVELOP if group in ("dev", "dev-packages", DEVELOP) else group


def _convert(
    name: str, entry: dict[str, Any], base: str, file: str, pins: dict[str, Pin], directs: dict[str, Direct]
) -> None:
    """Add one entry of a Pipfile.lock to `pins` or `directs`; of a package in several groups the first entry counts."""
    if name in pins or name in directs:
        return
    version = entry.get("version", "")
    if direct := direct_of(name, entry, base, file):
        directs[name] = direct
    elif version.startswith("=="):
        extras = tuple(sorted(entry.get("extras", ())))
        hashes = tuple(entry.get("hashes", ()))
        pins[name] = Pin(name, version.lstrip("="), entry.get("markers", ""), extras, hashes)
    elif entry.get("markers"):
        # What doesn't apply where the lock was written stays unpinned there, and is a bare name for other platforms.
        pins[name] = Pin(name, "", entry["markers"])
    else:
        # pipenv loses the condition of `{version = "*", sys_platform = "…"}`, and then installs whatever is newest
        raise ValueError(f"it pins no version of `{name}`; a condition in the Pipfile has to be written as `markers`")


def direct_of(name: str, entry: Mapping[str, Any], base: str, file: str, line: int = 0) -> Direct | None:
    """Return the direct reference of an entry of Pipfile or Pipfile.lock; None for a package from an index."""
    common: dict[str, Any] = {
        "base": base,
        "extras": tuple(sorted(entry.get("extras", ()))),
        "marker": entry_marker(entry),
        "subdirectory": entry.get("subdirectory", ""),
        "file": file,
        "line": line,
    }
    if address := entry.get("git"):
        revision = entry.get("ref") or entry.get("rev") or entry.get("tag") or entry.get("branch") or ""
        commit = revision if len(revision) == 40 else ""
        reference = f"git+{address}" if not address.startswith("git+") else address
        return Direct(GIT, f"{reference}@{revision}" if revision else reference, name=name, commit=commit, **common)
    if path := entry.get("path"):
        # The name is left to the folder: pipenv's key for it may be a random word.
        return Direct(EDITABLE if entry.get("editable") else FOLDER, path, **common)
    if place := entry.get("file") or entry.get("uri"):
        hashes = tuple(entry.get("hashes", ()))
        if "://" in place and not place.startswith("file:"):
            return Direct(URL, place, name=name, hashes=hashes, **common)
        return Direct(EDITABLE if entry.get("editable") else FILE, place.removeprefix("file://"), **common)
    return None


def entry_marker(entry: Mapping[str, Any]) -> str:
    """Return the marker of an entry: its `markers` and keys such as `sys_platform = "== 'win32'"`."""
    parts = [parse_marker(entry.get("markers", ""))]
    parts += [parse_marker(f"{name} {entry[name]}") for name in _MARKER_KEYS if name in entry]
    return render_marker(conjoin(parts))


_MARKER_KEYS = (
    "os_name",
    "sys_platform",
    "platform_machine",
    "platform_python_implementation",
    "platform_release",
    "platform_system",
    "platform_version",
    "python_version",
    "python_full_version",
    "implementation_name",
    "implementation_version",
)


def _sources(sources: Iterable[Mapping[str, Any]], file: str) -> Iterator[IndexLine]:
    for position, source in enumerate(sources):
        yield IndexLine("default" if position == 0 else "extra", source["url"], file, name=source.get("name", ""))


def _python(requires: Mapping[str, str]) -> str:
    version = requires.get("python_full_version") or requires.get("python_version", "")
    return f"=={version}" if version.count(".") > 1 else f"=={version}.*" if version and version != "*" else ""


def pipfile_hash(pipfile: str) -> str:
    """Return the digest of a Pipfile that pipenv records in its lock: the sha256 of the tables as JSON.

    Raises:
        tomllib.TOMLDecodeError: it is no TOML.

    """
    table = parse_toml(pipfile)
    content: dict[str, Any] = {
        "_meta": {"sources": table.get("source", []), "requires": table.get("requires", {})},
        "default": table.get("packages", {}),
        DEVELOP: table.get("dev-packages", {}),
    }
    others = {"source", "requires", "packages", "dev-packages", "scripts", "pipenv", "pipfile", "default", DEVELOP}
    content.update({name: value for name, value in table.items() if name not in others})
    return hashlib.sha256(json.dumps(content, sort_keys=True, separators=(",", ":")).encode()).hexdigest()


def _stale(meta: Mapping[str, Any], pipfile: str | None, file: str) -> str:
    recorded = meta.get("hash", {}).get("sha256", "")
    if not pipfile or not recorded:
        return ""
    try:
        if "source" not in parse_toml(pipfile):
            return ""  # pipenv then digests an address of its own besides, which isn't ours to know
        return "" if pipfile_hash(pipfile) == recorded else f"{file} is older than its Pipfile"
    except tomllib.TOMLDecodeError:
        return ""
