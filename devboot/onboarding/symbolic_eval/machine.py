"""The symbolic evaluator: finds out what importing a module would do, without running its code."""

from __future__ import annotations

import ast
import contextlib
import os
import re
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any, NamedTuple

from devboot.onboarding.libraries import words_of_calls
from devboot.onboarding.proposal_values import Evidence
from devboot.onboarding.reading.tree import Tree
from devboot.onboarding.symbolic_eval.values import (
    NOTHING,
    PERHAPS,
    Class,
    Deferred,
    External,
    Function,
    Left,
    Module,
    Opaque,
    Raised,
    Scope,
    Spent,
    Value,
    absolute_name,
    argument_of,
    takes,
    union,
)
from devboot.onboarding.tables import load_table

_WORDS = load_table("symbolic_eval/known/known")["words"]
TELLING: tuple[str, ...] = (*_WORDS["telling"], *words_of_calls())
GIVEN = frozenset(_WORDS["given"])
MAX_STEPS = 400_000
MAX_CALLS = 14


@dataclass(slots=True)
class Read:
    """An environment variable that the code reads, with place, default and type at the first reading."""

    name: str
    place: Evidence | None
    default: Value | None = None
    cast: str = ""


@dataclass(slots=True)
class Need:
    """An environment variable without which the import fails; any of `others` can replace it.

    `is_presence` means that the code only checks whether it has a value.
    """

    name: str
    place: Evidence | None
    others: tuple[str, ...] = ()
    cast: str = ""
    is_presence: bool = False


@dataclass(slots=True)
class Event:
    """A call of a library that the code makes, or an assignment to a library's object (the name then ends with `=`)."""

    name: str
    call: Opaque
    place: Evidence | None
    maybe: bool
    target: str = ""
    module: str = ""

    def argument(self, position: int, *names: str) -> Value | None:
        """Return an argument of the call, by position or by one of its names; None if missing."""
        return argument_of(self.call.args, self.call.keywords, position, *names)


@dataclass(slots=True)
class Loaded:
    """An env file that the code loads."""

    path: str
    place: Evidence | None


@dataclass(slots=True)
class Findings:
    """What an evaluation has found: variables read and needed, library calls, env files, missing modules."""

    reads: dict[str, Read] = field(default_factory=dict)
    needs: dict[str, Need] = field(default_factory=dict)
    events: list[Event] = field(default_factory=list)
    loaded: list[Loaded] = field(default_factory=list)
    absent: list[tuple[str, Evidence | None]] = field(default_factory=list)
    templates: dict[tuple[str, str], Evidence | None] = field(default_factory=dict)


class Rules(NamedTuple):
    """The functions that evaluate each kind of syntax node; passed in, since they use the machine themselves."""

    expressions: Mapping[type[ast.expr], Callable[[Any, Any, Scope], Value]]
    statements: Mapping[type[ast.stmt], Callable[[Any, Any, Scope], None]]


class Machine:
    """One symbolic evaluation: a tree, the folders in which imports resolve, and the variables that are set."""

    def __init__(
        self,
        rules: Rules,
        tree: Tree,
        sources: Iterable[str],
        environ: Mapping[str, str],
        guesses: Mapping[str, str],
        focus: frozenset[str] | None = None,
    ) -> None:
        self.rules = rules
        self.tree = tree
        self.focus = focus  # the relevant files, if known from an earlier evaluation
        self.sources = list(sources)
        self.environ = dict(environ)
        self.guesses = guesses  # values for required variables
        self.found = Findings()
        self.modules: dict[str, Module] = {}
        self.executed: set[str] = set()
        self.config: dict[str, Value] = {}  # Flask's app.config
        self.settings: Module | None = None  # the module behind django.conf.settings
        self.settings_name = ""
        self.maybe = 0
        self.reads_on = False  # True if unset variables don't end statements that may not run
        self.handlers: list[tuple[str, ...]] = []
        self.tests: list[tuple[frozenset[str], ast.expr, Scope]] = []
        self.causes: list[frozenset[str]] = []
        self.depth = 0
        self.steps = 0
        self.called: set[ast.AST] = set()
        self.located: dict[str, str | None] = {}
        self.templates: dict[str, tuple[str, str]] = {}  # by the name of the module to be created from it

    # -- running -----------------------------------------------------------------------------------------------

    def step(self) -> None:
        """Count one step of the evaluation; raise Spent after too many."""
        self.steps += 1
        if self.steps > MAX_STEPS:
            raise Spent

    def evaluate(self, node: ast.expr | None, scope: Scope) -> Value:
        """Return the value of an expression."""
        if node is None:
            return NOTHING
        self.step()
        handler = self.rules.expressions.get(type(node))
        return handler(self, node, scope) if handler else Value(Opaque(type(node).__name__))

    def execute(self, body: Iterable[ast.stmt], scope: Scope) -> None:
        """Evaluate statements; unsupported ones have no effect."""
        for node in body:
            self.step()
            handler = self.rules.statements.get(type(node))
            if handler:
                handler(self, node, scope)

    @contextlib.contextmanager
    def doubting(self) -> Iterator[None]:
        """Mark the code evaluated in the `with` block as perhaps never run: variables it reads aren't required."""
        self.maybe += 1
        try:
            yield
        finally:
            self.maybe -= 1

    def call(
        self, function: Function, args: tuple[Value, ...], keywords: Mapping[str, Value], place: Evidence | None
    ) -> Value:
        """Evaluate a call of a function of the clone and return its result."""
        if self.depth >= MAX_CALLS:
            return Value(Opaque(), union(*args, *keywords.values()), place)
        scope = Scope(function.scope.module, self.bind(function, args, keywords), function.scope, "function")
        self.called.add(function.node)
        self.depth += 1
        try:
            if isinstance(function.node, ast.Lambda):
                return self.evaluate(function.node.body, scope)
            self.execute(function.node.body, scope)
        except Left as left:
            return left.value
        except RecursionError:
            return Value(Opaque(), union(*args, *keywords.values()), place)
        finally:
            self.depth -= 1
        return NOTHING

    def bind(self, function: Function, args: tuple[Value, ...], keywords: Mapping[str, Value]) -> dict[str, Value]:
        """Return the values of a function's parameters in a call with these arguments, by parameter name."""
        spec = function.node.args
        parameters = [*spec.posonlyargs, *spec.args]
        names: dict[str, Value] = {}
        for parameter, default in zip(reversed(parameters), reversed(spec.defaults), strict=False):
            names[parameter.arg] = self.evaluate(default, function.scope)
        for parameter, default_ in zip(spec.kwonlyargs, spec.kw_defaults, strict=True):
            if default_ is not None:
                names[parameter.arg] = self.evaluate(default_, function.scope)
        for parameter, value in zip(parameters, args, strict=False):
            names[parameter.arg] = value
        known = {parameter.arg for parameter in (*parameters, *spec.kwonlyargs)}
        names.update({key: value for key, value in keywords.items() if key in known})
        for parameter in (*parameters, *spec.kwonlyargs):
            names.setdefault(parameter.arg, Value(Opaque(parameter.arg)))
        if spec.vararg:
            names[spec.vararg.arg] = Value(tuple(args[len(parameters) :]))
        if spec.kwarg:
            names[spec.kwarg.arg] = Value({k: v for k, v in keywords.items() if k not in known})
        return names

    def place(self, node: ast.AST, scope: Scope) -> Evidence:
        """Return file and line of a syntax node."""
        return Evidence(scope.module.path, getattr(node, "lineno", 0))

    # -- variables ---------------------------------------------------------------------------------------------

    def read(self, name: str, place: Evidence | None, default: Value | None = None, cast: str = "") -> Value:
        """Return the value of an environment variable.

        If unset and without default, raise KeyError in the evaluated code.
        """
        self.found.reads.setdefault(name, Read(name, place, default, cast))
        if name in self.environ:
            return Value(self.environ[name], frozenset({name}), place)
        if default is not None:
            return Value(default.data, default.reads | {name}, place)
        if name in GIVEN:
            return Value(Opaque(name), frozenset({name}), place)
        return self.fail("KeyError", frozenset({name}), place, cast=cast)

    def fail(
        self, kind: str, reads: frozenset[str], place: Evidence | None, *, cast: str = "", is_presence: bool = False
    ) -> Value:
        """Raise an exception in the evaluated code that is caused by unset variables.

        If the code has a handler, it gets the exception. Otherwise the variables are recorded as needed, and
        evaluation continues as if they were set.
        """
        handlers = [names for names in self.handlers if names is not PERHAPS] if self.reads_on else self.handlers
        if any(takes(names, kind) for names in handlers):
            raise Raised(kind, reads)
        missing = [name for name in sorted(reads) if name not in self.environ and name not in GIVEN]
        if not self.maybe:
            for name in missing:
                known = self.found.reads.get(name)
                need = Need(name, known.place if known and known.place else place, (), cast, is_presence)
                self.found.needs.setdefault(name, need)
        guess = self.guesses.get(missing[0]) if missing else None
        if guess is None:
            return Value(Opaque("unset"), reads, place)
        return Value(guess, reads, place)

    def is_caught(self, kind: str) -> bool:
        """Return True if an enclosing handler catches the exception."""
        return any(takes(names, kind) for names in self.handlers)

    # -- paths -------------------------------------------------------------------------------------------------

    @property
    def here(self) -> str:
        """The folder in which the application's commands run."""
        return os.path.normpath(self.tree.root / (self.sources[0] if self.sources else ""))

    def relative(self, path: str) -> str | None:
        """Return an absolute path relative to the tree; None if it is outside."""
        full = os.path.normpath(os.path.join(self.here, path))
        root = str(self.tree.root)
        if full == root:
            return "."
        return full[len(root) + 1 :] if full.startswith(root + "/") else None

    # -- modules -----------------------------------------------------------------------------------------------

    def locate(self, name: str) -> str | None:
        """Return the file of a module of the clone; for a folder without `__init__.py` its path with a trailing `/`."""
        if name not in self.located:
            self.located[name] = self._search(name)
        return self.located[name]

    def _search(self, name: str) -> str | None:
        inner = name.replace(".", "/")
        bases = [f"{source}/{inner}" if source not in ("", ".") else inner for source in self.sources]
        for base in bases:
            for path in (f"{base}/__init__.py", f"{base}.py"):
                if self.tree.exists(path):
                    return path
        if folder := next((base + "/" for base in bases if self.tree.has_python(base)), None):
            return folder
        for path in (f"{base}.py" for base in bases):
            if template := self.tree.template_of(path):
                self.templates[name] = (template, path)
                return template
        return None

    def is_lacking(self, name: str, place: Evidence | None = None) -> bool:
        """Return True if a module exists only as a template, and the code handles ModuleNotFoundError.

        If the code doesn't handle the error, the template and `place` are recorded.
        """
        if self.locate(name) is None or name not in self.templates:
            return False
        if self.is_caught("ModuleNotFoundError"):
            return True
        if not self.maybe:
            self.found.templates.setdefault(self.templates[name], place)
        return False

    def is_ours(self, name: str) -> bool:
        """Return whether a module's top-level package is in the clone."""
        top = self.locate(name.split(".", 1)[0])
        if top is None or not top.endswith("/"):
            return top is not None
        # A library takes precedence over a folder of the same name without `__init__.py` (`alembic/`)
        return "." in name and self.locate(name) is not None

    def module(self, name: str) -> Module | None:
        """Evaluate the import of a module of the clone, parents first; None for other modules."""
        if name in self.modules:
            return self.modules[name]
        path = self.locate(name)
        if path is None:
            return None
        if "." in name:
            self.module(name.rsplit(".", 1)[0])
            if name in self.modules:
                return self.modules[name]
        module = self.modules[name] = Module(name, path)
        if path.endswith("/"):
            return module
        if self.focus is not None:
            if path in self.focus:
                self.load(module)
        elif self.tree.mentions(path, TELLING, outside_functions=True):
            self.load(module)
        else:
            self._follow_imports(module)
        return module

    def _follow_imports(self, module: Module) -> None:
        """Evaluate the imports of a module whose own code needn't be evaluated."""
        for origin, names, plain in self.tree.imports(module.path):
            for target in import_targets(module, origin, names, plain):
                if target not in self.modules and self.locate(target) is not None and self.depth < MAX_CALLS:
                    self.depth += 1
                    try:
                        self.module(target)
                    finally:
                        self.depth -= 1

    def load(self, module: Module) -> None:
        """Evaluate a module's body, at the first call only."""
        if module.name in self.executed or module.path.endswith("/"):
            return
        self.executed.add(module.name)
        parsed = self.tree.module(module.path)
        if parsed is None:
            return
        module.names.setdefault("__name__", Value(module.name))
        module.names.setdefault("__file__", Value(str(self.tree.root / module.path)))
        outer, self.handlers, tests, self.tests = self.handlers, list(self.handlers), self.tests, []
        try:
            self.execute(parsed.body, Scope(module, module.names))
        except Spent:
            raise
        except Exception:  # noqa: BLE001, S110 - unexpected code must not make `up` fail
            pass
        finally:
            self.handlers, self.tests = outer, tests

    def member(self, module: Module, name: str) -> Value | None:
        """Return the value of a name in a module, or its submodule; None if it has none."""
        if name not in module.names:
            self.load(module)
        if name in module.names:
            return self.settle(module.names[name])
        sub = self.module(f"{module.name}.{name}")
        if sub is not None:
            return Value(sub)
        for star in module.stars:
            if not self.is_ours(star):
                return Value(External(f"{star}.{name}"))
        return None

    def django(self) -> Module | None:
        """Return Django's settings module, evaluating it at the first use, as Django does; None without one."""
        if self.settings is None and self.settings_name:
            # A parent package may use the settings while it is imported, which loads them
            self.is_lacking(self.settings_name)
            self.settings = self.module(self.settings_name)
            if self.settings is not None:
                self.load(self.settings)
        return self.settings

    def settle(self, value: Value) -> Value:
        """Return the value of a deferred name, evaluating its module now; other values are returned unchanged."""
        data = value.data
        if not isinstance(data, Deferred):
            return value
        found = self.member(data.module, data.name)
        return found if found is not None else Value(Opaque(f"{data.module.name}.{data.name}"))

    def import_name(self, module: Module, name: str) -> Value:
        """Return the value of `name` for `from module import name`; deferred if the module needn't be evaluated now."""
        waits = module.name not in self.executed and not module.path.endswith("/")
        if waits and self.locate(f"{module.name}.{name}") is None:
            return Value(Deferred(module, name))
        found = self.member(module, name)
        return found if found is not None else Value(Opaque(f"{module.name}.{name}"))

    def resolve(self, dotted: str) -> Value | None:
        """Return the module or object of the clone that a dotted path names; None if there is none."""
        self.is_lacking(dotted)
        module = self.module(dotted)
        if module is not None:
            return Value(module)
        if "." not in dotted:
            return None
        outer, name = dotted.rsplit(".", 1)
        value = self.resolve(outer)
        if value is None:
            return None
        if isinstance(value.data, Module):
            return self.member(value.data, name)
        return value.data.find(name) if isinstance(value.data, Class) else None

    def record(self, name: str, call: Opaque, place: Evidence | None, target: str = "") -> None:
        """Record a call of a library."""
        if len(self.found.events) < 20_000:
            self.found.events.append(Event(name, call, place, self.maybe > 0, target))


def import_targets(module: Module, origin: str, names: str, plain: str) -> list[str]:
    """Return the dotted names of modules that an import statement may load."""
    if plain:
        return [part.split(" as ")[0].strip() for part in plain.split("#", maxsplit=1)[0].split(",")]
    base = absolute_name(module, origin)
    listed = re.findall(r"^\s*(\w+)|,\s*(\w+)", re.sub(r"#[^\n]*", "", names.strip("()")))
    return [base, *(f"{base}.{first or second}" for first, second in listed)]
