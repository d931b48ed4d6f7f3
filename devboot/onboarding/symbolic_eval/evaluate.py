"""Evaluates symbolically the import of an application, with given environment variables."""

from __future__ import annotations

import ast
import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from devboot.onboarding.libraries import words_of_calls
from devboot.onboarding.reading.layout import ASIDE, Application, module_name
from devboot.onboarding.reading.tree import Tree
from devboot.onboarding.symbolic_eval import expressions, statements
from devboot.onboarding.symbolic_eval.machine import Findings, Machine, Rules
from devboot.onboarding.symbolic_eval.values import (
    PERHAPS,
    Function,
    Left,
    Module,
    Raised,
    Scope,
    Spent,
    Value,
    fields_of,
    plain,
    pushed,
)
from devboot.onboarding.tables import load_table

RULES = Rules(expressions.TABLE, statements.TABLE)
_WORDS = load_table("symbolic_eval/known/known")["words"]
CONNECTS: tuple[str, ...] = (*_WORDS["connects"], *words_of_calls())
OPENS: tuple[str, ...] = (*CONNECTS, *_WORDS["opens"])
_CONNECTS_BY_NAME = re.compile(
    r"[Rr]edis|elery|roker|uey|\.conf|engine|sqlite|connect|[Cc]onnection|[Pp]ool|Client|Database|afka|lasticsearch"
)


@dataclass(slots=True)
class Run:
    """Result of one symbolic evaluation of the application: findings, and the names in its settings."""

    machine: Machine
    names: Mapping[str, Value]  # the settings: Django's module, Flask's configuration

    @property
    def found(self) -> Findings:
        """What the evaluation has found: variables read or needed, library calls."""
        return self.machine.found

    def fields(self, name: str) -> dict[Any, Value]:
        """Return the entries of a setting that is a dictionary; empty for other settings."""
        return fields_of(self.names.get(name))

    @property
    def apps(self) -> tuple[str, ...]:
        """The entries of Django's INSTALLED_APPS, as far as known."""
        found = self.setting("INSTALLED_APPS")
        return tuple(each for each in found if isinstance(each, str)) if isinstance(found, list | tuple) else ()

    def setting(self, name: str) -> object:
        """Return a setting's value as plain data; None if it isn't set."""
        value = self.names.get(name)
        return None if value is None else plain(value)


@dataclass(slots=True)
class Code:
    """The code of an application, which can be evaluated repeatedly with different variables.

    `settings` is Django's settings module, `environ` has the variables of committed env files, `guesses` values for
    required variables. `scripts` are files that tools run, `programs` those run directly, `words` identify modules
    that workers start from.
    """

    tree: Tree
    app: Application
    settings: str
    environ: dict[str, str]
    guesses: dict[str, str]
    scripts: tuple[str, ...] = ()
    programs: tuple[str, ...] = ()
    words: tuple[str, ...] = ()
    focus: dict[str, str] = field(default_factory=dict)
    done: dict[tuple[tuple[str, str], ...], Run] = field(default_factory=dict)


def evaluate(code: Code, variables: Mapping[str, str], *, thorough: bool = False) -> Run:
    """Evaluate the import of the application with these variables in addition to those from env files.

    Unless `thorough`, only the modules that mattered in the last thorough evaluation are evaluated.
    """
    key = tuple(sorted(variables.items()))
    if thorough or key not in code.done:
        focus = None if thorough else frozenset(code.focus)
        environ = {**code.environ, **variables}
        machine = Machine(RULES, code.tree, code.app.sources, environ, code.guesses, focus)
        run = _run(code, machine)
        if not thorough:
            code.done[key] = run
        return run
    return code.done[key]


def _run(code: Code, machine: Machine) -> Run:
    names: Mapping[str, Value] = machine.config
    try:
        if code.settings:
            module = _django(code, machine)
            names = module.names if module else {}
        elif code.app.entry:
            _web(code.app, machine)
        for name in code.focus.values() if machine.focus is not None else ():
            machine.module(name)
        _workers(code, machine)
        for path in code.scripts:
            machine.load(Module(path, path))
        for path in code.programs:
            _program(code.app, machine, path)
        _make_cached_settings(machine)
        _look_into_functions(machine)
    except (Spent, RecursionError):
        pass
    if machine.focus is None:
        code.focus = _focus(machine)
        code.done.clear()
    return Run(machine, names)


def _django(code: Code, machine: Machine) -> Module | None:
    machine.settings_name = code.settings
    module = machine.django()
    if module is None:
        return None
    for name, value in list(module.names.items()):
        module.names[name] = machine.settle(value)
    for name in _django_modules(machine, module) if machine.focus is None else ():
        machine.module(name)
    return module


def _web(app: Application, machine: Machine) -> None:
    module = machine.module(app.entry)
    if module is None:
        return
    if app.path and module.path != app.path:  # a package of that name hides it from imports
        module = Module(app.path, app.path)
    machine.load(module)
    value = module.names.get(app.target.removesuffix("()"))
    if value is not None and isinstance(value.data, Function):
        machine.call(value.data, (), {}, value.place)


def _program(app: Application, machine: Machine, path: str) -> None:
    """Evaluate a file as the main program (`__name__ == "__main__"`), not as an imported module."""
    name = module_name(path, app.sources) or path
    module = machine.modules[name] = Module(name, path, {"__name__": Value("__main__")})
    machine.load(module)


def _workers(code: Code, machine: Machine) -> None:
    """Evaluate modules from which workers start and which nothing else imports."""
    for path in code.tree.python_files():
        if not ASIDE.search(path) and code.tree.mentions(path, code.words):
            name = module_name(path, code.app.sources)
            if name:
                machine.module(name)


def _focus(machine: Machine) -> dict[str, str]:
    """Return {file: module name} of modules that read variables, connect or configure, in order of evaluation."""
    found = machine.found
    places = [read.place for read in found.reads.values()] + [need.place for need in found.needs.values()]
    places += [event.place for event in found.events if re.search(_CONNECTS_BY_NAME, event.name)]
    places += [value.place for value in machine.config.values()]
    paths = {place.path for place in places if place}
    if machine.settings is not None:
        paths.add(machine.settings.path)
    return {module.path: name for name, module in machine.modules.items() if module.path in paths}


def _django_modules(machine: Machine, settings: Module) -> list[str]:
    """Return the modules that Django imports at start."""
    found: list[str] = []
    for key in ("ROOT_URLCONF", "WSGI_APPLICATION", "ASGI_APPLICATION"):
        value = settings.names.get(key)
        if value is not None and isinstance(value.data, str):
            found.append(value.data if key == "ROOT_URLCONF" else value.data.rpartition(".")[0])
    for item in Run(machine, settings.names).apps:
        base = re.sub(r"\.apps\.\w+$", "", item)
        found += (f"{base}.{each}" for each in ("apps", "models", "urls", "views", "tasks", "signals"))
    return found


def _make_cached_settings(machine: Machine) -> None:
    """Evaluate cached functions that create settings at their first call: `@lru_cache def get_settings()`."""
    for module in list(machine.modules.values()):
        for value in list(module.names.values()):
            function = value.data
            if (
                not isinstance(function, Function)
                or function.node in machine.called
                or function.scope.module is not module
            ):
                continue
            if any("cache" in name for name in function.decorators) and _makes_settings(function):
                machine.call(function, (), {}, value.place)


def _makes_settings(function: Function) -> bool:
    body = [] if isinstance(function.node, ast.Lambda) else function.node.body
    returned = [node.value for node in body if isinstance(node, ast.Return)]
    return any(isinstance(node, ast.Call) and ast.unparse(node.func).endswith("Settings") for node in returned)


def _look_into_functions(machine: Machine) -> None:
    """Evaluate functions that nothing calls but that open connections; variables they read are never required."""
    for module in list(machine.modules.values()):
        if ASIDE.search(module.path) or not machine.tree.mentions(module.path, CONNECTS):
            continue
        machine.load(module)
        lines = (machine.tree.text(module.path) or "").splitlines()
        parsed = machine.tree.module(module.path)
        for node in ast.walk(parsed) if parsed else ():
            if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef) and node not in machine.called:
                body = "\n".join(lines[node.lineno - 1 : node.end_lineno])
                if any(word in body for word in OPENS):
                    _try_function(machine, node, module)


def _try_function(machine: Machine, node: ast.FunctionDef | ast.AsyncFunctionDef, module: Module) -> None:
    outer = Scope(module, module.names)
    machine.called.add(node)
    machine.reads_on = True
    try:
        with machine.doubting(), pushed(machine.handlers, PERHAPS):
            names = machine.bind(Function(node, outer), (), {})
            statements.perhaps(machine, node.body, Scope(module, names, outer, "function"))
    except (Raised, Left, RecursionError):
        pass
    finally:
        machine.reads_on = False
