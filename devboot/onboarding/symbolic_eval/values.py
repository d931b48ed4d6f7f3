"""Values of the symbolic evaluation: constants, objects known only by name, and the variables they come from.

Values refer to each other in cycles, so they compare by identity and have no text form.
"""

from __future__ import annotations

import ast
import contextlib
import itertools
from collections.abc import Iterable, Iterator, Mapping, Sized
from dataclasses import dataclass, field
from pathlib import PurePosixPath
from typing import Any

from devboot.onboarding.proposal_values import Evidence


@dataclass(frozen=True, slots=True, eq=False, repr=False)
class Value:
    """A value of the evaluated code (`data`), and the names of the environment variables behind it (`reads`)."""

    data: object
    reads: frozenset[str] = frozenset()
    place: Evidence | None = None


@dataclass(frozen=True, slots=True, eq=False, repr=False)
class Opaque:
    """A value that isn't known: the result of a library's call, or a parameter without a known argument."""

    name: str = ""
    args: tuple[Value, ...] = ()
    keywords: Mapping[str, Value] = field(default_factory=dict)
    attributes: dict[str, Value] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class External:
    """A library's function, class or module, known by its dotted name only."""

    name: str


@dataclass(slots=True, eq=False, repr=False)
class Module:
    """A module of the clone; `names` is filled while the module is evaluated."""

    name: str
    path: str
    names: dict[str, Value] = field(default_factory=dict)
    stars: list[str] = field(default_factory=list)


@dataclass(frozen=True, slots=True, eq=False, repr=False)
class Deferred:
    """A name imported from a module that is evaluated only when the name is used."""

    module: Module
    name: str


@dataclass(frozen=True, slots=True, eq=False, repr=False)
class Function:
    """A function of the clone: its syntax tree, the scope it was defined in, and the names of its decorators."""

    node: ast.FunctionDef | ast.AsyncFunctionDef | ast.Lambda
    scope: Scope
    owner: Value | None = None
    decorators: tuple[str, ...] = ()


@dataclass(slots=True, eq=False, repr=False)
class Class:
    """A class of the clone: its syntax tree, its base classes, and its attributes by name."""

    name: str
    node: ast.ClassDef
    module: Module
    bases: tuple[Value, ...]
    names: dict[str, Value]

    def find(self, name: str) -> Value | None:
        """Return an attribute of the class, or of its bases in the clone; None if there is none."""
        return next((c.names[name] for c in self.line() if name in c.names), None)

    def line(self) -> list[Class]:
        """Return the class and its bases in the clone, nearest first."""
        found = [self]
        for base in self.bases:
            if isinstance(base.data, Class):
                found += [c for c in base.data.line() if c not in found]
        return found

    def libraries(self) -> set[str]:
        """Return the dotted names of the library classes from which the class inherits."""
        return {base.data.name for c in self.line() for base in c.bases if isinstance(base.data, External)}


@dataclass(slots=True, eq=False, repr=False)
class Instance:
    """An object whose class the clone defines, with its attributes by name."""

    cls: Class
    names: dict[str, Value] = field(default_factory=dict)


@dataclass(frozen=True, slots=True, eq=False, repr=False)
class Method:
    """A method `name` bound to `owner` (a constant, a path or a library's object) that hasn't been called yet."""

    owner: Value
    name: str


@dataclass(slots=True, eq=False, repr=False)
class Scope:
    """A namespace of evaluated code (module, class or function), with the namespace that encloses it."""

    module: Module
    names: dict[str, Value]
    parent: Scope | None = None
    kind: str = "module"

    def find(self, name: str) -> Value | None:
        """Look up a name from the innermost scope outwards; functions don't see the names of class bodies."""
        scope: Scope | None = self
        while scope is not None:
            if name in scope.names and (scope is self or scope.kind != "class"):
                return scope.names[name]
            scope = scope.parent
        return None


class Raised(Exception):  # noqa: N818 - represents an exception of the evaluated code
    """An exception raised by the evaluated code, until one of its `except` clauses catches it."""

    def __init__(self, kind: str, reads: frozenset[str]) -> None:
        super().__init__(kind)
        self.kind = kind
        self.reads = reads


class Left(Exception):  # noqa: N818 - control flow of the evaluated code
    """A `return`, `break` or `continue` of the evaluated code, until the function or loop ends."""

    def __init__(self, kind: str, value: Value) -> None:
        super().__init__(kind)
        self.kind = kind
        self.value = value


class Spent(Exception):  # noqa: N818 - not an error: results so far are used
    """Raised when the evaluation has used up its budget of steps."""


@contextlib.contextmanager
def pushed(stack: list[Any], item: object) -> Iterator[None]:
    """Append `item` to `stack` while a `with` block runs; remove it afterwards."""
    stack.append(item)
    try:
        yield
    finally:
        stack.pop()


NOTHING = Value(None)
# Marks an unknown part of a text
HOLE = "\N{HORIZONTAL ELLIPSIS}"


def names_of(data: object) -> dict[str, Value]:
    """Return the attributes of a module, a class (with its bases) or an instance (with its class).

    {} for other data.
    """
    if isinstance(data, Instance):
        return {**names_of(data.cls), **data.names}
    if isinstance(data, Class):
        return {name: value for part in reversed(data.line()) for name, value in part.names.items()}
    return data.names if isinstance(data, Module) else {}


def fields_of(value: Value | None) -> dict[Any, Value]:
    """Return the entries of a value that is a dictionary; {} for any other value or None."""
    return value.data if value is not None and isinstance(value.data, dict) else {}


def union(*values: Value) -> frozenset[str]:
    """Return the names of the environment variables that influenced any of these values."""
    return frozenset().union(*(value.reads for value in values))


def plain(value: Value) -> object:
    """Return the value as ordinary Python data; unknown parts, and those beyond `_MOST_PARTS`, stay as they are."""
    return _plain(value, 0, itertools.count())


def _plain(value: Value, depth: int, parts: Iterator[int]) -> object:
    data = value.data
    if depth > _DEEPEST or next(parts) > _MOST_PARTS:
        return data
    if isinstance(data, list | tuple | set):
        items = [_plain(item, depth + 1, parts) for item in data]
        return items if isinstance(data, list) else tuple(items)
    if isinstance(data, dict):
        return {key: _plain(item, depth + 1, parts) for key, item in data.items()}
    return data


def deep_reads(value: Value) -> frozenset[str]:
    """Return the names of the environment variables that influenced the value or anything that it contains."""
    reads: set[str] = set()
    level, seen = [value], set[int]()  # ids, since the same list may be in another one many times
    for _ in range(_DEEPEST + 2):
        fresh = {id(each): each for each in level if id(each) not in seen}
        seen |= fresh.keys()
        reads.update(*(each.reads for each in fresh.values()))
        level = [item for each in fresh.values() for item in _parts(each.data) if isinstance(item, Value)]
    return frozenset(reads)


def _parts(data: object) -> Iterable[object]:
    if isinstance(data, list | tuple | set):
        return data
    if isinstance(data, dict):
        return data.values()
    return (*data.args, *data.keywords.values()) if isinstance(data, Opaque) else ()


def is_known(value: Value) -> bool:
    """Return True if the value is data (text, number, None, path, container) rather than code or unknown."""
    return not isinstance(value.data, Opaque | External | Function | Class | Instance | Method | Module)


_DEEPEST = 8  # lists within lists that are looked into
_MOST_PARTS = 10_000  # of one value as ordinary data: a list may contain another one many times
LONGEST = 64 * 1024  # longer results count as unknown


def size(data: object) -> int:
    """Return the length of a text, path or container; 0 for anything else.

    A whole number counts eight times its bits: Python refuses to write those with more than 4,300 digits.
    """
    if isinstance(data, int):
        return data.bit_length() * 8
    if isinstance(data, PurePosixPath):
        return len(str(data))
    return len(data) if isinstance(data, Sized) else 0


def total_size(data: object) -> int:
    """Return the sum of `size` over plain data and everything that it contains."""
    if isinstance(data, dict):
        data = [*data, *data.values()]
    return size(data) + sum(map(total_size, data)) if isinstance(data, list | tuple) else size(data)


def argument_of(args: tuple[Value, ...], keywords: Mapping[str, Value], position: int, *names: str) -> Value | None:
    """Return the argument of a call at a position or by one of its names; None if missing."""
    named = next((keywords[name] for name in names if name in keywords), None)
    return named or (args[position] if 0 <= position < len(args) else None)


@dataclass(frozen=True, slots=True)
class Call:
    """A call with its evaluated arguments."""

    function: Value
    args: tuple[Value, ...]
    keywords: Mapping[str, Value]
    place: Evidence
    scope: Scope

    def argument(self, position: int, *names: str) -> Value | None:
        """Return the argument at a position or by one of its names; None if missing."""
        return argument_of(self.args, self.keywords, position, *names)

    def reads(self) -> frozenset[str]:
        """Return the names of the environment variables that influenced the arguments."""
        return frozenset().union(*(deep_reads(value) for value in (*self.args, *self.keywords.values())))


def wrap(data: object, reads: frozenset[str]) -> Value:
    """Return a `Value` for ordinary Python data, with everything in its containers wrapped, too."""
    if isinstance(data, dict):
        return Value({key: wrap(item, reads) for key, item in data.items()}, reads)
    if isinstance(data, list | tuple):
        items = [wrap(item, reads) for item in data]
        return Value(items if isinstance(data, list) else tuple(items), reads)
    return Value(data, reads)


def absolute_name(module: Module, origin: str) -> str:
    """Return the absolute name of the module in `from ..x import y` (`origin` is "..x") written in `module`."""
    level = len(origin) - len(origin.lstrip("."))
    if level == 0:
        return origin
    parts = module.name.split(".")
    if not module.path.endswith(("__init__.py", "/")):
        parts = parts[:-1]
    parts = parts[: len(parts) - (level - 1)] if level > 1 else parts
    return ".".join([*parts, origin.lstrip(".")]).strip(".")


# -- exceptions -----------------------------------------------------------------------------------------------------

# Name in a scope whose code may have returned already
RETURNED = "(returned)"
# A handler around statements that may not run
PERHAPS = ("BaseException",)
# Base classes of exceptions, as far as unset variables and missing modules cause them
WIDER = {
    "KeyError": ("KeyError", "LookupError"),
    "UndefinedValueError": ("UndefinedValueError", "KeyError"),
    "ImproperlyConfigured": ("ImproperlyConfigured",),
    "EnvError": ("EnvError", "ValueError"),
    "ModuleNotFoundError": ("ModuleNotFoundError", "ImportError"),
    "FileNotFoundError": ("FileNotFoundError", "OSError", "IOError", "EnvironmentError"),
    "SystemExit": ("SystemExit",),
}


def takes(names: tuple[str, ...], kind: str) -> bool:
    """Return True if `except names` catches an exception of the class named `kind`, such as "KeyError"."""
    wider = WIDER.get(kind, (kind,))
    return any(
        name in wider or (name in ("Exception", "") and kind != "SystemExit") or name == "BaseException"
        for name in names
    )
