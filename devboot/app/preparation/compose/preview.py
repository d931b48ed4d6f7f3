"""Composes a preview of the plan from what is on the machine: nothing is fetched, installed or started.

A missing part, such as a service that was never fetched, has the path that it would have.
"""

from __future__ import annotations

import json
import os
import sys
from collections.abc import Collection, Mapping, Sequence
from functools import cached_property
from typing import NamedTuple

from devboot import snapshot as snapshots
from devboot.app.fast import daemon_connection
from devboot.app.fast.call import Call
from devboot.app.preparation.compose.composition import (
    Composed,
    Parts,
    base_port,
    compose_project,
    refuse_missing,
    wanted_ports,
)
from devboot.app.preparation.install.app_pythons import AppPythons
from devboot.app.preparation.install.provisioning import wanted_objects
from devboot.app.preparation.locking.candidates import Queries, channel_asker, queries_for
from devboot.app.preparation.locking.distro import Distribution, apt_of
from devboot.app.preparation.locking.lockfile import pins_of_lock, read_lock
from devboot.app.preparation.locking.wanted import (
    inspecting_uv,
    libraries_of,
    package_list,
    packages_digest,
    python_of,
    recipes_of,
)
from devboot.app.preparation.project.loaded import Loaded
from devboot.app.this_machine import this_host
from devboot.environment.ports.allocate import Taken, allocate, choose, read_ports
from devboot.environment.ports.wish import PortWish
from devboot.environment.project_python import is_lock_stale
from devboot.environment.variables.envfiles import read_env_files
from devboot.environment.variables.secrets import load_secrets
from devboot.events import SilentReporter
from devboot.model.artifact import Wanted
from devboot.model.edge.lockfile.lock import Lock, LockedPackage, Wish
from devboot.model.edge.manifest.variables import Generated
from devboot.model.process import Plan, plan_from_plain, plan_to_plain
from devboot.provision.objects.realise import object_name
from devboot.provision.objects.store import Store, StoreObject
from devboot.resolve.packages import resolve, wishes_of
from devboot.services.account import account_for, no_account
from devboot.snapshot import CHOSEN

TYPE_CHECKING = False
if TYPE_CHECKING:
    from devboot.app.context import Context


class Running(NamedTuple):
    """The effect of `up -d` on a running project: names of processes, and whether packages are installed first.

    `kept` are services that changed but continue to run; `updated` and `later` as in the supervisor's Changes; `same`:
    nothing changes.
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


class Preview:
    """A project as it is written now, with what is on the machine: each file is read once, nothing is changed.

    Raises the errors of a preparation before it changes anything.
    """

    def __init__(self, loaded: Loaded, context: Context) -> None:
        self.loaded = loaded
        self.context = context
        project = loaded.project
        self.files = read_env_files(project.root, loaded.manifest.env_files.read, context.environ)
        refuse_missing(loaded, self.files, context.environ)
        self.recipes = recipes_of(loaded)
        self.lock = read_lock(project.lock, os.path.basename(project.lock))
        self._uv = inspecting_uv(loaded, context)
        self.python = python_of(loaded, self._uv, context.environ)

    @cached_property
    def asked(self) -> Queries:
        """The queries that `up` would send to channels and the distribution. Raises the errors of `queries_for`."""
        host, environ = this_host(sys.platform, os.uname().machine), self.context.environ
        here = Distribution(host, environ, apt_of(self._uv), SilentReporter())
        has_channels, wishes = channel_asker(self._uv) is not None, wishes_of(self.loaded.manifest)
        return queries_for(wishes, self.recipes, here, has_channels=has_channels, previous=self.lock)

    @cached_property
    def wanted_ports(self) -> Sequence[PortWish]:
        """The ports that the project's processes and services want."""
        first = self.loaded.base or base_port(self.files, self.loaded.manifest)
        return wanted_ports(self.loaded, self.recipes, first)

    @cached_property
    def composed(self) -> Composed:
        """The project, composed as if some version of each package was there that only the network can provide."""
        return self.compose(unlocked=self.asked.wishes)

    def resolved(self, unlocked: Collection[Wish] = ()) -> Sequence[LockedPackage]:
        """Return the packages that the recipes alone resolve: all but `unlocked`."""
        wishes = [wish for wish in wishes_of(self.loaded.manifest) if wish not in unlocked]
        return resolve(wishes, self.recipes, previous=self.lock).packages

    def objects(self, packages: Sequence[LockedPackage]) -> dict[Wish, tuple[Wanted, StoreObject]]:
        """Return for each package what it needs on this machine, and the store object that has it, or would have it."""
        store = self.context.paths().data
        choose_python = AppPythons(self._uv, self.context.environ, store, is_dry=True).choose
        host = this_host(sys.platform, os.uname().machine)
        wanted = wanted_objects(Lock(package=tuple(packages)), self.recipes, host, choose_python)
        names = {wish: object_name(each) for wish, each in wanted.items()}
        folder = Store(store).directory
        return {wish: (wanted[wish], StoreObject(name, os.path.join(folder, name))) for wish, name in names.items()}

    @cached_property
    def installs(self) -> bool:
        """Return whether Python packages would be installed: requirements aren't locked, or a lock was edited."""
        if self.python is None:
            return False
        if is_lock_stale(self.python, pins_of_lock(self.lock)):
            return True
        known = snapshots.read(os.path.join(self.loaded.project.state, snapshots.NAME))
        changed = {stamp[0] for stamp in snapshots.changed(known)} if known is not None else set()
        locks = {self.loaded.project.lock} if self.python.needs_lock else set(self.python.files)
        return not changed.isdisjoint(locks)

    def compose(self, *, records_ports: bool = False, unlocked: Collection[Wish] = ()) -> Composed:
        """Compose the project. `records_ports`: chosen ports of new processes are recorded, since a start follows.

        `unlocked`: packages that are composed as if some version was there.
        """
        known = self.resolved(unlocked)
        supposed = (LockedPackage(name=name, version="0", requested=of, insisted=at) for name, of, at in unlocked)
        lock = Lock(package=(*known, *supposed), python=self.lock.python if self.lock is not None else None)
        parts = Parts(
            loaded=_without_new_secrets(self.loaded),
            files=self.files,
            lock=lock,
            recipes=self.recipes,
            objects={
                **{wish: StoreObject(wish.name, os.sep) for wish in unlocked},
                **{wish: stored for wish, (_, stored) in self.objects(known).items()},
            },
            libraries=libraries_of(self.python, pins_of_lock(lock)),
            ports=self._ports(is_recorded=records_ports),
            runtime=self.context.paths().runtime,
            environ=self.context.environ,
            packages_digest="others" if self.installs else packages_digest(self.python),
            has_venv=self.python is not None,
            package_list=package_list(self.loaded, self.python),
            run_as=account_for if os.geteuid() == 0 else no_account,
        )
        return compose_project(parts)

    def _ports(self, *, is_recorded: bool) -> Mapping[str, int]:
        root, state = self.loaded.project.root, self.loaded.project.state
        if is_recorded:
            return allocate(state, root, self.context.paths().state, self.wanted_ports, must_be_free=False).numbers
        nobody = Taken({}, ())
        return choose(self.wanted_ports, read_ports(state), nobody, seed=root, is_free=lambda _number: True).numbers


def compare_with_running(preview: Preview, call: Call) -> Running | None:
    """Return the effect of `up -d` on what runs; None if nothing runs. Raises the errors of a preview."""
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
    told = daemon_connection.written(call, found.client, "compare", plan=plan_to_plain(plan))
    try:
        answer = json.loads(told)
    except ValueError:
        return None  # a daemon of another version, which knows no such request
    fields = ("started", "restarted", "stopped", "tasks", "kept", "updated", "later")
    names = {field: tuple(map(str, answer.get(field, ()))) for field in fields}
    return Running(**names, same=bool(answer["same"]), installs=installs)


def _restored_plan(call: Call) -> Plan | None:
    """Return the plan of the generation that `rollback` selected, which is valid until a file changes."""
    known = snapshots.read(os.path.join(call.state, snapshots.NAME))
    if known is None or not os.path.exists(os.path.join(call.state, CHOSEN)):
        return None
    if not snapshots.is_fresh(known, call.root, call.environ):
        return None
    environ = snapshots.apply(known.patch, call.environ)
    return plan_from_plain(known.plan_plain)._replace(env=tuple(environ.items()))


def _without_new_secrets(loaded: Loaded) -> Loaded:
    """Return the project with an empty text for each secret that a start would generate."""
    known = load_secrets(loaded.project.data)
    env = {
        name: "" if isinstance(wanted, Generated) and name not in known else wanted
        for name, wanted in loaded.manifest.env.items()
    }
    return loaded._replace(manifest=loaded.manifest.model_copy(update={"env": env}))
