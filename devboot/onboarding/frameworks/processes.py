"""Proposes processes from the framework, libraries in use and compose files, for a clone without a Procfile."""

from __future__ import annotations

import posixpath
import re
import sys
from collections.abc import Iterable
from dataclasses import replace
from itertools import islice

from devboot.model.distributions import distributions
from devboot.onboarding.frameworks.framework import Clone
from devboot.onboarding.frameworks.known import TOOLS
from devboot.onboarding.proposal_values import Process
from devboot.onboarding.reading.commands import is_lasting, start_commands
from devboot.onboarding.reading.containers.compose import Compose
from devboot.onboarding.reading.containers.container import Container, without_shell
from devboot.onboarding.reading.containers.image_commands import (
    ALL_ADDRESSES,
    PROGRAM_FOLDER,
    container_command,
    folder_of,
    image_command,
    path_here,
    places_of,
    program_of,
)
from devboot.onboarding.reading.layout import Application, cwd_of
from devboot.onboarding.reading.procfile import LONGEST
from devboot.onboarding.reading.tree import Tree
from devboot.onboarding.symbolic_eval.evaluate import Run

WORKER = re.compile(
    "|".join(pattern.pattern for each in TOOLS for pattern in (each.starts, each.schedules))
    + r"|python[\d.]*\s+(?:-u\s+|-m\s+)?[\w./-]*(?:worker|scheduler|poster|consumer|bot)[\w.]*|"
    r"manage\.py\s+(?!migrate|runserver|collectstatic|test|shell)\w+"
)
OTHER = "other"
NOT_A_WORKER = re.compile(
    r"flower|manage\.py\s+run(?:server\w*)?\b(?!_)|http\.server|uvicorn|gunicorn|migrate|"
    r"collectstatic|createsuperuser|loaddata|pytest|\btest\b|npm|yarn|&&.*runserver|sleep infinity|tail -f|wait-for"
)


def implied(clone: Clone, run: Run) -> list[Process]:
    """Return the processes to propose, web server first; if none, a start command of the image or another file."""
    tree, app = clone.tree, clone.app
    web = clone.framework.web(clone)
    composed = composed_workers(tree, clone.compose, app)
    found = [*([web] if web else []), *_merge(list(_workers(clone, run)), composed)]
    return (
        found
        or _programs(tree, clone.compose, app)
        or [
            Process("app", command, cwd_of(app), None, where)
            for command, where in islice((*filter(None, [image_command(tree, app)]), *start_commands(tree, app)), 1)
        ]
    )


def _workers(clone: Clone, run: Run) -> Iterable[Process]:
    """Yield the workers of all libraries; if two have the same name, the second is named after its library, too."""
    taken: set[str] = set()
    for library in TOOLS:
        for process in library.workers(clone, run):
            name = process.name if process.name not in taken else f"{library.name}-{process.name}"
            taken.add(name)
            yield replace(process, name=name)


def _programs(tree: Tree, compose: Compose, app: Application) -> list[Process]:
    """Return the clone's programs that containers run, for a clone in which no known library implies a process."""
    found: dict[str, Process] = {}
    for container in compose.containers:
        if container.is_optional or not (container.is_built or container.mounts_all):
            continue
        command = program_of(tree, container, app.folder)
        if command and command not in (each.command for each in found.values()) and is_lasting(command):
            name = _name(container)
            found.setdefault(name, Process(name, command, cwd_of(app), None, container.evidence))
    return list(found.values())


def composed_workers(tree: Tree, compose: Compose, app: Application) -> list[Process]:
    """Return the workers and schedulers of the clone that compose runs, with commands for this machine."""
    found: list[Process] = []
    for container in compose.containers:
        command, folder = command_here(tree, app, container)
        if not command or container.is_optional or (not container.is_built and container.image and container.recipe):
            continue
        if not WORKER.search(command) or NOT_A_WORKER.search(command) or program_is_foreign(command):
            continue
        if _is_absent(tree, posixpath.normpath(posixpath.join(app.root, folder)), command):
            continue
        found.append(Process(_name(container), command, folder, None, container.evidence))
    return found


def command_here(tree: Tree, app: Application, container: Container) -> tuple[str, str]:
    """Return a container's command for this machine, "" for none, and its folder relative to the manifest."""
    folder = _folder_here(tree, app, container)
    if len(container.command) > LONGEST:
        return "", folder
    command = container_command(tree, container, posixpath.normpath(posixpath.join(app.root, folder)))
    command = PROGRAM_FOLDER.sub("", _cleaned(without_shell(command)))
    return ALL_ADDRESSES.sub("127.0.0.1", command), folder


def _folder_here(tree: Tree, app: Application, container: Container) -> str:
    working = path_here(tree, folder_of(tree, container), places_of(tree, container), ".")
    if working == "." or (working and tree.is_folder(working)):
        return posixpath.relpath(working, app.root)
    program = re.search(r"python[\d.]*\s+(?:-u\s+)?(?:-m\s+([\w.]+)|([\w/.-]+\.py)\b)", container.command)
    file = program[2] or program[1].replace(".", "/") if program else ""
    folders = [each for each in (app.folder, app.root) if file and _has_program(tree, posixpath.join(each, file))]
    context = container.context
    # With a folder that only the image has, the one that is built is nearer than the application's
    is_nearer = container.folder if context == "." else context and tree.is_folder(context)
    if is_nearer and not folders:
        folders = [context]
    return posixpath.relpath(folders[0], app.root) if folders else cwd_of(app)


def _has_program(tree: Tree, path: str) -> bool:
    return any(tree.exists(posixpath.normpath(path + ending)) for ending in ("", ".py", "/__main__.py"))


def _is_absent(tree: Tree, folder: str, command: str) -> bool:
    """Return whether a command runs, with `-m`, a module that neither the clone nor a known package has."""
    named = re.search(r"(?:^|\s)python[\d.]*\s+(?:-u\s+)?-m\s+(\w+)((?:\.\w+)*)(?:\s|$)", command)
    if named is None or named[1] in sys.stdlib_module_names or named[1] in distributions():
        return False
    here = (posixpath.normpath(posixpath.join(place, named[1])) for place in (folder, ".", "src"))
    return not any(tree.exists(f"{path}.py") or tree.is_folder(path) for path in here)


def program_is_foreign(command: str) -> bool:
    """Return whether a command starts a script that is only in the container image."""
    first = command.split(maxsplit=1)[0] if command.split() else ""
    return first.startswith(("/", "./")) and not first.endswith("manage.py")


def _name(container: Container) -> str:
    command = container.command
    if re.search(r"celery\b.*\bbeat\b", command) and " worker" not in command:
        return "beat"
    if any(library.starts.search(command) for library in TOOLS):
        return "worker"
    return re.sub(r"[^a-z0-9-]+", "-", container.name.lower()).strip("-")


def _cleaned(command: str) -> str:
    """Return a container's command for this machine: without `sleep 5 &&`, `poetry run`, log files, users."""
    command = re.sub(r"^(?:uv|poetry|pipenv|pdm)\s+run\s+(?:--\S+\s+)*", "", command)
    # Compose expands variables before any shell interprets the quotes
    command = re.sub(r"'([^']*\$[^']*)'", r'"\1"', command).replace("$$", "$")
    command = re.sub(r"^watchmedo\s.*?\s--\s+", "", command)
    command = re.sub(r"^(?:sleep\s+\d+\s*(?:;|&&)\s*)", "", command)
    command = re.sub(r"\s--?(?:logfile|pidfile|f)[= ]\S+", "", command)
    command = re.sub(r"\s--(?:workdir|chdir)[= ]/\S*", "", command)  # a folder of the container
    command = re.sub(r"\s--(?:uid|gid)[= ]\S+", "", command)  # only root can change the user
    return re.sub(r"^python3(?:\.\d+)?\s", "python ", command)


def _merge(workers: list[Process], composed: list[Process]) -> list[Process]:
    """Return workers, replaced by compose's commands of the same kind; each kind is kept once."""
    found: dict[str, Process] = {process.name: process for process in workers}
    for process in composed:
        command = process.command or ""
        kind = kind_of_worker(command)
        rivals = [
            name for name, known in found.items() if kind_of_worker(known.command or "") == kind and kind != OTHER
        ]
        if rivals and kind.startswith("celery"):
            is_convention = found[rivals[0]] in workers
            name = rivals[0] if is_convention else _name_by_queue(process, [found[each] for each in rivals])
            if is_convention or name not in found:
                found[name] = replace(process, name=name)
        elif not rivals:
            found.setdefault(process.name, process)
    commands = [process.command or "" for process in found.values()]
    if any(re.search(r"celery\b.*\bworker\b.*\s(?:-B|--beat)\b", command) for command in commands):
        found = {
            name: process
            for name, process in found.items()
            if kind_of_worker(process.command or "") != "celery scheduler"
        }
    return list(found.values())


def _name_by_queue(process: Process, rivals: list[Process]) -> str:
    """Return the name for a further Celery worker, by its queue if it serves other queues than its rivals."""
    queues, theirs = _queues(process), [_queues(rival) for rival in rivals]
    if not queues or not all(theirs) or any(set(queues) & set(each) for each in theirs):
        return process.name
    return "worker-" + re.sub(r"[^a-z0-9-]+", "-", queues[0].lower()).strip("-")


def _queues(process: Process) -> list[str]:
    match = re.search(r"\s(?:-Q\s*|--queues[= ])(\S+)", process.command or "")
    return match[1].split(",") if match else []


def kind_of_worker(command: str) -> str:
    """Return library and role of the worker that a command starts, as `celery scheduler`; OTHER if it starts none."""
    return next(iter(kinds_of_worker(command)), OTHER)


def kinds_of_worker(command: str) -> list[str]:
    """Return all kinds of worker that a command starts; a Celery worker may also be a scheduler."""
    schedulers = [f"{each.name} scheduler" for each in TOOLS if each.schedules.search(command)]
    return schedulers + [f"{each.name} worker" for each in TOOLS if each.starts.search(command)]
