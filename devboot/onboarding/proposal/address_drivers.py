"""Adds the packages of database drivers that proposed URLs need and no list has."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import replace

from devboot.onboarding.frameworks.framework import Clone
from devboot.onboarding.packages.imported import brought, takes_more
from devboot.onboarding.proposal_values import Note, PythonInput, Variable
from devboot.onboarding.services.drivers import lacking_driver


def with_drivers(clone: Clone, env: Iterable[Variable]) -> tuple[PythonInput, list[Note]]:
    """Return the packages with the drivers that URLs in `env` need, and a note about each."""
    python, notes = clone.python, []
    if not takes_more(clone.tree, clone.app, python):
        return python, []
    known = {*clone.packages, *brought(clone.packages)}
    for variable in env:
        name = lacking_driver(variable.value or "", known, clone.tree)
        if name and name not in python.packages:
            python = replace(python, packages=tuple(sorted((*python.packages, name))))
            notes.append(Note(f"{name}: added for the address in `{variable.name}`", variable.evidence))
    return python, notes
