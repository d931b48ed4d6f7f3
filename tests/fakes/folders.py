"""Where devboot keeps what belongs to a project of a test."""

from __future__ import annotations

import os
from pathlib import Path

from devboot.state.project import Project
from devboot.state.projects import MANIFEST, Projects


def state_folder(root: object, home: object) -> Path:
    """Return the state folder of the project at `root`, where DEVBOOT_HOME is `home`."""
    return Path(_projects(home).state_of(os.path.realpath(str(root))))


def data_folder(root: object, home: object) -> Path:
    """Return the data folder of the project at `root`, where DEVBOOT_HOME is `home`."""
    return Path(_projects(home).data_of(os.path.realpath(str(root))))


def home_beside(root: object) -> dict[str, str]:
    """Return an environment in which devboot keeps everything beside `root`."""
    return {"DEVBOOT_HOME": f"{root}-home"}


def project_of(root: object, home: object, manifest: str = "", *, written: bool = True) -> Project:
    """Return the project at `root` as it would be found; its manifest is devboot.toml unless `manifest` says."""
    path = manifest or os.path.join(str(root), MANIFEST)
    return Project(str(root), path, written, str(state_folder(root, home)), str(data_folder(root, home)))


def _projects(home: object) -> Projects:
    return Projects.from_environ({"DEVBOOT_HOME": str(home)})
