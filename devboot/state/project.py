"""Finds the project that a command means: the nearest manifest upwards, else what looks like an application."""

from __future__ import annotations

import os
from typing import NamedTuple

from devboot.errors import MachineError
from devboot.state.projects import DETECTED, MANIFEST, RECORD, Projects, is_there, read_below, upwards
from devboot.state.records import Identity, folder_moved_here, identity_of

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Mapping

LOCK = "devboot.lock"
# What makes a folder look like an application that has no manifest yet.
LANDMARKS = (
    "manage.py",
    "Procfile.dev",
    "Procfile",
    "uv.lock",
    "pylock.toml",
    "poetry.lock",
    "Pipfile.lock",
    "Pipfile",
    "requirements.txt",
    "pyproject.toml",
)


class Project(NamedTuple):
    """A project: its root folder, the manifest that describes it, and the folders that devboot keeps for it.

    All paths are absolute. `manifest` is "" where nobody wrote one and detection has not kept one yet; `written` tells
    a person's own devboot.toml from a detected one. `state` and `data` may not exist yet.
    """

    root: str
    manifest: str
    written: bool
    state: str
    data: str

    @property
    def prepare_lock(self) -> str:
        """Return the path of the lock of the one command at a time that prepares the project."""
        return prepare_lock(self.state)

    @property
    def record(self) -> str:
        """Return the path of the file that says whose the state folder is."""
        return os.path.join(self.state, RECORD)

    @property
    def backups(self) -> str:
        """Return the folder for copies of what devboot is about to change."""
        return os.path.join(self.data, "backup")

    @property
    def stamps(self) -> str:
        """Return the folder for what tasks have done to the data, which belongs to the data."""
        return os.path.join(self.data, "stamps")

    @property
    def lock(self) -> str:
        """Return the path of the lockfile: beside the manifest."""
        return os.path.join(self.root if self.written else self.state, LOCK)

    def lock_from(self, cwd: str) -> str:
        """Return the lockfile's path as people see it from `cwd`."""
        return os.path.relpath(self.lock, cwd) if self.written else self.lock

    @property
    def usual_name(self) -> str:
        """Return the name of a project whose manifest doesn't say: that of its folder, or of the clone around it."""
        projects = Projects(os.path.dirname(self.state), os.path.dirname(self.data))
        return os.path.basename(self.root if self.written else projects.seen_from(self.root)) or "project"

    @property
    def manifest_name(self) -> str:
        """Return the manifest as messages name it."""
        return MANIFEST if self.written else DETECTED


def prepare_lock(state: str) -> str:
    """Return the path of the lock that a command holds while it prepares the project with this state folder."""
    return os.path.join(state, "run", "prepare.lock")


def find_project(cwd: str, environ: Mapping[str, str]) -> Project:
    """Walk up from `cwd` (absolute) to the project that a command given there means; nothing is written.

    A manifest, written or detected, wins from any folder below it, and from the one above it where it was detected.
    Without one: `cwd` itself if it looks like an application, else the nearest folder up to the git root that does,
    else the git root, else `cwd`. Without a home directory nothing is on record.
    """
    try:
        projects = Projects.from_environ(environ)
    except MachineError:  # whoever needs a folder there reports it
        projects = Projects(os.devnull, os.devnull)
    for folder in upwards(cwd):
        root = projects.root_at(folder) or _moved_root_at(folder, projects)
        if root:
            return project_in(root, projects)
    return project_in(_likely_root(os.path.realpath(cwd)), projects)


def project_in(root: str, projects: Projects) -> Project:
    """Return the project whose root is `root`, a real path, with or without a manifest."""
    here = identity_of(root)
    state = _folder(projects.state, projects.state_of(root), root, here)
    data = _folder(projects.data, projects.data_of(root), root, here)
    if is_there(written := os.path.join(root, MANIFEST)):  # also a link to nothing: they mean it
        return Project(root, written, written=True, state=state, data=data)
    detected = os.path.join(state, DETECTED)
    return Project(root, detected if os.path.isfile(detected) else "", written=False, state=state, data=data)


def own_folders(project: Project, projects: Projects) -> Project:
    """Return the project with the folders that belong to its path, wherever they are now."""
    return project._replace(state=projects.state_of(project.root), data=projects.data_of(project.root))


def _folder(base: str, own: str, root: str, here: Identity | None) -> str:
    """Return the project's folder below `base`: its own one, or that of the place from which it was moved here."""
    return own if os.path.isdir(own) else folder_moved_here(base, root, here) or own


def _moved_root_at(folder: str, projects: Projects) -> str:
    """Return the root that was detected in `folder` or below it before it was moved here; "" for none."""
    state = folder_moved_here(projects.state, folder, identity_of(folder))
    if not state:
        return ""
    if is_there(f"{state}/{DETECTED}"):
        return folder
    below = read_below(state, folder)
    return below and project_in(below, projects).manifest and below


def _likely_root(cwd: str) -> str:
    git_root = next((folder for folder in upwards(cwd) if os.path.exists(os.path.join(folder, ".git"))), None)
    if git_root is None:
        return cwd
    for folder in upwards(cwd):
        if any(os.path.isfile(os.path.join(folder, name)) for name in LANDMARKS):
            return folder
        if folder == git_root:
            break
    return git_root
