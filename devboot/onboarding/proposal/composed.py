"""Notes about programs of compose files that a proposal lacks; each key of compose is used or mentioned."""

from __future__ import annotations

import re
from collections.abc import Collection, Iterator
from dataclasses import replace

from devboot.errors import shell_word
from devboot.onboarding.frameworks.framework import Clone
from devboot.onboarding.frameworks.tasks import MIGRATES
from devboot.onboarding.libraries import known_servers
from devboot.onboarding.proposal.composed_servers import notes_on_server, other_keys, published
from devboot.onboarding.proposal_values import Database, Evidence, Note, Process, Service, Task
from devboot.onboarding.reading.containers.compose_keys import TOP_KEYS, unknown
from devboot.onboarding.reading.containers.container import Container
from devboot.onboarding.reading.containers.image_commands import container_command
from devboot.onboarding.reading.layout import cwd_of

_MOST_COMMANDS = 3
_SERVES = re.compile(
    r"\b(?:gunicorn|uvicorn|hypercorn|daphne|waitress-serve|runserver|flask\b.* run|fastapi (?:dev|run))\b"
)
_PROGRAM = re.compile(
    r"^(?:python[\d.]*(?! -(?:\s|$))|(?:\S*/)?manage\.py|flask|django-admin|alembic|aerich|celery|\S+\.sh|(?:ba|da)?sh)"
    r"(?:\s|$)"
)
# Commands needed only in images, commands that wait, and commands that change the clone's files
_NEEDLESS = re.compile(
    r"collectstatic|compilemessages|makemigrations|\bcheck\b|wait[-_]?for|wait_\w*db|pre_start|-m\s+(?:pip|debugpy)|"
    r"(?:^|\s)--version\b|manage\.py\s+(?:help|shell|test)"
)


def left_out(
    clone: Clone,
    services: Collection[Service],
    processes: Collection[Process],
    databases: Collection[Database],
    tasks: Collection[Task],
    read: Collection[str],
) -> list[Note]:
    """Return notes about parts of compose files that the proposal lacks or that can't be read.

    `read` has the env files that are read, relative to the clone. With a Procfile, programs outside of it need no
    note.
    """
    compose = clone.compose
    notes = [Note(each.text, each.place, warns=True) for each in compose.unread]
    running = {(each.evidence.path, each.evidence.line): each for each in processes if each.evidence and each.command}
    by_name = {each.name: each for each in processes}
    foreign: list[Container] = []
    said: set[str] = set()
    for container in compose.containers:
        if container.recipe is not None and not container.is_built:
            if any(each.recipe == known_servers()[container.recipe].recipe for each in services):
                notes += notes_on_server(clone, container, databases, tasks)
            continue
        process = running.get((container.path, container.line)) or by_name.get(container.name)
        if process is None and _SERVES.search(container.command):
            process = by_name.get("web")
        if process is None and not container.is_built and not container.mounts_all and container.image:
            foreign.append(container)
        elif process is not None or clone.procfile is None:
            notes += _of_program(clone, container, process, tasks, read, said)
    if foreign and clone.procfile is None:
        shown = ", ".join(f"`{each.name}` ({each.image})" for each in foreign)
        text = f"compose: {shown} {'is' if len(foreign) == 1 else 'are'}n't started"
        notes.append(Note(text, foreign[0].evidence))
    for path, document in compose.documents:
        if others := ", ".join(f"`{key}`" for key in unknown(document, TOP_KEYS)):
            notes.append(Note(f"compose: {others} at the top of the file is unknown to devboot", Evidence(path)))
    return notes


def _of_program(
    clone: Clone,
    container: Container,
    process: Process | None,
    tasks: Collection[Task],
    read: Collection[str],
    said: set[str],
) -> Iterator[Note]:
    """Yield notes about a container that runs the clone's code; `said` has commands that earlier notes mention."""
    name = container.name
    is_task = process is None and _is_done(container.command, tasks)
    if process is None and container.command and not is_task:
        profile = ", as in compose without its profile" if container.is_optional else ""
        yield Note(
            f"compose: `{name}` isn't started{profile}; compose runs it as `{container.command}`", container.evidence
        )
    folder = "" if cwd_of(clone.app) == "." else f"cd {shell_word(cwd_of(clone.app))} && "
    first = [each for each in container.before if _PROGRAM.search(each[0]) and each[0] not in said]
    for command, where in [each for each in first if not _is_done(each[0], tasks)][:_MOST_COMMANDS]:
        said.add(command)
        here = container_command(clone.tree, replace(container, command=command), clone.app.folder)
        yield Note(
            f"compose: `{name}` first runs a command of its own; to run it here: `{folder}devboot run -- {here}`", where
        )
    missed = list(_missed(container, process, read))
    if missed and not (is_task and container.command):
        yield Note(f"compose: ignored of `{name}`: {'; '.join(missed)}", container.evidence)


def _missed(container: Container, process: Process | None, read: Collection[str]) -> Iterator[str]:
    files = [file for file in container.env_files if container.beside(file) not in read]
    if files:
        yield "variables of " + ", ".join(f"`{file}`" for file in files)
    if container.copies > 1:
        known = process.name if process is not None else container.name
        yield f"{container.copies} copies (`devboot up -m {known}={container.copies}`)"
    check = container.values.get("healthcheck")
    if isinstance(check, dict) and check.get("disable") != "true" and check.get("test") not in ("NONE", ["NONE"]):
        yield "a healthcheck (`ready` under its process)"
    ports = [port for port in map(published, container.ports) if port and process is None]
    if ports:
        yield "port " + ", ".join(ports)
    yield from other_keys(container)


def _is_done(command: str, tasks: Collection[Task]) -> bool:
    """Return True if a task already does what a container's command does, or if the command isn't needed here."""
    return _NEEDLESS.search(command) is not None or any(
        task.run == command or (MIGRATES.search(command) and MIGRATES.search(task.run)) for task in tasks
    )
