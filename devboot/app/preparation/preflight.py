"""Preflight checks for `doctor`: finds the errors with which `up` would refuse the project; changes nothing.

Each condition is checked by the function that the preparation itself calls, or that shares its decision.
"""

from __future__ import annotations

import os
from collections.abc import Callable, Collection, Mapping
from functools import partial
from typing import TypeVar

from devboot.app.preparation.compose.composition import kinds_of, refuse_unready
from devboot.app.preparation.compose.port_choice import port_wishes
from devboot.app.preparation.data import surroundings, wanted_databases
from devboot.app.preparation.locking.lockfile import pins_of_lock, read_lock, why_stale
from devboot.app.preparation.locking.wanted import inspecting_uv, python_of, recipes_of
from devboot.app.preparation.project.loaded import Loaded
from devboot.app.preparation.project.options import PrepareOptions
from devboot.daemon.client import lease_of
from devboot.environment.exec_limits import refuse_too_long, this_system
from devboot.environment.ports.allocate import read_ports, refuse_in_use
from devboot.environment.variables.envfiles import EnvFiles, read_env_files
from devboot.errors import DevbootError, Problems
from devboot.events import SilentReporter
from devboot.files import machine_error, refuse_noexec, refuse_read_only
from devboot.model.edge.lockfile.lock import Lock
from devboot.model.process import PROCESS, ProcessSpec
from devboot.paths import refuse_unsafe_runtime
from devboot.recipes import KnownRecipe
from devboot.record import Record
from devboot.resolve.packages import refuse_changed_sources

TYPE_CHECKING = False
if TYPE_CHECKING:
    from devboot.app.context import Context
    from devboot.environment import databases
    from devboot.environment.project_python import PythonLock, PythonProject
    from devboot.uv.client import Uv

DIRECTORIES, MANIFEST, LOCKFILE, PORTS, PYTHON, SQLITE = "dirs", "manifest", "lockfile", "ports", "python", "sqlite"
STORE = "store"

Answer = TypeVar("Answer")


class Refusal(Record):
    """An error that a preparation would raise; `area` is doctor's area for it, `name` the database it is about."""

    area: str
    error: DevbootError
    name: str = ""


class Preflight:
    """The preflight checks of one project; `refusals` are the errors found so far, in order."""

    def __init__(self, loaded: Loaded, context: Context) -> None:
        self._loaded = loaded
        self._context = context
        self._environ = context.environ
        self.refusals: list[Refusal] = []

    def run(self) -> tuple[Refusal, ...]:
        """Run all checks and return the errors; a check that needs the result of a failed one is skipped."""
        loaded = self._loaded
        for folder in (loaded.project.state, loaded.project.data):
            self._ask(DIRECTORIES, lambda folder=folder: refuse_read_only(folder))  # type: ignore[misc]
        self._ask(DIRECTORIES, lambda: refuse_unsafe_runtime(self._environ, self._context.uid))
        files = self._ask(
            MANIFEST,
            lambda: read_env_files(loaded.project.root, loaded.manifest.env_files.read, self._environ),
        )
        if files is not None:
            self._ask(MANIFEST, lambda: self._refuse_missing(files))
        recipes = self._ask(MANIFEST, lambda: recipes_of(loaded))
        uv = self._ask(PYTHON, lambda: inspecting_uv(loaded, self._context))
        if files is not None and recipes is not None:
            self._ask(PORTS, lambda: self._refuse_taken_ports(files, recipes))
        lock = self._ask(LOCKFILE, lambda: (self._lock(recipes),))
        if lock is not None and lock[0] is not None and lock[0].package:
            self._ask(STORE, lambda: refuse_noexec(os.path.join(self._context.directories()[0], "store")))
        python = None if uv is None else self._ask(LOCKFILE, lambda: (python_of(loaded, uv, self._environ),))
        if uv is not None and lock is not None and python is not None:
            self._check_python(uv, lock[0], python[0])
        self._check_databases()
        if files is not None:
            self._ask(MANIFEST, lambda: self._refuse_too_long(files))
        return tuple(self.refusals)

    def _ask(self, area: str, check: Callable[[], Answer], name: str = "") -> Answer | None:
        """Call `check` and return its result; if it raises, record the error and return None."""
        try:
            return check()
        except Problems as problems:
            self.refusals += (Refusal(area, each) for each in problems.errors)
        except DevbootError as error:
            self.refusals.append(Refusal(area, error, name))
        except OSError as error:
            where = str(error.filename or self._loaded.project.state)
            self.refusals.append(Refusal(area, machine_error(error, where, "use"), name))
        return None

    def _refuse_missing(self, files: EnvFiles) -> None:
        refuse_unready(self._loaded, files, self._environ, SilentReporter(), starts=True)

    def _refuse_too_long(self, files: EnvFiles) -> None:
        root = self._loaded.project.root
        specs = [
            ProcessSpec(each.name, PROCESS, root, each.text, origin=each.origin) for each in kinds_of(self._loaded)
        ]
        refuse_too_long(files.variables, specs, self._environ, this_system())

    def _refuse_taken_ports(self, files: EnvFiles, recipes: Mapping[str, KnownRecipe]) -> None:
        wishes = port_wishes(self._loaded, recipes, files, PrepareOptions())
        refuse_in_use(wishes, self._loaded.project.root, self._held())

    def _held(self) -> Collection[int]:
        """Return the ports on which the running project listens, since a container may hide who listens."""
        project = self._loaded.project
        lease = lease_of(project.state, project.root, self._environ, project.data)
        return read_ports(project.state).values() if lease is not None and lease.is_alive else ()

    def _lock(self, recipes: Mapping[str, KnownRecipe] | None) -> Lock | None:
        path = self._loaded.project.lock
        lock = read_lock(path, os.path.basename(path))
        if lock is not None and recipes is not None:
            refuse_changed_sources(lock, recipes)
        return lock

    def _check_python(self, uv: Uv, lock: Lock | None, python: PythonProject | None) -> None:
        if why_stale(lock, self._loaded.manifest, python):
            self._ask(LOCKFILE, lambda: refuse_read_only(self._loaded.project.lock))
        if python is not None:
            self._ask(PYTHON, lambda: self._refuse_python(uv, python, pins_of_lock(lock)))

    def _refuse_python(self, uv: Uv, python: PythonProject, made: PythonLock | None) -> None:
        from devboot.environment.project_python import pins_of
        from devboot.environment.python_choice import plan_venv
        from devboot.environment.venv.condition import ADOPT, KEEP
        from devboot.uv.settings.environ import is_offline

        pins = pins_of(python, made)
        decision = plan_venv(
            uv,
            python,
            made if python.needs_lock else None,
            pins.pins,
            environ=self._environ,
            is_offline=is_offline(self._environ),
        )
        if decision.act not in (KEEP, ADOPT):
            refuse_read_only(python.venv)

    def _check_databases(self) -> None:
        if not self._loaded.manifest.sqlite:
            return
        around = surroundings(self._loaded, self._context.wall_clock())
        for wanted in wanted_databases(self._loaded):
            self._ask(SQLITE, partial(_check_database, wanted, around), wanted.name)


def _check_database(wanted: databases.Database, around: databases.Surroundings) -> None:
    from devboot.environment import databases

    state, complaint = databases.look_at(wanted.path)
    if state == databases.WHOLE:
        databases.refuse_locked(wanted.path)
    databases.plan_database(wanted, around, state, complaint)


def preflight(loaded: Loaded, context: Context) -> tuple[Refusal, ...]:
    """Return the errors that a preparation of the project would raise, in order; nothing is changed."""
    return Preflight(loaded, context).run()
