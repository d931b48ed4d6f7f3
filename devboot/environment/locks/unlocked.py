"""Collects the requirements of a project without a lock, for uv to resolve together, for all platforms."""

from __future__ import annotations

import hashlib
import os
from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any

from devboot.clone_reader import exists
from devboot.environment.locks.development_only import is_group_for_development
from devboot.environment.locks.direct_references import parse_direct, render_direct, served_address
from devboot.environment.locks.formats.pipfile import direct_of, entry_marker
from devboot.environment.locks.formats.poetry_project import Edge, group_lines, parse_poetry_project
from devboot.environment.locks.formats.poetry_versions import alternatives
from devboot.environment.locks.indexes import explicit_indexes
from devboot.environment.locks.inputs import PIPFILE, PYPROJECT, REQUIREMENTS, SETUP, Input
from devboot.environment.locks.markers import render_marker
from devboot.environment.locks.pins import Direct, IndexLine, normalised
from devboot.environment.locks.project_toml import parse_project_toml
from devboot.environment.locks.requirements import (
    Read,
    RequirementLine,
    is_direct,
    load_requirements,
    parse_line,
    unreadable,
)
from devboot.errors import Place


@dataclass(frozen=True, slots=True)
class Unlocked:
    """Requirements of a project that are to be resolved.

    `lines` are requirements by name, `directs` those by address or path, `projects` pyproject.toml files that uv reads
    itself, with `groups` and `extras` of them; `read_by_uv` are the requirements in these, `for_development` those of
    their development groups. `files` are all files that were read; `declared` are addresses that the files have for git
    and URL dependencies, from which a lock's rows without host are filled again.
    """

    lines: tuple[RequirementLine, ...] = ()
    directs: tuple[Direct, ...] = ()
    constraints: tuple[RequirementLine, ...] = ()
    projects: tuple[str, ...] = ()
    groups: tuple[str, ...] = ()
    extras: tuple[str, ...] = ()
    indexes: tuple[IndexLine, ...] = ()
    options: tuple[str, ...] = ()
    python: str = ""
    files: tuple[str, ...] = ()
    declared: tuple[Direct, ...] = ()
    digest: str = ""
    notes: tuple[str, ...] = ()
    read_by_uv: tuple[RequirementLine, ...] = ()
    for_development: tuple[tuple[str, tuple[RequirementLine, ...]], ...] = ()
    is_forced: bool = False  # exact versions of `lines` count more than what other packages ask for

    @property
    def override_text(self) -> str:
        """Return lines for uv's `--overrides`, which force the project's exact versions; "" unless `is_forced`.

        Overrides replace all requirements of a name: a line with a marker would remove the package elsewhere.
        """
        lines = self.lines if self.is_forced else ()
        conditional = {line.name for line in lines if line.marker}
        return "".join(f"{line.text}\n" for line in lines if line.pinned and line.name not in conditional)

    @property
    def development_names(self) -> frozenset[str]:
        """Return the names of packages that are listed in development groups only."""
        listed = {line.name for _, lines in self.for_development for line in lines}
        return frozenset(listed - {line.name for line in (*self.lines, *self.read_by_uv)})

    def without(self, names: Collection[str]) -> Unlocked:
        """Return these requirements without the named packages of development groups."""
        reduced = [each for each in self.for_development if any(line.name in names for line in each[1])]
        rest = [line for _, lines in reduced for line in lines]
        return replace(
            self,
            lines=tuple(line for line in (*self.lines, *rest) if line.name not in names),
            groups=tuple(group for group in self.groups if group not in dict(reduced)),
            for_development=tuple(each for each in self.for_development if each not in reduced),
        )

    def text(self, folder: str) -> str:
        """Return the requirements as lines for uv; paths are relative to `folder`, where uv runs."""
        rows = [line.text for line in self.lines] + [render_direct(direct, folder) for direct in self.directs]
        return "".join(f"{row}\n" for row in dict.fromkeys(rows))

    @property
    def constraint_text(self) -> str:
        """Return the lines that limit versions without requiring packages, for uv's `--constraints`."""
        return "".join(f"{line.text}\n" for line in self.constraints)


@dataclass
class _Gathering:
    """The requirements collected so far from the project's files without a lock, and where to look for more."""

    root: str
    read: Read
    environ: Mapping[str, str]
    groups: Sequence[str] | None
    extras: Sequence[str]
    lines: list[RequirementLine] = field(default_factory=list)
    directs: list[Direct] = field(default_factory=list)
    constraints: list[RequirementLine] = field(default_factory=list)
    projects: list[str] = field(default_factory=list)
    project_groups: list[str] = field(default_factory=list)
    indexes: list[IndexLine] = field(default_factory=list)
    options: list[str] = field(default_factory=list)
    python: list[str] = field(default_factory=list)
    files: list[str] = field(default_factory=list)
    declared: list[Direct] = field(default_factory=list)
    facts: list[str] = field(default_factory=list)
    notes: list[str] = field(default_factory=list)
    read_by_uv: list[RequirementLine] = field(default_factory=list)
    for_development: list[tuple[str, tuple[RequirementLine, ...]]] = field(default_factory=list)


def gather(
    inputs: Iterable[Input],
    root: str,
    *,
    read: Read,
    environ: Mapping[str, str],
    groups: Sequence[str] | None = None,
    extras: Sequence[str] = (),
    packages: Sequence[str] = (),
) -> Unlocked:
    """Return the requirements in requirements files, pyproject.toml, Pipfile and setup.py.

    Args:
        inputs: the files.
        root: the project's root.
        read: returns a file's bytes.
        environ: for `${NAME}` in requirements files.
        groups: dependency groups; None for `dev`, Pipfile's develop, poetry's groups that aren't optional.
        extras: the project's extras.
        packages: further requirements, of the manifest itself.

    Raises:
        ManifestError: a file is missing or isn't what its name says.

    """
    state = _Gathering(root, read, environ, groups, extras)
    for each in inputs:
        _GATHERERS[each.kind](state, each.path)
    for package in packages:
        _add_line(state, package, os.path.join(root, "devboot.toml"))
    found = Unlocked(
        tuple(state.lines),
        tuple(dict.fromkeys(state.directs)),
        tuple(state.constraints),
        tuple(state.projects),
        tuple(dict.fromkeys(state.project_groups)),
        tuple(extras) if state.projects else (),
        tuple(dict.fromkeys(state.indexes)),
        tuple(state.options),
        ",".join(dict.fromkeys(filter(None, state.python))),
        tuple(dict.fromkeys(state.files)),
        (*state.directs, *state.declared),
        notes=(*state.notes, *_renamed(state.directs)),
        read_by_uv=tuple(state.read_by_uv),
        for_development=tuple(dict.fromkeys(state.for_development)),
    )
    return _with_digest(found, state.facts)


def _renamed(directs: Iterable[Direct]) -> Iterator[str]:
    """Yield a note for each URL that is replaced by another, as `git://` by https."""
    for each in directs:
        address = served_address(each.reference)
        if address != each.reference:
            yield f"{each.file}:{each.line}: git:// is no longer served, so {address} is used"


def _with_digest(found: Unlocked, facts: list[str]) -> Unlocked:
    """Return the requirements with a digest of all inputs of the resolution; comments, order and places don't count."""
    rows = sorted(f"{line.text} {' '.join(sorted(line.hashes))}" for line in found.lines)
    rows += sorted(f"{each.kind} {each.reference} {each.extras} {each.marker}" for each in found.directs)
    rows += ["constraints", *sorted(line.text for line in found.constraints), *found.options, *sorted(facts)]
    groups = sorted(group.rpartition(":")[2] for group in found.groups)
    rows += ["groups", *groups, "extras", *sorted(found.extras), found.python]
    digest = hashlib.sha256("\n".join(rows).encode()).hexdigest()
    return replace(found, digest=f"sha256:{digest}")


def _requirements(state: _Gathering, path: str) -> None:
    found = load_requirements(path, state.root, state.read, state.environ)
    state.lines += found.lines
    state.directs += found.directs
    state.constraints += found.constraints
    state.indexes += found.indexes
    state.options += found.options
    state.files += found.files


def _pyproject(state: _Gathering, path: str) -> None:
    text, table = _toml(state, path)
    project, tool = table.get("project", {}), table.get("tool", {})
    folder = os.path.dirname(path)
    own = [project.get("requires-python", "")]
    poetry = parse_poetry_project(text)
    uses_poetry = bool(set(tool.get("poetry", {})) & {"dependencies", "group", "dev-dependencies"})
    if uses_poetry:
        _poetry(state, path)
        own.append(tool["poetry"].get("dependencies", {}).get("python", ""))
        state.indexes += poetry.indexes
    else:
        state.projects += [path] if project else []
        file = os.path.relpath(path, state.root)
        state.read_by_uv += [
            parse_line(str(each), (), Place(file, _line_of(str(each), text)))
            for each in project.get("dependencies", ())
        ]
        _standard_groups(state, path, table)
        state.facts += [repr(sorted(project.get(key, ()))) for key in ("dependencies", "dynamic")]
        state.facts += [repr(project.get("optional-dependencies", {}).get(extra)) for extra in state.extras]
        state.facts.append(repr(tool.get("uv")))
    state.python += [each for text in own if text for each in alternatives(text)[:1]]
    state.indexes += explicit_indexes(table, os.path.relpath(path, state.root))
    state.declared += _uv_sources(tool.get("uv", {}).get("sources", {}), folder, path, state.root)
    if tool.get("pdm", {}) and exists(os.path.join(folder, "pdm.lock")):
        state.notes.append(
            "pdm.lock lacks the groups of its packages, so pyproject.toml is used: pdm lock -S inherit_metadata"
        )


def _line_of(requirement: str, text: str) -> int:
    """Return the number of the first line of a TOML text that contains the requirement in quotes; 0 for none."""
    quoted = (f'"{requirement}"', f"'{requirement}'")
    lines = enumerate(text.splitlines(), 1)
    return next((number for number, line in lines if any(form in line for form in quoted)), 0)


def _standard_groups(state: _Gathering, path: str, table: Mapping[str, Any]) -> None:
    """Add the dependency groups of a pyproject.toml: `[dependency-groups]` by name for uv, older tables as lines."""
    groups = table.get("dependency-groups", {})
    tool = table.get("tool", {})
    legacy = {**tool.get("pdm", {}).get("dev-dependencies", {})}
    if tool.get("uv", {}).get("dev-dependencies"):
        legacy["dev"] = tool["uv"]["dev-dependencies"]
    names = {normalised(name) for name in (*groups, *legacy)}
    chosen = state.groups if state.groups is not None else _default_groups(table, names)
    for name in chosen:
        if lines := group_lines(groups, name):
            state.project_groups.append(f"{path}:{name}")
            state.facts += sorted(lines)
            if is_group_for_development(name) and table.get("project", {}).get("dependencies"):
                file = os.path.relpath(path, state.root)
                named = [parse_line(line, (), Place(file, source=line)) for line in lines if not is_direct(line)]
                state.for_development.append((f"{path}:{name}", tuple(named)))
        for line in legacy.get(name, ()):
            _add_line(state, str(line), path)


def _default_groups(table: Mapping[str, Any], names: set[str]) -> list[str]:
    """Return the groups to install by default: `dev`, or all groups if the project has no other dependencies."""
    own = table.get("project", {})
    configured = table.get("tool", {}).get("uv", {}).get("default-groups")
    if configured == "all":
        return sorted(names)
    if configured is not None:
        return list(configured)
    if own.get("dependencies") or "dependencies" in own.get("dynamic", ()) or "dev" in names:
        return ["dev"]
    return sorted(names)


def _poetry(state: _Gathering, path: str) -> None:
    project = parse_poetry_project(_toml(state, path)[0])
    chosen = project.default_groups if state.groups is None else [normalised(group) for group in state.groups]
    extras = [normalised(extra) for extra in state.extras]
    for edge in project.roots(["main", *chosen], extras):
        _add_edge(state, edge, path)


def _add_edge(state: _Gathering, edge: Edge, path: str) -> None:
    file = os.path.relpath(path, state.root)
    marker = render_marker(edge.marker) if edge.marker is not False else "python_version < '0'"
    entry = dict(edge.entry)
    if any(key in entry for key in ("git", "path", "url", "file")):
        entry["file"] = entry.pop("url", entry.get("file"))
        entry = {key: value for key, value in entry.items() if value is not None}
        entry["editable"] = entry.pop("develop", False)
        entry.pop("markers", None)
        if direct := direct_of(edge.name, entry, os.path.dirname(path), file):
            state.directs.append(direct)
        return
    extras = f"[{','.join(edge.extras)}]" if edge.extras else ""
    # Of alternatives (`^1 || ^2`) requirement lines can say only one; the last is the newest.
    specifier = alternatives(edge.constraint)[-1]
    _add_text(state, f"{edge.name}{extras}{specifier}", marker, file)


def _add_line(state: _Gathering, line: str, path: str) -> None:
    place = Place(os.path.relpath(path, state.root), source=line)
    if is_direct(line):
        state.directs.append(parse_direct(line, os.path.dirname(path), place))
    else:
        state.lines.append(parse_line(line, (), place))


def _add_text(state: _Gathering, text: str, marker: str, file: str) -> None:
    whole = f"{text} ; {marker}" if marker else text
    state.lines.append(parse_line(whole, (), Place(file, source=whole)))


def _uv_sources(sources: Mapping[str, Any], folder: str, path: str, root: str) -> list[Direct]:
    found = []
    file = os.path.relpath(path, root)
    for name, value in sources.items():
        for entry in value if isinstance(value, list) else [value]:
            plain = {**entry, "file": entry.get("url")} if "url" in entry else entry
            if direct := direct_of(normalised(name), plain, folder, file):
                found.append(direct)
    return found


def _pipfile(state: _Gathering, path: str) -> None:
    _, table = _toml(state, path)
    file = os.path.relpath(path, state.root)
    groups = ["dev-packages"] if state.groups is None else list(state.groups)
    sections = ["packages", *("dev-packages" if group in ("dev", "develop") else group for group in groups)]
    for section in dict.fromkeys(sections):
        for name, value in table.get(section, {}).items():
            entry = {"version": value} if isinstance(value, str) else value
            if direct := direct_of(normalised(name), entry, os.path.dirname(path), file):
                state.directs.append(direct)
                continue
            version = entry.get("version", "*")
            extras = f"[{','.join(sorted(entry['extras']))}]" if entry.get("extras") else ""
            _add_text(state, f"{name}{extras}{'' if version == '*' else version}", entry_marker(entry), file)
    for position, source in enumerate(table.get("source", ())):
        kind = "default" if position == 0 else "extra"
        state.indexes.append(IndexLine(kind, source["url"], file, name=source.get("name", "")))
    version = table.get("requires", {}).get("python_version", "")
    state.python.append(f"=={version}.*" if version else "")


def _toml(state: _Gathering, path: str) -> tuple[str, dict[str, Any]]:
    file = os.path.relpath(path, state.root)
    try:
        data = state.read(path)
    except OSError as error:
        raise unreadable(file, error) from error
    state.files.append(path)
    return parse_project_toml(data, file)


def _setup(state: _Gathering, path: str) -> None:
    """Add the project with a setup.py as an editable, since only running setup.py shows its requirements."""
    state.files.append(path)
    state.facts.append(hashlib.sha256(state.read(path)).hexdigest())
    place = Place(os.path.relpath(path, state.root))
    state.directs.append(parse_direct(".", os.path.dirname(path), place, is_editable=True))


_GATHERERS = {REQUIREMENTS: _requirements, PYPROJECT: _pyproject, PIPFILE: _pipfile, SETUP: _setup}
