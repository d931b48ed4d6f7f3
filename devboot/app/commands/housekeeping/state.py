"""`devboot state`: lists the folders kept for projects, and gives one project's folders to another."""

from __future__ import annotations

import os
from collections.abc import Iterator

from devboot.app.context import Context
from devboot.app.preparation.project.folders import holder_in
from devboot.provision.collect import STATE, Piece, Terms, tree_size
from devboot.record import Record
from devboot.state.claiming import adopt
from devboot.state.housekeeping import KeptProject, kept_project, kept_projects, remove_doomed, remove_kept
from devboot.state.project import find_project


class Listed(Record):
    """A line of `devboot state list`: the folders kept for one project; sizes are in bytes."""

    name: str
    root: str
    is_gone: bool
    is_current: bool
    state_size: int
    data_size: int


class Adopted(Record):
    """Result of `state adopt` for the project at `root`; `kept` is the new name of its earlier state, "" for none."""

    root: str
    name: str
    kept: str


def listed(context: Context) -> tuple[Listed, ...]:
    """Return a line for each project of this user that has state or data."""
    here = find_project(context.cwd, context.environ)
    return tuple(
        Listed(
            each.name,
            each.root,
            each.is_gone,
            each.state == here.state,
            tree_size(each.state),
            tree_size(each.data) if each.has_data else 0,
        )
        for each in kept_projects(context.projects())
    )


def path_of(context: Context, name: str, *, is_data: bool) -> str:
    """Return the path of the state folder (`is_data`: data folder) of this project, or of the named one.

    Raises UsageError.
    """
    if name:
        kept = kept_project(context.projects(), name)
        return kept.data if is_data else kept.state
    here = find_project(context.cwd, context.environ)
    return here.data if is_data else here.state


def take_over(context: Context, name: str) -> Adopted:
    """Rename the state and data folders kept under `name` to be this project's; return what was moved.

    Raises UsageError, BusyError `state/in-use` and MachineError.
    """
    root = find_project(context.cwd, context.environ).root
    kept = adopt(context.projects(), root, name, holder_in(context.environ), context.wall_clock)
    return Adopted(root, name, kept)


def remove_gone(context: Context, terms: Terms, *, with_data: bool) -> Iterator[tuple[Piece, bool]]:
    """Remove the state of deleted projects; yield each folder and whether it is removed. Data needs `with_data`.

    Raises OSError, BusyError and MachineError.
    """
    projects, holder = context.projects(), holder_in(context.environ)
    here = find_project(context.cwd, context.environ)  # which may have been moved, and not been used since
    for each in kept_projects(projects):
        if not each.is_gone or each.state == here.state or each.data == here.data:
            continue
        if in_use := holder(each.state, each.root):
            yield Piece(STATE, _place(each), tree_size(each.state), f"its {in_use} runs"), False
            continue
        pieces = list(_pieces(each, with_data=with_data))
        if terms.is_dry or remove_kept(projects, each.name, holder, with_data=with_data):
            yield from pieces
        else:
            yield Piece(STATE, _place(each), 0, "its folder exists again, or it is in use"), False
    if not terms.is_dry:
        remove_doomed(projects)


def _pieces(each: KeptProject, *, with_data: bool) -> Iterator[tuple[Piece, bool]]:
    if os.path.isdir(each.state):
        yield Piece(STATE, f"state of {_place(each)}", tree_size(each.state), "the project is gone"), True
    if os.path.isdir(each.data) and each.has_data:
        why = "the project is gone" + ("" if with_data else "; `devboot gc --data` removes it")
        yield Piece(STATE, f"data of {_place(each)}", tree_size(each.data), why), with_data


def _place(each: KeptProject) -> str:
    return f"{each.root} ({each.name})"
