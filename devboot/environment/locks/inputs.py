"""Finds the files that list a project's Python requirements: those named in the manifest, else the first kind found."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import Any

from devboot.clone_reader import names_in, read_toml, table_in
from devboot.paths import upwards_to
from devboot.record import Record

NamesIn = Callable[[str, str], list[str]]

UV, PYLOCK, POETRY, PIPFILE_LOCK, PDM, REQUIREMENTS, PYPROJECT, PIPFILE, SETUP = (
    "uv.lock",
    "pylock.toml",
    "poetry.lock",
    "Pipfile.lock",
    "pdm.lock",
    "requirements",
    "pyproject.toml",
    "Pipfile",
    "setup.py",
)
_LOCKS = (UV, PYLOCK, POETRY, PIPFILE_LOCK, PDM)
_PRODUCTION = ("prod", "deploy", "heroku", "docker", "doc", "rtd", "lint")
MISSPELT = (
    "requirement.txt",
    "requirments.txt",
    "reqs.txt",
    "req.txt",
)  # other usual names, if there is no other file
_DEVELOPMENT = ("local", "dev", "development")


class Input(Record):
    """A file that lists requirements: its kind (such as `uv.lock` or requirements file) and its absolute path."""

    kind: str
    path: str


def kind_of(path: str) -> str:
    """Return the kind of a requirements file by its name; any unknown name counts as a requirements.txt."""
    name = os.path.basename(path)
    if name in (*_LOCKS, PYPROJECT, PIPFILE, SETUP):
        return name
    return PYLOCK if name.startswith("pylock.") and name.endswith(".toml") else REQUIREMENTS


def named_inputs(root: str, names: Iterable[str]) -> tuple[Input, ...]:
    """Return the requirements files that a manifest names, with absolute paths."""
    return tuple(Input(kind_of(name), os.path.normpath(os.path.join(root, name))) for name in names)


def common_folder(folders: Sequence[str]) -> str:
    """Return the most frequent of the folders in which commands run; `.` if there is none."""
    return max(dict.fromkeys(folders), key=folders.count, default=".")


def default_inputs(root: str, folder: str, names_in: NamesIn = names_in) -> tuple[Input, ...]:
    """Find the requirements files of a project whose manifest names none: in the nearest folder, from the app upwards.

    Args:
        root: the project's root.
        folder: the application's folder, the root or one below it.
        names_in: returns the names in a folder that match a pattern, as `clone_reader.names_in`.

    """
    for place in upwards_to(root, folder):
        if found := _of_folder(place, names_in):
            return _member_of_workspace(found, root, names_in)
    return ()


def _of_folder(place: str, names_in: NamesIn) -> tuple[Input, ...]:
    found = next((names for lock in _LOCKS if (names := names_in(place, lock))), [])
    found = found or names_in(place, "requirements.txt")
    found = found or _other_requirements(place, names_in)
    found = found or _in_requirements_folder(os.path.join(place, "requirements"), names_in)
    if not found and names_in(place, PYPROJECT) and has_dependencies(os.path.join(place, PYPROJECT)):
        found = [PYPROJECT]
    found = found or names_in(place, PIPFILE) or names_in(place, SETUP)
    return tuple(Input(kind_of(name), os.path.join(place, name)) for name in found)


def _other_requirements(place: str, names_in: NamesIn) -> list[str]:
    others = sorted(names_in(place, "requirements*.txt"))
    others = others or sorted(name for misspelt in MISSPELT for name in names_in(place, misspelt))
    fit = [name for name in others if not any(word in name for word in _PRODUCTION)]
    return fit or others


def _in_requirements_folder(folder: str, names_in: NamesIn) -> list[str]:
    names = set(names_in(folder, "*.txt"))
    stems = (*_DEVELOPMENT, "base", "requirements", "common", "main", "production", "prod")
    return [os.path.join("requirements", f"{stem}.txt") for stem in stems if f"{stem}.txt" in names][:1]


def _member_of_workspace(found: tuple[Input, ...], root: str, names_in: NamesIn) -> tuple[Input, ...]:
    """Return the workspace's uv.lock, if one is in a folder above, in place of a member's pyproject.toml."""
    first = found[0]
    if first.kind != PYPROJECT:
        return found
    for place in upwards_to(root, os.path.dirname(first.path)):
        if names_in(place, UV):
            # The path stays in the member's folder: uv finds the workspace's lock from there.
            return (Input(UV, os.path.join(os.path.dirname(first.path), UV)),)
    return found


def has_dependencies(path: str) -> bool:
    """Return whether a pyproject.toml lists dependencies; many only hold settings of tools.

    A file that can't be parsed counts as having some, so that reading it reports the mistake.
    """
    try:
        return names_dependencies(read_toml(path))
    except OSError:
        return False
    except ValueError:
        return True


def names_dependencies(table: Mapping[str, Any]) -> bool:
    """Return whether a parsed pyproject.toml lists dependencies of any kind."""
    project, poetry = table_in(table, "project"), table_in(table, "tool", "poetry")
    dynamic = project.get("dynamic")
    return bool(
        project.get("dependencies")
        or project.get("optional-dependencies")
        or (isinstance(dynamic, list) and ("dependencies" in dynamic or "optional-dependencies" in dynamic))
        or table.get("dependency-groups")
        or set(table_in(poetry, "dependencies")) - {"python"}
        or poetry.get("group")
        or poetry.get("dev-dependencies")
        or table_in(table, "tool", "pdm").get("dev-dependencies")
        or table_in(table, "tool", "uv").get("dev-dependencies")
    )
