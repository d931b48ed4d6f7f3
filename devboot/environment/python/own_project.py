"""Decides whether the project itself must be installed, because its package isn't importable in the app's folder."""

from __future__ import annotations

import glob
import os
import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from devboot.clone_reader import LIMIT, is_file, is_folder, names_in, read_program, read_toml
from devboot.environment.locks.pins import EDITABLE, Direct, normalised

_IMPORTS_SOURCE = re.compile(rb"^[ \t]*(?:from|import)\s+src\b", re.MULTILINE)


@dataclass(frozen=True, slots=True)
class OwnProject:
    """The project as an editable package.

    `is_needed`: imports fail without it; else only its scripts would be missing.
    """

    direct: Direct
    is_needed: bool


def own_project(folder: str, app_folder: str, *, is_asked_for: bool) -> OwnProject | None:
    """Decide by a pyproject.toml whether to install the project itself; None if not.

    Args:
        folder: the folder of the pyproject.toml.
        app_folder: the folder of the application's commands, from which Python imports.
        is_asked_for: the manifest lists the pyproject.toml among its requirements.

    """
    try:
        table = read_toml(os.path.join(folder, "pyproject.toml"))
    except (OSError, ValueError):
        return None
    project, poetry = table.get("project", {}), table.get("tool", {}).get("poetry", {})
    name = project.get("name") or poetry.get("name") or ""
    direct = Direct(EDITABLE, ".", folder, normalised(name), file="pyproject.toml")
    is_package = "build-system" in table or is_file(os.path.join(folder, "setup.py"))
    is_package = table.get("tool", {}).get("uv", {}).get("package", is_package) and bool(name)
    is_only_list = "dependency-groups" in table and not (project or poetry or _has_setup(folder))
    is_unbuilt = poetry and not project and not _has_package(folder, poetry)
    if is_only_list or is_unbuilt or poetry.get("package-mode") is False:
        return None  # nothing to build: of poetry's projects these are installed with `--no-root`
    if is_asked_for and (is_package or not project):
        return OwnProject(direct, is_needed=not name or _is_hidden(folder, app_folder, name))
    if "build-system" not in table or not name:
        return None
    is_hidden = _is_hidden(folder, app_folder, name)
    if is_hidden:
        return OwnProject(direct, is_needed=True)
    has_scripts = bool(project.get("scripts") or project.get("entry-points") or poetry.get("scripts"))
    return OwnProject(direct, is_needed=False) if has_scripts else None


def _has_package(folder: str, poetry: Mapping[str, Any]) -> bool:
    """Return whether poetry could build the project: it lists packages, or has a module of the project's name."""
    module = str(poetry.get("name", "")).replace("-", "_").replace(".", "_")
    names = [os.path.join(place, name) for place in ("", "src") for name in (module, module.lower())]
    return bool(poetry.get("packages")) or any(_is_module(os.path.join(folder, name)) for name in names)


def _has_setup(folder: str) -> bool:
    return any(is_file(os.path.join(folder, name)) for name in ("setup.py", "setup.cfg"))


def _is_hidden(folder: str, app_folder: str, name: str) -> bool:
    """Return whether the package `name` exists in the project, but can't be imported from the application's folder."""
    module = name.replace("-", "_").replace(".", "_")
    candidates = [module, module.lower()]
    if any(_is_module(os.path.join(app_folder, each)) for each in candidates):
        return False
    source = os.path.join(folder, "src")
    is_below_source = os.path.realpath(app_folder).startswith(os.path.realpath(source))
    if (
        is_folder(source)
        and not is_below_source
        and any(_is_module(os.path.join(source, each)) for each in names_in(source))
        and not _is_itself_imported(source)
    ):
        return True
    return folder != app_folder and any(_is_module(os.path.join(folder, each)) for each in candidates)


def _is_itself_imported(source: str) -> bool:
    """Return whether the project's code imports its folder `source` as a package (`from src.app import …`)."""
    for pattern in ("../*.py", "*.py", "*/*.py"):
        for path in glob.iglob(os.path.join(source, pattern)):
            try:
                if _IMPORTS_SOURCE.search(read_program(path, LIMIT)):
                    return True
            except OSError:
                continue
    return False


def _is_module(path: str) -> bool:
    return any(is_file(each) for each in (os.path.join(path, "__init__.py"), f"{path}.py"))
