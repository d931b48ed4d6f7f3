"""What belongs to which project: lists the folders of all projects, and removes those of a project that is gone."""

from __future__ import annotations

import os
import shutil
from collections.abc import Iterator
from typing import NamedTuple

from devboot.errors import UsageError
from devboot.state.claiming import has_content
from devboot.state.projects import Projects, folder_name
from devboot.state.records import owned_folders, read_owner


class KeptProject(NamedTuple):
    """The folders of one project: `root` is where it is or was, "" where nothing says; `name` is that of the folders.

    `is_gone`: its folder isn't at `root` any more, as far as is known. `has_data`: there is something that can't be
    made again.
    """

    name: str
    root: str
    state: str
    data: str
    is_gone: bool
    has_data: bool


def kept_projects(projects: Projects) -> Iterator[KeptProject]:
    """Yield what devboot keeps, project by project, in the order of their names."""
    names = {os.path.basename(path) for base in (projects.state, projects.data) for path in owned_folders(base)}
    for name in sorted(names):
        state, data = os.path.join(projects.state, name), os.path.join(projects.data, name)
        owner = read_owner(data) or read_owner(state)
        is_gone = owner is not None and (owner.is_gone or name != folder_name(owner.path))
        yield KeptProject(name, owner.path if owner else "", state, data, is_gone, has_content(data))


def kept_project(projects: Projects, name: str) -> KeptProject:
    """Return what devboot keeps under a name. Raises UsageError `state/unknown`."""
    found = next((each for each in kept_projects(projects) if each.name == name), None)
    if found is None:
        raise UsageError("state/unknown", f"there is no state called `{name}`", help=["devboot state list"])
    return found


def remove_folders(projects: Projects, root: str) -> None:
    """Remove everything that devboot keeps for the project at `root`, its data too."""
    for base in (projects.state, projects.data):
        shutil.rmtree(os.path.join(base, folder_name(root)), ignore_errors=True)
