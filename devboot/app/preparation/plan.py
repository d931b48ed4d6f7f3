"""Lists the steps of a preparation and their errors, without changing anything.

Each step decides by a function that its second half uses, too: `plan_lock`, `plan_sync`, `plan_database`, `plan_data`,
`allocate`. They raise what the step would refuse before it changes anything.
"""

from __future__ import annotations

import os
from collections.abc import Iterator

from devboot.app.preparation.compose.preview import Preview
from devboot.app.preparation.data import due_copies, outdated_tasks, surroundings, wanted_databases
from devboot.app.preparation.install.offline_check import refuse_unfetched
from devboot.app.preparation.install.provisioning import Machine
from devboot.environment import databases
from devboot.environment.databases import WHOLE
from devboot.environment.venv.condition import KEEP
from devboot.paths import shown_from
from devboot.provision.objects.store import Store
from devboot.record import Record
from devboot.services.data import plan_data
from devboot.uv.client import make_uv


class Step(Record):
    """A step that `up` would take; `size` is a download's size in bytes, 0 if unknown.

    `kind` is lock, fetch, build, port, create, migrate, copy, run or start.
    """

    kind: str
    name: str
    text: str
    size: int = 0


def plan_preparation(preview: Preview) -> Iterator[Step]:
    """Yield the steps of a preparation, in order. Raises the errors that it would raise before it changes anything."""
    for plan in STEPS:
        yield from plan(preview)


def _lock(preview: Preview) -> Iterator[Step]:
    plan, project = preview.lock_plan, preview.loaded.project
    if plan.frozen is None:
        yield from (Step("lock", shown_from(project.lock, project.root), reason) for reason in plan.reasons)
    whom = {wish: f"the conda channel `{origin.channel}`" for wish, origin in plan.asked.channels.items()}
    whom |= dict.fromkeys(plan.asked.distribution, "this machine's distribution")
    yield from (Step("fetch", wish.name, f"the version that {who} has") for wish, who in whom.items())


def _ports(preview: Preview) -> Iterator[Step]:
    yield from (Step("port", name, text) for name, text in preview.ports.notes)


def _objects(preview: Preview) -> Iterator[Step]:
    context = preview.context
    paths = context.paths()
    if preview.options.is_offline and not preview.options.kit:
        machine = Machine(paths.data, preview.host, context.wall_clock)
        needed = [wanted for wanted, _ in preview.objects.values()]
        uv = make_uv(context.environ, paths.cache, offline=True)  # with the user's cache, outside of the clone
        refuse_unfetched(machine, needed, None, None, uv, environ=context.environ)
    store = Store(paths.data)
    for wish, (wanted, stored) in preview.objects.items():
        if store.find(stored.name) is None:
            yield Step("fetch", wish.name, f"{wanted.version}, {wanted.artifact.name}", wanted.artifact.size)


def _virtualenv(preview: Preview) -> Iterator[Step]:
    python, found = preview.python, preview.python_plan
    if python is None:
        return
    if found.missing:
        yield Step("fetch", "python", found.missing)
    if found.is_stale:
        yield Step("build", python.wish.venv, "packages that have to be chosen first")
    elif found.sync is None or not found.sync.is_current:
        count = found.sync.packages if found.sync is not None else "its packages"
        decision = found.sync.decision if found.sync is not None else None
        change = f"changes of its {count}" if decision is not None and decision.act == KEEP else count
        yield Step("build", python.wish.venv, decision.says if decision is not None and decision.says else change)


def _databases(preview: Preview) -> Iterator[Step]:
    around = surroundings(preview.loaded, preview.context.wall_clock())
    for wanted in wanted_databases(preview.loaded):
        shown = preview.loaded.manifest.sqlite[wanted.name].path
        state, complaint = databases.look_at(wanted.path)
        waiting = databases.plan_database(wanted, around, state, complaint)
        if state != WHOLE and (wanted.is_managed or not os.path.exists(wanted.path)):
            yield Step("create", shown, f"SQLite database{'' if wanted.is_managed else ', by the application'}")
        if waiting:
            yield Step("migrate", shown, ", ".join(waiting))


def _services(preview: Preview) -> Iterator[Step]:
    unknown = {wish.name for wish in preview.lock_plan.asked.wishes}
    for service in preview.composed.services:
        name = service.spec.name
        recipe = preview.loaded.manifest.services[name].recipe or name
        if recipe not in unknown and (text := plan_data(service)):
            yield Step("create", name, text)


def _copies(preview: Preview) -> Iterator[Step]:
    if preview.options.starts:
        outdated = tuple(outdated_tasks(preview.loaded, preview.composed))
        for path, _ in due_copies(preview.composed, (), outdated):
            yield Step("copy", shown_from(path, preview.loaded.project.root), "before tasks change it")


STEPS = (_lock, _ports, _objects, _virtualenv, _databases, _services, _copies)
