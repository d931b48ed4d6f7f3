"""Collects the variables that must be set: those that the code needs at import, and those in commands."""

from __future__ import annotations

import ast
import posixpath
import re
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import replace
from itertools import chain

from devboot.onboarding.frameworks.framework import Clone
from devboot.onboarding.frameworks.web.django_settings import must_be_texts
from devboot.onboarding.proposal_values import Evidence, Process, Variable
from devboot.onboarding.reading.layout import ASIDE
from devboot.onboarding.reading.procfile import variables_in
from devboot.onboarding.reading.tree import Tree
from devboot.onboarding.symbolic_eval.evaluate import Run
from devboot.onboarding.symbolic_eval.machine import Need
from devboot.onboarding.symbolic_eval.values import Value

# Names of classes for other stages than development, and for development
_ELSEWHERE = re.compile(r"prod|stag|heroku|docker|unix|deploy|live|test|ci(?:$|[A-Z_])", re.IGNORECASE)
_HERE = re.compile(r"dev|local|debug", re.IGNORECASE)
_OF_NODE = (".js", ".mjs", ".cjs", ".ts")
_SUBSCRIPT = re.compile(r"\benviron\[")
_MOST_FILES = 400
_NUMBERS = frozenset({"int", "float", "builtins.int", "builtins.float"})


def needs_of(clone: Clone, run: Run, processes: Iterable[Process]) -> list[Need]:
    """Return the variables needed at import, by empty settings, and by commands."""
    needs = [*run.found.needs.values(), *clone.framework.needs(clone)]
    known = {need.name for need in needs}
    for each in chain(
        _of_settings(run, known), _of_procfile(clone), _of_commands(clone, processes), _of_functions(clone)
    ):
        if each.name not in known:
            known.add(each.name)
            needs.append(each)
    return needs


def _of_settings(run: Run, known: set[str]) -> Iterator[Need]:
    """Yield the variables whose emptiness leaves settings empty; `known`, which grows, has those found so far."""
    for setting in ("SECRET_KEY", "DATABASES", *must_be_texts(run)):
        value = run.names.get(setting)
        data = value.data if value is not None else None
        if setting == "DATABASES" and isinstance(data, dict) and "default" in data:
            value = data["default"]
            data = value.data
        if value is not None and data in (None, "", {}) and value.reads:
            unset = [name for name in sorted(value.reads) if name not in run.machine.environ and name not in known]
            if not known.intersection(value.reads) and unset:
                best = min(unset, key=lambda name: ("DATABASE" not in name and "SECRET" not in name, name))
                yield Need(best, value.place)
    yield from _of_tokens(run)


def _of_tokens(run: Run) -> Iterator[Need]:
    """Yield the variable for the key that signs logins, without which the first login fails."""
    given = run.fields("SIMPLE_JWT")
    key, algorithm = given.get("SIGNING_KEY"), given.get("ALGORITHM")
    is_symmetric = algorithm is None or str(algorithm.data).startswith("HS")
    if is_symmetric and key is not None and key.data in (None, "") and len(key.reads) == 1:
        yield Need(min(key.reads), key.place)


def _of_procfile(clone: Clone) -> Iterator[Need]:
    for entry in clone.procfile.processes() if clone.procfile else ():
        place = Evidence(clone.procfile.path, entry.line) if clone.procfile else None
        for name in variables_in(entry.command):
            yield Need(name, place)


def _of_commands(clone: Clone, processes: Iterable[Process]) -> Iterator[Need]:
    """Yield variables in containers' commands that a template sets; compose leaves unset ones empty."""
    for process in processes:
        where = process.evidence
        for name in variables_in(process.command or ""):
            example = clone.files.examples.get(name)
            if example is not None and not example.is_placeholder:
                yield Need(name, Evidence(where.path, where.line or 0) if where else None)


def _of_functions(clone: Clone) -> Iterator[Need]:
    """Yield variables that functions read without a default and a template sets; unset, the functions fail."""
    examples = clone.files.examples
    for path in sorted(clone.tree.read):
        if not path.endswith(".py") or ASIDE.search(path) or not clone.tree.matches(path, _SUBSCRIPT):
            continue
        for name, line in _subscripts_in_functions(clone.tree.module(path)):
            if name in examples and not examples[name].is_placeholder:
                yield Need(name, Evidence(path, line))


def _subscripts_in_functions(module: ast.Module | None) -> Iterator[tuple[str, int]]:
    """Yield name and line of each variable that a function reads as `environ[…]`."""
    functions = (ast.FunctionDef, ast.AsyncFunctionDef)
    for function in (each for each in ast.walk(module or ast.Module([], [])) if isinstance(each, functions)):
        for node in ast.walk(function):
            if not isinstance(node, ast.Subscript) or not isinstance(node.ctx, ast.Load):
                continue
            base = node.value
            named = base.attr if isinstance(base, ast.Attribute) else base.id if isinstance(base, ast.Name) else ""
            if named == "environ" and isinstance(node.slice, ast.Constant) and isinstance(node.slice.value, str):
                yield node.slice.value, node.lineno


def needs_of_node(clone: Clone) -> Iterator[Need]:
    """Yield variables in templates that the code of a Node-only clone reads, whether required or not."""
    tree, root = clone.tree, clone.app.root
    is_node = tree.exists(posixpath.normpath(posixpath.join(root, "package.json")))
    if not is_node or clone.app.framework or clone.python.requirements:
        return
    ours = [path for path in tree.files() if path.endswith(_OF_NODE) and not ASIDE.search(path)][:_MOST_FILES]
    for name in clone.files.examples:
        pattern = re.compile(rf"\b{re.escape(name)}\b")
        found = next((path for path in ours if tree.matches(path, pattern)), None) if name != "PORT" else None
        match = pattern.search(tree.text(found) or "") if found else None
        if found and match:
            yield Need(name, Evidence.at(found, match))


def for_another_stage(tree: Tree, need: Need, variable: Variable, settings: Mapping[str, Value]) -> Variable:
    """Return a required variable with an empty value (or 0) if only a settings class such as `Production` needs it.

    Any other variable is returned unchanged.
    """
    place = need.place
    if not variable.required or place is None or any(value.place == place for value in settings.values()):
        return variable
    parsed = tree.module(place.path)
    classes = [node for node in parsed.body if isinstance(node, ast.ClassDef)] if parsed else []
    around = next((node for node in classes if node.lineno <= place.line <= (node.end_lineno or 0)), None)
    if around is None or not _ELSEWHERE.search(around.name) or not any(_HERE.search(each.name) for each in classes):
        return variable
    value = "0" if need.cast in _NUMBERS else ""
    return replace(variable, value=value, required=False, secret=False, description="")
