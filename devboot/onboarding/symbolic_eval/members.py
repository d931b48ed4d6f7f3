"""Evaluates attributes of values (`owner.attr`)."""

from __future__ import annotations

from pathlib import PurePosixPath

from devboot.onboarding.proposal_values import Evidence
from devboot.onboarding.symbolic_eval.machine import Machine
from devboot.onboarding.symbolic_eval.values import (
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
    wrap,
)
from devboot.onboarding.tables import load_table

CONSTANTS = {
    name: wrap(tuple(data) if isinstance(data, list) else data, frozenset())
    for name, data in load_table("symbolic_eval/known/known")["constants"].items()
}
PROPERTIES = frozenset({"property", "cached_property", "functools.cached_property", "computed_field"})


def member(m: Machine, owner: Value, attr: str, place: Evidence) -> Value:
    """Return the value of `owner.attr`; an unknown value if the attribute isn't known."""
    data = owner.data
    if isinstance(data, Module):
        return m.member(data, attr) or Value(Opaque(f"{data.name}.{attr}"), owner.reads)
    if isinstance(data, External):
        return _external_member(m, data, attr, place)
    if isinstance(data, Opaque):
        return _opaque_member(m, owner, data, attr, place)
    if isinstance(data, Class):
        return _class_member(owner, data, attr)
    if isinstance(data, Instance):
        return _instance_member(m, owner, data, attr, place)
    return _constant_member(m, owner, attr, place)


def _constant_member(m: Machine, owner: Value, attr: str, place: Evidence) -> Value:
    data = owner.data
    if data is None:
        if owner.reads:
            return m.fail("AttributeError", owner.reads, place)
        return Value(Opaque(attr))
    if attr == "value" and isinstance(data, str | int):
        return owner  # members of enumerations are represented by their values
    if isinstance(data, PurePosixPath):
        computed = _path_property(data, attr)
        if computed is not None:
            return Value(computed, owner.reads, place)
    return Value(Method(owner, attr), owner.reads, place)


def _external_member(m: Machine, data: External, attr: str, place: Evidence) -> Value:
    full = f"{data.name}.{attr}"
    if data.name == "django.conf.settings":
        settings = m.django()
        known = m.member(settings, attr) if settings is not None else None
        return known or Value(Opaque(full), frozenset(), place)
    fixed = CONSTANTS.get(full)
    return fixed if fixed is not None else Value(External(full), frozenset(), place)


def _opaque_member(m: Machine, owner: Value, data: Opaque, attr: str, place: Evidence) -> Value:
    known = data.attributes.get(attr)
    if known is not None:
        return known
    if attr == "instance_path" and data.name.rpartition(".")[2] in ("Flask", "APIFlask", "app", "current_app"):
        return Value(f"{m.here}/instance", frozenset(), place)
    made = Value(Opaque(f"{data.name}.{attr}" if data.name else attr, (owner,)), owner.reads, place)
    data.attributes[attr] = made
    return made


def _class_member(owner: Value, data: Class, attr: str) -> Value:
    found = data.find(attr)
    if found is None:
        return Value(Opaque(f"{data.name}.{attr}", (owner,)), owner.reads)
    if isinstance(found.data, Function) and any("classmethod" in d for d in found.data.decorators):
        return Value(
            Function(found.data.node, found.data.scope, owner, found.data.decorators), found.reads, found.place
        )
    return found


def _instance_member(m: Machine, owner: Value, data: Instance, attr: str, place: Evidence) -> Value:
    if attr in data.names:
        return data.names[attr]
    found = data.cls.find(attr)
    if found is None:
        return Value(Opaque(f"{data.cls.name}.{attr}", (owner,)), owner.reads, place)
    function = found.data
    if not isinstance(function, Function):
        return found
    if PROPERTIES.intersection(function.decorators):
        value = m.call(function, (owner,), {}, place)
        data.names[attr] = value
        return value
    bound = None if "staticmethod" in function.decorators else owner
    return Value(Function(function.node, function.scope, bound, function.decorators), found.reads, found.place)


def _path_property(path: PurePosixPath, attr: str) -> object | None:
    """Return a property of a path, such as `parent`; None for methods and unknown attributes."""
    if attr == "parent":
        return path.parent
    if attr == "parents":
        return [Value(parent) for parent in path.parents]
    return {"name": path.name, "stem": path.stem, "suffix": path.suffix}.get(attr)


def parent(_: Machine, call: Call) -> Value | None:
    """Return the object for `super()`, whose attributes are the base's; None for a library's or an unknown base."""
    own = call.argument(1)
    named = call.argument(0)
    body = _class_body(call.scope)
    values = [own] if own is not None else list(call.scope.names.values())
    for value in values:
        if not isinstance(value.data, Instance):
            continue
        line = value.data.cls.line()
        here = next((n for n, each in enumerate(line) if _is_meant(each, named, body)), None)
        if here is not None:
            rest = line[here + 1 :]
            # The object's own names, so that assignments of the base reach it
            return Value(Instance(rest[0], value.data.names), value.reads, value.place) if rest else None
    return None


def _is_meant(cls: Class, named: Value | None, body: dict[str, Value] | None) -> bool:
    return cls is named.data if named is not None else cls.names is body


def _class_body(scope: Scope | None) -> dict[str, Value] | None:
    while scope is not None and scope.kind != "class":
        scope = scope.parent
    return scope.names if scope is not None else None
