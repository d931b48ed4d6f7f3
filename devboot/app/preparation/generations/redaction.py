"""Replaces secret values in generations by placeholders with a digest, and fills them in for a rollback.

A placeholder is the name of a variable, of a service's password, or of the password in an address (`password of
ada@pypi.test`), between two characters that no text contains.
"""

from __future__ import annotations

import hashlib
import re
from collections.abc import Callable, Collection, Iterable, Iterator, Mapping
from typing import Any

from devboot.text.masking import MASK, replace_passwords

SECRETS = "secrets"  # of a body: digest by name
_MARK = "\ufdd0"  # no character, by definition
_STAND_IN = re.compile(f"{_MARK}([^{_MARK}]*){_MARK}")
_PART = re.compile(f"{_MARK}[^{_MARK}]*{_MARK}|[^{_MARK}]+")  # a stand-in, or text beside one
_SHORTEST = 8  # shorter values occur in other texts by chance


def without_secrets(body: Mapping[str, Any], passwords: Mapping[str, str], salt: str) -> dict[str, Any]:
    """Return a generation's body with placeholders for secret values; `passwords` are those of services, by name."""
    named, result, values = _replace_secrets(body, passwords)
    snapshot = {**result["snapshot"], "inherited": [[name, None] for name, _ in body["snapshot"]["inherited"]]}
    snapshot["variables"] = [
        [name, value, source, bool(declared) or name in named]
        for name, value, source, declared in snapshot["variables"]
    ]
    return {**result, "snapshot": snapshot, SECRETS: {name: _digest(salt, value) for name, value in values.items()}}


def secret_values(body: Mapping[str, Any], passwords: Mapping[str, str]) -> dict[str, str]:
    """Return the secret values that `without_secrets` removes from a body, by placeholder name."""
    return _replace_secrets(body, passwords)[2]


def passwords_in(text: str, passwords: Mapping[str, str]) -> dict[str, str]:
    """Return the passwords of addresses in a text, by placeholder name; those of services are left out."""
    nothing = {"plan": {"composed": [], "processes": []}, "patch": [], "variables": []}
    return secret_values({"snapshot": {**nothing, "text": text}}, passwords)


def with_secrets(body: Mapping[str, Any], values: Mapping[str, str]) -> dict[str, Any]:
    """Return a body with placeholders replaced by present `values`; variables without a value are left out."""
    result = _map(
        {**body, "snapshot": _without_unfilled(body["snapshot"], values)},
        lambda text: _STAND_IN.sub(lambda match: values.get(match[1], match[0]), text),
    )
    assert isinstance(result, dict)
    return result


def left_out(body: Mapping[str, Any], values: Mapping[str, str]) -> list[str]:
    """Return the names of variables that can't be restored, because a secret in them has no value now."""
    plan = body["snapshot"]["plan"]
    rows = [*body["snapshot"]["variables"], *(row for each in plan["processes"] for row in each["env"])]
    return sorted({row[0] for row in rows if not _can_fill(row[1], values)})


def missing_secrets(body: Mapping[str, Any], values: Mapping[str, str]) -> list[str]:
    """Return the names of secrets without a value now that commands, probes or services require."""
    return sorted(set(_unfilled_names(_without_unfilled(body["snapshot"], values), values)))


def changed_secrets(body: Mapping[str, Any], values: Mapping[str, str], salt: str) -> list[str]:
    """Return the names of secrets whose present value differs from the recorded digest."""
    return sorted(
        name
        for name, digest in body.get(SECRETS, {}).items()
        if name in values and _digest(salt, values[name]) != digest
    )


def readable(text: str) -> str:
    """Return a generation's text with `***` for each placeholder."""
    return _STAND_IN.sub("***", text)


def _digest(salt: str, value: str) -> str:
    return hashlib.sha256(f"{salt}{value}".encode("utf-8", "surrogateescape")).hexdigest()


def _replace_secrets(
    body: Mapping[str, Any], passwords: Mapping[str, str]
) -> tuple[dict[str, str], dict[str, Any], dict[str, str]]:
    """Return (values of secret variables, the body with placeholders, values of all placeholders), values by name.

    Those of placeholders include the passwords of services, which are given as `passwords`, and those in addresses.
    """
    known = {name: value for name, value in passwords.items() if value}
    rows = body["snapshot"]["variables"]
    named = {
        name: value
        for name, value, _, declared in rows
        if value and (declared or _has_password(_without_values(value, known)))
    }
    values = {**known, **named}
    texts = {name: value for name, value in values.items() if len(value) >= _SHORTEST}

    def name_of(label: str, value: str) -> str:
        name, number = label, 1
        while values.setdefault(name, value) != value:
            number += 1
            name = f"{label} ({number})"
        return name

    def stand_in(label: str, value: str) -> str:
        parts = _PART.finditer(value)
        return "".join(m[0] if m[0][0] == _MARK else _placeholder(name_of(label, m[0])) for m in parts)

    result = _map(_by_name(body, named), lambda text: _without_values(text, texts))
    assert isinstance(result, dict)
    snapshot = _map(result["snapshot"], lambda text: replace_passwords(text, stand_in))
    # What a rollback doesn't restore, such as the lock, needs no value for its addresses.
    rest = _map({**result, "snapshot": None}, lambda text: replace_passwords(text, _hide))
    return named, {**rest, "snapshot": snapshot}, values


def _has_password(text: str) -> bool:
    """Return whether a text contains an address with a password that isn't a placeholder."""
    return replace_passwords(text, _hide) != text


def _hide(_: str, value: str) -> str:
    return "".join(m[0] if m[0][0] == _MARK else MASK for m in _PART.finditer(value))


def _without_unfilled(snapshot: Mapping[str, Any], values: Mapping[str, str]) -> dict[str, Any]:
    """Return a snapshot without the variables that contain a placeholder without value."""

    def kept(rows: Iterable[Any], column: int = 1) -> list[Any]:
        return [row for row in rows if _can_fill(row[column], values)]

    plan = dict(snapshot["plan"])
    plan["composed"] = kept(plan["composed"])
    plan["processes"] = [{**each, "env": kept(each["env"])} for each in plan["processes"]]
    return {
        **snapshot,
        "plan": plan,
        "variables": kept(snapshot["variables"]),
        "patch": kept(snapshot["patch"], 2),
    }


def _can_fill(value: str, values: Mapping[str, str]) -> bool:
    return next(_unfilled_names(value, values), None) is None


def _unfilled_names(value: Any, values: Mapping[str, str]) -> Iterator[str]:
    """Yield the names of the placeholders in a JSON value that have no value."""
    if isinstance(value, str):
        yield from (name for name in _STAND_IN.findall(value) if name not in values)
    elif isinstance(value, (list, tuple, dict)):
        for item in value.values() if isinstance(value, dict) else value:
            yield from _unfilled_names(item, values)


def _placeholder(name: str) -> str:
    return f"{_MARK}{name}{_MARK}"


def _without_values(text: str, values: Mapping[str, str]) -> str:
    """Replace secret values in a text by their placeholders, the longest first; existing placeholders stay."""
    if not values:
        return text
    names = {value: name for name, value in values.items()}
    longest = sorted(names, key=len, reverse=True)
    pattern = re.compile("|".join([_STAND_IN.pattern, *map(re.escape, longest)]))
    return pattern.sub(lambda match: _placeholder(names[match[0]]) if match[0] in names else match[0], text)


def _by_name(body: Mapping[str, Any], named: Collection[str]) -> dict[str, Any]:
    """Replace the values of the variables `named` by placeholders where a body has them beside their name."""
    snapshot = dict(body["snapshot"])
    snapshot["variables"] = [
        [name, _placeholder(name) if name in named else value, source, declared]
        for name, value, source, declared in snapshot["variables"]
    ]
    snapshot["patch"] = [
        [kind, name, _placeholder(name) if name in named and kind in "=?" else value]
        for kind, name, value in snapshot["patch"]
    ]
    plan = dict(snapshot["plan"])
    plan["composed"] = [
        [name, value[:1] + _placeholder(name) if name in named else value] for name, value in plan["composed"]
    ]
    plan["processes"] = [
        {**each, "env": [[name, _placeholder(name) if name in named else value] for name, value in each["env"]]}
        for each in plan["processes"]
    ]
    return {**body, "snapshot": {**snapshot, "plan": plan}}


def _map(value: Any, change: Callable[[str], str]) -> Any:
    if isinstance(value, str):
        return change(value)
    if isinstance(value, (list, tuple)):
        return [_map(item, change) for item in value]
    if isinstance(value, dict):
        return {key: _map(item, change) for key, item in value.items()}
    return value
