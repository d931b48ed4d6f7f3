"""Brings databases and data directories up to date with the manifest, and copies first what is about to change."""

from __future__ import annotations

import os
from collections.abc import Callable

from devboot.app.preparation.compose.composition import Composed
from devboot.app.preparation.notices import database_text
from devboot.app.preparation.project.loaded import Loaded
from devboot.environment import databases
from devboot.events import DONE, NOTE, START, UNCHANGED, Event, Reporter, doing
from devboot.files import machine_error, make_directories
from devboot.locks import hold_folder
from devboot.model.process import TASK
from devboot.paths import shown_from
from devboot.services.data import made_once, prepare_data
from devboot.supervisor.core.task_stamp import PRESENCE, is_current
from devboot.uv.child import Lease

Clock = Callable[[], float]


def prepare_databases(loaded: Loaded, clock: Clock, reporter: Reporter) -> frozenset[str]:
    """Prepare each SQLite file; return the paths of new or changed ones, which have a copy already.

    `clock` returns wall-clock seconds. Raises DevbootError: the earlier state is then unchanged.
    """
    root = loaded.project.root
    around = databases.Surroundings(root, loaded.project.data, clock(), _mounts())

    def below(path: str | None) -> str | None:
        return None if path is None else os.path.join(root, path)

    touched = set()
    for name, wanted in loaded.manifest.sqlite.items():
        path = os.path.join(root, wanted.path)
        reporter.emit(Event(START, "sqlite", wanted.path))
        asked = databases.Database(name, path, wanted.pragmas, below(wanted.migrations), below(wanted.seed))
        done = databases.prepare_database(asked, around)
        for note in done.notes:
            reporter.emit(Event(NOTE, "sqlite", f"{wanted.path}: {note}"))
        if done.is_new or done.applied:
            touched.add(path)
        kind = DONE if path in touched else UNCHANGED
        reporter.emit(Event(kind, "sqlite", database_text(wanted.path, done, is_there=os.path.exists(path))))
    return frozenset(touched)


def prepare_services(composed: Composed, clock: Clock, reporter: Reporter, lease: Lease | None) -> None:
    """Create the data directory of each service, or check that the existing one suits it. Raises DevbootError.

    If no daemon runs, none can start meanwhile.
    """
    held = _hold(composed.plan.data) if composed.services else None
    try:
        _prepare_services(composed, clock, reporter, lease)
    finally:
        if held is not None:
            os.close(held)


def _hold(data: str) -> int | None:
    try:
        make_directories(data)
        return hold_folder(data)
    except OSError as error:
        raise machine_error(error, data) from error


def _prepare_services(composed: Composed, clock: Clock, reporter: Reporter, lease: Lease | None) -> None:
    for service in composed.services:
        if not all(map(os.path.exists, made_once(service))):  # seconds on a slow disk
            reporter.emit(Event(NOTE, service.spec.name, "initialising the data directory (first start)"))
        with doing(reporter, service.spec.name, "creating or checking the data directory"):
            notes = prepare_data(service, clock(), lease)
        for note in notes:
            reporter.emit(Event(NOTE, service.spec.name, note))


def back_up(loaded: Loaded, composed: Composed, touched: frozenset[str], clock: Clock, reporter: Reporter) -> None:
    """Copy each database that a task is about to change: migrations of frameworks can fail half way, too.

    `touched` are the paths that have a copy already. Raises DevbootError.
    """
    backups = loaded.project.backups
    due = [spec for spec in composed.plan.processes if spec.kind == TASK and not is_current(spec)]
    for path in dict.fromkeys(path.removeprefix(PRESENCE) for spec in due for path in spec.stamp_databases):
        if path not in touched and os.path.isfile(path) and os.path.getsize(path):
            name = next(name for name, known in composed.plan.databases if known == path)
            with doing(reporter, "sqlite", f"copying {shown_from(path, loaded.project.root)}"):
                copy = databases.backup_database(path, backups, name=name, at=clock())
            reporter.emit(Event(NOTE, "sqlite", f"copy kept: {copy}"))


def _mounts() -> str:
    try:
        with open("/proc/self/mountinfo", encoding="utf-8", errors="surrogateescape") as file:
            return file.read()
    except OSError:
        return ""
