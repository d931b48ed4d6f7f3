"""Evaluates methods of known values: texts, numbers, lists, dictionaries, paths."""

from __future__ import annotations

import re
from pathlib import PurePosixPath

from devboot.onboarding.symbolic_eval.known.paths import path_method
from devboot.onboarding.symbolic_eval.machine import Machine
from devboot.onboarding.symbolic_eval.values import (
    HOLE,
    LONGEST,
    NOTHING,
    Call,
    Method,
    Opaque,
    Value,
    plain,
    size,
    total_size,
    wrap,
)

_MOST_WORK = 1024 * LONGEST  # the size of a text times the size of the method's arguments
_WIDE = re.compile(r"\{[^{}:]*:[^{}]*?(?:\d{4}|\{)")


def method(m: Machine, method_: Method, call: Call) -> Value:
    """Return the result of a method of a known value, such as `"a".upper()`."""
    owner = method_.owner
    data = owner.data
    reads = owner.reads | call.reads()
    if isinstance(data, PurePosixPath):
        return Value(path_method(m, data, method_, call), reads, call.place)
    if isinstance(data, dict):
        return _of_dict(data, method_, call, reads)
    if isinstance(data, list | set):
        return _of_list(data, method_.name, call, reads)
    if method_.name in ("get_secret_value", "unicode_string", "render_as_string", "__str__"):
        return Value(data, reads, owner.place)
    return _of_text(data, method_.name, call, reads)


def _of_dict(data: dict[object, Value], method_: Method, call: Call, reads: frozenset[str]) -> Value:  # noqa: PLR0911 - one answer for each kind
    key = call.args[0].data if call.args else None
    if method_.name in ("get", "pop"):
        found = data.get(key) if isinstance(key, str | int | bool | None) else None
        if found is None:
            return call.argument(1, "default") or Value(None, method_.owner.reads)
        if method_.name == "pop":
            data.pop(key)
        return Value(found.data, found.reads | reads, found.place)
    if method_.name == "update":
        given = call.args[0].data if call.args else {}
        data.update(given if isinstance(given, dict) else {})
        data.update(call.keywords)
        return NOTHING
    if method_.name == "setdefault" and isinstance(key, str):
        return data.setdefault(key, call.argument(1) or NOTHING)
    if method_.name == "items":
        return Value([Value((Value(k), v)) for k, v in data.items()], reads)
    if method_.name == "values":
        return Value(list(data.values()), reads)
    if method_.name in ("keys", "__iter__"):
        return Value([Value(k) for k in data], reads)
    return Value(dict(data), reads) if method_.name == "copy" else Value(Opaque(method_.name), reads)


def _of_list(data: list[Value] | set[Value], name: str, call: Call, reads: frozenset[str]) -> Value:
    if isinstance(data, set):
        return Value(Opaque(name), reads)
    given = call.args[0] if call.args else NOTHING
    if name in ("append", "add"):
        data.append(given)
    elif name in ("extend", "update"):
        more = given.data if isinstance(given.data, list | tuple) else []
        data.extend(more if size(data) + size(more) <= LONGEST else [])
    elif name == "insert" and len(call.args) == 2:
        data.insert(given.data if isinstance(given.data, int) else 0, call.args[1])
    elif name in ("remove", "discard"):
        known = plain(given)
        data[:] = [item for item in data if plain(item) != known]
    elif name == "copy":
        return Value(list(data), reads)
    else:
        return Value(Opaque(name), reads)
    return NOTHING


def _of_text(data: object, name: str, call: Call, reads: frozenset[str]) -> Value:
    args = [plain(arg) for arg in call.args]
    words = {key: plain(value) for key, value in call.keywords.items()}
    if name == "format":
        args = [a if isinstance(a, str | int | float | None) else HOLE for a in args]
        words = {k: v if isinstance(v, str | int | float | None) else HOLE for k, v in words.items()}
    if name.startswith("_") or not isinstance(data, str | bytes | int | float | tuple):
        return Value(Opaque(name), reads, call.place)
    if _is_too_long(data, name, [*args, *words.values()]):
        return Value(Opaque(name), reads, call.place)
    try:
        found = getattr(data, name)(*args, **words)
        return wrap(found, reads) if size(found) <= LONGEST else Value(Opaque(name), reads, call.place)
    except Exception:  # noqa: BLE001 - if the real method fails, the result is unknown
        return Value(Opaque(name), reads, call.place)


def _is_too_long(data: object, name: str, given: list[object]) -> bool:
    """Return whether a method's result may be far too long, as of `text.ljust(10**9)`."""
    if name == "format" and isinstance(data, str):
        return _WIDE.search(data) is not None or data.count("{") * total_size(given) > LONGEST
    widths = sum(each for each in given if isinstance(each, int) and each > 0)
    return (size(data) + 1) * (total_size(given) + widths) > _MOST_WORK
