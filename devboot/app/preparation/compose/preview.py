"""Composes a preview of the plan from what is already on the machine: nothing is downloaded, installed or started.

A missing part, such as a service that was never downloaded, has the path that it would have.
"""

from __future__ import annotations

import json
import os
import sys
from collections.abc import Mapping, Sequence
from dataclasses import replace
from functools import cached_property

from devboot import snapshot as snapshots
from devboot.app.fast import daemon_connection
from devboot.app.fast.call import Call
from devboot.app.preparation.compose.composition import Composed, Parts, compose_project, refuse_unready
from devboot.app.preparation.compose.port_choice import allocate_ports, port_wishes
from devboot.app.preparation.install.app_pythons import AppPythons
from devboot.app.preparation.install.provisioning import wanted_objects
from devboot.app.preparation.locking.candidates import channel_asker
from devboot.app.preparation.locking.distro import Distribution, apt_of
from devboot.app.preparation.locking.lockfile import LockOptions, LockPlan, pins_of_lock, plan_lock
from devboot.app.preparation.locking.wanted import (
    inspecting_uv,
    libraries_of,
    package_list,
    python_of,
    recipes_of,
)
from devboot.app.preparation.project.fixed_addresses import settle_fixed_addresses
from devboot.app.preparation.project.loaded import Loaded
from devboot.app.preparation.project.options import PrepareOptions
from devboot.app.this_machine import this_host
from devboot.environment.ports.allocate import Ports
from devboot.environment.ports.wish import PortWish
from devboot.environment.project_python import PythonProject, find_interpreter, is_lock_stale, plan_python
from devboot.environment.python.wish import RECIPE
from devboot.environment.variables.envfiles import read_env_files
from devboot.environment.venv.sync import SyncPlan
from devboot.errors import MachineError
from devboot.events import SilentReporter
from devboot.model.artifact import Wanted
from devboot.model.edge.lockfile.lock import Lock, LockedPackage, Wish
from devboot.model.process import Plan, plan_from_plain, plan_to_plain
from devboot.provision.host import Host
from devboot.provision.objects.realise import object_name
from devboot.provision.objects.store import Store, StoreObject
from devboot.record import Record
from devboot.resolve.packages import resolve, wishes_of
from devboot.services.account import account_for, no_account
from devboot.snapshot import CHOSEN
from devboot.uv.pythons import list_downloadable

TYPE_CHECKING = False
if TYPE_CHECKING:
    from devboot.app.context import Context


_NO_OPTIONS = PrepareOptions()


class Running(Record):
    """The effect that `up -d` would have on a running project: names of processes, and whether packages are installed.

    `kept` are services that changed but continue to run; `updated` and `later` as in the supervisor's Changes; `same`:
    the plan is the running one, so only stopped or ended processes would start.
    """

    started: tuple[str, ...]
    restarted: tuple[str, ...]
    stopped: tuple[str, ...]
    tasks: tuple[str, ...]
    kept: tuple[str, ...]
    updated: tuple[str, ...]
    later: tuple[str, ...]
    same: bool
    installs: bool


class PythonPlan(Record):
    """What a preparation would do with the virtualenv.

    `is_stale`: its packages have to be chosen first; `missing`: the version of an interpreter that uv downloads first.
    `sync` is None if that depends on either of them, or on an interpreter that isn't in the store yet.
    """

    is_stale: bool = False
    missing: str = ""
    sync: SyncPlan | None = None


class Preview:
    """The project as its files are now, composed from what is on the machine; each file is read once, nothing changed.

    Raises the errors of a preparation before it changes anything.
    """

    def __init__(self, loaded: Loaded, context: Context, options: PrepareOptions = _NO_OPTIONS) -> None:
        self.context = context
        self.options = options
        self.files = read_env_files(loaded.project.root, loaded.manifest.env_files.read, context.environ)
        refuse_unready(loaded, self.files, context.environ, SilentReporter(), starts=options.starts)
        self.loaded = loaded = settle_fixed_addresses(loaded, SilentReporter(), is_recorded=False)
        self.recipes = recipes_of(loaded)
        self.uv = inspecting_uv(loaded, context)
        self.python = python_of(loaded, self.uv, context.environ)

    @cached_property
    def lock_plan(self) -> LockPlan:
        """What a preparation would do with devboot.lock. Raises the errors of `plan_lock`."""
        path, environ = self.loaded.project.lock, self.context.environ
        here = Distribution(self.host, environ, apt_of(self.uv), SilentReporter())
        wish = LockOptions(is_frozen=self.options.is_locked, takes_as_it_is=self.options.takes_lock_as_it_is)
        has_channels = channel_asker(self.uv) is not None
        return plan_lock(path, self.loaded.manifest, self.recipes, self.python, wish, here, has_channels=has_channels)

    @property
    def lock(self) -> Lock | None:
        """The present devboot.lock; None without one."""
        return self.lock_plan.was

    @property
    def host(self) -> Host:
        """The machine on which devboot runs: platform, glibc, distribution."""
        return this_host(sys.platform, os.uname().machine)

    @cached_property
    def wanted_ports(self) -> Sequence[PortWish]:
        """The ports that the project's processes and services want. Raises the errors of `port_wishes`."""
        return port_wishes(self.loaded, self.recipes, self.files, self.options)

    @cached_property
    def ports(self) -> Ports:
        """The ports that a start would choose now. Raises the errors of `allocate_ports`."""
        return allocate_ports(self.loaded, self.wanted_ports, self.options, self.context.paths(), is_recorded=False)

    @cached_property
    def composed(self) -> Composed:
        """The composed project; for versions that only the network knows, a placeholder is used."""
        return self.compose(self.ports.numbers)

    @cached_property
    def packages(self) -> Sequence[LockedPackage]:
        """The packages that devboot.lock would have after the start, except those whose version isn't known yet."""
        plan = self.lock_plan
        if plan.frozen is not None:
            return plan.frozen.package
        if plan.is_current:
            return plan.was.package if plan.was is not None else ()
        wishes = [wish for wish in wishes_of(self.loaded.manifest) if wish not in plan.asked.wishes]
        return resolve(wishes, self.recipes, previous=plan.was).packages

    @cached_property
    def objects(self) -> dict[Wish, tuple[Wanted, StoreObject]]:
        """The values of each package that the store provides on this machine's platform, and its store object.

        The object may not exist yet. Raises the errors of `wanted_objects`.
        """
        store = self.context.paths().data
        choose_python = AppPythons(self.uv, self.context.environ, store, is_dry=True).choose
        wanted = wanted_objects(Lock(package=tuple(self.packages)), self.recipes, self.host, choose_python)
        names = {wish: object_name(each) for wish, each in wanted.items()}
        folder = Store(store).directory
        return {wish: (wanted[wish], StoreObject(name, os.path.join(folder, name))) for wish, name in names.items()}

    @cached_property
    def python_plan(self) -> PythonPlan:
        """What a preparation would do with the virtualenv. Raises the errors of `plan_python`."""
        python, pins = self._with_python_of_recipe(), pins_of_lock(self.lock)
        if python is None:
            return PythonPlan()
        is_stale = self.lock_plan.frozen is None and is_lock_stale(python, pins)
        environ, version = self.context.environ, python.request.patch or python.request.minor
        try:
            if is_stale:
                find_interpreter(self.uv, python, environ=environ)
                return PythonPlan(is_stale)
            return PythonPlan(
                sync=plan_python(self.uv, python, pins, environ=environ, is_forced=self.options.is_forced)
            )
        except MachineError as error:
            may_fetch = error.slug == "python/not-found" and not self.options.is_offline
            if not may_fetch or not list_downloadable(self.uv, version):
                raise
            return PythonPlan(is_stale, missing=version)

    def _with_python_of_recipe(self) -> PythonProject | None:
        """Return the project's Python part with a recipe's interpreter.

        None without Python, or if it isn't installed yet.
        """
        stored = next((stored for wish, (_, stored) in self.objects.items() if wish.name == RECIPE), None)
        if stored is None or self.python is None:
            return self.python
        is_there = Store(self.context.paths().data).find(stored.name) is not None
        return replace(self.python, given=os.path.realpath(stored.program("python3"))) if is_there else None

    @property
    def installs(self) -> bool:
        """Whether Python packages would be installed."""
        plan = self.python_plan
        return self.python is not None and (plan.sync is None or not plan.sync.is_current)

    def _packages_digest(self) -> str:
        """Return a digest of the packages in the virtualenv after the start; an impossible one if they aren't known."""
        if self.python is None or self.python_plan.sync is None:
            return "" if self.python is None else "others"
        return self.python_plan.sync.digest

    def compose(self, ports: Mapping[str, int]) -> Composed:
        """Compose the project with these ports."""
        unlocked = self.lock_plan.asked.wishes
        supposed = (LockedPackage(name=name, version="0", requested=of, insisted=at) for name, of, at in unlocked)
        lock = Lock(package=(*self.packages, *supposed), python=self.lock.python if self.lock is not None else None)
        parts = Parts(
            loaded=self.loaded,
            files=self.files,
            lock=lock,
            recipes=self.recipes,
            objects={
                **{wish: StoreObject(wish.name, os.sep) for wish in unlocked},
                **{wish: stored for wish, (_, stored) in self.objects.items()},
            },
            libraries=libraries_of(self.python, pins_of_lock(lock)),
            ports=ports,
            runtime=self.context.paths().runtime,
            environ=self.context.environ,
            packages_digest=self._packages_digest(),
            has_venv=self.python is not None,
            package_list=package_list(self.loaded, self.python),
            is_preview=True,
            run_as=account_for if os.geteuid() == 0 else no_account,
        )
        return compose_project(parts)


def compare_with_running(preview: Preview, call: Call, names: Sequence[str] = ()) -> Running | None:
    """Return the effect that `up -d` would have on the running project; None if nothing runs.

    `names` are the processes to start; all by default. Raises the errors of a preview.
    """
    found = daemon_connection.meet(call)
    if found.client is None:
        return None
    plan, installs = None if preview.loaded.is_adjusted else _restored_plan(call), False
    try:
        if plan is None:
            plan, installs = preview.composed.plan, preview.installs
    except BaseException:
        found.client.close()
        raise
    more = {"names": list(names), "dependencies": not call.flag("no-deps")}
    told = daemon_connection.written(call, found.client, "compare", plan=plan_to_plain(plan), **more)
    try:
        answer = json.loads(told)
    except ValueError:
        return None  # a daemon of another version, which knows no such request
    fields = ("started", "restarted", "stopped", "tasks", "kept", "updated", "later")
    affected = {field: tuple(map(str, answer.get(field, ()))) for field in fields}
    return Running(**affected, same=bool(answer["same"]), installs=installs)


def _restored_plan(call: Call) -> Plan | None:
    """Return the plan of the generation selected by `rollback`, while no file has changed since; else None."""
    known = snapshots.read(os.path.join(call.state, snapshots.NAME))
    if known is None or not os.path.exists(os.path.join(call.state, CHOSEN)):
        return None
    if not snapshots.is_fresh(known, call.root, call.environ):
        return None
    environ = snapshots.apply(known.patch, call.environ)
    return plan_from_plain(known.plan_plain)._replace(env=tuple(environ.items()))
