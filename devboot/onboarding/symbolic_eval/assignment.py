"""Evaluates assignments to names, attributes and items."""

from __future__ import annotations

import ast

from devboot.onboarding.proposal_values import Evidence
from devboot.onboarding.symbolic_eval.machine import Machine
from devboot.onboarding.symbolic_eval.values import Class, External, Instance, Module, Opaque, Scope, Value


def assign(m: Machine, target: ast.expr, value: Value, scope: Scope) -> None:
    """Assign a value to a target: a name, an attribute, an item, or several of these."""
    place = m.place(target, scope)
    if isinstance(target, ast.Name):
        held = Value(value.data, value.reads, place if value.place is None or _is_constant(value) else value.place)
        if isinstance(value.data, Opaque):
            m.record(value.data.name + "=:", value.data, place, target.id)
            m.found.events[-1].module = scope.module.name if scope.kind == "module" else ""
        scope.names[target.id] = held
    elif isinstance(target, ast.Tuple | ast.List):
        _unpack(m, target.elts, value, scope)
    elif isinstance(target, ast.Starred):
        assign(m, target.value, value, scope)
    elif isinstance(target, ast.Attribute):
        _set_attribute(m, m.evaluate(target.value, scope), target.attr, value, place)
    elif isinstance(target, ast.Subscript):
        _set_item(m, m.evaluate(target.value, scope), m.evaluate(target.slice, scope), value, place)


def _is_constant(value: Value) -> bool:
    return not value.reads


def _unpack(m: Machine, targets: list[ast.expr], value: Value, scope: Scope) -> None:
    items = list(value.data) if isinstance(value.data, list | tuple) else []
    for index, target in enumerate(targets):
        fitting = items[index] if len(items) == len(targets) else Value(Opaque(), value.reads)
        item = fitting if isinstance(fitting, Value) else Value(fitting)
        assign(m, target, Value(item.data, item.reads | value.reads, item.place), scope)


def _set_attribute(m: Machine, owner: Value, name: str, value: Value, place: Evidence) -> None:
    data = owner.data
    if isinstance(data, Opaque):
        data.attributes[name] = value
        m.record(f"{data.name}.{name}=", Opaque(data.name, (value,)), place)
    elif isinstance(data, External):
        m.record(f"{data.name}.{name}=", Opaque(data.name, (value,)), place)
    elif isinstance(data, Instance | Class | Module):
        data.names[name] = value


def _set_item(m: Machine, owner: Value, key: Value, value: Value, place: Evidence) -> None:
    data = owner.data
    if isinstance(data, dict):
        if isinstance(key.data, str | int | bool | None):
            data[key.data] = value
    elif isinstance(data, Opaque) and data.name.endswith(".config") and isinstance(key.data, str):
        m.config[key.data] = Value(value.data, value.reads, value.place or place)
    elif isinstance(data, External) and data.name == "os.environ" and isinstance(key.data, str):
        if isinstance(value.data, str) and not m.maybe:
            m.environ[key.data] = value.data
    elif isinstance(data, Opaque):
        m.record(f"{data.name}[{key.data}]=", Opaque(data.name, (value,)), place)
