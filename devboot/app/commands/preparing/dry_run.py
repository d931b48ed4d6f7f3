"""`up --dry-run`: lists what would be fetched, built and started, in order; changes nothing."""

from __future__ import annotations

import os
from collections.abc import Iterator, Sequence
from typing import NamedTuple

from devboot.app.commands.preparing.up import all_but
from devboot.app.fast.call import Call
from devboot.app.preparation.compose.composition import commands_of, tasks_of
from devboot.app.preparation.compose.preview import Preview
from devboot.app.preparation.locking.candidates import Queries
from devboot.app.preparation.locking.frozen import frozen_lock
from devboot.app.preparation.locking.lockfile import pins_of_lock, why_stale
from devboot.app.preparation.port_flags import apply_port_flags
from devboot.app.preparation.prepare import PrepareOptions
from devboot.environment.ports.allocate import refuse_in_use
from devboot.environment.project_python import PythonProject, pins_of
from devboot.environment.tasks import automatic
from devboot.environment.venv.record import load_record
from devboot.model.edge.lockfile.lock import Lock, LockedPackage, Wish
from devboot.paths import shown_from
from devboot.provision.objects.store import Store
from devboot.resolve.packages import refuse_stale, wishes_of
from devboot.supervisor.core.graph import closure
from devboot.supervisor.core.name_patterns import expand
from devboot.supervisor.core.task_stamp import is_recorded


class Step(NamedTuple):
    """A step of the plan: `kind` is lock, fetch, build, create, run or start; `size` is bytes, 0 if unknown."""

    kind: str
    name: str
    text: str
    size: int = 0


class DryRun(NamedTuple):
    """The steps that an `up` would take, in order."""

    project: str
    steps: tuple[Step, ...]


def dry_run(preview: Preview, call: Call, options: PrepareOptions) -> DryRun:
    """Return what the `up` of this call would do with the project.

    Raises the errors that `up` would raise before it changes anything.
    """
    return DryRun(preview.loaded.name, (*_provisions(preview, options), *_runs(preview, call, options)))


def _provisions(preview: Preview, options: PrepareOptions) -> Iterator[Step]:
    loaded, python, old = preview.loaded, preview.python, preview.lock
    root, manifest = loaded.project.root, loaded.manifest
    reasons = why_stale(old, manifest, python)
    packages: Sequence[LockedPackage]
    if options.takes_lock_as_it_is:
        packages = frozen_lock(old, wishes_of(manifest), needs_python=python is not None and python.needs_lock).package
    else:
        if options.is_locked:
            refuse_stale(reasons)
        yield from (Step("lock", shown_from(loaded.project.lock, root), reason) for reason in reasons)
        packages = preview.resolved(preview.asked.wishes)
        yield from (Step("fetch", w.name, f"the version that {who} has") for w, who in _whom(preview.asked).items())
    store = Store(preview.context.paths().data)
    for wish, (wanted, stored) in preview.objects(packages).items():
        if store.find(stored.name) is None:
            yield Step("fetch", wish.name, f"{wanted.version}, {wanted.artifact.name}", wanted.artifact.size)
    yield from _python_steps(python, old)
    for database in manifest.sqlite.values():
        if not os.path.exists(os.path.join(root, database.path)):
            is_ours = database.pragmas or database.migrations or database.seed
            yield Step("create", database.path, f"SQLite database{'' if is_ours else ', by the application'}")


def _whom(asked: Queries) -> dict[Wish, str]:
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


def _runs(preview: Preview, call: Call, options: PrepareOptions) -> Iterator[Step]:
    manifest = preview.loaded.manifest
    tasks, chosen = tasks_of(preview.loaded), _selected_names(preview, call)
    ports = _port_texts(preview, options)
    for name, service in manifest.services.items():
        if chosen is None or name in chosen:
            yield Step("start", name, f"service {service.recipe or name}{ports.get(name, '')}")
    there = _existing_databases(preview)
    for name, database in manifest.served.items():
        if name not in there and (chosen is None or name in chosen):
            yield Step("create", name, f"database `{database.name or name}` in {database.service}")
    for name in automatic(tasks, manifest.processes):
        if chosen is None or name in chosen:
            yield Step("run", name, tasks[name].run)
    for command in commands_of(preview.loaded):
        if chosen is None or command.name in chosen:
            yield Step("start", command.name, f"{command.text}{ports.get(command.name, '')}")


def _existing_databases(preview: Preview) -> set[str]:
    """Return the databases of services that an earlier start has created as they are declared now."""
    if not preview.loaded.manifest.served or not preview.asked.is_empty:
        return set()  # what isn't locked yet has never been started
    return {spec.name for spec in preview.composed.plan.processes if is_recorded(spec)}


def _selected_names(preview: Preview, call: Call) -> set[str] | None:
    """Return the names that would run, with their dependencies; None for all. Raises like `up` for wrong names."""
    excepted = tuple(map(str, call.values.get("except") or ()))  # type: ignore[call-overload]
    if not call.args and not excepted:
        return None
    specs = {spec.name: spec for spec in preview.composed.plan.processes}
    names = all_but(excepted, call.args, tuple(specs.values())) if excepted else expand(call.args, list(specs))
    return set(names) if call.flag("no-deps") else set(closure(names, specs))


def _port_texts(preview: Preview, options: PrepareOptions) -> dict[str, str]:
    """Return a text for each port given by `--port`. Raises like `up` for unknown names and for ports in use."""
    wanted = preview.wanted_ports
    words = {}
    typed = expand([name for name, _ in options.ports], [wish.name for wish in wanted])
    asked = apply_port_flags(wanted, options.ports, ())
    if not options.is_running or options.held_ports is not None:
        refuse_in_use(asked, preview.loaded.project.root, options.held_ports or ())
    for wish in asked:
        if wish.name in typed:
            words[wish.name] = f", port {wish.port}" if wish.exact else ", on a free port"
    return words
