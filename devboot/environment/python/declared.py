"""Reads a project's requirements for Python: lists of packages, pins, the requested version, the project itself."""

from __future__ import annotations

import os
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from urllib.parse import unquote, urlsplit

from devboot.clone_reader import exists, names_in, note
from devboot.environment.locks.direct_references import absolute
from devboot.environment.locks.inputs import PYPROJECT, Input
from devboot.environment.locks.load import Loaded, load_inputs
from devboot.environment.locks.pins import EDITABLE, FILE, FOLDER, Pins
from devboot.environment.locks.resolved import PythonRow
from devboot.environment.python.own_project import OwnProject, own_project
from devboot.environment.python.versions import (
    VersionRequest,
    minor_at,
    requested_version,
    suggested_minor,
    within_lock,
)
from devboot.environment.python.wish import PythonWish, inputs_of, text_of
from devboot.errors import Place
from devboot.uv.client import Uv
from devboot.uv.local_files import refuse_distributions, refuse_package

METADATA_FILES = ("pyproject.toml", "setup.py", "setup.cfg")  # files whose change makes a local package a new one


@dataclass(frozen=True, slots=True)
class PythonProject:
    """The Python requirements of a project, read from its files. `files` are the paths whose change makes them stale.

    `suggested` is the minor version to use if it is installed and the project leaves the choice. `built` has digests of
    wheels, by the distribution's name, built from sdists of the lock. `given` is the path of the interpreter from a
    recipe; "" if one must be found.
    """

    wish: PythonWish
    inputs: tuple[Input, ...]
    loaded: Loaded
    request: VersionRequest
    own: OwnProject | None
    files: tuple[str, ...]
    suggested: str = ""
    built: tuple[tuple[str, str], ...] = ()
    given: str = ""

    @property
    def is_settled(self) -> bool:
        """Return whether the project determines Python's minor version."""
        return bool(self.given or self.request.minor)

    @property
    def needs_lock(self) -> bool:
        """Return whether devboot.lock must hold the pins, because the project has no lock of its own."""
        return self.loaded.unlocked is not None

    @property
    def venv(self) -> str:
        """Return the absolute path of the virtualenv."""
        return os.path.normpath(os.path.join(self.wish.root, self.wish.venv))


@dataclass(frozen=True, slots=True)
class PythonLock:
    """The Python part of devboot.lock: pinned packages, digest of the requirements, and versions of Python allowed.

    `chosen` is the minor version that suits the pins best, if the project leaves it open; else "". `interpreter` is the
    exact version that it was made for, "" in locks without it. `below` is the first Python that it doesn't serve, "" if
    there is none.
    """

    rows: tuple[PythonRow, ...]
    digest: str
    lowest_python: str
    chosen: str = ""
    interpreter: str = ""
    below: str = ""

    @property
    def requires(self) -> str:
        """Return the Pythons that the lock is for, as a specifier such as `>=3.10,<3.14`."""
        return f">={self.lowest_python}" + (f",<{self.below}" if self.below else "") if self.lowest_python else ""


def read_python(uv: Uv, wish: PythonWish, *, environ: Mapping[str, str]) -> PythonProject:
    """Read the Python requirements in the project's files; uses no network and changes nothing.

    Raises:
        DevbootError: a file that is named is missing, or one can't be read.

    """
    inputs = inputs_of(wish)
    loaded = load_inputs(
        uv, inputs, wish.root, environ=environ, groups=wish.groups, extras=wish.extras, packages=wish.packages
    )
    _refuse_unreadable(loaded, wish.root)
    request = requested_version(
        wish.root,
        wish.folder,
        text_of,
        manifest=wish.version,
        is_exact=wish.is_exact,
        may_stand_in=wish.may_stand_in,
    )
    if loaded.locked and loaded.locked.python:
        request = within_lock(request, loaded.locked.python, loaded.locked.inputs[0])
    is_asked_for = wish.requirements is not None and any(each.kind == PYPROJECT for each in inputs)
    own = own_project(_folder_of_project(inputs, wish), wish.folder, is_asked_for=is_asked_for)
    suggested = suggested_minor(wish.root, wish.folder, text_of, names_in) or minor_at(wish.exclude_newer)
    _note_local_packages(loaded, own)
    return PythonProject(wish, inputs, loaded, request, own, loaded.files, suggested)


def _note_local_packages(loaded: Loaded, own: OwnProject | None) -> None:
    """Add the metadata files of editables and local folders to the files of `loaded`, since they affect a sync."""
    said = loaded.locked.directs if loaded.locked is not None else loaded.unlocked.directs if loaded.unlocked else ()
    for direct in (*said, *((own.direct,) if own is not None else ())):
        if direct.kind in (EDITABLE, FOLDER):
            for name in METADATA_FILES:
                note(os.path.join(absolute(direct), name))


def _refuse_unreadable(loaded: Loaded, root: str) -> None:
    """Raise ManifestError for a local package with a file, such as a named pipe, on which uv would block."""
    of_locked = loaded.locked or Pins(())
    of_unlocked = loaded.unlocked
    directs = (*of_locked.directs, *(of_unlocked.directs if of_unlocked else ()))
    indexes = (*of_locked.indexes, *(of_unlocked.indexes if of_unlocked else ()))
    for direct in directs:
        if direct.kind in (EDITABLE, FOLDER, FILE):
            refuse_package(absolute(direct), root, Place(direct.file, direct.line) if direct.file else None)
    for line in indexes:
        if line.kind == "find-links" and line.url.startswith(("file://", "/")):
            refuse_distributions(unquote(urlsplit(line.url).path), root, Place(line.file, line.line))


def _folder_of_project(inputs: Sequence[Input], wish: PythonWish) -> str:
    """Return the folder of the project's pyproject.toml: that of its requirements files, else the application's."""
    folders = [os.path.dirname(each.path) for each in inputs] + [wish.folder, wish.root]
    return next((each for each in folders if exists(os.path.join(each, "pyproject.toml"))), wish.folder)
