"""Adds upper limits that packages forgot to declare: versions that resolve together but don't work together.

A list that pins a package of years ago and leaves its dependencies open gets today's versions of these.
`known_packages.toml` has the last versions that are known to work.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import replace

from packaging.specifiers import SpecifierSet
from packaging.version import InvalidVersion, Version

from devboot.environment.locks.pins import Pin, Pins
from devboot.errors import WorkError
from devboot.model.data_tables import known_packages
from devboot.record import Record

_ROUNDS = 4  # a version that is held back may require others to be held back


class Limit(Record):
    """A constraint, such as `werkzeug<2.1`, that is missing in the metadata of `package`."""

    constraint: str
    package: str


def forgotten_limits(pins: Iterable[Pin]) -> tuple[Limit, ...]:
    """Return the known undeclared limits that these pins violate, each once."""
    versions: dict[str, list[Version]] = {}
    for pin in pins:
        try:
            versions.setdefault(pin.name, []).append(Version(pin.version))
        except InvalidVersion:
            continue
    found: dict[str, Limit] = {}
    lifted_by = known_packages("works-with-lifted-by")
    for row, constraints in known_packages("works-with").items():
        package, _, fine = row.partition("<")
        if lifted_by.get(package) in versions:
            continue
        older = [version for version in versions.get(package, ()) if not fine or version < Version(fine)]
        for constraint in constraints if older else ():
            name, _, bound = constraint.partition("<")
            limit = SpecifierSet(f"<{bound}", prereleases=True)
            if any(version not in limit for version in versions.get(name, ())):
                found.setdefault(constraint, Limit(constraint, f"{package} {max(older)}"))
    return tuple(found.values())


def within_limits(found: Pins, locked: Callable[[str], Pins]) -> Pins:
    """Return the pins; if versions violate undeclared limits, pins resolved again within as many limits as possible.

    Args:
        found: the resolved pins; the result has a note for each version that is held back.
        locked: resolves with further constraint lines; raises WorkError if that is impossible.

    """
    held: tuple[Limit, ...] = ()
    for _ in range(_ROUNDS):
        broken = tuple(limit for limit in forgotten_limits(found.pins) if limit not in held)
        before = held
        # Where the project insists on one version, the other limits still count
        for more in [broken, *([limit] for limit in broken)] if broken else ():
            try:
                found = locked("".join(f"{each.constraint}\n" for each in (*held, *more)))
            except WorkError:
                continue
            held = (*held, *more)
            if tuple(more) == broken:
                break
        if held == before:
            break
    return replace(found, notes=(*found.notes, *(_note(limit, found) for limit in held)))


def _note(limit: Limit, found: Pins) -> str:
    name = limit.constraint.partition("<")[0]
    versions = ", ".join(pin.version for pin in found.pins if pin.name == name)
    if limit.package.startswith(f"{name} "):
        return f"{name} {versions}: {limit.package} fails with other packages that check its version"
    return f"{name} {versions}: {limit.package} fails with newer ones, although its metadata admits them"
