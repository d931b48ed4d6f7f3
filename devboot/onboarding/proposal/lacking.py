"""Leaves of a proposal what a written manifest lacks, in the names of that manifest."""

from __future__ import annotations

import posixpath
import re
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import replace
from typing import Any

from devboot.environment.served_port import is_server
from devboot.onboarding.proposal_values import Database, Process, Proposal, PythonInput, Task

_KINDS = ("services", "databases", "tasks", "processes")
_MIGRATES = re.compile(r"migrate\b|\bupgrade\b|init-db")
_ROLE = re.compile(r"\b(celery|rq|dramatiq|huey|arq|taskiq|qcluster)\w*\b(?:.*\b(beat|scheduler)\b)?")


def lacking(proposal: Proposal, manifest: Mapping[str, Any]) -> Proposal:
    """Return what of the proposal the values of a manifest don't have, without notes.

    What is there under another name counts: the service of a recipe, the file of a database, a process that serves.
    """
    has = {kind: _table(manifest, kind) for kind in _KINDS}
    taken = {name for kind in _KINDS for name in has[kind]}
    services = {each.name: name for each in proposal.services for name in _of_recipe(has["services"], each.recipe)}
    databases = dict(_known_databases(proposal.databases, has, services))
    renamed = _Names(services, databases)
    is_silent = "processes" not in manifest and not _table(manifest, "procfile")
    return replace(
        proposal,
        python=_python(proposal.python, _table(manifest, "python")),
        packages=tuple(each for each in proposal.packages if each.name not in _table(manifest, "packages")),
        services=tuple(each for each in proposal.services if each.name not in {*services, *taken}),
        databases=tuple(
            replace(each, service=services.get(each.service, each.service))
            for each in proposal.databases
            if each.name not in {*databases, *taken}
        ),
        env=tuple(
            replace(each, value=renamed.in_text(each.value) if each.value else each.value)
            for each in proposal.env
            if each.name not in _table(manifest, "env")
        ),
        env_files=None if "env-files" in manifest else proposal.env_files,
        tasks=tuple(
            replace(each, depends_on=tuple(renamed.of(name) for name in each.depends_on))
            for each in proposal.tasks
            if each.name not in taken and not _does_the_same(each, has["tasks"])
        ),
        procfile=None,
        processes=tuple(_processes(proposal, has["processes"], taken, is_silent=is_silent)),
        notes=(),
    )


class _Names:
    """Names of the manifest for what the proposal calls otherwise."""

    def __init__(self, services: Mapping[str, str], databases: Mapping[str, str]) -> None:
        self._names = {"services": services, "databases": databases}

    def of(self, name: str) -> str:
        """The manifest's name for a service or database."""
        return next((names[name] for names in self._names.values() if name in names), name)

    def in_text(self, text: str) -> str:
        """A value with the manifest's names in its references."""

        def renamed(match: re.Match[str]) -> str:
            return f"${{{match[1]}.{self._names[match[1]].get(match[2], match[2])}."

        return re.sub(r"\$\{(services|databases)\.([^.}]+)\.", renamed, text)


def _of_recipe(services: Mapping[str, Any], recipe: str) -> Iterator[str]:
    names = [name for name, table in services.items() if table.get("recipe", name) == recipe]
    yield from names[:1]


def _known_databases(
    wanted: Iterable[Database], has: Mapping[str, Any], services: Mapping[str, str]
) -> Iterator[tuple[str, str]]:
    for database in wanted:
        if database.service:
            inner = _table(has["services"], services.get(database.service, database.service), "databases")
            names = [name for name, table in inner.items() if table.get("name", name) == database.database]
        else:
            path = posixpath.normpath(database.path)
            names = [n for n, table in has["databases"].items() if posixpath.normpath(str(table.get("path"))) == path]
        for name in names[:1]:
            yield database.name, name


def _python(python: PythonInput, has: Mapping[str, Any]) -> PythonInput:
    """What of Python a table lacks; where it names a list, what goes with another one is left out."""
    if "requirements" in has:
        return PythonInput(hosts=() if "hosts" in has else python.hosts)
    return replace(
        python,
        version=None if "version" in has else python.version,
        groups=() if "groups" in has else python.groups,
        extras=() if "extras" in has else python.extras,
        packages=() if "packages" in has else python.packages,
        exclude_newer="" if "exclude-newer" in has else python.exclude_newer,
        hosts=() if "hosts" in has else python.hosts,
    )


def _does_the_same(task: Task, tasks: Mapping[str, Any]) -> bool:
    runs = [str(table.get("run", "")) for table in tasks.values()]
    migrates = _MIGRATES.search(task.run) is not None
    return any(run == task.run or (migrates and _MIGRATES.search(run)) for run in runs)


def _processes(
    proposal: Proposal, processes: Mapping[str, Any], taken: Iterable[str], *, is_silent: bool
) -> Iterator[Process]:
    """Processes that nothing in the manifest stands for; none where it says that nothing, or another file, runs."""
    roles = {_role(str(table.get("command", ""))) for table in processes.values()}
    for process in proposal.processes:
        if process.name in taken or not (processes or is_silent):
            continue
        if process.command is None or _role(process.command) not in roles:
            yield process


def _role(command: str) -> str:
    """What a process is there for: two that serve are the same web process."""
    if is_server(command) or "$PORT" in command:
        return "web"
    worker = _ROLE.search(command)
    return f"{worker[1]} {worker[2] or ''}" if worker else command


def _table(values: Mapping[str, Any], *keys: str) -> Mapping[str, Any]:
    for key in keys:
        values = values.get(key, {})
    return values
