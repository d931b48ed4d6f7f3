"""Composes a preview of the plan from what is on the machine: nothing is fetched, installed or started.

A missing part, such as a service that was never fetched, has the path that it would have.
"""

from __future__ import annotations

import json
import os
import sys
from collections.abc import Collection, Mapping
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
from devboot.app.preparation.locking.candidates import Asked, channel_asker, to_ask
from devboot.app.preparation.locking.distro import Distribution, apt_of
from devboot.app.preparation.locking.lockfile import pins_of_lock, read_lock
from devboot.app.preparation.locking.wanted import (
    libraries_of,
    looking_uv,
    package_list,
    packages_digest,
    python_of,
    recipes_of,
)
from devboot.app.preparation.project.loaded import Loaded
from devboot.app.this_machine import this_host
from devboot.environment.ports.allocate import Taken, allocate, choose, read_ports
from devboot.environment.project_python import PythonProject, is_lock_stale
from devboot.environment.variables.envfiles import EnvFiles, read_env_files
from devboot.environment.variables.secrets import load_secrets
from devboot.events import SilentReporter
from devboot.model.edge.lockfile.lock import Lock, LockedPackage, Wish
from devboot.model.edge.manifest.variables import Generated
from devboot.model.process import Plan, plan_from_plain, plan_to_plain
from devboot.provision.objects.realise import object_name
from devboot.provision.objects.store import Store, StoreObject
from devboot.recipes import KnownRecipe
from devboot.resolve.packages import resolve, wishes_of
from devboot.services.account import account_for, no_account
from devboot.snapshot import CHOSEN

TYPE_CHECKING = False
if TYPE_CHECKING:
    from devboot.app.context import Context


class Ahead(NamedTuple):
    """A preview. `installs`: packages would be installed first, as far as the files show."""

    composed: Composed
    installs: bool


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


def to_be_asked(loaded: Loaded, context: Context, old: Lock | None) -> Asked:
    """Return the queries that `up` would send to channels and the distribution. Raises the errors of `to_ask`."""
    uv = looking_uv(loaded, context)
    here = Distribution(this_host(sys.platform, os.uname().machine), context.environ, apt_of(uv), SilentReporter())
    return to_ask(
        wishes_of(loaded.manifest), recipes_of(loaded), here, has_channels=channel_asker(uv) is not None, previous=old
    )


def look_ahead(
    loaded: Loaded, context: Context, *, records_ports: bool = False, unlocked: Collection[Wish] = ()
) -> Ahead:
    """Compose the project as it is written now. Raises the errors of a preparation before it changes anything.

    `records_ports`: chosen ports of new processes are recorded, since a start follows. `unlocked`: packages that only
    the network can provide, composed as if some version was there.
    """
    project, manifest = loaded.project, loaded.manifest
    files = read_env_files(project.root, manifest.env_files.read, context.environ)
    refuse_missing(loaded, files, context.environ)
    recipes = recipes_of(loaded)
    old = read_lock(project.lock, os.path.basename(project.lock))
    wishes = [wish for wish in wishes_of(manifest) if wish not in unlocked]
    known = Lock(package=resolve(wishes, recipes, previous=old).packages)
    supposed = (LockedPackage(name=name, version="0", requested=of, insisted=at) for name, of, at in unlocked)
    lock = Lock(package=(*known.package, *supposed), python=old.python if old is not None else None)
    uv = looking_uv(loaded, context)
    python = python_of(loaded, uv, context.environ)
    installs = python is not None and _installs(loaded, python, lock)
    paths = context.paths()
    parts = Parts(
        loaded=_without_new_secrets(loaded),
        files=files,
        lock=lock,
        recipes=recipes,
        objects={
            **{wish: StoreObject(wish.name, os.sep) for wish in unlocked},
            **_objects(known, recipes, paths.data, AppPythons(uv, context.environ, paths.data, is_dry=True)),
        },
        libraries=libraries_of(python, pins_of_lock(lock)),
        ports=_ports(loaded, files, recipes, paths.state, is_recorded=records_ports),
        runtime=paths.runtime,
        environ=context.environ,
        packages_digest="others" if installs else packages_digest(python),
        has_venv=python is not None,
        package_list=package_list(loaded, python),
        run_as=account_for if os.geteuid() == 0 else no_account,
    )
    return Ahead(compose_project(parts), installs)


def compare_with_running(loaded: Loaded, context: Context, call: Call) -> Running | None:
    """Return the effect of `up -d` on what runs; None if nothing runs. Raises the errors of `look_ahead`."""
    found = daemon_connection.meet(call)
    if found.client is None:
        return None
    plan, installs = None if loaded.is_adjusted else _gone_back_to(call), False
    try:
        if plan is None:
            composed, installs = _with_what_is_unlocked(loaded, context)
            plan = composed.plan
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


def _with_what_is_unlocked(loaded: Loaded, context: Context) -> Ahead:
    old = read_lock(loaded.project.lock, os.path.basename(loaded.project.lock))
    return look_ahead(loaded, context, unlocked=to_be_asked(loaded, context, old).wishes)


def _gone_back_to(call: Call) -> Plan | None:
    """Return the plan of the generation that `rollback` selected, which is valid until a file changes."""
    known = snapshots.read(os.path.join(call.state, snapshots.NAME))
    if known is None or not os.path.exists(os.path.join(call.state, CHOSEN)):
        return None
    if not snapshots.is_fresh(known, call.root, call.environ):
        return None
    environ = snapshots.apply(known.patch, call.environ)
    return plan_from_plain(known.plan_plain)._replace(env=tuple(environ.items()))


def _installs(loaded: Loaded, python: PythonProject, lock: Lock) -> bool:
    """Return whether packages would change: requirements that aren't locked, or a lock that was edited."""
    if is_lock_stale(python, pins_of_lock(lock)):
        return True
    known = snapshots.read(os.path.join(loaded.project.state, snapshots.NAME))
    changed = {stamp[0] for stamp in snapshots.changed(known)} if known is not None else set()
    locks = {loaded.project.lock} if python.needs_lock else set(python.files)
    return not changed.isdisjoint(locks)


def _objects(lock: Lock, recipes: Mapping[str, KnownRecipe], data: str, pythons: AppPythons) -> dict[Wish, StoreObject]:
    host, folder = this_host(sys.platform, os.uname().machine), Store(data).directory
    wanted = wanted_objects(lock, recipes, host, pythons.choose)
    names = {wish: object_name(each) for wish, each in wanted.items()}
    return {wish: StoreObject(name, os.path.join(folder, name)) for wish, name in names.items()}


def _ports(
    loaded: Loaded, files: EnvFiles, recipes: Mapping[str, KnownRecipe], user_state: str, *, is_recorded: bool
) -> Mapping[str, int]:
    wanted = wanted_ports(loaded, recipes, loaded.base or base_port(files, loaded.manifest))
    root, state = loaded.project.root, loaded.project.state
    if is_recorded:
        return allocate(state, root, user_state, wanted, must_be_free=False).numbers
    nobody = Taken({}, ())
    return choose(wanted, read_ports(state), nobody, seed=root, is_free=lambda _number: True).numbers


def _without_new_secrets(loaded: Loaded) -> Loaded:
    """Return the project with an empty text for each secret that a start would generate."""
    known = load_secrets(loaded.project.data)
    env = {
        name: "" if isinstance(wanted, Generated) and name not in known else wanted
        for name, wanted in loaded.manifest.env.items()
    }
    return loaded._replace(manifest=loaded.manifest.model_copy(update={"env": env}))
