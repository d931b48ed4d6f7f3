"""The input of doctor's checks: facts about project and machine, and functions that read more on demand."""

from __future__ import annotations

import os
import threading
from collections.abc import Callable, Mapping
from typing import Generic, TypeVar

from devboot.daemon.leases import DaemonLease
from devboot.errors import DevbootError
from devboot.model.edge.manifest.manifest import Manifest
from devboot.model.observation import Observation
from devboot.model.project_files.procfile import Procfile
from devboot.record import Record
from devboot.state.project import Project
from devboot.text.modes import StreamFacts

Value = TypeVar("Value")


class Once(Generic[Value]):
    """A function that computes its value once, for several threads: the first one computes, the others wait.

    Since Python 3.12 a `cached_property` doesn't wait.
    """

    def __init__(self, compute: Callable[[], Value]) -> None:
        self._compute = compute
        self._lock = threading.Lock()
        self._values: list[Value] = []

    def __call__(self) -> Value:
        """Return the value, computing it at the first call."""
        with self._lock:
            if not self._values:
                self._values.append(self._compute())
            return self._values[0]


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
    lease: Callable[[], DaemonLease | None] = lambda: None  # of the project's daemon, dead or alive
    why_stale: Callable[[], tuple[str, ...]] = tuple  # why devboot.lock doesn't fit requirements and manifest
    sources: Callable[[], tuple[str, ...]] | None = None  # addresses to ask whether they answer; None: send nothing
    probed: tuple[Observation, ...] | None = None  # what the code was observed to look for; None: it was not run


def venv_folder(subject: Subject) -> str:
    """Return the path of the project's virtualenv, whether it exists or not."""
    name = ".venv" if subject.manifest is None else subject.manifest.python.venv
    return os.path.join(subject.project.root, name)
