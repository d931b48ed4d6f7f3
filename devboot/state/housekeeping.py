"""Lists the folders kept for all projects, and deletes those of deleted projects."""

from __future__ import annotations

import os
import shutil
from collections.abc import Iterator

from devboot.errors import UsageError
from devboot.record import Record
from devboot.state.claiming import has_content, lock_projects
from devboot.state.projects import Projects, folder_name
from devboot.state.records import owned_folders, read_owner

TYPE_CHECKING = False
if TYPE_CHECKING:
    from devboot.state.claiming import Holder

_DOOMED = ".removed-"  # prefix of folders that are being removed


class KeptProject(Record):
    """The state and data folders called `name` of one project; `root` is its present or former path, "" if unknown.

    `is_gone`: the project isn't at `root` any more, as far as is known. `has_data`: it has data that can't be
    recreated.
    """

    name: str
    root: str
    state: str
    data: str
    is_gone: bool
    has_data: bool


def kept_projects(projects: Projects) -> Iterator[KeptProject]:
    """Yield the folders kept for each project, sorted by name."""
    names = {os.path.basename(path) for base in (projects.state, projects.data) for path in owned_folders(base)}
    for name in sorted(names):
        state, data = os.path.join(projects.state, name), os.path.join(projects.data, name)
        owner = read_owner(data) or read_owner(state)
        is_gone = owner is not None and (owner.is_gone or name != folder_name(owner.path))
        yield KeptProject(name, owner.path if owner else "", state, data, is_gone, has_content(data))


def kept_project(projects: Projects, name: str) -> KeptProject:
    """Return the folders kept under this name. Raises UsageError `state/unknown`."""
    found = next((each for each in kept_projects(projects) if each.name == name), None)
    if found is None:
        raise UsageError("state/unknown", f"no project's state or data is called `{name}`", help=["devboot state list"])
    return found


def remove_kept(projects: Projects, name: str, holder: Holder, *, with_data: bool) -> bool:
    """Delete the folders called `name`, unless their project exists or uses them; return whether they were deleted.

    Data stays unless `with_data`. Folders are only renamed under the lock and deleted after it, so that a claim never
    waits for a large deletion. Raises BusyError, MachineError and OSError.
    """
    with lock_projects(projects):
        found = next((each for each in kept_projects(projects) if each.name == name), None)
        if found is None or not found.is_gone or holder(found.state, found.root):
            return False
        paths = [found.state, *([found.data] if with_data or not found.has_data else [])]
        doomed = [_set_apart(path) for path in paths if os.path.isdir(path)]
    for path in doomed:
        _remove(path)
    return True


def remove_doomed(projects: Projects) -> None:
    """Delete folders that were renamed for deletion by a command that was then killed. Raises OSError."""
    for base in (projects.state, projects.data):
        for name in os.listdir(base) if os.path.isdir(base) else ():
            if name.startswith(_DOOMED):
                _remove(os.path.join(base, name))


def _set_apart(path: str) -> str:
    base, name = os.path.split(path)
    apart = os.path.join(base, f"{_DOOMED}{os.getpid()}-{os.urandom(4).hex()}-{name}")
    os.rename(path, apart)
    return apart


def _remove(folder: str) -> None:
    try:
        for parent, folders, _ in os.walk(folder):
            for path in (parent, *(os.path.join(parent, name) for name in folders)):
                if not os.path.islink(path):
                    os.chmod(path, 0o700)  # it may be read-only
        shutil.rmtree(folder)
    except FileNotFoundError:
        return  # another devboot has removed it


def remove_folders(projects: Projects, root: str) -> None:
    """Delete all folders kept for the project at `root`, including its data."""
    for base in (projects.state, projects.data):
        shutil.rmtree(os.path.join(base, folder_name(root)), ignore_errors=True)
