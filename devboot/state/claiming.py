"""Creates a project's state and data folders, or takes existing ones after checking that they are this project's.

A moved project keeps its folders. Folders of another project that was at the same path before (a deleted clone, say)
are renamed with the date and not used unless adopted; so are folders with an unreadable record. An interrupted claim
leaves folders without a record only while they are empty.
"""

from __future__ import annotations

import os
import time
from collections.abc import Callable, Iterator, Mapping, Sequence

from devboot.errors import BusyError, UsageError
from devboot.files import machine_error, make_directories
from devboot.locks import TABLE, FileLock, Holder as LockHolder
from devboot.paths import project_key
from devboot.record import Record
from devboot.state.earlier import Registers, missing_from, take_over_earlier
from devboot.state.projects import LEASE, RECORD, Projects, folder_name
from devboot.state.records import (
    Owner,
    folder_moved_here,
    identity_of,
    is_unused,
    owned_folders,
    read_owner,
    write_owner,
)

TYPE_CHECKING = False
if TYPE_CHECKING:
    Holder = Callable[[str, str], str]
    """Returns the process that uses a project's state folder, given folder and root: `daemon (pid 7)`; "" for none."""


_SOON = 1.0  # seconds of waiting before it is reported


class Patience(Record):
    """How long to wait for another devboot's lock; after one second `waiting` is called with the holder."""

    seconds: float = 600.0
    waiting: Callable[[LockHolder], None] | None = None


class _Rename(Record):
    """A state or data folder to be renamed from `source` to `target`, and the project that owns it then."""

    source: str
    target: str
    owner: Owner


def claim(
    projects: Projects,
    root: str,
    holder: Holder,
    wall_clock: Callable[[], float],
    environ: Mapping[str, str],
    patience: Patience | None = None,
) -> tuple[str, ...]:
    """Create the state and data folders of the project at `root`, a real path; return messages for the user.

    `environ` is for git, which is run if the clone contains data of an earlier devboot. Raises BusyError `state/in-use`
    if a folder to rename is in use, BusyError `busy/locked` after `patience`, and MachineError.
    """
    here = identity_of(root)
    if here is None:
        return ()
    owner, name = Owner(root, here), folder_name(root)
    folders = [os.path.join(base, name) for base in (projects.data, projects.state)]
    if all(read_owner(folder) == owner for folder in folders):
        return ()
    with lock_projects(projects, patience):
        try:
            return tuple(_claimed(projects, owner, folders, holder, wall_clock(), environ))
        except OSError as error:
            raise machine_error(error, error.filename or folders[1]) from error


def adopt(projects: Projects, root: str, name: str, holder: Holder, wall_clock: Callable[[], float]) -> str:
    """Rename the folders called `name` to be those of the project at `root`; return its previous ones' new name, or "".

    Raises UsageError `state/unknown` and `usage/no-directory`, BusyError `state/in-use` and MachineError.
    """
    here, own = identity_of(root), folder_name(root)
    bases = [base for base in (projects.data, projects.state) if os.path.isdir(os.path.join(base, name))]
    if not name or name[0] == "." or os.sep in name or not bases:
        raise UsageError("state/unknown", f"no project's state or data is called `{name}`", help=["devboot state list"])
    if here is None:
        what = f"the project's folder `{root}` is gone"
        raise UsageError("usage/no-directory", what, help=["cd ~   # or to another directory that exists"])
    if name == own:
        return ""
    with lock_projects(projects):
        kept = _dated(projects, own, wall_clock())
        renames = []
        for base in bases:
            source, target = os.path.join(base, name), os.path.join(base, own)
            if os.path.isdir(target):
                renames.append(_Rename(target, os.path.join(base, kept), Owner(root, here)))
            renames.append(_Rename(source, target, read_owner(source) or Owner("", here)))
        try:
            _refuse_in_use(projects, renames, holder)
            _carry_out(renames)
            for base in bases:
                write_owner(os.path.join(base, own), Owner(root, here))
        except OSError as error:
            raise machine_error(error, error.filename or projects.state_of(root)) from error
    return kept if any(os.path.isdir(os.path.join(base, kept)) for base in bases) else ""


def has_content(folder: str) -> bool:
    """Return whether a data folder contains more than devboot's own record files."""
    return os.path.isdir(folder) and bool(set(os.listdir(folder)) - {RECORD, LEASE})


def _claimed(
    projects: Projects,
    owner: Owner,
    folders: Sequence[str],
    holder: Holder,
    now: float,
    environ: Mapping[str, str],
) -> Iterator[str]:
    aside = _dated(projects, folder_name(owner.path), now)
    renames = [rename for folder in folders for rename in _renames(folder, owner, aside)]
    is_new = not any(each.target in folders for each in renames) and not any(
        _is_claimed_for(owner, folder) for folder in folders
    )
    is_new = is_new or _is_interrupted(owner, *folders)
    _refuse_in_use(projects, renames, holder)
    if is_new and missing_from(folders[0], owner.path) and (who := holder(folders[1], owner.path)):
        raise _in_use(owner.path, f"{who} uses the data that would be moved now")
    _carry_out(renames)
    former = next((each.owner.path for each in renames if each.target in folders), "")
    if former:
        yield f"this project was moved here from `{former}`, with its data"
    kept = [each.target for each in renames if os.path.basename(each.target) == aside and os.path.isdir(each.target)]
    if any(read_owner(path) is None for path in kept):
        yield f"the owner of the data found here is unknown, so it was set aside: `devboot state adopt {aside}` uses it"
    elif any(os.path.dirname(path) == projects.data for path in kept):
        yield f"another project was here before, its data was set aside: `devboot state adopt {aside}` uses it"
    for folder in folders:
        make_directories(folder)
    data, state = folders
    write_owner(data, owner)
    if is_new:
        user = os.path.dirname(projects.state), os.path.dirname(projects.data)
        registers = Registers(*user, project_key(owner.path), environ)
        yield from take_over_earlier(owner, data, registers)
    write_owner(state, owner)  # last: without it the next claim completes this one


def _is_claimed_for(owner: Owner, folder: str) -> bool:
    known = read_owner(folder)
    return known is not None and known.identity.is_same_as(owner.identity)


def _is_interrupted(owner: Owner, data: str, state: str) -> bool:
    """Return whether a claim for `owner` was interrupted: its data folder is recorded, its state folder isn't."""
    return _is_claimed_for(owner, data) and os.path.isdir(state) and is_unused(state)


def _renames(folder: str, owner: Owner, aside: str) -> Iterator[_Rename]:
    """Yield the renames needed before `folder` can be used for the project of `owner`."""
    base, known = os.path.dirname(folder), read_owner(folder)
    if known is not None:
        if known.identity.is_same_as(owner.identity):
            return
        yield _Rename(folder, os.path.join(base, aside), known)
    elif os.path.isdir(folder):
        if is_unused(folder):
            return
        yield _Rename(folder, os.path.join(base, aside), owner)
    moved = folder_moved_here(base, owner.path, owner.identity)
    if moved:
        yield _Rename(moved, folder, read_owner(moved) or owner)


def _refuse_in_use(projects: Projects, renames: Sequence[_Rename], holder: Holder) -> None:
    for rename in renames:
        state = os.path.join(projects.state, os.path.basename(rename.source))
        if who := holder(state, rename.owner.path):
            raise _in_use(rename.owner.path, f"{who} uses the folders that would be renamed now")


def _in_use(path: str, cause: str) -> BusyError:
    return BusyError(
        "state/in-use",
        f"the project that was at `{path}` is still running",
        causes=[f"its {cause}"],
        help=["devboot down"],
        kept=["nothing was renamed or started"],
    )


def _carry_out(renames: Sequence[_Rename]) -> None:
    for rename in renames:
        names = set(os.listdir(rename.source))
        if names and names <= {RECORD, LEASE}:
            for name in names:
                os.unlink(os.path.join(rename.source, name))
            os.rmdir(rename.source)
        else:
            os.rename(rename.source, rename.target)


def _dated(projects: Projects, name: str, now: float) -> str:
    """Return an unused folder name made of `name` and the date."""
    dated = f"{name}.{time.strftime('%Y-%m-%dT%H%M%S', time.localtime(now))}"
    taken = {os.path.basename(path) for base in (projects.state, projects.data) for path in owned_folders(base)}
    found, number = dated, 1
    while found in taken:
        number += 1
        found = f"{dated}-{number}"
    return found


def lock_projects(projects: Projects, patience: Patience | None = None) -> FileLock:
    """Take the lock under which projects' folders are renamed. Raises BusyError and MachineError."""
    seconds, waiting = patience or Patience()
    lock = FileLock(os.path.join(projects.state, ".lock"), "state", TABLE)
    try:
        lock.acquire(timeout=min(seconds, _SOON))
    except BusyError:
        if seconds <= _SOON:
            raise
        lock.acquire(timeout=seconds - _SOON, waiting=waiting)
    return lock
