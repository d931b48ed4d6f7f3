"""Reads compose files into their services: resolves `include` and `extends`, and records unreadable places."""

from __future__ import annotations

import posixpath
import re
from collections.abc import Iterator, Mapping
from typing import Any, NamedTuple

from devboot.onboarding.proposal_values import Evidence
from devboot.onboarding.reading.tree import Tree, line_of
from devboot.onboarding.reading.yaml import Fault, OverrideList, OverrideTable, Reset, parse_yaml

FILES = re.compile(
    r"^(?:docker-)?compose(?:[.-][\w.-]+)?\.ya?ml$|^(?:local|dev|development)\.ya?ml$|^docker-compose[\w.-]*\.ya?ml$"
)
NOT_OURS = re.compile(r"prod|staging|test|ci\b|deploy|swarm|traefik|selenium", re.IGNORECASE)
_MOST_SERVICES = 100  # of all files
_MOST_INCLUDES = 100  # of all files
_MOST_STEPS = 10  # nested includes, and nested `extends`
_REPLACED = ("command", "entrypoint")  # by a service that extends another; other keys are merged


class Entry(NamedTuple):
    """A service as it is written in one compose file."""

    name: str
    values: Mapping[str, Any]
    path: str
    line: int


class Unread(NamedTuple):
    """A part of a compose file that can't be read, and its place."""

    text: str
    place: Evidence


class ComposeFiles:
    """The compose files for development in some folders, or those in `paths`, and the files that they include."""

    def __init__(self, tree: Tree, folders: tuple[str, ...], paths: tuple[str, ...] = ()) -> None:
        self.tree = tree
        self._documents: dict[str, Mapping[str, Any]] = {}
        self._lines: dict[tuple[str, str], int] = {}
        self._added: set[str] = set()
        self._includes = 0
        self.unread: list[Unread] = []
        self.tops: list[tuple[str, Mapping[str, Any]]] = []  # path and document, in reading order
        for path in paths or sorted(dict.fromkeys(_paths(tree, folders)), key=len):
            self._add(path, 0)

    def services(self) -> Iterator[Entry]:
        """Yield the services of all files, beginning with the files with the shortest names."""
        count = 0
        for path, document in self.tops:
            for name, values in _table(document, "services").items():
                line = self._line(path, str(name))
                count += 1
                if count > _MOST_SERVICES:
                    self._complain(f"compose: only the first {_MOST_SERVICES} services are read", path, line)
                    return
                if isinstance(values, dict):
                    yield Entry(str(name), self._extended(path, values, 0), path, line)
                else:
                    self._complain(f"compose: `{name}` isn't a table of keys, so it is ignored", path, line)

    def merged_services(self) -> Iterator[Entry]:
        """Yield each service once, with later files merged into earlier ones, as compose merges override files."""
        found: dict[str, Entry] = {}
        for entry in self.services():
            known = found.get(entry.name)
            if known is not None:
                entry = known._replace(values=_merged(known.values, entry.values))  # noqa: PLW2901
            found[entry.name] = entry
        for entry in found.values():
            mounts = entry.values.get("volumes")
            if isinstance(mounts, list):  # a folder of the container has one mount, the last one
                unique = {_target(each): each for each in mounts}
                yield entry._replace(values={**entry.values, "volumes": [*unique.values()]})
            else:
                yield entry

    def _add(self, path: str, steps: int) -> None:
        if steps > _MOST_STEPS or path in self._added:
            return
        self._added.add(path)
        document = self._document(path)
        self.tops.append((path, document))
        for inner in _included(document):
            self._includes += 1
            if self._includes > _MOST_INCLUDES:
                if self._includes == _MOST_INCLUDES + 1:
                    text = f"compose: only the first {_MOST_INCLUDES} includes are read"
                    self._complain(text, path, self._line(path, "include"))
                return
            self._include(path, inner, steps)

    def _include(self, path: str, inner: str, steps: int) -> None:
        found = posixpath.normpath(posixpath.join(posixpath.dirname(path), inner))
        if self.tree.exists(found):
            self._add(found, steps + 1)
        else:
            self._complain(f"compose: `{inner}` is included but not in the clone", path, self._line(path, "include"))

    def _document(self, path: str) -> Mapping[str, Any]:
        if path not in self._documents:
            text = self.tree.text(path)
            faults: list[Fault] = []
            found = parse_yaml(text or "", faults)
            self._documents[path] = found if isinstance(found, dict) else {}
            for fault in faults:
                much = "compose: the file repeats or nests too much, so it is ignored"
                wrong = "compose: this line isn't YAML, so part of the file may be ignored"
                self._complain(wrong if fault.line else much, path, fault.line or 1)
            if text is None:
                self._complain("compose: the file can't be read, so it is ignored", path, 0)
            elif not faults and not isinstance(found, dict | None):
                self._complain("compose: the file isn't a table of keys, so it is ignored", path, 1)
            elif not faults and not isinstance(self._documents[path].get("services"), dict | None):
                line = self._line(path, "services")
                self._complain("compose: `services` isn't a table of services, so it is ignored", path, line)
        return self._documents[path]

    def _extended(self, path: str, values: Mapping[str, Any], steps: int) -> Mapping[str, Any]:
        given = values.get("extends")
        name = given.get("service") if isinstance(given, dict) else given
        if not isinstance(name, str) or steps > _MOST_STEPS:
            return values
        file = given.get("file") if isinstance(given, dict) else None
        other = posixpath.normpath(posixpath.join(posixpath.dirname(path), str(file))) if file else path
        base = _table(self._document(other), "services").get(name) if self.tree.exists(other) else None
        if not isinstance(base, dict):
            where = f" of `{file}`" if file else ""
            line = self._line(path, "extends")
            self._complain(
                f"compose: the service `{name}`{where}, which another one extends, doesn't exist", path, line
            )
            return values
        inherited = self._extended(other, base, steps + 1)
        way = posixpath.relpath(posixpath.dirname(other) or ".", posixpath.dirname(path) or ".")
        return _merged(_seen_from(inherited, way), values)

    def _complain(self, text: str, path: str, line: int) -> None:
        self.unread.append(Unread(text, Evidence(path, line)))

    def _line(self, path: str, name: str) -> int:
        if (path, name) not in self._lines:
            pattern = rf"^[ \t]*[\"']?{re.escape(name)}[\"']?:"
            self._lines[path, name] = line_of(self.tree.text(path) or "", pattern)
        return self._lines[path, name]


def _paths(tree: Tree, folders: tuple[str, ...]) -> Iterator[str]:
    for folder in folders:
        for name in tree.in_folder(folder):
            if FILES.match(name) and not NOT_OURS.search(name):
                yield posixpath.normpath(posixpath.join(folder, name))


def _target(mount: object) -> str:
    """Return the path inside of the container of an entry in `volumes`."""
    if isinstance(mount, dict):
        return str(mount.get("target"))
    parts = str(mount).split(":")
    return parts[1] if len(parts) > 1 else parts[0]


def _included(document: Mapping[str, Any]) -> Iterator[str]:
    included = document.get("include")
    for each in included if isinstance(included, list) else []:
        paths = each.get("path") if isinstance(each, dict) else each
        yield from map(str, paths if isinstance(paths, list) else [paths])


def _table(document: Mapping[str, Any], key: str) -> Mapping[str, Any]:
    found = document.get(key)
    return found if isinstance(found, dict) else {}


def _merged(base: Mapping[str, Any], own: Mapping[str, Any]) -> dict[str, Any]:
    found = dict(base)
    for key, value in own.items():
        old = found.get(key)
        if isinstance(value, Reset):
            found.pop(key, None)
        elif isinstance(value, OverrideList | OverrideTable):
            found[key] = value
        elif key in ("environment", "labels"):
            found[key] = {**pairs(old), **pairs(value)}
        elif isinstance(old, dict) and isinstance(value, dict):
            found[key] = _merged(old, value)
        elif isinstance(old, list | str) and isinstance(value, list) and key not in _REPLACED:
            found[key] = [*(old if isinstance(old, list) else [old]), *value]
        else:
            found[key] = value
    return found


def pairs(given: object) -> dict[str, Any]:
    """Return a table that may be written as a list of `NAME=VALUE`; the value is None for a name alone."""
    if isinstance(given, dict):
        return {str(key): value for key, value in given.items()}
    parts = [str(item).partition("=") for item in given] if isinstance(given, list) else []
    return {name: value if mark else None for name, mark, value in parts}


def _seen_from(values: Mapping[str, Any], way: str) -> Mapping[str, Any]:
    """Return a service's keys with relative paths changed by the prefix `way`, for a file in another folder."""
    if way == ".":
        return values

    def led(text: Any) -> Any:
        return posixpath.normpath(posixpath.join(way, text)) if isinstance(text, str) and text[:1] != "/" else text

    found = dict(values)
    build, files, mounts = values.get("build"), values.get("env_file"), values.get("volumes")
    if isinstance(build, str):
        found["build"] = led(build)
    elif isinstance(build, dict):
        found["build"] = {**build, "context": led(build.get("context", "."))}
    if isinstance(files, str | list):
        found["env_file"] = [led(each) for each in ([files] if isinstance(files, str) else files)]
    if isinstance(mounts, list):
        found["volumes"] = [
            f"./{led(each)}" if isinstance(each, str) and each.startswith(".") else each for each in mounts
        ]
    return found
