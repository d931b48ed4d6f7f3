"""`up --dry-run`: lists what would be fetched, built and started, in order; changes nothing."""

from __future__ import annotations

import os
import sys
from collections.abc import Iterator
from typing import NamedTuple

from devboot.app.commands.preparing.up import all_but
from devboot.app.fast.call import Call
from devboot.app.preparation.compose.composition import base_port, commands_of, refuse_missing, tasks_of, wanted_ports
from devboot.app.preparation.compose.preview import look_ahead, to_be_asked
from devboot.app.preparation.install.app_pythons import AppPythons
from devboot.app.preparation.install.provisioning import wanted_objects
from devboot.app.preparation.locking.candidates import Asked
from devboot.app.preparation.locking.frozen import as_it_is
from devboot.app.preparation.locking.lockfile import pins_of_lock, read_lock, why_stale
from devboot.app.preparation.locking.wanted import looking_uv, python_of, recipes_of
from devboot.app.preparation.port_flags import as_asked
from devboot.app.preparation.prepare import Wishes
from devboot.app.preparation.project.loaded import Loaded
from devboot.app.this_machine import this_host
from devboot.environment.ports.allocate import refuse_in_use
from devboot.environment.project_python import PythonProject, pins_of
from devboot.environment.tasks import automatic
from devboot.environment.variables.envfiles import read_env_files
from devboot.environment.venv.record import load_record
from devboot.model.edge.lockfile.lock import Lock, Wish
from devboot.paths import shown_from
from devboot.provision.objects.realise import object_name
from devboot.provision.objects.store import Store
from devboot.resolve.packages import refuse_stale, resolve, wishes_of
from devboot.supervisor.core.names import expand
from devboot.supervisor.core.task_stamp import is_recorded

TYPE_CHECKING = False
if TYPE_CHECKING:
    from devboot.app.context import Context


class Step(NamedTuple):
    """A step of the plan: `kind` is lock, fetch, build, create, run or start; `size` is bytes, 0 if unknown."""

    kind: str
    name: str
    text: str
    size: int = 0


class DryRun(NamedTuple):
    """The whole plan of one `up`."""

    project: str
    steps: tuple[Step, ...]


def dry_run(loaded: Loaded, context: Context, call: Call, wishes: Wishes) -> DryRun:
    """Return what the `up` of this call would do with the project.

    Raises the errors that `up` would raise before it changes anything.
    """
    files = read_env_files(loaded.project.root, loaded.manifest.env_files.read, context.environ)
    refuse_missing(loaded, files, context.environ)
    steps = (*_provisions(loaded, context, wishes), *_runs(loaded, context, call, wishes))
    return DryRun(loaded.name, steps)


def _provisions(loaded: Loaded, context: Context, wishes: Wishes) -> Iterator[Step]:
    root, manifest = loaded.project.root, loaded.manifest
    uv = looking_uv(loaded, context)
    python, recipes = python_of(loaded, uv, context.environ), recipes_of(loaded)
    old = read_lock(loaded.project.lock, os.path.basename(loaded.project.lock))
    reasons = why_stale(old, manifest, python)
    if wishes.takes_lock_as_it_is:
        packages = as_it_is(old, wishes_of(manifest), needs_python=python is not None and python.needs_lock).package
    else:
        if wishes.is_locked:
            refuse_stale(reasons)
        yield from (Step("lock", shown_from(loaded.project.lock, root), reason) for reason in reasons)
        asked = to_be_asked(loaded, context, old)
        known = [wish for wish in wishes_of(manifest) if wish not in asked.wishes]
        packages = resolve(known, recipes, previous=old).packages
        yield from (Step("fetch", wish.name, f"the version that {who} has") for wish, who in _whom(asked).items())
    host, data = this_host(sys.platform, os.uname().machine), context.paths().data
    store, pythons = Store(data), AppPythons(uv, context.environ, data, is_dry=True)
    for wish, wanted in wanted_objects(Lock(package=packages), recipes, host, pythons.choose).items():
        if store.find(object_name(wanted)) is None:
            yield Step("fetch", wish.name, f"{wanted.version}, {wanted.artifact.name}", wanted.artifact.size)
    yield from _python_steps(python, old)
    for database in manifest.sqlite.values():
        if not os.path.exists(os.path.join(root, database.path)):
            is_ours = database.pragmas or database.migrations or database.seed
            yield Step("create", database.path, f"SQLite database{'' if is_ours else ', by the application'}")


def _whom(asked: Asked) -> dict[Wish, str]:
    channels = {wish: f"the conda channel `{origin.channel}`" for wish, origin in asked.channels.items()}
    return {**channels, **dict.fromkeys(asked.distribution, "this machine's distribution")}


def _python_steps(python: PythonProject | None, lock: Lock | None) -> Iterator[Step]:
    if python is None:
        return
    record = load_record(python.venv)
    name = python.wish.venv
    if python.needs_lock and pins_of_lock(lock) is None:
        yield Step("build", name, "packages that have to be chosen first")
    elif record is None or not record.is_complete:
        yield Step("build", name, f"{len(pins_of(python, pins_of_lock(lock)).pins)} packages")


def _runs(loaded: Loaded, context: Context, call: Call, wishes: Wishes) -> Iterator[Step]:
    tasks, chosen = tasks_of(loaded), _chosen(loaded, context, call)
    ports = _asked_ports(loaded, context, wishes)
    for name, service in loaded.manifest.services.items():
        if chosen is None or name in chosen:
            yield Step("start", name, f"service {service.recipe or name}{ports.get(name, '')}")
    there = _made_before(loaded, context)
    for name, database in loaded.manifest.served.items():
        if name not in there and (chosen is None or name in chosen):
            yield Step("create", name, f"database `{database.name or name}` in {database.service}")
    for name in automatic(tasks, loaded.manifest.processes):
        if chosen is None or name in chosen:
            yield Step("run", name, tasks[name].run)
    for command in commands_of(loaded):
        if chosen is None or command.name in chosen:
            yield Step("start", command.name, f"{command.text}{ports.get(command.name, '')}")


def _made_before(loaded: Loaded, context: Context) -> set[str]:
    """Return the databases of services that an earlier start has created as they are declared now."""
    old = read_lock(loaded.project.lock, os.path.basename(loaded.project.lock))
    if not loaded.manifest.served or not to_be_asked(loaded, context, old).is_empty:
        return set()  # what isn't locked yet has never been started
    return {spec.name for spec in look_ahead(loaded, context).composed.plan.processes if is_recorded(spec)}


def _chosen(loaded: Loaded, context: Context, call: Call) -> set[str] | None:
    """Return the names that would run, with their dependencies; None for all. Raises like `up` for wrong names."""
    excepted = tuple(map(str, call.values.get("except") or ()))  # type: ignore[call-overload]
    if not call.args and not excepted:
        return None
    old = read_lock(loaded.project.lock, os.path.basename(loaded.project.lock))
    specs = look_ahead(loaded, context, unlocked=to_be_asked(loaded, context, old).wishes).composed.plan.processes
    names = all_but(excepted, call.args, specs) if excepted else expand(call.args, [spec.name for spec in specs])
    needs = {spec.name: [each.name for each in spec.depends_on] for spec in specs}
    found: set[str] = set()
    waiting = list(names)
    while waiting:
        name = waiting.pop()
        if name not in found:
            found.add(name)
            waiting += [] if call.flag("no-deps") else needs.get(name, [])
    return found


def _asked_ports(loaded: Loaded, context: Context, wishes: Wishes) -> dict[str, str]:
    """Return a text for each port given by `--port`. Raises like `up` for unknown names and for ports in use."""
    recipes = recipes_of(loaded)
    files = read_env_files(loaded.project.root, loaded.manifest.env_files.read, context.environ)
    wanted = wanted_ports(loaded, recipes, loaded.base or base_port(files, loaded.manifest))
    words = {}
    typed = expand([name for name, _ in wishes.ports], [wish.name for wish in wanted])
    asked = as_asked(wanted, wishes.ports, ())
    if not wishes.is_running or wishes.held_ports is not None:
        refuse_in_use(asked, loaded.project.root, wishes.held_ports or ())
    for wish in asked:
        if wish.name in typed:
            words[wish.name] = f", port {wish.port}" if wish.exact else ", on a free port"
    return words
