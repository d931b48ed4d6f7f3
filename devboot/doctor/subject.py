"""What is examined: facts and readers, put together by the use case; checks ask nothing else."""

from __future__ import annotations

import os
from collections.abc import Callable, Mapping
from dataclasses import dataclass

from devboot.errors import DevbootError
from devboot.model.edge.manifest.manifest import Manifest
from devboot.model.procfile import Procfile
from devboot.state.project import Project
from devboot.text.modes import StreamFacts


@dataclass(frozen=True)
class Subject:
    """One project on one machine.

    `data`, `cache` and `state` are devboot's directories, "" where they can't be told (`directories_problem` says
    why). `manifest` is None where there is none, or where it has mistakes: `manifest_problem`. `now` is wall-clock
    seconds.
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
    why_nothing: Callable[[], DevbootError | None] = lambda: None  # what `up` says of a folder without an application
    missing_variables: Callable[[], DevbootError | None] = lambda: None  # what `up` says of required ones, unset
    why_stale: Callable[[], tuple[str, ...]] = tuple  # why devboot.lock doesn't fit requirements and manifest


def venv_folder(subject: Subject) -> str:
    """Where the project's virtualenv is."""
    name = ".venv" if subject.manifest is None else subject.manifest.python.venv
    return os.path.join(subject.project.root, name)
