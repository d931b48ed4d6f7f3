"""Selects the files that list the application's Python packages, and the Python version that the clone requests."""

from __future__ import annotations

import ast
import posixpath
import re
from collections.abc import Mapping
from dataclasses import replace
from typing import Any

from devboot.clone_reader import names_in, parse_json, table_in
from devboot.environment.locks.formats.pdm import INHERITED
from devboot.environment.locks.inputs import (
    MISSPELT,
    PDM,
    PIPFILE,
    PYPROJECT,
    SETUP,
    default_inputs,
    named_inputs,
    names_dependencies,
)
from devboot.environment.locks.pins import normalised
from devboot.environment.locks.project_toml import parse_project_toml
from devboot.environment.python.versions import stated_versions, suggested_minor
from devboot.errors import ManifestError
from devboot.onboarding.proposal_values import Evidence, Note, PythonInput
from devboot.onboarding.reading.layout import ASIDE, Application
from devboot.onboarding.reading.needed_python import needed_python
from devboot.onboarding.reading.pins import lists
from devboot.onboarding.reading.tree import Tree

LOCKS = ("uv.lock", "pylock.toml", "poetry.lock", "Pipfile.lock")
DEVELOPMENT = ("local", "dev", "development")
NAME = re.compile(r"^\s*([A-Za-z0-9][A-Za-z0-9._-]*)\s*(?:\[([^\]]*)\])?")
# Never selected: these list packages for production or tests
NOT_FOR_US = re.compile(
    r"prod|test|doc|lint|ci\b|style|deploy|build|heroku|gpu|bench|staging|types|optional|constraints|min", re.IGNORECASE
)


def load_toml(tree: Tree, path: str) -> dict[str, Any]:
    """Parse a TOML file of the clone; empty if it is missing or broken, which is noted in `tree.broken`."""
    path = posixpath.normpath(path)
    if not tree.exists(path):
        return {}
    text = tree.text(path)
    if text is None:
        tree.broken[path] = (0, "can't be read as UTF-8 text")
        return {}
    try:
        return parse_project_toml(text.encode("utf-8", "replace"), path)[1]
    except ManifestError as error:
        tree.broken[path] = (error.place.line if error.place else 0, error.what.removeprefix(f"`{path}` "))
        return {}


def find_input(tree: Tree, root: str, settings: str) -> tuple[PythonInput, list[Note]]:
    """Return the files that list the Python packages, relative to the manifest's folder, and notes."""
    notes: list[Note] = []
    files = requirements(tree, root, settings, notes)
    project = load_toml(tree, posixpath.join(root, "pyproject.toml"))
    return PythonInput(tuple(files), groups=tuple(groups(project, files))), notes


def with_stated_version(tree: Tree, app: Application, python: PythonInput, folder: str) -> PythonInput:
    """Return the Python settings with the version that the clone's files state.

    `folder`, relative to the manifest's folder, is where most commands run.
    """
    root = posixpath.normpath(posixpath.join(str(tree.root), app.root))
    place = posixpath.normpath(posixpath.join(root, folder))
    named = named_inputs(root, python.requirements)
    # A pyproject.toml named in the manifest is also installed as a package
    is_list_usual = all(each.kind != PYPROJECT for each in named) and named == default_inputs(root, place)

    def text_of(path: str) -> str | None:
        inner = posixpath.relpath(path, str(tree.root))
        return tree.text(inner) if tree.exists(inner) else None

    stated = next(stated_versions(root, place, text_of), None)
    if stated is None:
        python = replace(python, is_list_usual=is_list_usual)
        suggested = suggested_minor(root, place, text_of, names_in)
        return _with_oldest(tree, python, suggested) if suggested else python
    where = Evidence(posixpath.normpath(posixpath.join(app.root, stated.file)), stated.line)
    return replace(python, version=stated.written, version_from=where, is_list_usual=is_list_usual)


def _with_oldest(tree: Tree, python: PythonInput, suggested: str) -> PythonInput:
    """Return `python` with `oldest` set if the code needs a newer Python than `suggested`, such as "3.9"."""
    paths = sorted(path for path in tree.read if path.endswith(".py") and not ASIDE.search(path))
    needed = needed_python(tree, paths, int(suggested.partition(".")[2]))
    if needed is None or not suggested.startswith("3."):
        return python
    return replace(python, oldest=f">=3.{needed.minor}", oldest_from=needed.evidence)


def requirements(tree: Tree, root: str, settings: str, notes: list[Note]) -> list[str]:
    """Return the files that list the Python packages, relative to `root`; add notes about others to `notes`."""
    here = [name for name in LOCKS if tree.exists(posixpath.join(root, name))]
    if odd := _odd_list(tree, root):
        return [odd]
    if here:
        if len(here) > 1:
            notes.append(Note(f"{here[0]} is used; {here[1]} exists, too", Evidence(posixpath.join(root, here[1]))))
        return here[:1]
    pdm = posixpath.join(root, PDM)
    if tree.exists(pdm) and INHERITED in load_toml(tree, pdm).get("metadata", {}).get("strategy", ()):
        return [PDM]
    if tree.exists(pdm) and names_dependencies(load_toml(tree, posixpath.join(root, "pyproject.toml"))):
        notes.append(Note("pdm.lock doesn't have packages by group, so versions come from pyproject.toml"))
        return ["pyproject.toml"]
    return _requirement_files(tree, root, settings) or _other_list(tree, root, notes)


def _odd_list(tree: Tree, root: str) -> str:
    """Return the name of a lock file or requirements.txt that isn't a regular file (such as a pipe); "" if none."""
    for name in (*LOCKS, "requirements.txt"):
        if tree.exists(posixpath.join(root, name)):
            return ""
        if names_in(str(tree.root / root), name):
            return name
    return ""


def _other_list(tree: Tree, root: str, notes: list[Note]) -> list[str]:
    """Return the list of packages of a project without requirements files, such as pyproject.toml."""
    path = posixpath.normpath(posixpath.join(root, PYPROJECT))
    project = load_toml(tree, path)
    if names_dependencies(project) or "build-system" in project or path in tree.broken:
        return [PYPROJECT]  # a broken one may list packages: an error when it is read for them
    path = posixpath.normpath(posixpath.join(root, PIPFILE))
    pipfile = load_toml(tree, path)
    if table_in(pipfile, "packages") or table_in(pipfile, "dev-packages") or path in tree.broken:
        return [PIPFILE]
    if tree.exists(posixpath.join(root, SETUP)):
        return [SETUP]
    for name in ("setup.cfg", "environment.yml", "environment.yaml"):
        if tree.exists(posixpath.join(root, name)):
            text = f"packages are listed only in {name}, from which devboot can't install"
            notes.append(Note(text, Evidence(posixpath.join(root, name))))
            break
    return []


def _requirement_files(tree: Tree, root: str, settings: str) -> list[str]:
    """Return requirements.txt, or its variant for development, in a list."""
    names = tree.in_folder(root)
    folder = [
        f"requirements/{name}" for name in tree.in_folder(posixpath.normpath(posixpath.join(root, "requirements")))
    ]
    flat = [name for name in names if re.match(r"requirements[^/]*\.(?:txt|pip)$", name)]
    variants = [path for path in (*folder, *flat) if path.endswith(".txt")]
    stem = settings.rpartition(".")[2]
    meant = [p for p in variants if _variant(p) in DEVELOPMENT]
    exact = [p for p in meant if _variant(p) == stem]
    if "requirements.txt" in names:
        if exact and _is_folder_variant(exact[0]):
            return exact[:1]
        root_text = tree.text(posixpath.join(root, "requirements.txt")) or ""
        if meant and _only_includes(root_text, NOT_FOR_US) and _is_folder_variant(meant[0]):
            return meant[:1]
        return ["requirements.txt"]
    if meant:
        return _with_base(tree, root, meant[0], variants)
    base = [p for p in variants if _variant(p) in ("base", "common", "main", "requirements", "app", "all", "core")]
    if base:
        return base[:1]
    project = table_in(load_toml(tree, posixpath.join(root, "pyproject.toml")), "project")
    # A list of another name is for something else where the project's own file has the packages
    variants = [] if project.get("dependencies") else variants or [name for name in MISSPELT if name in names]
    rest = [p for p in variants if not NOT_FOR_US.search(posixpath.basename(p))] or variants
    return rest[:1]


def _with_base(tree: Tree, root: str, chosen: str, variants: list[str]) -> list[str]:
    """Return a list for development, preceded by the base list unless it includes that."""
    text = tree.text(posixpath.join(root, chosen)) or ""
    if re.search(r"^[ \t]*(?:-r|--requirement)\b", text, re.MULTILINE):
        return [chosen]
    base = [p for p in variants if _variant(p) in ("base", "common", "main", "requirements", "prod", "production")]
    return [*base[:1], chosen]


def _is_folder_variant(path: str) -> bool:
    return "/" in path


def _variant(path: str) -> str:
    stem = posixpath.basename(path).rsplit(".", 1)[0]
    return re.sub(r"^requirements?[-_.]?", "", stem) or "requirements"


def _only_includes(text: str, pattern: re.Pattern[str]) -> bool:
    lines = [line.split("#")[0].strip() for line in text.splitlines()]
    lines = [line for line in lines if line]
    return bool(lines) and all(re.match(r"-r|--requirement", line) and pattern.search(line) for line in lines)


def groups(project: dict[str, Any], files: list[str]) -> list[str]:
    """Return the dependency groups to install, if the project lists its packages only in groups."""
    declared = project.get("dependency-groups")
    main = table_in(project, "project")
    if not isinstance(declared, dict) or main.get("dependencies") or not set(files) & {"uv.lock", "pyproject.toml"}:
        return []
    if table_in(project, "tool", "uv", "workspace") or table_in(project, "tool", "poetry", "dependencies"):
        return []  # the packages are listed elsewhere
    return [name for name in declared if name == "dev" or not NOT_FOR_US.search(name)]


def dependencies(tree: Tree, root: str, files: tuple[str, ...], *, only: bool = False) -> dict[str, str]:
    """Return the packages in the chosen files, as {normalised name: extras joined by commas}.

    With `only` just these files are read; otherwise pyproject.toml and Pipfile, too.
    """
    found: dict[str, str] = {}
    for name in files if only else (*files, "pyproject.toml", "Pipfile"):
        path = posixpath.normpath(posixpath.join(root, name))
        if path.endswith((".txt", ".in", ".pip")):
            _from_text(tree, root, name, found)
        elif path.endswith("Pipfile.lock"):
            _from_pipfile_lock(tree, path, found)
        elif path.endswith((".lock", "pylock.toml")):
            _from_lock(tree, path, found)
        elif name in ("pyproject.toml", "Pipfile"):
            _from_project(load_toml(tree, path), found)
        elif name.endswith("setup.py"):
            _from_setup(tree.module(path), found)
    return found


def name_of(requirement: str) -> str:
    """Return the normalised name of the package in a requirement line."""
    match = NAME.match(requirement)
    return normalised(match[1]) if match else requirement


def _add(requirement: object, found: dict[str, str]) -> None:
    match = NAME.match(requirement) if isinstance(requirement, str) else None
    if match:
        found[normalised(match[1])] = match[2] or ""


def _add_table(table: Mapping[str, Any], found: dict[str, str]) -> None:
    for name, entry in table.items():
        extras = entry.get("extras", []) if isinstance(entry, dict) else []
        found[normalised(name)] = ",".join(extras)


def _from_text(tree: Tree, root: str, name: str, found: dict[str, str]) -> None:
    for _, text in lists(tree, root, [name]):
        for line in filter(str.strip, text.splitlines()):
            egg = re.search(r"#egg=([\w.-]+)", line)
            if not line.lstrip().startswith(("-", "#")):
                _add(egg[1] if egg else line, found)


def _from_setup(module: ast.Module | None, found: dict[str, str]) -> None:
    """Add the packages that a setup.py lists literally to `found`; computed lists are ignored."""
    nodes = list(ast.walk(module)) if module is not None else []
    lists = {
        target.id: node.value
        for node in nodes
        if isinstance(node, ast.Assign)
        for target in node.targets
        if isinstance(target, ast.Name)
    }
    for word in (word for node in nodes if isinstance(node, ast.Call) for word in node.keywords):
        value = lists.get(word.value.id) if isinstance(word.value, ast.Name) else word.value
        for item in value.elts if word.arg == "install_requires" and isinstance(value, ast.List | ast.Tuple) else ():
            _add(item.value if isinstance(item, ast.Constant) else None, found)


def _from_lock(tree: Tree, path: str, found: dict[str, str]) -> None:
    for name in re.findall(r'^name = "([^"]+)"', tree.text(path) or "", re.MULTILINE):
        found.setdefault(normalised(name), "")


def _from_pipfile_lock(tree: Tree, path: str, found: dict[str, str]) -> None:
    try:
        data = parse_json(tree.text(path) or "{}")
    except ValueError:
        return
    for section in ("default", "develop"):
        _add_table(table_in(data, section), found)


def _from_project(project: dict[str, Any], found: dict[str, str]) -> None:
    main = table_in(project, "project")
    listed: list[Any] = list(main.get("dependencies") or [])
    for group in table_in(project, "dependency-groups").values():
        listed += group if isinstance(group, list) else []
    for item in listed:
        _add(item, found)
    poetry = table_in(project, "tool", "poetry")
    tables = [table_in(poetry, "dependencies"), table_in(project, "packages"), table_in(project, "dev-packages")]
    tables += [table_in(group, "dependencies") for group in table_in(poetry, "group").values()]
    for table in tables:
        _add_table(table, found)
