"""Loads the project's requirements files: as pins if they are locks, else as requirements to be resolved."""

from __future__ import annotations

import hashlib
import os
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace

from devboot.clone_reader import is_file, read_bytes
from devboot.environment.locks.formats.pdm import parse_pdm_lock, says_everything
from devboot.environment.locks.formats.pipfile import DEVELOP, parse_pipfile_lock
from devboot.environment.locks.formats.poetry import parse_poetry_lock
from devboot.environment.locks.formats.pylock import parse_pylock
from devboot.environment.locks.formats.uv_lock import find_lock, read_uv_lock
from devboot.environment.locks.inputs import (
    PDM,
    PIPFILE,
    PIPFILE_LOCK,
    POETRY,
    PYLOCK,
    PYPROJECT,
    REQUIREMENTS,
    UV,
    Input,
)
from devboot.environment.locks.pins import Pins, join_pins
from devboot.environment.locks.project_toml import parse_project_toml
from devboot.environment.locks.requirements import (
    RequirementLine,
    decoded,
    load_requirements,
    parse_line,
    pins_of_locked,
    unreadable,
)
from devboot.environment.locks.unlocked import Unlocked, gather
from devboot.errors import LockError, Place
from devboot.uv.client import Uv


@dataclass(frozen=True, slots=True)
class Loaded:
    """Content of the requirements files: `locked` pins if a lock of the project has everything, else `unlocked`.

    `files` are the absolute paths of all files read; a change of one makes the snapshot stale.
    """

    locked: Pins | None
    unlocked: Unlocked | None
    files: tuple[str, ...]


def load_inputs(
    uv: Uv,
    inputs: Sequence[Input],
    root: str,
    *,
    environ: Mapping[str, str],
    groups: Sequence[str] | None = None,
    extras: Sequence[str] = (),
    packages: Sequence[str] = (),
) -> Loaded:
    """Load the requirements files as pins if all are locks, else as requirements to be resolved together.

    If one of them is unlocked, all are resolved together, so that they fit each other; so are the requirements that a
    stale lock lacks.

    `packages` are requirements that the manifest adds, which no lock has.

    Raises:
        DevbootError: a file is missing, damaged, or uv can't read it.

    """
    locks, plain, files, more = list[Pins](), list[Input](), list[str](), Unlocked()
    for each in (_readable(each, files) for each in inputs):
        found = _locked(uv, each, root, environ, groups, extras, files)
        if found is None:
            plain.append(each)
        else:
            locks.append(found)
            more = _with_lacking(more, each, found, root, environ, groups, extras)
    if not plain and not packages and not more.lines:
        return Loaded(join_pins(locks) if locks else Pins(()), None, tuple(dict.fromkeys(files)))
    unlocked = gather(plain, root, read=read_bytes, environ=environ, groups=groups, extras=extras, packages=packages)
    unlocked = replace(unlocked, notes=(*more.notes, *unlocked.notes))
    return Loaded(None, _with_locks(unlocked, locks, more.lines), tuple(dict.fromkeys([*files, *unlocked.files])))


def _with_lacking(
    more: Unlocked,
    each: Input,
    lock: Pins,
    root: str,
    environ: Mapping[str, str],
    groups: Sequence[str] | None,
    extras: Sequence[str],
) -> Unlocked:
    """Add the requirements that a stale lock's file gained after the lock was written, and a note that names them."""
    if not lock.stale:
        return more
    kind, name = (PIPFILE, "Pipfile") if each.kind == PIPFILE_LOCK else (PYPROJECT, "pyproject.toml")
    source = Input(kind, os.path.join(os.path.dirname(each.path), name))
    wanted = gather([source], root, read=read_bytes, environ=environ, groups=groups, extras=extras)
    known = {pin.name for pin in lock.pins} | {direct.name for direct in lock.directs}
    lacking = tuple(line for line in (*wanted.lines, *wanted.read_by_uv) if line.name not in known)
    if not lacking:
        return more
    names = ", ".join(dict.fromkeys(f"`{line.name}`" for line in lacking))
    return replace(
        more, lines=(*more.lines, *lacking), notes=(*more.notes, f"{lock.stale}, so {names} is added to its packages")
    )


def _readable(each: Input, files: list[str]) -> Input:
    """Return the pyproject.toml beside a pdm.lock that only pdm can read; any other input unchanged."""
    pyproject = os.path.join(os.path.dirname(each.path), PYPROJECT)
    if each.kind != PDM or not is_file(pyproject) or not is_file(each.path):
        return each
    if says_everything(decoded(read_bytes(each.path))):
        return each
    files.append(each.path)
    return Input(PYPROJECT, pyproject)


def _locked(
    uv: Uv,
    each: Input,
    root: str,
    environ: Mapping[str, str],
    groups: Sequence[str] | None,
    extras: Sequence[str],
    files: list[str],
) -> Pins | None:
    """Convert one file to pins if it is a lock, else return None; append the paths that were read to `files`."""
    folder, file = os.path.dirname(each.path), os.path.relpath(each.path, root)
    if each.kind == REQUIREMENTS:
        found = load_requirements(each.path, root, read_bytes, environ)
        files += found.files
        return pins_of_locked(found, file) if found.is_locked else None
    if each.kind not in (UV, PYLOCK, POETRY, PIPFILE_LOCK, PDM):
        return None
    if each.kind == UV:
        files += [find_lock(folder, root), os.path.join(folder, "pyproject.toml")]
        return read_uv_lock(uv, folder, root, groups=groups, extras=extras)
    files.append(each.path)
    try:
        return _parsed(each, decoded(read_bytes(each.path)), root, groups, extras, files)
    except OSError as error:
        raise unreadable(file, error) from error
    except ValueError as error:
        raise LockError(
            "python/lock-unreadable",
            f"`{file}` can't be read as a lock",
            causes=(str(error),),
            help=(f"recreate it: `{_WRITERS[each.kind]}`",),
        ) from error


def _parsed(
    each: Input, text: str, root: str, groups: Sequence[str] | None, extras: Sequence[str], files: list[str]
) -> Pins:
    """Convert the text of a lock (one that needs no uv) to pins. Raises ValueError if it isn't such a lock."""
    folder, file = os.path.dirname(each.path), os.path.relpath(each.path, root)
    if each.kind == PYLOCK:
        return parse_pylock(text, groups=groups, extras=extras, base=folder, file=file)
    if each.kind == PIPFILE_LOCK:
        pipfile = _beside(root, folder, PIPFILE, files)
        chosen = (DEVELOP,) if groups is None else groups
        return parse_pipfile_lock(text, groups=chosen, pipfile=pipfile, base=folder, file=file)
    pyproject = _beside(root, folder, PYPROJECT, files)
    parse = parse_poetry_lock if each.kind == POETRY else parse_pdm_lock
    return parse(text, pyproject=pyproject, groups=groups, extras=extras, base=folder, file=file)


_WRITERS = {
    UV: "uv lock",
    PYLOCK: "uv export -o pylock.toml",
    POETRY: "poetry lock",
    PIPFILE_LOCK: "pipenv lock",
    PDM: "pdm lock -S inherit_metadata",
}


def _beside(root: str, folder: str, name: str, files: list[str]) -> str:
    """Return the text of the TOML file `name` beside a lock, and append its path to `files`; "" if it can't be read.

    Raises ManifestError `python/requirements-syntax`.
    """
    path = os.path.join(folder, name)
    files.append(path)
    try:
        data = read_bytes(path)
    except OSError:
        return ""
    return parse_project_toml(data, os.path.relpath(path, root))[0]


def _with_locks(unlocked: Unlocked, locks: Sequence[Pins], more: Sequence[RequirementLine]) -> Unlocked:
    """Add the pins of locks, as exact versions, and what the locks lack to requirements that are to be resolved."""
    lines = [
        parse_line(
            f"{pin.name}{pin.version and f'=={pin.version}'}" + (f" ; {pin.marker}" if pin.marker else ""),
            (),
            Place(pins.inputs[0]),
        )
        for pins in locks
        for pin in pins.pins
    ]
    if not locks:
        return unlocked
    return replace(
        unlocked,
        lines=(*unlocked.lines, *lines, *more),
        directs=(*unlocked.directs, *(direct for pins in locks for direct in pins.directs)),
        indexes=(*unlocked.indexes, *(index for pins in locks for index in pins.indexes)),
        digest=_joined_digest(unlocked.digest, [*lines, *more]),
    )


def _joined_digest(digest: str, lines: Sequence[RequirementLine]) -> str:
    rows = [digest, *sorted(line.text for line in lines)]
    return f"sha256:{hashlib.sha256(chr(10).join(rows).encode()).hexdigest()}"
