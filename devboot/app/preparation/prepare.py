"""Prepares a project: runs all steps from a clone to a project whose processes can start; starts nothing.

`prepare` is shared by `up`, `sync` and `run`. Conditions are checked before anything is created; then follow the lock,
store and virtualenv, databases, and the snapshot for the fast path of the next command.
"""

from __future__ import annotations

import os
import sys
from collections.abc import Collection, Mapping
from contextlib import AbstractContextManager, nullcontext

from devboot import snapshot as snapshots
from devboot.app.preparation.compose.composition import (
    Composed,
    Parts,
    compose_project,
    refuse_unready,
)
from devboot.app.preparation.compose.port_choice import allocate_ports, port_wishes
from devboot.app.preparation.compose.snapshot_builder import note_sql_files, snapshot_of, stamps_of
from devboot.app.preparation.data import back_up, forget_outdated_stamps, prepare_databases, prepare_services
from devboot.app.preparation.generations.history import link_profile, record as record_generation
from devboot.app.preparation.generations.since_success import record_changes
from devboot.app.preparation.install.host_programs import host_programs, lock_here
from devboot.app.preparation.install.interpreter import InterpreterProvider
from devboot.app.preparation.install.libraries_on_demand import with_libraries
from devboot.app.preparation.install.provisioning import Machine, Provisioned, provision, wanted_objects
from devboot.app.preparation.locking.drop_unavailable import without_unreachable
from devboot.app.preparation.locking.lockfile import LockOptions, LockResult, ensure_lock, pins_of_lock
from devboot.app.preparation.locking.wanted import libraries_of, package_list, packages_digest, python_of, recipes_of
from devboot.app.preparation.notices import report_notes, warn_of_edits, warn_of_foreign_files
from devboot.app.preparation.project.fixed_addresses import settle_fixed_addresses
from devboot.app.preparation.project.load import load_project
from devboot.app.preparation.project.loaded import Loaded
from devboot.app.preparation.project.options import PrepareOptions
from devboot.app.preparation.project.recorded_reads import RecordedReads
from devboot.app.preparation.project.unrecognised import warn_of_undeclared
from devboot.app.preparation.project_lock import lock_project, patience
from devboot.app.this_machine import this_host
from devboot.environment.ports.allocate import Ports
from devboot.environment.ports.wish import PortWish
from devboot.environment.variables.envfiles import EnvFiles, read_env_files
from devboot.environment.variables.secrets import load_secrets
from devboot.events import NOTE, Event, Reporter, Silenced, doing
from devboot.locks import FileLock
from devboot.model.artifact import Wanted
from devboot.model.edge.lockfile.lock import Lock, Wish
from devboot.paths import Paths
from devboot.recipes import KnownRecipe
from devboot.record import Record
from devboot.scratch import remove_abandoned
from devboot.snapshot import Snapshot
from devboot.state.claiming import Patience
from devboot.uv.client import make_uv
from devboot.uv.leases import FolderLeases, end_leftovers

TYPE_CHECKING = False
if TYPE_CHECKING:
    from devboot.app.context import Context
    from devboot.app.preparation.install.kit import OpenKit
    from devboot.environment.project_python import PythonLock as PythonPins, PythonProject
    from devboot.provision.objects.store import StoreObject
    from devboot.uv.client import Uv


class Prepared(Record):
    """Result of a preparation. `snapshot` has plan and variables; `installed` summarises the installation in words."""

    loaded: Loaded
    lock: LockResult
    provisioned: Provisioned
    composed: Composed
    snapshot: Snapshot
    installed: str


class _Choice(Record):
    """What is to be installed: recipes, Python requirements, and the lock that fits them."""

    recipes: Mapping[str, KnownRecipe]
    python: PythonProject | None
    lock: LockResult
    pins: PythonPins | None
    there: Mapping[Wish, StoreObject]  # realised already


class _Installed(Record):
    """The installed store objects and virtualenv, and the lock with this machine's versions."""

    lock: Lock
    provisioned: Provisioned


def prepare(context: Context, options: PrepareOptions, reporter: Reporter) -> Prepared:
    """Prepare the project of the current folder: lock, install, databases, snapshot.

    Raises:
        DevbootError: any obstacle; finished steps are kept, and skipped the next time.

    """
    loaded = load_project(context.cwd, context.environ, Patience(patience(context)))
    return prepare_loaded(loaded, context, options, reporter)


def prepare_loaded(loaded: Loaded, context: Context, options: PrepareOptions, reporter: Reporter) -> Prepared:
    """Prepare a project that has been loaded already; see `prepare`."""
    manifest, root = loaded.manifest, loaded.project.root
    warn_of_foreign_files(loaded.project, context.environ, context.uid, reporter)
    reporter = Silenced(reporter, manifest.project.silence)
    watched = RecordedReads()
    with watched:
        files = read_env_files(root, manifest.env_files.read, context.environ)
    with doing(reporter, "project", "reading settings and code"):
        report_notes(loaded, files, reporter)
        refuse_unready(loaded, files, context.environ, reporter, starts=options.starts)
    paths = context.paths()
    with _kit_in_use(options, context, paths, reporter) as kit, _own_lock(loaded, context, reporter):
        return _Preparation(loaded, files, watched, paths, context, options, reporter, kit).go()


class _Preparation:
    """One preparation, holding the project's lock; each method is a step."""

    def __init__(
        self,
        loaded: Loaded,
        files: EnvFiles,
        watched: RecordedReads,
        paths: Paths,
        context: Context,
        options: PrepareOptions,
        reporter: Reporter,
        kit: OpenKit | None,
    ) -> None:
        self.loaded = loaded
        self.kit = kit
        self.files = files
        self.watched = watched
        self.paths = paths
        self.context = context
        self.options = options
        self.reporter = reporter
        self.root = loaded.project.root
        installing = os.path.join(loaded.project.state, "run", "provisioning")
        end_leftovers(installing)
        remove_abandoned()
        is_offline = options.is_offline or kit is not None
        self.machine = Machine(paths.data, this_host(sys.platform, os.uname().machine), context.wall_clock)
        uv = make_uv(context.environ, self.root, offline=is_offline, lease=FolderLeases(installing)).shown_by(reporter)
        self.uv: Uv = with_libraries(uv, self.machine, self.root, reporter)

    def go(self) -> Prepared:
        warn_of_undeclared(self.loaded, self.reporter)
        self.loaded = settle_fixed_addresses(self.loaded, self.reporter, is_recorded=True)
        with self._doing("looking for what the project needs"):
            if self.kit is None:
                self.loaded = without_unreachable(self.loaded, self.uv, self.context.environ, self.reporter)
            choice = self._choose()
        with self._doing("checking what is installed"):
            self._ports(choice)  # before any download, so that a taken port is reported at once
            installed = self._install(choice)
        with self._doing("composing processes and variables"):
            ports = self._ports(choice)  # again, since installing may have taken minutes
            composed = self._compose(choice, installed, ports)
        with self._doing("preparing databases and services"):
            touched = self._prepare_data(composed)
        with self._doing("recording the result"):
            warn_of_edits((*self.loaded.stamps, *self.watched.stamps), self.root, self.reporter)
            snapshot = self._compile(choice, installed, composed, ports)
        done = _installed(choice.lock, installed.provisioned, touched)
        return Prepared(self.loaded, choice.lock, installed.provisioned, composed, snapshot, done)

    def _doing(self, text: str) -> AbstractContextManager[None]:
        """Show `text` as progress if the block takes longer than a second and no step is shown."""
        return doing(self.reporter, "project", text)

    def _prepare_data(self, composed: Composed) -> frozenset[str]:
        """Prepare SQLite databases and servers' data folders; return the paths of changed databases."""
        clock = self.context.wall_clock
        with self.watched:
            note_sql_files(self.loaded.manifest, self.root)
        touched = prepare_databases(self.loaded, clock, self.reporter)
        prepare_services(composed, clock, self.reporter, self.uv.lease)
        if self.options.starts:
            forget_outdated_stamps(self.loaded, composed)
            back_up(self.loaded, composed, touched, clock, self.reporter)
        return touched

    def _choose(self) -> _Choice:
        """Determine what to install: recipes, Python, and the lock, brought up to date if that is allowed."""
        with self.watched:
            recipes, python = recipes_of(self.loaded), python_of(self.loaded, self.uv, self.context.environ)
        self._wanted_ports(recipes)  # a name that was mistyped is refused before anything is locked
        if self.kit is not None:
            self.kit.with_kit_python(python)  # before anything is written
            self.kit.write_lock(self.loaded.project.lock)
        interpreters = self._interpreters(recipes)
        lock = ensure_lock(
            self.loaded.project.lock,
            self.loaded.manifest,
            recipes,
            python,
            self.uv,
            wish=LockOptions(is_frozen=self.options.is_locked, takes_as_it_is=self.options.takes_lock_as_it_is),
            environ=self.context.environ,
            reporter=self.reporter,
            bring=interpreters.bring,
        )
        python = python if self.kit is None else self.kit.with_kit_python(python)
        python = python and interpreters.bring(lock.lock, python)
        return _Choice(recipes, python, lock, pins_of_lock(lock.lock), interpreters.objects)

    @property
    def _is_thorough(self) -> bool:
        return not self.options.starts

    def _interpreters(self, recipes: Mapping[str, KnownRecipe]) -> InterpreterProvider:
        def supply(wanted: Collection[Wanted]) -> Uv:
            if self.kit is not None:
                return self.kit.give(wanted, self.uv, self.paths)
            if self.uv.offline:
                from devboot.app.preparation.install.offline_check import refuse_unfetched

                refuse_unfetched(self.machine, wanted, None, None, self.uv, environ=self.context.environ)
            return self.uv

        return InterpreterProvider(
            self.machine,
            self.root,
            recipes,
            supply,
            environ=self.context.environ,
            reporter=self.reporter,
            is_thorough=self._is_thorough,
        )

    def _install(self, choice: _Choice) -> _Installed:
        """Install everything in the lock, from the kit, the cache or the network."""
        environ, lock, kit = self.context.environ, choice.lock.lock, self.kit
        machine = self.machine
        choose = self._choose_python if kit is None else kit.choosing_from_kit(self._choose_python)
        wanted = wanted_objects(lock, choice.recipes, machine.host, choose)
        hosted = host_programs(lock, choice.recipes, self.loaded.project.state, environ, self.reporter)
        if kit is not None:
            self.uv = kit.unpack(
                wanted.values(), choice.python, choice.pins, self.uv, environ=environ, paths=self.paths
            )
            from devboot.app.preparation.install.kit import report_seeds

            report_seeds(self.reporter, kit.seed(self.root, self.loaded.manifest.sqlite))
        elif self.uv.offline:
            from devboot.app.preparation.install.offline_check import refuse_unfetched

            refuse_unfetched(machine, wanted.values(), choice.python, choice.pins, self.uv, environ=environ)
        provisioned = provision(
            machine,
            self.root,
            self.loaded.project.state,
            wanted,
            choice.python,
            choice.pins,
            self.uv,
            environ=environ,
            reporter=self.reporter,
            is_forced=self.options.is_forced,
            is_thorough=self._is_thorough,
            hosted=hosted,
            there=choice.there,
        )
        return _Installed(lock_here(lock, wanted, hosted), provisioned)

    def _choose_python(self, specifier: str) -> str:
        """Return the Python minor version for an app; see `AppPythons.choose`."""
        from devboot.app.preparation.install.app_pythons import AppPythons

        return AppPythons(self.uv, self.context.environ, self.paths.data).choose(specifier)

    def _compose(self, choice: _Choice, installed: _Installed, ports: Ports) -> Composed:
        from devboot.services.account import account_for, no_account

        with self.watched:
            return compose_project(
                Parts(
                    loaded=self.loaded,
                    files=self.files,
                    lock=installed.lock,
                    recipes=choice.recipes,
                    objects=installed.provisioned.programs,
                    libraries=libraries_of(choice.python, choice.pins),
                    ports=ports.numbers,
                    runtime=self.paths.runtime,
                    environ=self.context.environ,
                    packages_digest=packages_digest(choice.python),
                    has_venv=choice.python is not None,
                    package_list=package_list(self.loaded, choice.python),
                    run_as=account_for if os.geteuid() == 0 else no_account,
                )
            )

    def _compile(self, choice: _Choice, installed: _Installed, composed: Composed, ports: Ports) -> Snapshot:
        """Build the snapshot; store it, and a generation, unless flags changed the project for this run."""
        made = stamps_of(self.loaded, choice.python, installed.provisioned.paths, composed.plan)
        stamps = tuple(dict.fromkeys((*self.loaded.stamps, *self.watched.stamps, *made)))
        snapshot = snapshot_of(self.loaded, composed, ports, stamps, self.files.paths)
        if not self.loaded.is_adjusted:
            state = self.loaded.project.state
            link_profile(state, snapshot)  # first: after a kill in between everything is done again
            snapshots.write(os.path.join(state, snapshots.NAME), snapshot)
            number = record_generation(
                state,
                at=self.context.wall_clock(),
                lock=self.loaded.project.lock,
                folder=self._folder_of_uv(choice.python),
                data=self.paths.data,
                provisioned=installed.provisioned,
                snapshot=snapshot,
                passwords=load_secrets(self.loaded.project.data),
            )
            record_changes(state, number)
        return snapshot

    def _folder_of_uv(self, python: PythonProject | None) -> str:
        if python is None:
            return self.root
        from devboot.environment.project_python import working_folder

        return working_folder(python)

    def _wanted_ports(self, recipes: Mapping[str, KnownRecipe]) -> list[PortWish]:
        return port_wishes(self.loaded, recipes, self.files, self.options)

    def _ports(self, choice: _Choice) -> Ports:
        ports = allocate_ports(self.loaded, self._wanted_ports(choice.recipes), self.options, self.paths)
        for name, note in ports.notes:
            self.reporter.emit(Event(NOTE, "ports", f"{name} {note}"))
        return ports


def _kit_in_use(
    options: PrepareOptions, context: Context, paths: Paths, reporter: Reporter
) -> AbstractContextManager[OpenKit | None]:
    """Open the kit given by `--from`, if any; without one, nothing is imported for it."""
    if not options.kit:
        return nullcontext()
    from devboot.app.preparation.install.kit import kit_in_use

    return kit_in_use(options.kit, context.cwd, paths.cache, reporter)


def _own_lock(loaded: Loaded, context: Context, reporter: Reporter) -> FileLock:
    """Take the project's lock; other commands wait for it and print that this `up` holds it."""
    return lock_project(loaded.project, "up", context, reporter)


def _installed(lock: LockResult, provisioned: Provisioned, touched: frozenset[str]) -> str:
    """Return a summary in words of what was installed, for the headline."""
    venv = provisioned.venv
    if not lock.written and not touched and (venv is None or venv.is_unchanged):
        return "nothing to install"
    return ""
