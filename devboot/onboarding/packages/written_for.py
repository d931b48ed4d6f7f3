"""Limits the versions of packages whose newer releases break the application's code, if no list limits them."""

from __future__ import annotations

import functools
import re
from collections.abc import Mapping
from dataclasses import dataclass, replace

from devboot.model.distributions import distributions_table
from devboot.onboarding.packages.imported import application_files, brought
from devboot.onboarding.proposal_values import Evidence, Note, PythonInput
from devboot.onboarding.reading.layout import Application
from devboot.onboarding.reading.pins import is_open
from devboot.onboarding.reading.python import name_of
from devboot.onboarding.reading.tree import Tree


@dataclass(frozen=True, slots=True)
class _WrittenFor:
    """A row of `[[written_for]]` in `distributions.toml`, which explains the fields."""

    package: str
    limit: str
    pattern: re.Pattern[str]
    beside: tuple[str, ...]


@functools.cache
def _rows() -> tuple[_WrittenFor, ...]:
    return tuple(
        _WrittenFor(
            row["package"], row["limit"], re.compile(row["pattern"], re.MULTILINE), tuple(row.get("beside", ()))
        )
        for row in distributions_table()["written_for"]
    )


def with_limits(
    tree: Tree, app: Application, python: PythonInput, packages: Mapping[str, str]
) -> tuple[PythonInput, list[Note]]:
    """Return the packages with upper limits for those whose newer releases the code doesn't support, and notes."""
    known = {*packages, *brought(packages)}
    notes: list[Note] = []
    for row in _rows() if app.path else ():
        names = (row.package, *row.beside)
        if row.package not in known or not all(is_open(tree, app.root, python.requirements, each) for each in names):
            continue
        if any(name_of(each) in names and each != name_of(each) for each in python.packages):
            continue
        place = _place(tree, app, row.pattern)
        if place is not None:
            others = [each for each in python.packages if name_of(each) != row.package]
            wanted = f"{row.package}{row.limit}"
            python = replace(python, packages=tuple(sorted((*others, wanted))))
            notes.append(Note(f"{wanted}: the code doesn't support newer versions", place))
    return python, notes


def _place(tree: Tree, app: Application, pattern: re.Pattern[str]) -> Evidence | None:
    for path in application_files(tree, app):
        match = pattern.search(tree.text(path) or "")
        if match:
            return Evidence(path, match.string.count("\n", 0, match.start()) + 1)
    return None
