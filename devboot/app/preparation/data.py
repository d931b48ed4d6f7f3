"""Brings databases and data folders up to date with the manifest, and backs up databases that tasks will change."""

from __future__ import annotations

import os
from collections.abc import Callable, Collection, Iterator
from contextlib import suppress

from devboot.app.preparation.compose.composition import Composed
from devboot.app.preparation.notices import database_text
from devboot.app.preparation.project.loaded import Loaded
from devboot.daemon import leases
from devboot.environment.tasks import match_inputs
from devboot.events import DONE, NOTE, START, UNCHANGED, Event, Reporter, doing
from devboot.files import machine_error, make_directories
from devboot.locks import hold_folder
from devboot.model.process import TASK, ProcessSpec
from devboot.paths import shown_from
from devboot.supervisor.core.task_stamp import MADE, PRESENCE, is_current

TYPE_CHECKING = False
if TYPE_CHECKING:
    from devboot.environment import databases
    from devboot.uv.child import Lease

Clock = Callable[[], float]


def prepare_databases(loaded: Loaded, clock: Clock, reporter: Reporter) -> frozenset[str]:
    """Prepare each SQLite database; return the paths of new and changed ones, which need no further backup.

    `clock` returns wall-clock seconds. Raises DevbootError: the earlier state is then unchanged.
    """
    if not loaded.manifest.sqlite:
        return frozenset()
    from devboot.environment import databases

    around = surroundings(loaded, clock())
    touched = set()
    for asked in wanted_databases(loaded):
        path, wanted = asked.path, loaded.manifest.sqlite[asked.name]
        reporter.emit(Event(START, "sqlite", wanted.path))
        done = databases.prepare_database(asked, around)
        for note in done.notes:
            reporter.emit(Event(NOTE, "sqlite", f"{wanted.path}: {note}"))
        if done.is_new or done.applied:
            touched.add(path)
        kind = DONE if path in touched else UNCHANGED
        reporter.emit(Event(kind, "sqlite", database_text(wanted.path, done, is_there=os.path.exists(path))))
    return frozenset(touched)


def forget_outdated_stamps(loaded: Loaded, composed: Composed) -> None:
    """Delete the stamp of each migration task if a database lacks migrations, as after a change of branches.

    The task then runs, although its inputs are those of its last success.
    """
    for spec in outdated_tasks(loaded, composed):
        with suppress(FileNotFoundError):
            os.unlink(spec.stamp[0])


def outdated_tasks(loaded: Loaded, composed: Composed) -> Iterator[ProcessSpec]:
    """Yield the migration tasks that have to run again because a database lacks migrations, despite a current stamp."""
    for spec in composed.plan.processes:
        if spec.kind == TASK and is_current(spec):
            from devboot.environment import databases

            files = match_inputs(loaded.project.root, composed.tasks[spec.name].inputs).files
            paths = [path for path in spec.stamp_databases if not path.startswith((PRESENCE, MADE))]
            if any(databases.unapplied(path, loaded.project.root, files) for path in paths):
                yield spec


def surroundings(loaded: Loaded, at: float) -> databases.Surroundings:
    """Return the context of the project's databases at wall-clock time `at`."""
    from devboot.environment import databases

    project = loaded.project
    lease = leases.read_daemon(leases.daemon_path(project.state))
    is_running = lease is not None and lease.is_alive
    return databases.Surroundings(project.root, project.data, at, _mounts(), is_running=is_running)


def wanted_databases(loaded: Loaded) -> Iterator[databases.Database]:
    """Yield the SQLite databases of the manifest with absolute paths."""
    from devboot.environment import databases

    for name, wanted in loaded.manifest.sqlite.items():
        yield databases.named(loaded.project.root, name, wanted)


def prepare_services(composed: Composed, clock: Clock, reporter: Reporter, lease: Lease | None) -> None:
    """Create each service's data folder, or check that the existing one suits the version. Raises DevbootError.

    The project's data folder is locked meanwhile, so that no daemon can start on it; `lease` is a running daemon's.
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
        from devboot.services.data import made_once, prepare_data

        if not all(map(os.path.exists, made_once(service))):  # seconds on a slow disk
            reporter.emit(Event(NOTE, service.spec.name, "initialising the data directory (first start)"))
        with doing(reporter, service.spec.name, "creating or checking the data directory"):
            notes = prepare_data(service, clock(), lease)
        for note in notes:
            reporter.emit(Event(NOTE, service.spec.name, note))


def back_up(loaded: Loaded, composed: Composed, touched: frozenset[str], clock: Clock, reporter: Reporter) -> None:
    """Back up each database that a due task may change, since migrations of frameworks can fail half way.

    `touched` are the paths that have a copy already. Raises DevbootError.
    """
    for path, name in due_copies(composed, touched):
        from devboot.environment import databases

        with doing(reporter, "sqlite", f"copying {shown_from(path, loaded.project.root)}"):
            copy = databases.backup_database(path, loaded.project.backups, name=name, at=clock())
        reporter.emit(Event(NOTE, "sqlite", f"copy kept: {copy}"))


def due_copies(
    composed: Composed, touched: Collection[str], outdated: Collection[ProcessSpec] = ()
) -> Iterator[tuple[str, str]]:
    """Yield (path, name) of each database to back up: due tasks, or those in `outdated`, may change it.

    Those in `touched` are left out.
    """
    tasks = [spec for spec in composed.plan.processes if spec.kind == TASK]
    due = [spec for spec in tasks if spec in outdated or not is_current(spec)]
    for path in dict.fromkeys(path.removeprefix(PRESENCE) for spec in due for path in spec.stamp_databases):
        if path not in touched and os.path.isfile(path) and os.path.getsize(path):
            yield path, next(name for name, known in composed.plan.databases if known == path)


def _mounts() -> str:
    try:
        with open("/proc/self/mountinfo", encoding="utf-8", errors="surrogateescape") as file:
            return file.read()
    except OSError:
        return ""
