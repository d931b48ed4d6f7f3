"""`rollback`: switches to an earlier generation: its programs, its virtualenv (from its pins), its variables.

The files of the project stay as they are. Warm commands use the generation until one of those files changes; `sync`
returns to the state of the files at once.
"""

from __future__ import annotations

import os
import sys
from collections.abc import Iterator, Mapping
from contextlib import suppress
from dataclasses import replace
from typing import Any

from devboot import snapshot as snapshots
from devboot.app.commands.housekeeping.store import title_of
from devboot.app.context import Context
from devboot.app.preparation.generations.history import (
    Change,
    chosen,
    differences,
    link_profile,
    previous,
    snapshot_of,
    values_in,
)
from devboot.app.preparation.generations.redaction import changed_secrets, left_out, missing_secrets, passwords_in
from devboot.app.preparation.install.libraries_on_demand import with_libraries
from devboot.app.preparation.install.provisioning import Machine
from devboot.app.preparation.project_lock import lock_project
from devboot.app.this_machine import this_host
from devboot.clone_reader import read_text
from devboot.environment.project_python import declared_indexes
from devboot.environment.python.interpreters import Interpreter, choose_interpreter, inspect
from devboot.environment.python.versions import VersionRequest
from devboot.environment.variables.envfiles import read_env_files
from devboot.environment.variables.secrets import load_secrets
from devboot.environment.venv.serialise import pins_from_plain, spec_from_plain
from devboot.environment.venv.sync import sync
from devboot.errors import DevbootError, MachineError, WorkError
from devboot.events import NOTE, UNCHANGED, Event, Reporter
from devboot.files import atomic_write, fail_point
from devboot.provision import generations as files
from devboot.provision.generations import Generation
from devboot.provision.objects.roots import TemporaryRoots, hold_for_project
from devboot.provision.objects.store import Store
from devboot.record import Record
from devboot.snapshot import CHOSEN
from devboot.state.project import Project, find_project
from devboot.uv.client import Uv, make_uv
from devboot.uv.leases import FolderLeases, end_leftovers

_NOT_CACHED = ("network/", "python/no-such-package", "python/resolution")


class RolledBack(Record):
    """Result of `rollback`: numbers of the generation in use now and of the one before, and what differs in them."""

    number: int
    before: int
    changes: tuple[Change, ...]


def rollback(context: Context, number: int | None, reporter: Reporter, *, is_offline: bool) -> RolledBack:
    """Switch to generation `number`, by default the one before the current one.

    Packages come from uv's cache; missing ones are downloaded, unless `is_offline`.

    Raises:
        UsageError: `usage/no-generation`.
        WorkError: `generation/unreadable`, `generation/moved`.
        MachineError: `generation/incomplete`, and errors of making the virtualenv.

    """
    project = find_project(context.cwd, context.environ)
    data = context.paths().data
    before = files.current(project.state)
    wanted = previous(project.state) if number is None else number
    target = chosen(project.state, wanted)
    _refuse_moved(project, target)
    lock = lock_project(project, "rollback", context)
    try:
        with TemporaryRoots(data) as roots:
            for name in target.facts.objects:
                roots.add(name)
            _refuse_incomplete(Store(data), target)
            values = _current_secrets(project, target, context, reporter)
            _refuse_missing_secrets(target, values)
            kept = files.held_objects(project.state)
            hold_for_project(data, project.root, target.facts.objects, kept)
        _sync_venv(project, target, context, reporter, is_offline=is_offline)
        fail_point("rollback/synced")
        _write_snapshot(project, target, values, context.environ)
        if number is None:
            files.step_back(project.state, wanted)
        else:
            files.switch(project.state, wanted)
    finally:
        lock.release()
    old = files.read(project.state, before)
    return RolledBack(wanted, before, differences(old, target) if old is not None else ())


def _refuse_moved(project: Project, target: Generation) -> None:
    root = str(target.body["snapshot"]["plan"]["root"])
    if root != project.root:
        raise WorkError(
            "generation/moved",
            f"generation {target.facts.number} can't be restored here: it was made when the project was in `{root}`",
            help=["devboot sync   # makes a generation for this folder"],
        )


def _refuse_incomplete(store: Store, target: Generation) -> None:
    """Raise MachineError if a store object of the generation is missing or damaged, as far as a few stats show."""
    for name in target.facts.objects:
        found = store.complaints(name, full=False) if store.find(name) is not None else ("it is not in the store",)
        if found:
            raise MachineError(
                "generation/incomplete",
                f"generation {target.facts.number} can't be restored: {title_of(name)} is missing or damaged",
                causes=found[:3],
                help=["devboot store repair"],
                kept=["nothing was changed"],
            )


def _sync_venv(project: Project, target: Generation, context: Context, reporter: Reporter, *, is_offline: bool) -> None:
    plain = target.body["venv"]
    if plain is None:
        return
    leases = os.path.join(project.state, "run", "provisioning")
    end_leftovers(leases)
    uv = make_uv(context.environ, plain["folder"], offline=True, lease=FolderLeases(leases)).shown_by(reporter)
    machine = Machine(context.paths().data, this_host(sys.platform, os.uname().machine), context.wall_clock)
    uv = with_libraries(uv, machine, project.root, reporter)
    try:
        _make_venv(uv, plain, context, reporter)
    except DevbootError as error:
        if is_offline or not error.slug.startswith(_NOT_CACHED):
            raise
        reporter.emit(Event(NOTE, "venv", "some packages are no longer in uv's cache: fetching them"))
        _make_venv(replace(uv, offline=False), plain, context, reporter)


def _make_venv(uv: Uv, plain: dict[str, Any], context: Context, reporter: Reporter) -> None:
    interpreter = _interpreter(uv, plain["python"], context.environ)
    reporter.emit(Event(UNCHANGED, "python", f"{interpreter.version}, {interpreter.path}"))
    indexes = declared_indexes(uv, pins_from_plain(plain).indexes, interpreter, context.environ)
    spec = spec_from_plain(plain, interpreter, indexes)
    sync(uv, spec, reporter=reporter, wall_clock=context.wall_clock)


def _interpreter(uv: Uv, wanted: Mapping[str, str], environ: Mapping[str, str]) -> Interpreter:
    """Return the Python interpreter that the generation used, else another one of the same version."""
    found = inspect(uv, wanted["path"])
    if found is not None and found.version == wanted["version"]:
        return found
    version = wanted["version"]
    return choose_interpreter(uv, VersionRequest(f"=={version}", version), environ=environ)


def _current_secrets(project: Project, target: Generation, context: Context, reporter: Reporter) -> dict[str, str]:
    """Return values for secrets, which a generation doesn't store: from env files, generated ones, the last sync."""
    known = snapshots.read(os.path.join(project.state, snapshots.NAME))
    passwords = load_secrets(project.data)
    values = passwords_in("\n".join(_texts(project)), passwords)
    values |= values_in(known, passwords) if known is not None else {}
    sources = [source.rpartition(":")[0] for _, _, source, _ in target.body["snapshot"]["variables"]]
    names = [name for name in dict.fromkeys(sources) if os.path.basename(name).startswith((".env", ".overmind"))]
    values |= {each.name: each.value for each in read_env_files(project.root, names, context.environ).variables}
    values |= passwords
    changed = changed_secrets(target.body, values, files.salt(project.state))
    if changed:
        reporter.emit(Event(NOTE, "secrets", f"using the current values of {', '.join(changed)}"))
    if missing := left_out(target.body, values):
        reporter.emit(Event(NOTE, "secrets", f"left out, since they have no value any more: {', '.join(missing)}"))
    return values


def _texts(project: Project) -> Iterator[str]:
    """Yield the contents of the project's readable files that contain commands."""
    for path in (project.manifest, os.path.join(project.root, "Procfile")):
        with suppress(OSError):
            yield read_text(path) if path else ""


def _refuse_missing_secrets(target: Generation, values: Mapping[str, str]) -> None:
    """Raise MachineError for each secret of the generation without a value: commands must not run without passwords."""
    if missing := missing_secrets(target.body, values):
        raise MachineError(
            "generation/incomplete",
            f"generation {target.facts.number} can't be restored: there is no value for {', '.join(missing)} any more",
            causes=["generations store no secret values; a rollback fills in those of the last sync"],
            help=["devboot sync   # makes a new generation from the current files"],
            kept=["nothing was changed"],
        )


def _write_snapshot(
    project: Project, target: Generation, values: Mapping[str, str], environ: Mapping[str, str]
) -> None:
    """Write the generation's composition as the snapshot for warm commands, valid until a file changes."""
    path = os.path.join(project.state, snapshots.NAME)
    atomic_write(os.path.join(project.state, CHOSEN), f"{target.facts.number}\n", sync=False)
    snapshot = snapshot_of(target, dict.fromkeys(_stamps(path, target)), environ, values)
    link_profile(project.state, snapshot)
    snapshots.write(path, snapshot)


def _stamps(path: str, target: Generation) -> Iterator[tuple[str, int, int]]:
    known = snapshots.read(path)
    for old in known.stamps if known is not None else ():
        yield snapshots.stamped_again(old)
    for name, kind in target.body["snapshot"]["paths"]:
        yield snapshots.stamp_of(name, kind)
