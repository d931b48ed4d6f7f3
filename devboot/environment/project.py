"""Finds the project that a command means: the nearest manifest upwards, else what looks like an application."""

from __future__ import annotations

import os
from typing import NamedTuple

from devboot.files import plain

MANIFEST = "devboot.toml"
STATE = ".devboot"
DETECTED = os.path.join(STATE, "detected.toml")
BELOW = os.path.join(STATE, "below")  # names the folder of the application, where that lies below the clone's root
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
    """A project's root folder (absolute) and the manifest file that describes it.

    `manifest` is "" where nobody wrote one and detection has not kept one yet; `written` tells a person's own
    devboot.toml from a detected one.
    """

    root: str
    manifest: str
    written: bool

    @property
    def state(self) -> str:
        """The folder that holds everything project-local."""
        return os.path.join(self.root, STATE)

    @property
    def prepare_lock(self) -> str:
        """The lock of the one command at a time that prepares the project."""
        return os.path.join(self.state, "run", "prepare.lock")

    @property
    def lock(self) -> str:
        """Where the lock stands: beside the manifest."""
        return os.path.join(self.root if self.written else self.state, "devboot.lock")

    @property
    def usual_name(self) -> str:
        """What it is called unless its manifest says: as its folder, or as the clone in whose folder it was found."""
        return os.path.basename(self.root if self.written else seen_from(self.root)) or "project"

    @property
    def manifest_name(self) -> str:
        """The manifest as messages name it, relative to the root."""
        return MANIFEST if self.written else DETECTED


def find_project(cwd: str) -> Project:
    """Walk up from `cwd` (absolute) to the project that a command given there means.

    A manifest, written or detected, wins from any folder below it, and from the one above it where it was detected.
    Without one: `cwd` itself if it looks like an application, else the nearest folder up to the git root that does,
    else the git root, else `cwd`.
    """
    for folder in _upwards(cwd):
        found = project_in(folder) or project_in(_below(folder))
        if found is not None:
            return found
    return Project(_likely_root(cwd), "", written=False)


def project_in(folder: str) -> Project | None:
    """The project whose manifest, written or detected, is in `folder`; None where there is none."""
    if folder and os.path.lexists(written := os.path.join(folder, MANIFEST)):  # also a link to nothing: they mean it
        return Project(folder, written, written=True)
    if folder and os.path.isfile(detected := os.path.join(folder, DETECTED)):
        return Project(folder, detected, written=False)
    return None


def seen_from(root: str) -> str:
    """The folder from which the application in `root` was detected: that may be one above it, with more to go by."""
    return next((folder for folder in _upwards(root)[1:] if _below(folder) == root), root)


def _below(folder: str) -> str:
    try:
        with open(os.path.join(folder, BELOW), encoding="utf-8", opener=plain) as file:
            return os.path.normpath(os.path.join(folder, file.read().strip()))
    except (OSError, ValueError):
        return ""


def _likely_root(cwd: str) -> str:
    git_root = next((folder for folder in _upwards(cwd) if os.path.exists(os.path.join(folder, ".git"))), None)
    if git_root is None:
        return cwd
    for folder in _upwards(cwd):
        if any(os.path.isfile(os.path.join(folder, name)) for name in LANDMARKS):
            return folder
        if folder == git_root:
            break
    return git_root


def _upwards(folder: str) -> list[str]:
    folders = [folder]
    while (parent := os.path.dirname(folders[-1])) != folders[-1]:
        folders.append(parent)
    return folders
