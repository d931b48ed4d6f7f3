"""`import`: converts a compose file to a manifest with a report, or compares it with the project's manifest."""

from __future__ import annotations

import json
import os
from collections.abc import Iterator, Mapping, Sequence
from difflib import unified_diff
from pathlib import Path
from typing import Any, NamedTuple

from devboot.app.commands.init import Change, exists_already, merged
from devboot.clone_reader import is_file, parse_toml, read_text
from devboot.environment.project_owner import is_refused
from devboot.errors import ManifestError, UsageError, shell_word
from devboot.state.project import find_project
from devboot.state.projects import MANIFEST

TYPE_CHECKING = False
if TYPE_CHECKING:
    from devboot.onboarding.compose_import.fidelity import Fidelity
    from devboot.onboarding.compose_import.imported import Imported

# Compose's own names for its file, and for the file that is merged into it, in its order
FILES = ("compose.yaml", "compose.yml", "docker-compose.yml", "docker-compose.yaml")
_OVERRIDES = tuple(name.replace(".y", ".override.y") for name in FILES)


class Import(NamedTuple):
    """A planned import: the compose files, relative to the project, the change of the manifest, and the report."""

    root: str
    files: tuple[str, ...]
    change: Change
    report: tuple[Fidelity, ...]


def planned_import(
    cwd: str, environ: Mapping[str, str], files: Sequence[str], profiles: Sequence[str], *, merges: bool
) -> Import:
    """Return what `import` would write, without writing it.

    Raises UsageError `init/exists` for an existing manifest, unless `merges`, Problems if the compose files give a
    manifest that devboot would refuse, and the errors of `read_compose_files` and of `merged` in `init`.
    """
    from devboot.onboarding import render

    root, is_written = _root(cwd, environ)
    path = os.path.join(root, MANIFEST)
    if is_written and not merges:
        raise exists_already(path, cwd, "import")
    names, found = read_compose_files(root, cwd, environ, files, profiles)
    proposal = found.proposal
    change = merged(path, proposal) if is_written else Change(path, None, render(proposal), proposal)
    if not is_written:
        _refuse_broken(change.after, names)
    return Import(root, names, change, found.report)


def _refuse_broken(text: str, names: Sequence[str]) -> None:
    """Raise Problems for mistakes of the compose files that are mistakes of the manifest `text`, too, such as cycles.

    A name that it doesn't have may be one of the Procfile's.
    """
    from devboot.model.edge.complaints import problems_of
    from devboot.model.edge.manifest.manifest import read_manifest

    _, problems = read_manifest(text, MANIFEST)
    if broken := [each for each in problems if each.slug != "manifest/unknown-name"]:
        raise problems_of(broken, f"they come from {' and '.join(names)}; nothing was written")


def difference(cwd: str, environ: Mapping[str, str], files: Sequence[str], profiles: Sequence[str]) -> str:
    """Return the keys that the manifest lacks or has otherwise than the compose files, as a diff; "" for none.

    Keys that only the manifest has don't count, nor does what is detected: it changes with the clone's other files.
    Raises ManifestError `manifest/not-found`, and Problems of both files.
    """
    from devboot.model.edge.complaints import problems_of
    from devboot.model.edge.manifest.manifest import read_manifest
    from devboot.onboarding import render

    root, is_written = _root(cwd, environ)
    if not is_written:
        raise ManifestError(
            "manifest/not-found",
            f"there is no {MANIFEST} to compare with",
            causes=[f"looked in `{root}`"],
            help=["devboot import"],
        )
    names, found = read_compose_files(root, cwd, environ, files, profiles)
    text = read_text(os.path.join(root, MANIFEST))
    _, problems = read_manifest(text, MANIFEST)
    if any(each.slug != "manifest/unknown-name" for each in problems):  # the Procfile may have it
        raise problems_of(problems)
    wanted, has = _keys(parse_toml(render(found.composed))), _keys(parse_toml(text))
    tables = {key for key, value in wanted.items() if value == "{}" and any(each.startswith(f"{key}.") for each in has)}
    wanted = {key: value for key, value in wanted.items() if key not in tables}  # there, with further keys
    before = [f"{key} = {has[key]}\n" for key in wanted if key in has]
    after = [f"{key} = {value}\n" for key, value in wanted.items()]
    lines = unified_diff(before, after, MANIFEST, names[0], n=0)
    return "".join(line for line in lines if not line.startswith("@@"))  # numbers of lines that no file has


def read_compose_files(
    root: str, cwd: str, environ: Mapping[str, str], files: Sequence[str], profiles: Sequence[str]
) -> tuple[tuple[str, ...], Imported]:
    """Read the compose files (by default the usual ones); return their names relative to `root`, and their content.

    Raises ManifestError `compose/not-found`, UsageError `compose/elsewhere`, Problems for mistakes in them.
    """
    from devboot.onboarding.compose_import.imported import import_compose

    names = tuple(_given(root, cwd, files)) if files else tuple(_usual(root))
    return names, import_compose(Path(root), names, profiles=profiles, environ=environ)


def _root(cwd: str, environ: Mapping[str, str]) -> tuple[str, bool]:
    """Return the project's folder, and whether it has a manifest."""
    project = find_project(cwd, environ)
    if is_refused(project.root, cwd, environ, os.geteuid()):
        return cwd, False
    return project.root, project.written


def _usual(root: str) -> Iterator[str]:
    first = next((name for name in FILES if is_file(os.path.join(root, name))), None)
    if first is None:
        raise ManifestError(
            "compose/not-found",
            "there is no compose file here",
            causes=[f"looked in `{root}` for {', '.join(FILES)}"],
            help=["devboot import FILE", "devboot init   # looks at the code instead"],
        )
    yield first
    yield from [name for name in _OVERRIDES if is_file(os.path.join(root, name))][:1]


def _given(root: str, cwd: str, files: Sequence[str]) -> Iterator[str]:
    for file in files:
        path = os.path.realpath(os.path.join(cwd, file))
        name = os.path.relpath(path, os.path.realpath(root))
        if name.startswith(".."):
            raise UsageError(
                "compose/elsewhere",
                f"`{file}` is outside of the project",
                causes=[f"its paths would lead out of `{root}`"],
                help=[f"devboot -C {shell_word(os.path.dirname(path))} import {shell_word(os.path.basename(path))}"],
            )
        if not is_file(path):
            raise ManifestError("compose/not-found", f"there is no file `{file}`", help=["ls"])
        yield name


def _keys(values: Mapping[str, Any]) -> dict[str, str]:
    """Return the values of a manifest by dotted key, normalised, so that equal meanings have equal texts."""
    return dict(sorted(_flat({**values, **_nested(values)}, "")))


def _nested(values: Mapping[str, Any]) -> dict[str, Any]:
    """Return a manifest's tables with each server database moved into its service."""
    services = {name: dict(table) for name, table in values.get("services", {}).items()}
    files = {}
    for name, table in values.get("databases", {}).items():
        owner = table.get("service")
        if owner is None:
            files[name] = table
            continue
        own = services.setdefault(owner, {})
        own["databases"] = {**own.get("databases", {}), name: {k: v for k, v in table.items() if k != "service"}}
    return {"services": services, "databases": files}


def _flat(value: Any, key: str) -> Iterator[tuple[str, str]]:
    if isinstance(value, dict):
        if not value and key.count("."):  # a table without keys: `[services.redis]`
            yield key, "{}"
        for name, inner in value.items():
            yield from _flat(inner, f"{key}.{name}" if key else name)
    elif isinstance(value, list):
        yield (
            key,
            json.dumps([each["name"] if isinstance(each, dict) and [*each] == ["name"] else each for each in value]),
        )
    else:
        yield key, json.dumps(value if isinstance(value, bool) else str(value), ensure_ascii=False)
