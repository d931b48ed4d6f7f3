"""Slow-path entry points for the fast commands."""

from __future__ import annotations

import os
from collections.abc import Mapping, Sequence
from importlib import import_module

from devboot import snapshot
from devboot.app.arguments import Invocation
from devboot.app.command_table import Command
from devboot.app.commands.run import become, from_snapshot, task_command, unknown_task
from devboot.cli.session import Session
from devboot.errors import UsageError, WorkError, shell_word
from devboot.model.nearest import nearest
from devboot.state.project import Project, find_project


def carry_out(command: Command, invocation: Invocation, session: Session) -> int | None:
    """Run a fast command's module in the slow path; return its exit code, None if that needs a preparation."""
    module = import_module(command.fast)
    project = find_project(session.context.cwd, session.context.environ)
    code = module.carry_out(session.call(command.name, invocation.args, invocation.values, project))
    return code if code is None else int(code)


def run(words: Sequence[str], session: Session, *, no_sync: bool) -> int | None:
    """Replace this process by the command of `run`, using a fresh snapshot, or any snapshot with `no_sync`.

    Returns None if there is no such snapshot, so that the project has to be prepared; else an exit code.

    Raises WorkError `sync/needed` if `no_sync` finds no snapshot at all, and UsageError.
    """
    project, environ = find_project(session.context.cwd, session.context.environ), session.context.environ
    if not words:
        raise _nothing_named(project)
    os.chdir(session.context.cwd)  # -C: the command starts there
    if no_sync:
        return _run_as_it_is(tuple(words), project, environ)
    return from_snapshot(project.root, project.state, words, environ) if project.manifest else None


def _nothing_named(project: Project) -> UsageError:
    known = snapshot.read(os.path.join(project.state, snapshot.NAME))
    names = [] if known is None else sorted(f"`{task[0]}`" for task in known.tasks)
    there = [f"the tasks are {', '.join(names)}"] if names else []
    return UsageError(
        "usage/argument", "`run` needs a task, or a command after `--`", help=[*there, "`devboot help run`"]
    )


def _run_as_it_is(words: Sequence[str], project: Project, environ: Mapping[str, str]) -> int | None:
    known = snapshot.read(os.path.join(project.state, snapshot.NAME))
    if known is None:
        raise WorkError("sync/needed", "this project has not been synced yet", help=["devboot sync"])
    patched = snapshot.apply(known.patch, environ)
    if words[0] == "--":
        return become(words[1:], patched, known=known) or 0
    for name, text, folder, _ in known.tasks:
        if words[0] == name:
            rest = words[2:] if words[1:2] == ("--",) else words[1:]
            return become(task_command(text, rest), patched, folder) or 0
    tasks = [task[0] for task in known.tasks]
    advice = unknown_task(words[0], nearest(words[0], tasks), tasks)
    advice.append(f"devboot run {shell_word(words[0])}   # if the task is newer than the last sync")
    raise UsageError("usage/unknown-task", f"there is no task `{words[0]}`", help=advice)
