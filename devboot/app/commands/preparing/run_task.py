"""Slow path of `run`: starts a task's dependencies if they aren't running, and stops them afterwards."""

from __future__ import annotations

import json
import os
from collections.abc import Callable, Mapping, Sequence
from typing import Any

from devboot import snapshot as snapshots
from devboot.app.commands.preparing.attached_run import foreground, quiet_call, with_daemon
from devboot.app.commands.run import become, task_command, unknown_task
from devboot.app.fast import daemon_connection
from devboot.app.fast.call import Call
from devboot.app.preparation.prepare import Prepared
from devboot.daemon.client import NoAnswerError
from devboot.environment.tasks import asked_first, needs
from devboot.errors import UsageError
from devboot.model.edge.manifest.tables import Task
from devboot.model.nearest import nearest
from devboot.model.process import EXITED, FAILED, GAVE_UP, READY, RUNNING, STOPPED, TASK
from devboot.supervisor.core.graph import closure

_UP, _ENDED = (RUNNING, READY), (STOPPED, EXITED, FAILED, GAVE_UP)
_SKIPPED = {"code": 0}  # it had nothing to do


def run(call: Call, prepared: Prepared, cwd: str) -> int:
    """Run a command (`-- CMD…`) or a task (`TASK [--] ARGS…`) with its dependencies; return its exit code.

    That is 128 + n after signal n. Raises UsageError.
    """
    environ = snapshots.apply(prepared.snapshot.patch, call.environ)
    args = call.args
    if not args:
        raise UsageError("usage/argument", "`run` needs a task, or a command after `--`", help=["devboot help run"])
    if args[0] == "--":
        if not args[1:]:
            raise UsageError(
                "usage/argument", "there is no command after `--`", help=["devboot run -- python --version"]
            )
        return become(args[1:], environ, cwd, prepared.snapshot) or 0
    task = task_called(args[0], prepared.composed.tasks)
    rest = args[2:] if args[1:2] == ("--",) else args[1:]
    folder = _folder(call, task)
    first = _earlier_tasks(args[0], prepared)
    needed = _dependencies_of((*first, args[0]), prepared)
    command = task_command(task.run, rest)
    if not needed and not first:
        return become(command, environ, folder) or 0

    def work() -> int:
        for name in first:
            earlier = prepared.composed.tasks[name]
            code = foreground(task_command(earlier.run, ()), environ, _folder(call, earlier))
            if code:
                return code
        return foreground(command, environ, folder)

    return _run_with(call, prepared, needed, environ, work) if needed else work()


def task_called(name: str, tasks: Mapping[str, Task]) -> Task:
    """Return the task with this name. Raises UsageError `usage/unknown-task`."""
    if name in tasks:
        return tasks[name]
    near = nearest(name, tasks)
    raise UsageError("usage/unknown-task", f"there is no task `{name}`", help=unknown_task(name, near, tasks))


def _folder(call: Call, task: Task) -> str:
    return os.path.normpath(os.path.join(call.root, task.cwd))


def _earlier_tasks(name: str, prepared: Prepared) -> tuple[str, ...]:
    """Return the tasks to run before the task `name` that aren't part of the plan; they run here, in order."""
    planned = {spec.name for spec in prepared.composed.plan.processes}
    return tuple(each for each in asked_first(name, prepared.composed.tasks) if each not in planned)


def _dependencies_of(names: Sequence[str], prepared: Prepared) -> tuple[str, ...]:
    """Return the names of all dependencies of these tasks that are in the plan, direct and indirect."""
    specs = prepared.composed.plan.processes
    wanted = [needed for name in names for needed in needs(name, prepared.composed.tasks)]
    served = prepared.loaded.manifest.served.items()
    wanted += [name for name, database in served if database.service in wanted]
    found = closure(wanted, {spec.name: spec for spec in specs})
    return tuple(spec.name for spec in specs if spec.name in found)


def _run_with(
    call: Call, prepared: Prepared, needed: Sequence[str], environ: Mapping[str, str], work: Callable[[], int]
) -> int:
    """Start the processes `needed`, call `work`, return its exit code; a daemon started for it ends with it."""
    known = _statuses(call)
    if known is None:
        plan = prepared.composed.plan
        part = plan._replace(processes=tuple(spec for spec in plan.processes if spec.name in needed))
        return with_daemon(call, part, environ, None, work)
    late = tuple(name for name in needed if not _is_up_or_done(known.get(name)))
    ours = tuple(name for name in late if name not in known or known[name]["phase"] in _ENDED)
    try:
        return (_ask(call, "have", late) if late else 0) or work()
    finally:
        if ours:
            _ask(call, "stop", ours)


def _is_up_or_done(status: Mapping[str, Any] | None) -> bool:
    """Return whether a process is up, or a task has succeeded, by its row of `ps --json`."""
    if status is None:
        return False
    done = status["kind"] == TASK and status["phase"] == EXITED and (status["last_exit"] or _SKIPPED)["code"] == 0
    return done or status["phase"] in _UP


def _statuses(call: Call) -> dict[str, Mapping[str, Any]] | None:
    """Return the rows of the daemon's `ps --json`, by name; None without a daemon.

    Raises BusyError `daemon/no-answer`: its processes must not be started a second time.
    """
    found = daemon_connection.meet(call)
    if found.client is None:
        if found.lease is not None and found.lease.is_alive:
            raise daemon_connection.silent_daemon(call)
        return None
    answer = bytearray()
    try:
        found.client.ask({"command": "ps", "names": [], "view": {**call.view(), "json": True}})
        found.client.welcome()
        found.client.copy(lambda number, data: answer.extend(data) if number == 1 else None)
    except NoAnswerError:
        raise daemon_connection.silent_daemon(call) from None
    finally:
        found.client.close()
    return {entry["name"]: entry for entry in json.loads(answer)["processes"]}


def _ask(call: Call, command: str, names: tuple[str, ...]) -> int:
    found = daemon_connection.meet(call)
    return daemon_connection.answer(quiet_call(call, command, names), found.client) if found.client is not None else 0
