"""`lock`: resolves versions and writes devboot.lock; `--check` only reports whether the lock is up to date."""

from __future__ import annotations

import os
import sys

from devboot.app.preparation.generations.history import last_lock
from devboot.app.preparation.install.interpreter import InterpreterProvider
from devboot.app.preparation.install.libraries_on_demand import with_libraries
from devboot.app.preparation.install.provisioning import Machine
from devboot.app.preparation.locking.lockfile import STEP, LockOptions, LockResult, ensure_lock, read_lock, why_stale
from devboot.app.preparation.locking.wanted import inspecting_uv, python_of, recipes_of
from devboot.app.preparation.project.loaded import Loaded
from devboot.app.preparation.project_lock import lock_project
from devboot.app.this_machine import this_host
from devboot.clone_reader import read_bytes, read_text
from devboot.clone_writer import replace_file
from devboot.errors import Problems, UsageError
from devboot.events import NOTE, Event, Reporter, Silenced
from devboot.files import atomic_write, make_directories, move_aside
from devboot.model.edge.lockfile.lock import Lock, lock_to_text, parse_lock
from devboot.model.edge.lockfile.merge import Merged, merge_text
from devboot.model.nearest import nearest
from devboot.recipes import KnownRecipe
from devboot.record import Record
from devboot.resolve.packages import refuse_changed_sources, wishes_of

TYPE_CHECKING = False
if TYPE_CHECKING:
    from devboot.app.context import Context
    from devboot.environment.project_python import PythonProject
    from devboot.uv.client import Uv


class Inputs(Record):
    """Recipes and requirements that a lock is made from. `python` is None for a project without Python."""

    recipes: dict[str, KnownRecipe]
    python: PythonProject | None
    uv: Uv


def lock_inputs(loaded: Loaded, context: Context, uv: Uv) -> Inputs:
    """Return the recipes and requirements that a lock is made from; changes nothing."""
    return Inputs(recipes_of(loaded), python_of(loaded, uv, context.environ), uv)


def interpreter_provider(loaded: Loaded, context: Context, inputs: Inputs, reporter: Reporter) -> InterpreterProvider:
    """Return the object that installs the Python interpreter of a recipe, for locking."""
    host = this_host(sys.platform, os.uname().machine)
    machine = Machine(context.paths().data, host, context.wall_clock)
    return InterpreterProvider(
        machine,
        loaded.project.root,
        inputs.recipes,
        lambda _wanted: inputs.uv,
        environ=context.environ,
        reporter=reporter,
    )


def lock(
    loaded: Loaded, context: Context, reporter: Reporter, *, update: tuple[str, ...] = (), is_offline: bool = False
) -> LockResult:
    """Bring devboot.lock up to date; resolve the packages named in `update` anew.

    A lock with the marks of a merge conflict is resolved from both of its sides; one that can't be read is made again
    with the versions of the last preparation. Both are kept with the backups. Raises the errors of `ensure_lock`, and
    UsageError.
    """
    from devboot.uv.client import make_uv

    machine = Machine(context.paths().data, this_host(sys.platform, os.uname().machine), context.wall_clock)
    uv = make_uv(context.environ, loaded.project.root, offline=is_offline).shown_by(reporter)
    inputs = lock_inputs(loaded, context, with_libraries(uv, machine, loaded.project.root, reporter))
    path = loaded.project.lock
    merged = _merged(path)
    is_damaged = merged is None and _is_damaged(path)
    old = merged.lock if merged else None if is_damaged else read_lock(path, os.path.basename(path))
    _refuse_unknown(update, loaded, inputs, old)
    reporter = Silenced(reporter, loaded.manifest.project.silence)
    with lock_project(loaded.project, "lock", context, reporter):
        if merged is not None:
            kept = _keep_aside(path, loaded.project.backups, context.wall_clock(), "conflict")
            _report_merge(merged, kept, reporter)
        elif is_damaged:
            _restore(loaded, context.wall_clock(), reporter)
        return ensure_lock(
            path,
            loaded.manifest,
            inputs.recipes,
            inputs.python,
            inputs.uv,
            wish=LockOptions(update=update, warns=True, merged=merged.lock if merged else None),
            environ=context.environ,
            reporter=reporter,
            bring=interpreter_provider(loaded, context, inputs, reporter).bring,
        )


def _merged(path: str) -> Merged | None:
    """Return both sides of a lock with conflict markers, combined; None if it has none."""
    try:
        return merge_text(read_text(path, errors="strict"), os.path.basename(path))
    except (FileNotFoundError, UnicodeDecodeError):
        return None


def _is_damaged(path: str) -> bool:
    """Return whether the lock can't be read.

    Raises Problems `lock/too-new`, since a later devboot can read that lock.
    """
    try:
        read_lock(path, os.path.basename(path))
    except Problems as problems:
        if problems.slug == "lock/too-new":
            raise
        return True
    return False


def _restore(loaded: Loaded, at: float, reporter: Reporter) -> None:
    """Replace a damaged lock by that of the last preparation, or by none; the damaged one is kept as a backup."""
    project = loaded.project
    kept = _keep_aside(project.lock, project.backups, at, "damaged")
    text = last_lock(project.state)
    try:
        parse_lock(text, os.path.basename(project.lock))
    except Problems:
        text = ""
    replace_file(project.lock, project.root, text or lock_to_text(Lock()))
    what = "the versions of the last preparation replace it" if text else "a new one replaces it"
    reporter.emit(Event(NOTE, STEP, f"devboot.lock can't be read: {what}", lines=(f"the old one: {kept}",)))


def _keep_aside(path: str, backups: str, at: float, ending: str) -> str:
    """Copy the lock into the folder `backups` under a dated name with `ending`; return the copy's path."""
    make_directories(backups)
    copy = os.path.join(backups, f"devboot.lock.{ending}")
    atomic_write(copy, read_bytes(path))
    return move_aside(copy, at)


def _report_merge(merged: Merged, kept: str, reporter: Reporter) -> None:
    lines = [
        *(f"{one.name}: {one.taken}, of {one.ours} (ours) and {one.theirs} (theirs)" for one in merged.choices),
        *(f"{side}: can't be read, so it is ignored" for side in merged.unread),
        f"the file as it was: {kept}",
    ]
    reporter.emit(
        Event(
            NOTE,
            STEP,
            "devboot.lock has a merge conflict: its versions are chosen again from both sides",
            lines=tuple(lines),
        )
    )


def check(loaded: Loaded, context: Context) -> tuple[str, ...]:
    """Return sentences on why devboot.lock doesn't fit the project; empty if it does. No network, changes nothing.

    Raises IntegrityError `lock/source-changed` as `ensure_lock` does, and the errors of reading a lock.
    """
    inputs = lock_inputs(loaded, context, inspecting_uv(loaded, context))
    old = read_lock(loaded.project.lock, os.path.basename(loaded.project.lock))
    if old is not None:
        refuse_changed_sources(old, inputs.recipes)
    return why_stale(old, loaded.manifest, inputs.python)


def _refuse_unknown(update: tuple[str, ...], loaded: Loaded, inputs: Inputs, old: Lock | None) -> None:
    """Raise UsageError for a name in `update` that the lock doesn't have, which would silently update nothing."""
    known = {wish.name for wish in wishes_of(loaded.manifest)}
    if inputs.python is not None and inputs.python.needs_lock and old is not None and old.python is not None:
        known |= {"python", *(package.name for package in old.python.package)}
    for name in update:
        if name != "*" and name not in known:
            near = nearest(name, known)
            helps = [f"did you mean `devboot lock --update {near}`?"] if near else ["devboot lock"]
            raise UsageError("usage/unknown-name", f"devboot.lock pins nothing called `{name}`", help=helps)
