"""Chooses the dependency groups and extras that the started processes need besides the default packages."""

from __future__ import annotations

import posixpath
import re
from collections.abc import Iterator, Mapping
from dataclasses import replace
from typing import Any

from devboot.clone_reader import table_in
from devboot.environment.locks.pins import normalised
from devboot.model.distributions import distributions
from devboot.onboarding.frameworks.known import framework_of
from devboot.onboarding.packages.imported import named_in_settings
from devboot.onboarding.packages.runner_of_tests import RUNNER, runs_pytest
from devboot.onboarding.proposal_values import PythonInput
from devboot.onboarding.reading.layout import ASIDE, Application
from devboot.onboarding.reading.local_imports import followed, module_files
from devboot.onboarding.reading.python import NAME, load_toml, name_of
from devboot.onboarding.reading.tree import Tree

_TOP = re.compile(r"^(?:from|import)[ \t]+(\w+)", re.MULTILINE)


def with_chosen(tree: Tree, app: Application, python: PythonInput) -> PythonInput:
    """Return the packages with the groups and extras added that alone contain packages the application imports."""
    if python.groups or not {"uv.lock", "poetry.lock", "pyproject.toml"} & set(python.requirements):
        return python
    project = load_toml(tree, posixpath.join(app.root, "pyproject.toml"))
    usual, sets = _usual(project), _sets(project)
    names = [name for name in _wanted(tree, app) if not usual & name]
    if not names or not any(name & packages for name in names for packages in sets.values()):
        return python
    usual |= _brought(load_toml(tree, posixpath.join(app.root, "uv.lock")), usual)
    chosen: list[tuple[str, str]] = []
    for name in names:
        holders = [key for key, packages in sets.items() if name & packages and not _contradicts(project, key, chosen)]
        if holders and not usual & name:
            best = min(holders, key=lambda key: len(sets[key]))  # some groups contain everything
            usual |= sets[best]
            chosen.append(best)
    groups = [name for kind, name in chosen if kind == "group"]
    if groups:
        groups = [*_default_groups(project), *groups]
    return replace(python, groups=tuple(groups), extras=tuple(name for kind, name in chosen if kind == "extra"))


def packages_of_chosen(tree: Tree, app: Application, python: PythonInput) -> set[str]:
    """Return the packages in the chosen groups and extras."""
    sets = _sets(load_toml(tree, posixpath.join(app.root, "pyproject.toml")))
    named = [*(("group", name) for name in python.groups), *(("extra", name) for name in python.extras)]
    return {package for key in named for package in sets.get(key, ())}


def _contradicts(project: Mapping[str, Any], key: tuple[str, str], chosen: list[tuple[str, str]]) -> bool:
    """Return whether the project declares a group or extra `key` to conflict with a chosen one."""
    sets = [
        [pair for item in _list(each) for pair in table_in(item).items()]
        for each in _list(table_in(project, "tool", "uv").get("conflicts"))
    ]
    return any(key in each and any(other in each for other in chosen) for each in sets)


def _default_groups(project: Mapping[str, Any]) -> list[str]:
    """Return the groups that uv installs by default for this pyproject.toml."""
    if poetry := table_in(project, "tool", "poetry", "group"):
        return [name for name in poetry if not table_in(poetry, name).get("optional")]
    declared = table_in(project, "dependency-groups")
    named = table_in(project, "tool", "uv").get("default-groups", ["dev"])
    return [name for name in declared if named == "all" or name in _list(named)]


def _usual(project: Mapping[str, Any]) -> set[str]:
    """Return the packages that are always installed."""
    groups = table_in(project, "dependency-groups")
    names = _names(table_in(project, "project").get("dependencies"))
    names |= _names(table_in(project, "tool", "uv").get("dev-dependencies"))
    poetry = table_in(project, "tool", "poetry")
    names |= {normalised(name) for name, how in table_in(poetry, "dependencies").items() if not _is_optional(how)}
    for name in _default_groups(project):
        names |= _of_group(groups, name) | _of_poetry(poetry, name)
    return names


def _is_optional(how: object) -> bool:
    return bool(table_in(how).get("optional"))


def _of_poetry(poetry: Mapping[str, Any], group: str) -> set[str]:
    return {normalised(name) for name in table_in(poetry, "group", group, "dependencies")}


def _sets(project: Mapping[str, Any]) -> dict[tuple[str, str], set[str]]:
    """Return packages by extra and by group that isn't installed by default: `{("extra", "redis"): {"redis"}}`."""
    groups = table_in(project, "dependency-groups")
    extras = table_in(project, "project", "optional-dependencies")
    poetry = table_in(project, "tool", "poetry")
    usual = _default_groups(project)
    rest = [name for name in dict.fromkeys((*groups, *table_in(poetry, "group"))) if name not in usual]
    return {("group", name): _of_group(groups, name) | _of_poetry(poetry, name) for name in rest} | {
        ("extra", name): _names(listed) for name, listed in (*table_in(poetry, "extras").items(), *extras.items())
    }


def _of_group(groups: Mapping[str, Any], name: str, seen: tuple[str, ...] = ()) -> set[str]:
    listed = groups.get(name)
    names = _names(listed)
    for item in _list(listed) if name not in seen else ():
        if isinstance(included := table_in(item).get("include-group"), str):
            names |= _of_group(groups, included, (*seen, name))
    return names


def _names(listed: object) -> set[str]:
    matches = [NAME.match(item) for item in _list(listed) if isinstance(item, str)]
    return {normalised(match[1]) for match in matches if match}


def _brought(lock: Mapping[str, Any], names: set[str]) -> set[str]:
    """Return the packages that these depend on, directly or not, by the lock."""
    needed = {
        _name(package): [_name(each) for each in _list(table_in(package).get("dependencies"))]
        for package in _list(lock.get("package"))
    }
    found, left = set[str](), list(names)
    while left:
        name = left.pop()
        if name not in found:
            found.add(name)
            left += needed.get(name, ())
    return found


def _name(package: object) -> str:
    return normalised(str(table_in(package).get("name", "")))


def _wanted(tree: Tree, app: Application) -> list[frozenset[str]]:
    """Return for every imported module the names of packages that may provide it."""
    tops = dict.fromkeys(top for path in _imported(tree, app) for top in _TOP.findall(tree.text(path) or ""))
    found = [
        frozenset({normalised(top), name_of(distributions().get(top, top))})
        for top in tops
        if not _is_own(tree, app, top)
    ]
    if framework_of(app.framework).is_found_by_place:
        found += [frozenset({name_of(distributions()[name])}) for name in named_in_settings(tree, _imported(tree, app))]
    if any(posixpath.basename(path) == "alembic.ini" and not ASIDE.search(path) for path in tree.files()):
        found.append(frozenset({"alembic"}))
    if runs_pytest(tree, app):
        found.append(frozenset({RUNNER}))
    return [*found, *framework_of(app.framework).requires]


def _is_own(tree: Tree, app: Application, top: str) -> bool:
    return any(
        tree.exists(posixpath.normpath(posixpath.join(source, f"{top}.py")))
        or tree.is_folder(posixpath.normpath(posixpath.join(source, top)))
        for source in app.sources
    )


def _imported(tree: Tree, app: Application) -> Iterator[str]:
    """Yield the clone's own modules that the application's entry and its Django settings import."""
    named = framework_of(app.framework).settings(tree, app, {}).named
    settings = module_files(tree, app, app.path, named) if named else ()
    found = followed(tree, app, [*filter(None, [app.path]), *settings])
    return (path for path in found if not ASIDE.search(path))


def _list(data: object) -> list[Any]:
    return data if isinstance(data, list) else []
