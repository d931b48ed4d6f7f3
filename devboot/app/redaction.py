"""Generations without secret values: each is replaced by its name, and kept as a digest; a rollback fills in today's.

A stand-in is the name of a variable, or of a service's password, between two characters that no text has.
"""

from __future__ import annotations

import hashlib
import re
from collections.abc import Callable, Collection, Mapping
from typing import Any

from devboot.text.masking import Masker

SECRETS = "secrets"  # of a body: digest by name
_MARK = "\ufdd0"  # no character, by definition
_STAND_IN = re.compile(f"{_MARK}([^{_MARK}]*){_MARK}")
_KEPT = re.compile(r"\$\{kept\.([0-9]+)\}")
_MASK = Masker()  # of passwords in addresses
_SHORTEST = 8  # shorter values stand in other texts by chance


def without_secrets(body: Mapping[str, Any], passwords: Mapping[str, str], salt: str) -> dict[str, Any]:
    """Return the body with stand-ins for secret values; `passwords` are those of services, by name."""
    known = {name: value for name, value in passwords.items() if value}

    def is_secret(value: str, declared: object) -> bool:
        left = _taken_out(value, known)
        return bool(value) and (bool(declared) or _masked(left) != left)

    rows = body["snapshot"]["variables"]
    named = {name: value for name, value, _, declared in rows if is_secret(value, declared)}
    digests = {
        name: hashlib.sha256(f"{salt}{value}".encode()).hexdigest() for name, value in {**known, **named}.items()
    }
    texts = {name: value for name, value in {**known, **named}.items() if len(value) >= _SHORTEST}
    result = _map(_by_name(body, named), lambda text: _masked(_taken_out(text, texts)))
    assert isinstance(result, dict)
    snapshot = {**result["snapshot"], "inherited": [[name, None] for name, _ in body["snapshot"]["inherited"]]}
    snapshot["variables"] = [
        [name, value, source, bool(declared) or name in named]
        for name, value, source, declared in snapshot["variables"]
    ]
    return {**result, "snapshot": snapshot, SECRETS: digests}


def with_secrets(body: Mapping[str, Any], values: Mapping[str, str]) -> dict[str, Any]:
    """Return the body with today's values for stand-ins; variables without one are left out."""
    lacking = frozenset(missing_secrets(body, values))
    plain = dict(body)
    snapshot = dict(plain["snapshot"])
    snapshot["variables"] = [row for row in snapshot["variables"] if row[0] not in lacking]
    snapshot["patch"] = [row for row in snapshot["patch"] if row[1] not in lacking]
    result = _map({**plain, "snapshot": snapshot}, lambda text: _STAND_IN.sub(lambda m: values.get(m[1], ""), text))
    assert isinstance(result, dict)
    return result


def missing_secrets(body: Mapping[str, Any], values: Mapping[str, str]) -> list[str]:
    """Return the names of secrets that have no value today."""
    return sorted(name for name in body.get(SECRETS, {}) if name not in values)


def changed_secrets(body: Mapping[str, Any], values: Mapping[str, str], salt: str) -> list[str]:
    """Return the names of secrets whose value is another one today."""
    return sorted(
        name
        for name, digest in body.get(SECRETS, {}).items()
        if name in values and _digest(salt, values[name]) != digest
    )


def readable(text: str) -> str:
    """Return the text with `***` for each stand-in."""
    return _STAND_IN.sub("***", text)


def _digest(salt: str, value: str) -> str:
    return hashlib.sha256(f"{salt}{value}".encode("utf-8", "surrogateescape")).hexdigest()


def _masked(text: str) -> str:
    """Mask passwords in addresses, but for those that a stand-in has the place of."""
    found: list[str] = []

    def keep(match: re.Match[str]) -> str:
        found.append(match[0])
        return f"${{kept.{len(found) - 1}}}"

    masked = _MASK(_STAND_IN.sub(keep, text))
    return _KEPT.sub(lambda match: found[int(match[1])], masked) if found else masked


def _stand_in(name: str) -> str:
    return f"{_MARK}{name}{_MARK}"


def _taken_out(text: str, values: Mapping[str, str]) -> str:
    """Replace the values, the longest first; stand-ins that are there already stay."""
    if not values:
        return text
    names = {value: name for name, value in values.items()}
    longest = sorted(names, key=len, reverse=True)
    pattern = re.compile("|".join([_STAND_IN.pattern, *map(re.escape, longest)]))
    return pattern.sub(lambda match: _stand_in(names[match[0]]) if match[0] in names else match[0], text)


def _by_name(body: Mapping[str, Any], named: Collection[str]) -> dict[str, Any]:
    """Take out values of any length where the name stands beside them."""
    snapshot = dict(body["snapshot"])
    snapshot["variables"] = [
        [name, _stand_in(name) if name in named else value, source, declared]
        for name, value, source, declared in snapshot["variables"]
    ]
    snapshot["patch"] = [
        [kind, name, _stand_in(name) if name in named and kind in "=?" else value]
        for kind, name, value in snapshot["patch"]
    ]
    plan = dict(snapshot["plan"])
    plan["composed"] = [
        [name, value[:1] + _stand_in(name) if name in named else value] for name, value in plan["composed"]
    ]
    plan["processes"] = [
        {**each, "env": [[name, _stand_in(name) if name in named else value] for name, value in each["env"]]}
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
