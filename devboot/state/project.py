"""Finds the project of the current folder: that of the nearest manifest upwards, else a likely application."""

from __future__ import annotations

import os

from devboot.errors import MachineError
from devboot.record import Record
from devboot.state.projects import DETECTED, MANIFEST, RECORD, Projects, is_there, read_below, upwards
from devboot.state.records import Identity, folder_moved_here, identity_of

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Mapping

LOCK = "devboot.lock"
# Files that mark a folder as an application without a manifest.
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


class Project(Record):
    """A project: its root folder, its manifest, and the folders that devboot keeps for it.

    All paths are absolute. `manifest` is "" if there is none, written or detected; `written` is true for a devboot.toml
    written by a person. `state` and `data` may not exist yet.
    """

    root: str
    manifest: str
    written: bool
    state: str
    data: str

    @property
    def prepare_lock(self) -> str:
        """Path of the lock held by the command that prepares the project."""
        return prepare_lock(self.state)

    @property
    def record(self) -> str:
        """Path of the file that records the owner of the state folder."""
        return os.path.join(self.state, RECORD)

    @property
    def backups(self) -> str:
        """Folder for backups of data that devboot is about to change."""
        return os.path.join(self.data, "backup")

    @property
    def stamps(self) -> str:
        """Folder for stamps of tasks that have changed the data."""
        return os.path.join(self.data, "stamps")

    @property
    def lock(self) -> str:
        """Path of devboot.lock: in the project's root, or for a detected manifest in the state folder."""
        return os.path.join(self.root if self.written else self.state, LOCK)

    def lock_from(self, cwd: str) -> str:
        """Return the path of devboot.lock for messages to a user in `cwd`."""
        return os.path.relpath(self.lock, cwd) if self.written else self.lock

    @property
    def usual_name(self) -> str:
        """Default name of the project: its folder's name, or for a detected one that of the clone around it."""
        projects = Projects(os.path.dirname(self.state), os.path.dirname(self.data))
        return os.path.basename(self.root if self.written else projects.seen_from(self.root)) or "project"

    @property
    def manifest_name(self) -> str:
        """File name of the manifest for messages."""
        return MANIFEST if self.written else DETECTED


def prepare_lock(state: str) -> str:
    """Return the path of the lock held while a command prepares the project with this state folder."""
    return os.path.join(state, "run", "prepare.lock")


def find_project(cwd: str, environ: Mapping[str, str]) -> Project:
    """Return the project for a command given in `cwd` (absolute); nothing is written.

    A manifest, written or detected, applies to all folders below it, and a detected one also to the folder above from
    which it was detected. Without one: `cwd` itself if it looks like an application, else the nearest folder up to the
    git root that does, else the nearest with a package.json if none in the git root does, else the git root, else
    `cwd`. Without a home directory there are no detected manifests.
    """
    try:
        projects = Projects.from_environ(environ)
    except MachineError:  # reported when a folder there is needed
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
    if is_there(written := os.path.join(root, MANIFEST)):  # also a dangling link, to report it
        return Project(root, written, written=True, state=state, data=data)
    detected = os.path.join(state, DETECTED)
    return Project(root, detected if os.path.isfile(detected) else "", written=False, state=state, data=data)


def own_folders(project: Project, projects: Projects) -> Project:
    """Return the project with the state and data folders for its present path, not those it was moved from."""
    return project._replace(state=projects.state_of(project.root), data=projects.data_of(project.root))


def _folder(base: str, own: str, root: str, here: Identity | None) -> str:
    """Return the project's folder below `base`: `own`, or if the project was moved, that of its former path."""
    return own if os.path.isdir(own) else folder_moved_here(base, root, here) or own


def _moved_root_at(folder: str, projects: Projects) -> str:
    """Return the detected root in `folder` or below, if the folder was moved here since the detection; "" for none."""
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
    return _node_root(cwd, git_root) or git_root


def _node_root(cwd: str, git_root: str) -> str:
    """Return the nearest folder with a package.json, up to the git root; "" for none.

    None counts if a folder in the git root has a landmark: a front end belongs to the API beside it.
    """
    below = (folder for folder in upwards(cwd) if folder.startswith(f"{git_root}/"))
    nearest = next((folder for folder in below if os.path.isfile(os.path.join(folder, "package.json"))), "")
    if not nearest:
        return ""
    try:
        folders = os.listdir(git_root)
    except OSError:
        return ""
    has_api = any(os.path.isfile(os.path.join(git_root, each, name)) for each in folders for name in LANDMARKS)
    return "" if has_api else nearest
