"""Adds the test runner to the packages of a library, whose tests are all that can be run."""

from __future__ import annotations

import posixpath
import re
from collections.abc import Collection
from dataclasses import replace

from devboot.onboarding.proposal_values import Note, PythonInput
from devboot.onboarding.reading.layout import Application, is_library
from devboot.onboarding.reading.python import LOCKS
from devboot.onboarding.reading.tree import Tree

RUNNER = "pytest"
_TESTS = re.compile(r"^tests?/(?:.*/)?[^/]+\.py$")
_PYTEST = re.compile(r"\bpytest\b")
_UNITTEST = re.compile(r"^(?:from|import)[ \t]+unittest\b", re.MULTILINE)


def runs_pytest(tree: Tree, app: Application) -> bool:
    """Return whether a clone is a library with tests for pytest, rather than for unittest."""
    if app.framework or not is_library(tree, app.root):
        return False
    files = [path for path in tree.python_files() if _TESTS.match(posixpath.relpath(path, app.root))]
    if any(tree.matches(path, _PYTEST) for path in files):
        return True
    return bool(files) and not any(tree.matches(path, _UNITTEST) for path in files)


def with_test_runner(
    tree: Tree, app: Application, python: PythonInput, packages: Collection[str]
) -> tuple[PythonInput, list[Note]]:
    """Return the packages with pytest added, and a note, if the tests of a library need it and no list has it."""
    is_locked = bool(set(LOCKS) & set(python.requirements))
    if RUNNER in packages or RUNNER in python.packages or is_locked or not runs_pytest(tree, app):
        return python, []
    note = Note(f"{RUNNER}: the tests need it, but it isn't in the lists of packages")
    return replace(python, packages=(*python.packages, RUNNER)), [note]
