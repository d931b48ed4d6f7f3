"""Compares a proposed manifest with a written one: returns the tables and keys that the written one lacks."""

from __future__ import annotations

import posixpath
import re
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import replace
from typing import Any

from devboot.environment.ports.guess import is_server
from devboot.onboarding.frameworks.processes import kinds_of_worker
from devboot.onboarding.frameworks.tasks import MIGRATES
from devboot.onboarding.front_ends.front_end import RUNS_NODE
from devboot.onboarding.proposal.references import names_of, refers_to, refuse_foreign_references
from devboot.onboarding.proposal_values import Database, Process, Proposal, PythonInput, Task

_KINDS = ("services", "databases", "tasks", "processes")
_ALL = ("processes", "services")  # in `before` they mean all of a kind
_SCRIPT = re.compile(r"(?:^|\s)python[\d.]*\s+(?:-u\s+)?(?:-m\s+([\w.]+)|([\w./-]+\.py)\b)")


def lacking(proposal: Proposal, manifest: Mapping[str, Any]) -> Proposal:
    """Return the parts of a proposal that a written manifest lacks, without notes.

    Parts with another name count as present: the service of a recipe, the file of a database, a process that serves.
    References in the result use the manifest's names; parts with unresolvable references are left out.
    """
    proposal = refuse_foreign_references(proposal)
    has = {kind: _table(manifest, kind) for kind in _KINDS}
    taken = {name for kind in _KINDS for name in has[kind]}
    services = {each.name: name for each in proposal.services for name in _of_recipe(has["services"], each.recipe)}
    databases = dict(_known_databases(proposal.databases, has, services))
    processes = dict(_known_processes(proposal.processes, has["processes"]))
    tasks = dict(_known_tasks(proposal.tasks, has["tasks"]))
    files = {name for name, table in has["databases"].items() if "service" not in table}
    files &= {each.name for each in proposal.databases if each.service} - {*databases}
    others = (_names_of_others(proposal, has) | files) - {*services, *databases, *processes, *tasks}
    renamed = _Names(services, databases, processes, tasks)
    path = _table(manifest, "procfile").get("path", proposal.procfile)
    lines = {line.name for line in proposal.lines} if path == proposal.procfile else set[str]()
    runs_nothing = "processes" in manifest and not has["processes"]
    says_what_runs = runs_nothing or (_table(manifest, "procfile") and not has["processes"])
    missing = replace(
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
            replace(
                each,
                before=tuple(renamed.of(name) for name in each.before if name not in others),
                depends_on=tuple(renamed.of(name) for name in each.depends_on if name not in others),
            )
            for each in proposal.tasks
            if each.name not in {*tasks, *taken}
        ),
        procfile=None,
        processes=tuple(
            replace(
                each,
                env={name: renamed.in_text(text) for name, text in each.env.items()},
                listens=renamed.in_text(each.listens),
                depends_on={renamed.of(name): until for name, until in each.depends_on.items() if name not in others},
            )
            for each in proposal.processes
            if each.name not in {*processes, *taken}
            and not says_what_runs
            and (each.command is not None or each.name in lines)
        ),
        notes=(),
    )
    without_files = {name: table for name, table in has["databases"].items() if name not in files}
    return _without_unknown_names(missing, {**has, "databases": without_files}, lines)


def _names_of_others(proposal: Proposal, has: Mapping[str, Mapping[str, Any]]) -> set[str]:
    """Return the proposal's names that the manifest uses for another kind of thing, as a process for a service."""
    own = {
        *(("services", each.name) for each in proposal.services),
        *(("databases", each.name) for each in proposal.databases),
        *(("tasks", each.name) for each in proposal.tasks),
        *(("processes", each.name) for each in proposal.processes),
    }
    taken = {name: kind for kind in _KINDS for name in has[kind]}
    return {name for kind, name in own if taken.get(name, kind) != kind}


def _without_unknown_names(missing: Proposal, has: Mapping[str, Mapping[str, Any]], lines: Iterable[str]) -> Proposal:
    """Return the proposal without parts that refer to names which neither the manifest nor the proposal has."""
    own = names_of(replace(missing, lines=()))
    inner = {name for table in has["services"].values() for name in _table(table, "databases")}
    names = {kind: {*found, *has[kind]} for kind, found in own.items()}
    names["databases"] |= inner
    names["processes"] |= {*lines}
    known = {name for found in names.values() for name in found} | {*has["tasks"], *_ALL}
    known |= {each.name for each in missing.tasks}

    def is_known(text: str) -> bool:
        return all(name in names.get(kind, ()) for kind, name in refers_to(text))

    return replace(
        missing,
        env=tuple(each for each in missing.env if is_known(each.value or "")),
        tasks=tuple(
            replace(
                each,
                before=tuple(name for name in each.before if name in known),
                depends_on=tuple(name for name in each.depends_on if name in known),
            )
            for each in missing.tasks
            if not each.before or any(name in known for name in each.before)
        ),
        processes=tuple(
            replace(
                each,
                env={name: text for name, text in each.env.items() if is_known(text)},
                listens=each.listens if is_known(each.listens) else "",
                depends_on={name: until for name, until in each.depends_on.items() if name in known},
            )
            for each in missing.processes
        ),
    )


class _Names:
    """Maps names in the proposal to the manifest's names for the same parts."""

    def __init__(
        self,
        services: Mapping[str, str],
        databases: Mapping[str, str],
        processes: Mapping[str, str],
        tasks: Mapping[str, str],
    ) -> None:
        self._names = {"services": services, "databases": databases, "processes": processes, "tasks": tasks}

    def of(self, name: str) -> str:
        """Return the manifest's name for a service, database, process or task of the proposal."""
        return next((names[name] for names in self._names.values() if name in names), name)

    def in_text(self, text: str) -> str:
        """Return a value with the names in its references replaced by the manifest's."""

        def renamed(match: re.Match[str]) -> str:
            return f"${{{match[1]}.{self._names[match[1]].get(match[2], match[2])}."

        return re.sub(r"\$\{(services|databases|processes)\.([^.}]+)\.", renamed, text)


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
    """Return the Python settings that the manifest's table lacks; if it names a list, no settings of other lists."""
    if "requirements" in has:
        return PythonInput(hosts=() if "hosts" in has else python.hosts)
    return replace(
        python,
        groups=() if "groups" in has else python.groups,
        extras=() if "extras" in has else python.extras,
        packages=() if "packages" in has else python.packages,
        oldest="" if "version" in has else python.oldest,
        exclude_newer="" if "exclude-newer" in has else python.exclude_newer,
        hosts=() if "hosts" in has else python.hosts,
    )


def _known_tasks(tasks: Iterable[Task], has: Mapping[str, Any]) -> Iterator[tuple[str, str]]:
    """Yield (proposal's name, manifest's name) of tasks that the manifest has."""
    for task in tasks:
        migrates = MIGRATES.search(task.run) is not None
        for name, table in has.items():
            run = str(table.get("run", ""))
            if run == task.run or (migrates and MIGRATES.search(run)):
                yield task.name, name
                break


def _known_processes(processes: Iterable[Process], has: Mapping[str, Any]) -> Iterator[tuple[str, str]]:
    """Yield (proposal's name, manifest's name) of processes that do the same as one in the manifest."""
    roles: dict[str, str] = {}
    for name, table in has.items():
        for role in _roles(str(table.get("command", ""))):
            roles.setdefault(role, name)
    for process in processes:
        role = _roles(process.command)[-1] if process.command else ""
        if role in roles:
            yield process.name, roles[role]


def _roles(command: str) -> list[str]:
    """Return the roles of a command, such as web server; commands with the same role do the same."""
    if RUNS_NODE.search(command):
        return ["front end"]
    if is_server(command) or "$PORT" in command:
        return ["web"]
    script = _SCRIPT.search(command)
    if kinds := kinds_of_worker(command):
        return kinds
    if script is None or "manage.py" in command:
        return [command]
    return [f"script {script[1] or script[2].removeprefix('./').removesuffix('.py').replace('/', '.')}"]


def _table(values: Mapping[str, Any], *keys: str) -> Mapping[str, Any]:
    for key in keys:
        values = values.get(key, {})
    return values
