"""Converts poetry's version constraints (`^1.2`, `~1.2`, `1.*`, `>=1 || ^3`) to specifiers and markers.

By hand, since uv takes specifiers, which poetry-core does not write; poetry-core is the oracle in the tests.
"""

from __future__ import annotations

import re

from packaging.specifiers import InvalidSpecifier, SpecifierSet
from packaging.version import InvalidVersion, Version

from devboot.environment.locks.markers import Expression, conjoin, disjoin, parse_marker

_PART = re.compile(r"(?P<op>\^|~=|~|===|==|=|!=|<=|>=|<|>)?\s*(?P<version>[0-9A-Za-z.*+!_-]+)")


def alternatives(constraint: str) -> tuple[str, ...]:
    """Convert a constraint to specifiers of which one has to hold: `>=1 || ^3` to two; an empty one admits everything.

    Raises:
        ValueError: it is no constraint.

    """
    return tuple(_specifier(alternative) for alternative in re.split(r"\s*\|\|?\s*", constraint.strip()))


def admits(constraint: str, version: str) -> bool:
    """Return whether a constraint admits a version; an unparsable constraint admits all."""
    try:
        return any(SpecifierSet(each).contains(Version(version), prereleases=True) for each in alternatives(constraint))
    except (ValueError, InvalidSpecifier, InvalidVersion):
        return True


def release_key(version: str) -> Version:
    """Return a sort key for versions; versions of an unknown form come first."""
    try:
        return Version(version)
    except InvalidVersion:
        return Version("0")


def python_marker(constraint: str) -> Expression:
    """Convert a constraint on Python's version to a marker expression."""
    return disjoin(conjoin(_atoms(each)) for each in alternatives(constraint))


def _specifier(text: str) -> str:
    parts, rest = list[str](), text.strip()
    while rest:
        match = _PART.match(rest)
        if match is None:
            raise ValueError(f"can't read `{text}` as a version constraint")
        parts += _converted(match["op"] or "", match["version"])
        rest = rest[match.end() :].lstrip(" ,")
    return ",".join(parts)


def _converted(op: str, version: str) -> list[str]:
    if version == "*":
        return []
    if op == "^":
        return [f">={version}", f"<{_next(version, _caret_position(version))}"]
    if op == "~":
        return [f">={version}", f"<{_next(version, min(1, _release(version).count('.')))}"]
    if op in ("", "="):
        return [f"=={version}"]
    if op in (">=", "<", "<=", ">") and version.endswith(".*"):
        return [f"{op}{version.removesuffix('.*')}"]
    return [f"{op}{version}"]


def _release(version: str) -> str:
    match = re.match(r"\d+(?:\.\d+)*", version)
    return match[0] if match else "0"


def _caret_position(version: str) -> int:
    """Return the index of the number that a caret keeps fixed: the first non-zero one (1 in `^0.2.3`), or the last."""
    numbers = [int(part) for part in _release(version).split(".")]
    return next((at for at, number in enumerate(numbers) if number), len(numbers) - 1)


def _next(version: str, position: int) -> str:
    numbers = [int(part) for part in _release(version).split(".")]
    raised = [*numbers[:position], numbers[position] + 1]
    return ".".join(str(number) for number in raised)


def _atoms(specifier: str) -> list[Expression]:
    atoms: list[Expression] = []
    for part in filter(None, specifier.split(",")):
        match = re.match(r"(?P<op>~=|===|==|!=|<=|>=|<|>)(?P<version>.+)", part)
        assert match is not None
        op, version = match["op"], match["version"]
        if version.endswith(".*") and version.count(".") == 2:
            version = version.removesuffix(".*")  # python_version has two numbers anyway
        is_minor = version.count(".") == 1 and op in ("==", "!=", ">=", "<")
        is_major_wildcard = version.endswith(".*")
        name = "python_version" if is_minor or is_major_wildcard else "python_full_version"
        atoms.append(parse_marker(f'{name} {op} "{version}"'))
    return atoms
