"""Decides what to start, restart and stop: for `up`, and when a new plan replaces the old one."""

from __future__ import annotations

from devboot.model import process as model
from devboot.record import Record
from devboot.supervisor import state_machine as life
from devboot.supervisor.core import graph

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Mapping, Set as AbstractSet

    from devboot.errors import DevbootError
    from devboot.supervisor.core.process import Process

# A change of one of these restarts a process
RESTARTING_FIELDS = ("command", "script", "argv", "cwd", "unset", "pty", "env")  # and the plan's `siblings`
# These take effect on running processes at once; `LATER_FIELDS` take effect at the next spawn
UPDATING_FIELDS = (
    "watch",
    "cascade",
    "restart",
    "max_restarts",
    "window",
    "expected_exit",
    "exit_ends_all",
    "schedule",
)
LATER_FIELDS = (
    *("ready", "alive", "gates", "stop_signal", "stop_timeout", "stop_command"),
    *("socket_folders", "socket_owner"),
)


class Changes(Record):
    """Names of the processes that a new plan affects, by what happens to them.

    `kept`: services whose settings have changed; only a request restarts them. `updated`: processes that keep running,
    with new settings that apply at once. `later`: processes with a setting that takes effect at their next start.
    """

    started: tuple[str, ...] = ()
    restarted: tuple[str, ...] = ()
    stopped: tuple[str, ...] = ()
    kept: tuple[str, ...] = ()
    tasks: tuple[str, ...] = ()  # run again, because their inputs have changed
    updated: tuple[str, ...] = ()
    later: tuple[str, ...] = ()


class PlannedProcess(Record):
    """A process right after a switch to a new plan: its new specification with its present state."""

    name: str
    spec: model.ProcessSpec
    state: life.State = life.State()
    policy: life.Policy = life.Policy()
    error: DevbootError | None = None
    was_skipped: bool = False


def roots(processes: Mapping[str, Process] | Mapping[str, PlannedProcess]) -> tuple[str, ...]:
    """Return the names that `up` without arguments starts: services, processes, and tasks that create databases."""
    return tuple(
        name for name, each in processes.items() if each.spec.kind != model.TASK or model.makes_database(each.spec)
    )


def to_start(
    processes: Mapping[str, Process] | Mapping[str, PlannedProcess], wanted: AbstractSet[str], named: AbstractSet[str]
) -> tuple[str, ...]:
    """Return those of the names `wanted` that have to be started, dependents before their dependencies.

    Running ones are left out. A task is included if it is `named` by the user, has failed, or a process that starts
    needs it; a task that creates a database also if nothing depends on it, since programs outside of the plan may use
    it.
    """
    specs = tuple(each.spec for each in processes.values())
    dependents = graph.dependents(specs)
    starting: set[str] = set()
    found: list[str] = []
    for level in reversed(graph.levels(specs)):
        for process in (processes[name] for name in level if name in wanted):
            is_needed = process.name in named or process.spec.kind != model.TASK or process.error is not None
            others = dependents[process.name]
            is_needed = is_needed or (bool(others & starting) and not _is_done(process))
            is_needed = is_needed or (
                model.makes_database(process.spec) and not others and not _has_ended_well(process)
            )
            if is_needed and process.state.phase not in life.ALIVE:
                starting.add(process.name)
                found.append(process.name)
    return tuple(found)


def cascade(processes: Mapping[str, Process], names: AbstractSet[str]) -> tuple[str, ...]:
    """Return the names of all processes to restart: `names`, and running dependents of those with `cascade` set."""
    dependents = graph.dependents(tuple(each.spec for each in processes.values()))
    found = set(names)
    left = list(names)
    while left:
        name = left.pop()
        if processes[name].spec.cascade:
            more = {each for each in dependents[name] - found if processes[each].state.phase in life.ALIVE}
            found |= more
            left.extend(more)
    return tuple(name for name in processes if name in found)


def port_holder(process: Process, leaving: Iterable[Process]) -> graph.Blocker | None:
    """Return a blocker if a process that is leaving the plan still runs on the port of `process`; else None."""
    port = process.spec.port
    holder = next((each.name for each in leaving if port and each.spec.port == port and each.run is not None), None)
    return None if holder is None else graph.Blocker(holder, f"for {holder} to leave port {port}", forever=False)


def may_restart(process: Process) -> bool:
    """Return whether a change of watched files restarts the process: not if the user stopped it or never started it."""
    if process.state.phase == model.STOPPING:
        return process.state.then != life.THEN_STOPPED
    return process.state.phase != model.STOPPED


def ordered(processes: Mapping[str, Process], names: Iterable[str]) -> dict[str, Process]:
    """Return the processes sorted: first by the given names of the new plan, then those that it no longer has."""
    first = dict.fromkeys(names)
    return {name: processes[name] for name in (*first, *(name for name in processes if name not in first))}


def tasks_due(
    specs: Mapping[str, model.ProcessSpec], alive: AbstractSet[str], starting: AbstractSet[str]
) -> tuple[str, ...]:
    """Return the tasks of a new plan that have to run before the `starting` processes.

    `specs` has the plan's processes; tasks with nothing to do have `skip` set. A task whose stamp is stale (a migration
    was added) is included even if only processes need it that are already `alive`.
    """
    needed = graph.closure(starting, specs)
    tasks = (name for name in graph.closure(starting | alive, specs) if specs[name].kind == model.TASK)
    return tuple(name for name in tasks if not specs[name].skip and (name in needed or specs[name].stamp))


def compare(old: model.Plan, new: model.Plan, processes: Mapping[str, Process], leaving: AbstractSet[str]) -> Changes:
    """Return the changes that a switch from the `old` plan to the `new` one makes to the running processes.

    Tasks of `new` with nothing to do have `skip` set. `leaving` are the processes that are already being removed.
    """
    fresh = {spec.name: spec for spec in new.processes}
    alive = [each.spec for name, each in processes.items() if each.run is not None and name in fresh]
    composed = old.composed != new.composed
    siblings = _changed_siblings(old, new)
    differ = {
        spec.name
        for spec in alive
        if _has_other(spec, fresh[spec.name], RESTARTING_FIELDS) or siblings(fresh[spec.name])
    }
    changed = [spec for spec in alive if spec.name in differ or (composed and spec.kind == model.PROCESS)]
    present = processes.keys() - leaving
    started = tuple(name for name, spec in fresh.items() if name not in present and spec.kind != model.TASK)
    # A service whose port is taken isn't serving, so a restart interrupts nothing.
    restarted = tuple(
        spec.name
        for spec in changed
        if spec.name in present and (spec.kind == model.PROCESS or processes[spec.name].port_taken)
    )
    goes_on = [
        spec for spec in alive if spec.name in present and spec.kind != model.TASK and spec.name not in restarted
    ]
    return Changes(
        started=started,
        restarted=restarted,
        stopped=tuple(name for name in processes if name in present and name not in fresh),
        kept=tuple(
            spec.name
            for spec in changed
            if spec.kind == model.SERVICE and spec.name in present and spec.name not in restarted
        ),
        tasks=tasks_due(fresh, {spec.name for spec in alive}, {*started, *restarted}),
        updated=tuple(spec.name for spec in goes_on if _has_other(spec, fresh[spec.name], UPDATING_FIELDS)),
        later=tuple(spec.name for spec in goes_on if _has_other(spec, fresh[spec.name], LATER_FIELDS)),
    )


def with_missing(
    changes: Changes,
    new: model.Plan,
    processes: Mapping[str, Process],
    leaving: AbstractSet[str],
    names: tuple[str, ...] = (),
    *,
    dependencies: bool = True,
) -> Changes:
    """Return `changes`, plus the processes and tasks that a following `up` starts because they aren't running.

    Tasks of `new` with nothing to do have `skip` set; `names` and `dependencies` mean the same as for `Supervisor.up`.
    """
    specs = {spec.name: spec for spec in new.processes}
    planned = {name: _planned(spec, None if name in leaving else processes.get(name)) for name, spec in specs.items()}
    asked = names or roots(planned)
    wanted = graph.closure(asked, specs) if dependencies else frozenset(asked)
    missing = {
        name
        for name in to_start(planned, wanted, frozenset(names))
        if planned[name].state.phase != model.WAITING and name not in changes.restarted and not specs[name].skip
    }
    missing |= {*changes.started, *changes.tasks}
    tasks = {name for name in missing if specs[name].kind == model.TASK}
    return changes._replace(
        started=tuple(name for name in specs if name in missing - tasks),
        tasks=tuple(name for name in specs if name in tasks),
    )


def _planned(spec: model.ProcessSpec, process: Process | None) -> PlannedProcess:
    if process is None:
        return PlannedProcess(spec.name, spec)
    return PlannedProcess(
        spec.name, spec, process.state, process.policy, process.error, was_skipped=process.was_skipped
    )


def scaled(old: model.Plan, new: model.Plan, names: AbstractSet[str]) -> model.Plan:
    """Return the `old` plan with the instances of `names` as in the `new` one; all other edits are left out."""
    before = {spec.name: spec for spec in old.processes}
    after = {spec.name: spec for spec in new.processes}
    specs = []
    for name in (*after, *(name for name in before if name not in after)):
        if base_of(name) in names or name in names:
            specs += [after[name]] if name in after else []
        elif name in before:
            specs.append(_depending_anew(before[name], after.get(name), names))
    siblings = tuple(sorted({**dict(new.siblings), **dict(old.siblings)}.items()))
    plan = old._replace(processes=tuple(specs), fingerprint=new.fingerprint, siblings=siblings)
    is_all = (plan.processes, siblings, old.composed) == (new.processes, new.siblings, new.composed)
    return plan if is_all else plan._replace(fingerprint=f"{new.fingerprint}+")  # equals no plan's


def _depending_anew(
    old: model.ProcessSpec, new: model.ProcessSpec | None, names: AbstractSet[str]
) -> model.ProcessSpec:
    """Return the old specification; if a process that it depends on was scaled, with the new one's dependencies."""
    if new is None or not any(each.name in names or base_of(each.name) in names for each in old.depends_on):
        return old
    return old._replace(depends_on=new.depends_on)


def base_of(name: str) -> str:
    """Return a process name without its instance number: `worker` for `worker.2`."""
    stem, dot, number = name.rpartition(".")
    return stem if dot and number.isdigit() else name


def _is_done(process: Process | PlannedProcess) -> bool:
    """Return whether a task has succeeded in this session or was skipped as unchanged."""
    return bool(process.spec.stamp or process.was_skipped) and _has_ended_well(process)


def _has_ended_well(process: Process | PlannedProcess) -> bool:
    return life.succeeded(process.state, process.policy) or life.succeeds(process.state, process.policy)


def _has_other(old: model.ProcessSpec, new: model.ProcessSpec, fields: Iterable[str]) -> bool:
    return any(getattr(old, field) != getattr(new, field) for field in fields)


def _changed_siblings(old: model.Plan, new: model.Plan) -> Callable[[model.ProcessSpec], bool]:
    """Return a predicate: whether a process must restart because ports of other processes have changed.

    True for all if a port has moved, else for those whose command contains the name of an added or removed process.
    """
    before, after = dict(old.siblings), dict(new.siblings)
    moved = any(before[name] != after[name] for name in before.keys() & after.keys())
    news = before.keys() ^ after.keys()
    return lambda spec: spec.kind == model.PROCESS and (moved or any(name in spec.command for name in news))
