"""The input of all checks: facts about one project and machine, and functions that read more on demand."""

from __future__ import annotations

import os
from collections.abc import Callable, Mapping

from devboot.errors import DevbootError
from devboot.model.edge.manifest.manifest import Manifest
from devboot.model.project_files.procfile import Procfile
from devboot.record import Record
from devboot.state.project import Project
from devboot.text.modes import StreamFacts


class Subject(Record):
    """The project and machine that the checks examine. Checks take their input from here only.

    `data`, `cache` and `state` are devboot's directories, "" if they can't be determined (`directories_problem` has
    the reason). `manifest` is None if there is none or it has mistakes (`manifest_problem` has them). `now` is
    wall-clock seconds.
    """

    version: str
    environ: Mapping[str, str]
    uid: int
    home: str
    now: float
    terminal: StreamFacts
    project: Project
    name: str = ""
    data: str = ""
    cache: str = ""
    state: str = ""
    directories_problem: DevbootError | None = None
    manifest: Manifest | None = None
    procfile: Procfile | None = None
    manifest_problem: DevbootError | None = None
    as_detected: Callable[[], tuple[Manifest | None, Procfile | None]] = lambda: (None, None)  # as `up` would load them
    why_nothing: Callable[[], DevbootError | None] = lambda: None  # `up`'s error for a folder without an application
    refusals: Callable[[], tuple[tuple[str, DevbootError, str], ...]] = tuple  # `up`'s errors: area, error, database
    why_stale: Callable[[], tuple[str, ...]] = tuple  # why devboot.lock doesn't fit requirements and manifest


def venv_folder(subject: Subject) -> str:
    """Return the path of the project's virtualenv, which need not exist."""
    name = ".venv" if subject.manifest is None else subject.manifest.python.venv
    return os.path.join(subject.project.root, name)
