"""What belongs to whom: lists the folders of all projects, and removes those of a project that is gone."""

from __future__ import annotations

import os
import shutil

from devboot.state.projects import Projects, folder_name


def remove_folders(projects: Projects, root: str) -> None:
    """Remove everything that devboot keeps for the project at `root`, its data too."""
    for base in (projects.state, projects.data):
        shutil.rmtree(os.path.join(base, folder_name(root)), ignore_errors=True)
