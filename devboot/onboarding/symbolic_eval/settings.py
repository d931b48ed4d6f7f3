"""Which settings development uses, and what they are worth with a given set of variables."""

from __future__ import annotations

import ast
import re
from collections.abc import Mapping
from dataclasses import dataclass, field

from devboot.onboarding.libraries import words_of_calls
from devboot.onboarding.reading.layout import ASIDE, Application, module_name
from devboot.onboarding.reading.tree import Tree
from devboot.onboarding.symbolic_eval import statements
from devboot.onboarding.symbolic_eval.calls import bind
from devboot.onboarding.symbolic_eval.machine import Findings, Machine
from devboot.onboarding.symbolic_eval.raising import PERHAPS
from devboot.onboarding.symbolic_eval.values import Function, Left, Module, Raised, Scope, Spent, Value, plain

# Code in functions that opens connections; only such functions are worth a look
CONNECTS = (
    "edis(", "redis.", "from_url(", "from_dsn(", "Celery(", "roker(", "Huey(", "RQ(", "create_engine(",
    "create_async_engine(", "sqlite3.connect(", "sqlite.connect(", "RedisSettings(", "RedisStorage", "init_app(",
    "beat_schedule", "broker_url", *words_of_calls(),
)  # fmt: skip
# Where a module has one of those, a function that calls one of these opens a connection
OPENS = (*CONNECTS, "connect(", "create_pool(", "Connection(", "Pool(", "Client(")
_CONNECTS_BY_NAME = re.compile(
    r"[Rr]edis|elery|roker|uey|\.conf|engine|sqlite|connect|[Cc]onnection|[Pp]ool|Client|Database|afka|lasticsearch"
)


@dataclass(slots=True)
class Run:
    """One evaluation of the application."""

    machine: Machine
    names: Mapping[str, Value]  # the settings: Django's module, Flask's configuration

    @property
    def found(self) -> Findings:
        """What was met on the way."""
        return self.machine.found

    def setting(self, name: str) -> object:
        """A setting as plain data; None where there is none."""
        value = self.names.get(name)
        return None if value is None else plain(value)


@dataclass(slots=True)
class Evaluator:
    """Evaluates the application again and again, with other variables set."""

    tree: Tree
    app: Application
    settings: str  # Django's settings module
    environ: dict[str, str]
    guesses: dict[str, str]
    scripts: tuple[str, ...] = ()  # files that tools of the project run beside it
    words: tuple[str, ...] = ()  # in modules that workers start from
    focus: dict[str, str] = field(default_factory=dict)
    done: dict[tuple[tuple[str, str], ...], Run] = field(default_factory=dict)

    def run(self, extra: Mapping[str, str]) -> Run:
        """Follow the import of the application with these variables on top of those from env files."""
        return self._run(Machine(self.tree, self.app.sources, {**self.environ, **extra}, self.guesses))

    def again(self, extra: Mapping[str, str]) -> Run:
        """As `run`, but only through the modules that mattered in it."""
        key = tuple(sorted(extra.items()))
        if key not in self.done:
            machine = Machine(
                self.tree, self.app.sources, {**self.environ, **extra}, self.guesses, frozenset(self.focus)
            )
            self.done[key] = self._run(machine)
        return self.done[key]

    def _run(self, machine: Machine) -> Run:
        names: Mapping[str, Value] = machine.config
        try:
            if self.settings:
                module = self._django(machine, thorough=machine.focus is None)
                names = module.names if module else {}
            elif self.app.entry:
                self._web(machine)
            for name in self.focus.values() if machine.focus is not None else ():
                machine.module(name)
            self._workers(machine)
            for path in self.scripts:
                machine.load(Module(path, path))
            make_cached_settings(machine)
            look_into_functions(machine)
        except (Spent, RecursionError):
            pass
        if machine.focus is None:
            self.focus = _focus(machine)
            self.done.clear()
        return Run(machine, names)

    def _django(self, machine: Machine, *, thorough: bool) -> Module | None:
        machine.settings_name = self.settings
        module = machine.django()
        if module is None:
            return None
        for name, value in list(module.names.items()):
            module.names[name] = machine.settle(value)
        if thorough:
            for name in _django_modules(module):
                machine.module(name)
        return module

    def _web(self, machine: Machine) -> None:
        module = machine.module(self.app.entry)
        if module is None:
            return
        machine.load(module)
        name = self.app.target.removesuffix("()")
        value = module.names.get(name)
        if value is not None and isinstance(value.data, Function):
            machine.call(value.data, (), {}, value.place)

    def _workers(self, machine: Machine) -> None:
        """Modules that workers start from are imported by nothing else."""
        for path in self.tree.python_files():
            if ASIDE.search(path) or not self.tree.mentions(path, self.words):
                continue
            name = module_name(path, self.app.sources)
            if name:
                machine.module(name)


def _focus(machine: Machine) -> dict[str, str]:
    """Files of modules that read variables, connect or configure, with the modules' names, in the order of running."""
    found = machine.found
    places = [read.place for read in found.reads.values()] + [need.place for need in found.needs.values()]
    places += [event.place for event in found.events if re.search(_CONNECTS_BY_NAME, event.name)]
    places += [value.place for value in machine.config.values()]
    paths = {place.path for place in places if place}
    if machine.settings is not None:
        paths.add(machine.settings.path)
    return {module.path: name for name, module in machine.modules.items() if module.path in paths}


def _django_modules(settings: Module) -> list[str]:
    """Modules that Django imports at its start."""
    found: list[str] = []
    for key in ("ROOT_URLCONF", "WSGI_APPLICATION", "ASGI_APPLICATION"):
        value = settings.names.get(key)
        if value is not None and isinstance(value.data, str):
            found.append(value.data if key == "ROOT_URLCONF" else value.data.rpartition(".")[0])
    apps = settings.names.get("INSTALLED_APPS")
    for item in plain(apps) if apps is not None and isinstance(apps.data, list | tuple) else ():  # type: ignore[attr-defined]
        if isinstance(item, str):
            base = re.sub(r"\.apps\.\w+$", "", item)
            found += [
                f"{base}.apps",
                f"{base}.models",
                f"{base}.urls",
                f"{base}.views",
                f"{base}.tasks",
                f"{base}.signals",
            ]
    return found


def make_cached_settings(machine: Machine) -> None:
    """Call what makes the settings once, at the first request if not before: `@lru_cache def get_settings()`."""
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


def look_into_functions(machine: Machine) -> None:
    """Follow functions that nothing called yet and that open connections; what they read is never required."""
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
    machine.maybe += 1
    machine.reads_on = True
    machine.handlers.append(PERHAPS)
    try:
        names = bind(machine, Function(node, outer), (), {})
        statements.perhaps(machine, node.body, Scope(module, names, outer, "function"))
    except (Raised, Left, RecursionError):
        pass
    finally:
        machine.handlers.pop()
        machine.reads_on = False
        machine.maybe -= 1
