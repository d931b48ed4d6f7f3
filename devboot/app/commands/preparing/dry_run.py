"""`up --dry-run`: lists in order what would be downloaded, built and started; changes nothing."""

from __future__ import annotations

from collections.abc import Iterator

from devboot.app.commands.preparing.up import all_but, refuse_fixed_ports
from devboot.app.fast.call import Call
from devboot.app.preparation.compose.composition import commands_of, tasks_of
from devboot.app.preparation.compose.preview import Preview
from devboot.app.preparation.data import outdated_tasks
from devboot.app.preparation.plan import Step, plan_preparation
from devboot.environment.tasks import automatic
from devboot.record import Record
from devboot.supervisor.core.graph import closure
from devboot.supervisor.core.name_patterns import expand
from devboot.supervisor.core.task_stamp import is_current, is_recorded


class DryRun(Record):
    """The steps that an `up` would take, in order."""

    project: str
    steps: tuple[Step, ...]


def dry_run(preview: Preview, call: Call) -> DryRun:
    """Return the steps that `up` with these flags would take for the project.

    Raises the errors that `up` would raise before it changes anything.
    """
    steps = (*plan_preparation(preview), *_runs(preview, call))
    if not preview.options.is_running:
        refuse_fixed_ports(call, preview.composed.plan.processes)
    return DryRun(preview.loaded.name, steps)


def _runs(preview: Preview, call: Call) -> Iterator[Step]:
    manifest = preview.loaded.manifest
    tasks, chosen = tasks_of(preview.loaded), _selected_names(preview, call)
    specs = {spec.name: spec for spec in preview.composed.plan.processes}
    ports = _port_texts(preview)
    outdated = {spec.name for spec in outdated_tasks(preview.loaded, preview.composed)}
    for name, service in manifest.services.items():
        if name in chosen:
            yield Step("start", name, f"service {service.recipe or name}{ports.get(name, '')}")
    for name, database in manifest.served.items():
        if name in chosen and not is_recorded(specs[name]):
            yield Step("create", name, f"database `{database.name or name}` in {database.service}")
    for name in automatic(tasks, manifest.processes):
        if name in chosen and (name in outdated or not is_current(specs[name])):
            yield Step("run", name, tasks[name].run)
    for command in commands_of(preview.loaded):
        if command.name in chosen:
            yield Step("start", command.name, f"{command.text}{ports.get(command.name, '')}")


def _selected_names(preview: Preview, call: Call) -> set[str]:
    """Return the names that would run, dependencies included. Raises the errors of `up` for wrong names."""
    specs = {spec.name: spec for spec in preview.composed.plan.processes}
    names = named_processes(preview, call)
    if not names:
        return set(specs)
    return set(names) if call.flag("no-deps") else set(closure(names, specs))


def named_processes(preview: Preview, call: Call) -> tuple[str, ...]:
    """Return the process names given on the command line; empty for all. Raises the errors of `up` for wrong names."""
    excepted = tuple(map(str, call.values.get("except") or ()))  # type: ignore[call-overload]
    specs = preview.composed.plan.processes
    return all_but(excepted, call.args, specs) if excepted else expand(call.args, [spec.name for spec in specs])


def _port_texts(preview: Preview) -> dict[str, str]:
    """Return a text for each port chosen by `--port`, by name."""
    typed = expand([name for name, _ in preview.options.ports], [wish.name for wish in preview.wanted_ports])
    wishes = {wish.name: wish for wish in preview.wanted_ports if wish.name in typed}
    return {name: f", port {wish.port}" if wish.exact else ", on a free port" for name, wish in wishes.items()}
