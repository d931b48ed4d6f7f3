"""Finds changes of environment, files and machine since the project last started without errors."""

from __future__ import annotations

import os
from collections.abc import Iterable, Iterator, Mapping
from contextlib import suppress

from devboot import snapshot as snapshots
from devboot.app.preparation.generations.history import (
    OBJECT,
    PACKAGE,
    PROCESS,
    PYTHON,
    VARIABLE,
    Change,
    differences,
)
from devboot.clone_reader import read_text
from devboot.errors import DevbootError
from devboot.model.process import plan_from_plain
from devboot.provision import generations
from devboot.provision.generations import Generation
from devboot.snapshot import FOUND, LISTED, MATCHED
from devboot.state.project import Project
from devboot.supervisor.last_success import LastSuccess, changes_since, keep_changes, last_success, sentence

_SHOWN = 3  # of a kind


def record_changes(state: str, number: int) -> None:
    """Record how the new generation `number` differs from that of the last start without errors."""
    last = last_success(state)
    old = generations.read(state, last.generation) if last is not None and last.generation != number else None
    new = generations.read(state, number) if old is not None else None
    with suppress(OSError, DevbootError):  # a full disk: it can't be reported
        keep_changes(state, prepared_changes(old, new) if old is not None and new is not None else ())


def prepared_changes(old: Generation, new: Generation) -> Iterator[str]:
    """Yield texts about the differences of two generations, such as `packages: django 5.1 → 5.2, celery 5.4 → 5.5`.

    One for each changed program, then one each for packages, variables and processes (names without values).
    """
    found = differences(old, new)
    for kind in (PYTHON, OBJECT):
        yield from (_versions(change) for change in found if change.kind == kind)
    for kind, title in ((PACKAGE, "packages"), (VARIABLE, "variables"), (PROCESS, "processes")):
        described = _versions if kind == PACKAGE else _without_values
        if several := [described(change) for change in found if change.kind == kind]:
            yield f"{title}: {_first(several)}"
    if old.body.get("lock") != new.body.get("lock"):
        yield "devboot.lock changed"


def changes_of_project(project: Project, environ: Mapping[str, str], version: str, now: float) -> str:
    """Return a sentence with all changes since the last start without errors; "" for none, or without such a start."""
    last = last_success(project.state)
    if last is None:
        return ""
    known = snapshots.read(os.path.join(project.state, snapshots.NAME))
    plan = plan_from_plain(known.plan_plain) if known is not None else None
    found = changes_since(last, plan, project.root, project.state, version)
    edited = () if known is None else _edited(known, project, environ)
    return sentence(last, (*_unprepared(last, project), *found, *edited), now)


def _unprepared(last: LastSuccess, project: Project) -> Iterator[str]:
    """Yield texts about changes of virtualenv and lock that no preparation has recorded."""
    from devboot.environment.venv.record import load_record

    here = generations.read(project.state, generations.current(project.state) or last.generation)
    if here is None:
        return
    venv = here.body.get("venv") or {}
    record = load_record(str(venv["path"])) if "path" in venv else None
    version = str(venv["python"]["version"]) if "python" in venv else ""
    if record is not None and record.version not in ("", version):
        yield f"python {version} → {record.version}"
    with suppress(OSError):
        if here.body.get("lock") != read_text(project.lock, errors="surrogateescape"):
            yield "devboot.lock changed"


def _edited(known: snapshots.Snapshot, project: Project, environ: Mapping[str, str]) -> Iterator[str]:
    """Yield the names of files and variables that have changed since the last preparation read them."""
    inside = f"{project.root}/"
    kinds = {path: kind for path, kind, _ in snapshots.changed(known) if kind not in (LISTED, FOUND)}
    paths = list(kinds)
    files = [path for path in paths if path.startswith(inside) and "/.venv/" not in path and path != project.lock]
    gone = {path for path in files if kinds[path] != MATCHED and not os.path.lexists(path)}
    names = [path.removeprefix(inside) + " (gone)" * (path in gone) for path in files]
    if names:
        yield f"edited: {_first(names)}"
    programs = [path for path in paths if not path.startswith((inside, project.state, project.data))]
    if programs:
        yield f"changed: {_first(programs)}"
    if others := [name for name, value in known.inherited if environ.get(name) != value]:
        yield f"other values: {_first(others)}"


def _versions(change: Change) -> str:
    if change.old is None:
        return f"{change.name} {change.new} is new"
    return f"{change.name} {change.old} is gone" if change.new is None else f"{change.name} {change.old} → {change.new}"


def _without_values(change: Change) -> str:
    return f"{change.name} {'is new' if change.old is None else 'is gone' if change.new is None else 'changed'}"


def _first(texts: Iterable[str]) -> str:
    several = list(texts)
    more = [f"{len(several) - _SHOWN} more"] if len(several) > _SHOWN else []
    return ", ".join(several[:_SHOWN] + more)
