"""`gc`: removes unused objects from the store, and old generations with the objects that only they use."""

from __future__ import annotations

import os
import re

from devboot.app.commands.housekeeping.state import remove_gone
from devboot.app.context import Context
from devboot.app.preparation.project_lock import patience
from devboot.app.stale_downloads import remove_stale_downloads
from devboot.errors import DevbootError, UsageError
from devboot.files import machine_error
from devboot.locks import PROJECT, FileLock
from devboot.provision import generations
from devboot.provision.collect import GENERATION, Collected, Piece, Terms, collect
from devboot.provision.objects.roots import ProjectRoot, hold_for_project, project_roots
from devboot.record import Record
from devboot.scratch import remove_abandoned
from devboot.state.project import Project, project_in
from devboot.state.projects import Projects

_AGE = re.compile(r"(\d+)([smhdw]?)")
_UNITS = {"s": 1.0, "m": 60.0, "h": 3600.0, "d": 86400.0, "w": 604800.0, "": 86400.0}


class _Old(Record):
    """A generation of a project that is to be removed; `size` is in bytes."""

    root: str
    number: int
    size: int

    @property
    def as_piece(self) -> Piece:
        """Return the generation as a row of the result."""
        where = f"{self.root}, generation {self.number}"
        return Piece(GENERATION, where, self.size, f"the last {generations.KEPT} are kept")


def parse_age(text: str) -> float:
    """Parse an age such as `30d`, `12h`, `90m`, `2w` into seconds; a number alone is days.

    Raises UsageError `usage/argument`.
    """
    found = _AGE.fullmatch(text)
    if found is None:
        raise UsageError(
            "usage/argument",
            f"`--older-than` needs an age, found `{text}`",
            help=["devboot gc --older-than 30d   # or with m, h or w: minutes, hours, weeks"],
        )
    return float(found[1]) * _UNITS[found[2]]


def gc(context: Context, *, older_than: float | None, is_dry: bool, with_data: bool = False) -> Collected:
    """Remove unused objects, old generations, and the state of deleted projects; `is_dry` only reports them.

    `with_data` also removes the data of deleted projects. Raises BusyError and MachineError.
    """
    paths, projects = context.paths(), context.projects()
    roots = [root for root in project_roots(paths.data) if not root.is_gone]
    old: list[_Old] = []
    stuck = [piece for root in roots if (piece := _prune(paths.data, root, projects, old, is_dry=is_dry)) is not None]
    let_go = frozenset((piece.root, f"generation {piece.number}") for piece in old)
    terms = Terms(context.wall_clock, older_than, is_dry, let_go)
    terms = terms._replace(patience=patience(context, terms.patience))
    done = collect(paths.data, terms)
    if not is_dry:
        remove_abandoned()
        remove_abandoned(paths.cache)
    try:
        left = tuple(remove_stale_downloads(paths.cache, [root.root for root in roots], terms))
    except OSError as error:
        raise machine_error(error, paths.cache, "remove") from error
    gone = _remove_gone(context, terms, with_data=with_data)
    removed = (*(each.as_piece for each in old), *done.removed, *left, *(piece for piece, goes in gone if goes))
    return done._replace(removed=removed, kept=(*stuck, *done.kept, *(piece for piece, goes in gone if not goes)))


def _remove_gone(context: Context, terms: Terms, *, with_data: bool) -> list[tuple[Piece, bool]]:
    try:
        return list(remove_gone(context, terms, with_data=with_data))
    except OSError as error:
        raise machine_error(error, context.projects().state, "remove") from error


def _prune(data: str, root: ProjectRoot, projects: Projects, done: list[_Old], *, is_dry: bool) -> Piece | None:
    """Remove old generations of a project and append them to `done`, unless a command is preparing the project.

    Returns a piece with the reason if the project can't be written; the other projects are still pruned.
    """
    project = project_in(root.root, projects)
    try:
        _prune_unlocked(data, root, project, done, is_dry=is_dry)
    except (OSError, DevbootError) as error:
        known = error if isinstance(error, DevbootError) else machine_error(error, project.state, "remove")
        why = f"its old generations are kept: {known.what}"
        return Piece(GENERATION, root.root, 0, why)
    return None


def _prune_unlocked(data: str, root: ProjectRoot, project: Project, done: list[_Old], *, is_dry: bool) -> None:
    old = generations.prunable(project.state)
    lock = FileLock(project.prepare_lock, "gc", PROJECT)
    if not old or not lock.try_acquire():
        return
    try:
        for number in old:
            path = os.path.join(generations.folder_of(project.state), str(number))
            size = os.lstat(path).st_size
            if not is_dry:
                os.unlink(path)
            done.append(_Old(root.root, number, size))
        if not is_dry:
            now = [name for name, reason in root.objects.items() if not reason]
            hold_for_project(data, root.root, now, generations.held_objects(project.state))
    finally:
        lock.release()
