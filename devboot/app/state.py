"""`devboot state`: says where devboot keeps what of a project, and gives a project the state of another one."""

from __future__ import annotations

import os
from collections.abc import Iterator
from typing import NamedTuple

from devboot.app.context import Context
from devboot.app.preparation.folders import holder_in
from devboot.provision.collect import STATE, Piece, Terms, tree_size
from devboot.provision.tree import remove_tree
from devboot.state.claiming import adopt
from devboot.state.housekeeping import KeptProject, kept_project, kept_projects
from devboot.state.project import find_project


class Listed(NamedTuple):
    """One line of the list; sizes are bytes."""

    name: str
    root: str
    is_gone: bool
    is_current: bool
    state_size: int
    data_size: int


class Adopted(NamedTuple):
    """What the project at `root` has taken over; `kept` is the name of what it had before, "" for nothing."""

    root: str
    name: str
    kept: str


def listed(context: Context) -> tuple[Listed, ...]:
    """Return what devboot keeps of all projects of this user."""
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
    """Return the state or data folder of this project, or of what `name` stands for. Raises UsageError."""
    if name:
        kept = kept_project(context.projects(), name)
        return kept.data if is_data else kept.state
    here = find_project(context.cwd, context.environ)
    return here.data if is_data else here.state


def take_over(context: Context, name: str) -> Adopted:
    """Give this project what is kept under `name`. Raises UsageError, BusyError `state/in-use` and MachineError."""
    root = find_project(context.cwd, context.environ).root
    kept = adopt(context.projects(), root, name, holder_in(context.environ), context.wall_clock)
    return Adopted(root, name, kept)


def remove_gone(context: Context, terms: Terms, *, with_data: bool) -> Iterator[tuple[Piece, bool]]:
    """Remove what belongs to folders that are gone; yield each piece and whether it goes. Data stays unless asked for.

    Raises OSError.
    """
    holder = holder_in(context.environ)
    here = find_project(context.cwd, context.environ)  # which may have been moved, and not been used since
    for each in kept_projects(context.projects()):
        if each.is_gone and each.state != here.state and each.data != here.data:
            yield from _remove(each, terms, in_use=holder(each.state, each.root), with_data=with_data)


def _remove(each: KeptProject, terms: Terms, *, in_use: str, with_data: bool) -> Iterator[tuple[Piece, bool]]:
    where = f"{each.root} ({each.name})"
    state, data = (os.path.isdir(path) for path in (each.state, each.data))
    if in_use:
        yield Piece(STATE, where, tree_size(each.state), f"its {in_use} runs"), False
        return
    if state:
        yield Piece(STATE, f"state of {where}", tree_size(each.state), "the project is gone"), True
    if data and each.has_data and not with_data:
        why = "the project is gone; `devboot gc --data` removes it"
        yield Piece(STATE, f"data of {where}", tree_size(each.data), why), False
    elif data and each.has_data:
        yield Piece(STATE, f"data of {where}", tree_size(each.data), "the project is gone"), True
    if not terms.is_dry:
        for path in (each.state, *([each.data] if with_data or not each.has_data else [])):
            if os.path.isdir(path):
                remove_tree(path)
