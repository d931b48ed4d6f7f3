"""Reads poetry's settings in pyproject.toml: groups, extras, constraints, sources."""

from __future__ import annotations

import hashlib
import json
import tomllib
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any

from packaging.requirements import InvalidRequirement, Requirement

from devboot.clone_reader import parse_toml
from devboot.environment.locks.formats.poetry_versions import python_marker
from devboot.environment.locks.markers import Expression, conjoin, disjoin, parse_marker
from devboot.environment.locks.pins import IndexLine, normalised


@dataclass(frozen=True, slots=True)
class Edge:
    """A dependency of a package: its name, the constraint on its version, its marker, and the extras required of it."""

    name: str
    constraint: str
    marker: Expression
    extras: tuple[str, ...] = ()
    is_optional: bool = False
    entry: Mapping[str, Any] = field(default_factory=dict, compare=False)


@dataclass(frozen=True, slots=True)
class PoetryProject:
    """The settings of a pyproject.toml that are needed to read a poetry.lock."""

    groups: Mapping[str, tuple[Edge, ...]]
    optional_groups: frozenset[str]
    extras: Mapping[str, tuple[Edge, ...]]
    indexes: tuple[IndexLine, ...]
    hashes: tuple[str, ...]

    @property
    def is_known(self) -> bool:
        """Return whether pyproject.toml exists and lists dependencies."""
        return any(self.groups.values())

    @property
    def default_groups(self) -> tuple[str, ...]:
        """Return the names of the groups, besides `main`, that poetry installs by default."""
        return tuple(name for name in self.groups if name != "main" and name not in self.optional_groups)

    def roots(self, groups: Iterable[str], extras: Iterable[str]) -> Iterator[Edge]:
        """Yield the project's direct dependencies in these groups and extras."""
        named = [edge for extra in extras for edge in self.extras.get(extra, ())]
        by_name = {edge.name for edge in named}
        for group in dict.fromkeys(groups):
            for edge in self.groups.get(group, ()):
                if not edge.is_optional or edge.name in by_name:
                    yield edge
        main = {edge.name for edge in self.groups.get("main", ())}
        yield from (edge for edge in named if edge.name not in main)

    def stale(self, lock: Mapping[str, Any], file: str) -> str:
        """Return a sentence if the lock was made from another pyproject.toml; "" if it fits, or if that is unknown."""
        recorded = lock.get("metadata", {}).get("content-hash", "")
        if not recorded or not self.hashes or recorded in self.hashes:
            return ""
        return f"{file} is older than its pyproject.toml"


def parse_poetry_project(text: str) -> PoetryProject:
    """Parse the text of a pyproject.toml; an empty or unreadable one has no dependencies.

    `[tool.poetry]` adds to `[project]`, and takes precedence.
    """
    try:
        table = parse_toml(text)
    except tomllib.TOMLDecodeError:
        table = {}
    project, poetry = table.get("project", {}), table.get("tool", {}).get("poetry", {})
    groups = {"main": _main(project, poetry)}
    optional = set()
    for name, group in _groups(poetry, table.get("dependency-groups", {})).items():
        groups[name] = tuple(group["edges"])
        optional |= {name} if group["optional"] else set()
    extras = {
        normalised(name): tuple(_edges(lines)) for name, lines in project.get("optional-dependencies", {}).items()
    }
    for name, names in poetry.get("extras", {}).items():
        extras.setdefault(normalised(name), tuple(_edges(names)))
    indexes = tuple(_sources(poetry.get("source", ())))
    return PoetryProject(groups, frozenset(optional), extras, indexes, tuple(_content_hashes(table)) if table else ())


def _main(project: Mapping[str, Any], poetry: Mapping[str, Any]) -> tuple[Edge, ...]:
    own = [edge for edge in _table_edges(poetry.get("dependencies", {})) if edge.name != "python"]
    named = {edge.name for edge in own}
    listed = tuple(_edges(project.get("dependencies", ())))
    # With both, the lines of [project] name the dependency and poetry's table only says more about it.
    return (*(edge for edge in listed if edge.name not in named), *own)


def _groups(poetry: Mapping[str, Any], standard: Mapping[str, Any]) -> dict[str, dict[str, Any]]:
    found: dict[str, dict[str, Any]] = {}
    for name, group in poetry.get("group", {}).items():
        edges = [*_table_edges(group.get("dependencies", {}))]
        found[normalised(name)] = {"edges": edges, "optional": group.get("optional", False), "include": group}
    for name in standard:
        slot = found.setdefault(normalised(name), {"edges": [], "optional": False, "include": {}})
        known = {edge.name for edge in slot["edges"]}
        slot["edges"] += [edge for edge in _edges(group_lines(standard, name)) if edge.name not in known]
    if "dev-dependencies" in poetry:
        slot = found.setdefault("dev", {"edges": [], "optional": False, "include": {}})
        slot["edges"] += _table_edges(poetry["dev-dependencies"])
    for group in found.values():
        for other in group["include"].get("include-groups", ()):
            group["edges"] += found.get(normalised(other), {"edges": ()})["edges"]
    return found


def group_lines(groups: Mapping[str, Any], name: str, seen: tuple[str, ...] = ()) -> list[str]:
    """Return the requirement lines of a group in `[dependency-groups]`, with those of the groups that it includes."""
    lines: list[str] = []
    by_name = {normalised(key): value for key, value in groups.items()}
    for item in by_name.get(normalised(name), ()):
        if isinstance(item, str):
            lines.append(item)
        elif (other := item.get("include-group")) and other not in seen:
            lines += group_lines(groups, other, (*seen, name))
    return lines


def _edges(lines: Iterable[str]) -> Iterator[Edge]:
    for line in lines:
        try:
            requirement = Requirement(line)
        except (InvalidRequirement, RecursionError):
            continue
        marker = parse_marker(str(requirement.marker or ""))
        extras = tuple(sorted(requirement.extras))
        yield Edge(normalised(requirement.name), str(requirement.specifier) or "*", marker, extras)


def _table_edges(table: Mapping[str, Any]) -> list[Edge]:
    return [edge for name, value in table.items() for edge in table_edges(name, value)]


def table_edges(name: str, value: Any) -> list[Edge]:
    """Return the dependencies that one entry of a poetry table stands for.

    Its value is a constraint, a table, or a list of tables for different markers.
    """
    if isinstance(value, list):
        return [edge for each in value for edge in table_edges(name, each)]
    if isinstance(value, str):
        return [Edge(normalised(name), value, True)]
    parts = [parse_marker(value.get("markers", "")), python_marker(value.get("python", "*"))]
    if platform := value.get("platform"):
        parts.append(disjoin(parse_marker(f'sys_platform == "{each.strip()}"') for each in platform.split("||")))
    extras = tuple(sorted(value.get("extras", ())))
    optional = bool(value.get("optional", False))
    return [Edge(normalised(name), value.get("version", "*"), conjoin(parts), extras, optional, value)]


def _sources(sources: Iterable[Mapping[str, Any]]) -> Iterator[IndexLine]:
    for source in sources:
        is_default = source.get("default") or source.get("priority") == "default"
        kind = "default" if is_default else "explicit" if source.get("priority") == "explicit" else "extra"
        if "url" in source:
            yield IndexLine(kind, source["url"], "pyproject.toml", name=source["name"])


def _content_hashes(table: Mapping[str, Any]) -> Iterator[str]:
    """Yield the `content-hash` values that different versions of poetry would record for this pyproject.toml."""
    poetry, project = table.get("tool", {}).get("poetry", {}), table.get("project", {})
    legacy = {key: poetry.get(key) for key in ("dependencies", "source", "extras", "dev-dependencies")}
    yield _digest(legacy)
    grouped = dict(legacy)
    if grouped["dev-dependencies"] is None:
        del grouped["dev-dependencies"]
    grouped["group"] = poetry.get("group")
    if grouped["group"] is None:
        del grouped["group"]
    yield _digest(grouped)
    yield _digest({**legacy, "group": poetry.get("group")})
    keys = ("requires-python", "dependencies", "optional-dependencies")
    standard = {"project": {key: project[key] for key in keys if key in project}} if project else {}
    if "dependency-groups" in table:
        standard["dependency-groups"] = table["dependency-groups"]
    own = {key: poetry.get(key) for key in ("dependencies", "source", "extras", "dev-dependencies", "group")}
    own = {key: value for key, value in own.items() if value is not None}
    yield _digest({**standard, "tool": {"poetry": own}})
    yield _digest({**standard, "tool": {"poetry": grouped}})


def _digest(content: Any) -> str:
    return hashlib.sha256(json.dumps(content, sort_keys=True).encode()).hexdigest()
