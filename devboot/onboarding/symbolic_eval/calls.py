"""Evaluates calls: functions and classes of the clone are followed, library calls are known by name or recorded."""

from __future__ import annotations

import os
from collections.abc import Callable
from pathlib import PurePosixPath

from devboot.onboarding.proposal_values import Evidence
from devboot.onboarding.symbolic_eval.known import environments, methods, natives, schemas
from devboot.onboarding.symbolic_eval.known.paths import join_path
from devboot.onboarding.symbolic_eval.machine import Machine
from devboot.onboarding.symbolic_eval.values import (
    NOTHING,
    Call,
    Class,
    External,
    Function,
    Instance,
    Method,
    Module,
    Opaque,
    Scope,
    Value,
    names_of,
    union,
)
from devboot.onboarding.tables import load_table

FROM_OBJECT = "flask.Config.from_object"  # with an unknown argument
KEYS: dict[str, str] = load_table("symbolic_eval/known/known")[
    "keys"
]  # variables with keys of clients, by the client's name
PICKY = frozenset(
    load_table("symbolic_eval/known/known")["words"]["picky"].split()
)  # these calls fail at once if they get None


def apply(m: Machine, call: Call) -> Value:  # noqa: PLR0911 - one answer for each kind
    """Return the result of a call: evaluate functions of the clone, imitate known library functions; else unknown."""
    data = call.function.data
    if isinstance(data, Function):
        args = call.args if data.owner is None else (data.owner, *call.args)
        return m.call(data, args, call.keywords, call.place)
    if isinstance(data, Class):
        return instantiate(m, data, call)
    if isinstance(data, Method):
        return methods.method(m, data, call)
    if isinstance(data, External):
        return library(m, data.name, call)
    if isinstance(data, Opaque):
        return opaque(m, data, call)
    if isinstance(data, Instance):
        return _callable_instance(m, call, data)
    if isinstance(data, PurePosixPath):
        return join_path(data, call)
    if data is None and call.function.reads:
        return m.fail("TypeError", call.function.reads, call.place)
    return Value(Opaque(), call.reads(), call.place)


def _callable_instance(m: Machine, call: Call, data: Instance) -> Value:
    inner = data.cls.find("__call__")
    if inner is not None and isinstance(inner.data, Function):
        return m.call(inner.data, (call.function, *call.args), call.keywords, call.place)
    return Value(Opaque(), call.reads(), call.place)


def library(m: Machine, name: str, call: Call) -> Value:
    """Return the result of calling the library function or class `name`; calls that aren't known are recorded."""
    known = environments.TABLE.get(name) or natives.TABLE.get(name)
    if known is not None:
        result: Value | None = known(m, call)
        if result is not None:
            return result
    if name.startswith("environs.env"):
        return environments.typed(m, name.rpartition(".")[2], Value(External("environs.env")), call)
    if name.endswith((".config.get", ".config.from_object", ".config.update")):
        return flask_config(m, name, call)
    first = call.argument(0, "url", "dsn", "key", "api_key")
    if first is not None and first.data is None and first.reads and name in PICKY:
        m.fail("TypeError", first.reads, call.place)
    if name in KEYS:
        _ask_for_key(m, KEYS[name], call)
    result_data = Opaque(name, call.args, call.keywords)
    m.record(name, result_data, call.place)
    return Value(result_data, call.reads(), call.place)


def _ask_for_key(m: Machine, variable: str, call: Call) -> None:
    """Record a variable as needed by a client that can't be created without a key."""
    words = (word for word in call.keywords if word.endswith("api_key"))
    given = call.argument(0, *words)
    reads = given.reads if given is not None else m.read(variable, call.place, NOTHING).reads
    has_none = given.data is None and bool(given.reads) if given is not None else variable not in m.environ
    if has_none:
        m.fail("Exception", reads, call.place, is_presence=True)


def opaque(m: Machine, data: Opaque, call: Call) -> Value:
    """Return an unknown value for a call of a library's object or of its method, and record the call."""
    owner = data.args[0] if data.args else None
    handled = environments.method(m, data, owner, call)
    if handled is not None:
        return handled
    if ".config." in data.name:
        return flask_config(m, data.name, call)
    result = Opaque(data.name + "()", call.args, call.keywords)
    m.record(data.name, result, call.place)
    return Value(result, call.reads() | call.function.reads, call.place)


def instantiate(m: Machine, cls: Class, call: Call) -> Value:
    """Return a new object of a class of the clone, after evaluating its `__init__`."""
    if schemas.is_settings(cls):
        return schemas.settings(m, cls, call.keywords, call.place)
    if schemas.is_model(cls):
        return schemas.model(m, cls, call.keywords, call.place, call.args)
    if any("Enum" in name for name in cls.libraries()) and call.args:
        return call.args[0]
    value = Value(Instance(cls), call.reads(), call.place)
    start = cls.find("__init__")
    if start is not None and isinstance(start.data, Function):
        m.call(start.data, (value, *call.args), call.keywords, call.place)
    elif cls.libraries():
        m.record(min(cls.libraries()), Opaque(cls.name, call.args, call.keywords), call.place)
    return value


def flask_config(m: Machine, name: str, call: Call) -> Value:
    """Evaluate `app.config.from_object(...)` and similar methods of Flask's configuration."""
    verb = name.rpartition(".")[2]
    first = call.argument(0, "obj", "mapping")
    if verb == "get" and first is not None and isinstance(first.data, str):
        fallback = call.argument(1, "default") or NOTHING
        return m.config.get(first.data, fallback)
    if verb == "from_object" and first is not None:
        if first.data is None or isinstance(first.data, Opaque):
            m.record(FROM_OBJECT, Opaque(verb, call.args, call.keywords), call.place)
        take_object(m, first)
    elif verb in ("from_mapping", "update"):
        given = dict(call.keywords)
        if first is not None and isinstance(first.data, dict):
            given |= {k: v for k, v in first.data.items() if isinstance(k, str)}
        for key, value in given.items():
            m.config[key] = Value(value.data, value.reads, value.place or call.place)
    elif verb == "from_pyfile" and first is not None and isinstance(first.data, str):
        take_file(m, first.data, call)
    elif verb == "setdefault" and first is not None and isinstance(first.data, str):
        m.config.setdefault(first.data, call.argument(1) or NOTHING)
    return Value(Opaque(verb), call.reads(), call.place)


def take_object(m: Machine, value: Value | None) -> None:
    """Copy the upper-case attributes of an object into Flask's configuration."""
    if value is not None and isinstance(value.data, str):
        value = m.resolve(value.data)
    if value is not None and isinstance(value.data, Module):
        m.load(value.data)
    names = names_of(value.data) if value is not None else {}
    m.config.update({k: v for k, v in names.items() if k.isupper()})


def take_file(m: Machine, name: str, call: Call) -> None:
    """Evaluate `app.config.from_pyfile(...)`: a Python file beside the application, or in `instance/`."""
    here = os.path.dirname(call.scope.module.path)
    for path in (os.path.join(here, name), os.path.normpath(os.path.join(here, "..", name)), f"instance/{name}"):
        parsed = m.tree.module(path) if m.tree.exists(path) else None
        if parsed is not None:
            module = Module(path, path)
            module.names["__file__"] = Value(str(m.tree.root / path))
            m.execute(parsed.body, Scope(module, module.names))
            m.config.update({k: v for k, v in module.names.items() if k.isupper()})
            return


def opaque_item(m: Machine, owner: Value, data: Opaque, key: Value, place: Evidence) -> Value:
    """Return `owner[key]` for a library's object."""
    if isinstance(key.data, str) and (data.name.endswith("config") or data.name == "config"):
        return m.config.get(key.data) or Value(Opaque(f"config[{key.data}]"), owner.reads, place)
    return Value(Opaque(f"{data.name}[]"), union(owner, key), place)


def enter(m: Machine, value: Value) -> Callable[[], None] | None:
    """Enter the context of a `with`; return the function that leaves it, None if nothing has to be undone."""
    data = value.data
    if isinstance(data, Opaque) and data.name.endswith(".prefixed()") and data.args:
        m.record("environs.prefixed", data, value.place)
        environments.prefixes(m).append(str(data.args[0].data))
        return lambda: environments.leave_prefix(m)
    return None
