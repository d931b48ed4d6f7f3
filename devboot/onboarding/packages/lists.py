"""Chooses the list of packages, anywhere in the clone, that has most of the packages the application imports."""

from __future__ import annotations

import posixpath
import re
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import replace

from devboot.environment.locks.inputs import names_dependencies
from devboot.model.distributions import distributions
from devboot.model.printable import counted
from devboot.onboarding.packages.imported import apps_of_settings, modules_of
from devboot.onboarding.proposal_values import Evidence, Note, PythonInput
from devboot.onboarding.reading.layout import ASIDE, Application
from devboot.onboarding.reading.python import LOCKS, NOT_FOR_US, dependencies, find_input, load_toml, name_of
from devboot.onboarding.reading.tree import Tree

_ENOUGH = 3  # imported packages; fewer missing ones may be dependencies of the usual list's packages
_PIN = re.compile(r"^([A-Za-z0-9][\w.-]*)(?:\[[^]]*\])?\s*==\s*([\w.!+*-]+)", re.MULTILINE)
_LIST = re.compile(
    r"(?:[\w-]*requ[ei]r\w*|reqs?|packages|dependencies|deps|pip)(?:[-_.][\w-]+)*\.(?:txt|pip|in)", re.IGNORECASE
)


def with_covering_list(tree: Tree, app: Application, python: PythonInput) -> tuple[PythonInput, list[Note]]:
    """Return the packages from another list, if the usual one is missing or has less than half of the imported ones.

    In addition to the usual list, use the one with applications of Django's settings that the usual one lacks. A lock
    is the usual list, too: a template of an online editor may have left one.
    """
    chosen = python.requirements
    is_lock = bool(chosen) and set(chosen) <= set(LOCKS)
    if chosen and not is_lock and not all(path.endswith((".txt", ".pip", ".in")) for path in chosen):
        return python, []
    if chosen and not is_lock and (more := _list_of_apps(tree, app, chosen)):
        note = Note(
            f"{more} has packages from the settings that {chosen[0]} lacks", Evidence(posixpath.join(app.root, more))
        )
        return replace(python, requirements=_joined(tree, app, chosen, more)), [note]
    modules = modules_of(tree, app)
    wanted = {name_of(distributions()[module]) for module in modules if module in distributions()}
    here = _covered(tree, app.root, chosen, wanted) if chosen else 0
    if not wanted or here * 2 >= len(wanted) or (chosen and len(wanted) < _ENOUGH):
        return python, []
    found = {
        path: _covered(tree, posixpath.dirname(path) or ".", (posixpath.basename(path),), wanted)
        for path in _lists(tree, app)
    }
    best = min(found, key=lambda path: _rank(path, found, app), default="")
    inner = posixpath.relpath(best, app.root) if best else ""
    if not inner or found[best] <= here or inner in chosen:
        return python, []
    packages = f"{counted(len(wanted), 'package')} that the code imports"
    why = f"{chosen[0]} lacks {len(wanted) - here} of {packages}" if chosen else f"it lists {found[best]} of {packages}"
    note = Note(f"packages come from {inner}: {why}", Evidence(best))
    return replace(python, requirements=(inner,)), [note]


def with_list_above(tree: Tree, app: Application, python: PythonInput) -> PythonInput:
    """Return the packages with the list in the manifest's folder added, if the application has its own list below."""
    above, _ = find_input(tree, app.root, "")
    lists = (*above.requirements, *python.requirements)
    if not above.requirements or not all(path.endswith((".txt", ".pip", ".in")) for path in lists):
        return python
    if _contradict(tree, app.root, lists):
        return python
    return replace(python, requirements=tuple(dict.fromkeys(lists)))


def _list_of_apps(tree: Tree, app: Application, chosen: tuple[str, ...]) -> str:
    """Return the list with most of the Django applications that the chosen lists lack; "" if there is none."""
    here = set(dependencies(tree, app.root, chosen))
    lacking = {name_of(distributions()[module]) for module in apps_of_settings(tree, app)} - here
    if not lacking:
        return ""
    lists = {posixpath.relpath(path, app.root): path for path in _lists(tree, app) if path.endswith((".txt", ".in"))}
    others = {name: _covered(tree, ".", (path,), lacking) for name, path in lists.items() if name not in chosen}
    best = min(
        others, key=lambda name: _rank(lists[name], {lists[each]: others[each] for each in others}, app), default=""
    )
    return best if others.get(best) else ""


def _joined(tree: Tree, app: Application, chosen: tuple[str, ...], more: str) -> tuple[str, ...]:
    """Return the chosen lists with `more` added, or only `more` if it includes the others."""
    base = set(dependencies(tree, app.root, chosen, only=True))
    is_whole = base <= set(dependencies(tree, app.root, (more,), only=True))
    return (more,) if is_whole or _contradict(tree, app.root, (*chosen, more)) else (*chosen, more)


def _contradict(tree: Tree, root: str, lists: Iterable[str]) -> bool:
    """Return whether two of these lists pin different versions of a package."""
    pins: dict[str, str] = {}
    texts = (tree.text(posixpath.normpath(posixpath.join(root, each))) or "" for each in lists)
    found = (match for text in texts for match in _PIN.finditer(text))
    return any(pins.setdefault(name_of(match[1]), match[2]) != match[2] for match in found)


def _covered(tree: Tree, folder: str, names: tuple[str, ...], wanted: set[str]) -> int:
    return len(wanted & set(dependencies(tree, folder, names, only=True)))


def _rank(path: str, found: Mapping[str, int], app: Application) -> tuple[int, bool, int, str]:
    """Return a sort key for lists: most imported packages first, then lists for development, then the nearest."""
    steps = posixpath.relpath(posixpath.dirname(path) or ".", app.folder).count("/")
    return (-found[path], bool(NOT_FOR_US.search(posixpath.basename(path))), steps, path)


def _lists(tree: Tree, app: Application) -> Iterator[str]:
    """Yield the paths of lists and locks in and below the root of the application's project."""
    prefix = "" if app.root == "." else f"{app.root}/"
    for path in tree.files():
        folder, name = posixpath.split(path)
        if not path.startswith(prefix) or ASIDE.search(path):
            continue
        is_inside = posixpath.basename(folder) == "requirements" and name.endswith((".txt", ".pip", ".in"))
        is_list = is_inside or name in (*LOCKS, "Pipfile") or _LIST.fullmatch(name) is not None
        if is_list or (name == "pyproject.toml" and names_dependencies(load_toml(tree, path))):
            yield path
