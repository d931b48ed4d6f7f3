"""Assembles the import of compose files: a proposed manifest, and the report."""

from __future__ import annotations

import posixpath
from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import NamedTuple

from devboot.onboarding.compose_import import programs as running, servers as serving
from devboot.onboarding.compose_import.addresses import URL, Target
from devboot.onboarding.compose_import.environment import Environment, environment_of
from devboot.onboarding.compose_import.fidelity import APPROXIMATED, IN_DOCKER, NO_EQUIVALENT, Fidelity
from devboot.onboarding.compose_import.mistakes import refuse_mistakes
from devboot.onboarding.compose_import.places import Entries
from devboot.onboarding.compose_import.program_report import report_program
from devboot.onboarding.compose_import.server_report import foreign, report_server
from devboot.onboarding.frameworks.framework import Clone
from devboot.onboarding.frameworks.tasks import MIGRATES
from devboot.onboarding.proposal.composed_servers import with_first_data
from devboot.onboarding.proposal.detect import DEFAULT_FILES, detect, look_around
from devboot.onboarding.proposal_values import Note, Package, Proposal, PythonInput, Service, Task, Variable
from devboot.onboarding.reading.containers.compose import Compose, interpolated, read_compose
from devboot.onboarding.reading.containers.container import Container, texts
from devboot.onboarding.reading.dotenv import EnvFiles, may_be_secret
from devboot.onboarding.reading.layout import INPUTS
from devboot.onboarding.reading.tree import Tree
from devboot.onboarding.services.unavailable import known_versions, nearest_version
from devboot.recipes import RecipeFolders, bundled_folder

_TOOLS = ("node", "bun", "deno")


class Imported(NamedTuple):
    """The proposed manifest for compose files, and a verdict on each of their entries.

    `composed` is the part of it that comes from the compose files, without what is detected.
    """

    proposal: Proposal
    report: tuple[Fidelity, ...]
    composed: Proposal


def import_compose(
    root: Path, paths: Sequence[str], *, profiles: Collection[str] = (), environ: Mapping[str, str]
) -> Imported:
    """Convert the compose files `paths` (relative to `root`) to a proposed manifest and a report; write nothing.

    Later files are merged into the first one. Services with a profile are included for the given `profiles`, `*` for
    all. What compose files don't contain, such as lists of packages, is detected. `environ` is for git alone. Raises
    Problems for mistakes in the files.
    """
    clone = look_around(root, environ=environ)
    detected = detect(root, environ=environ, clone=clone)
    values = dict(_values(clone.files))
    compose = read_compose(clone.tree, (), tuple(paths), {k: v for k, v in values.items() if not may_be_secret(k, v)})
    refuse_mistakes(clone.tree, compose)
    if str(detected.root) != str(clone.tree.root):
        detected = _seen_from_above(detected, clone.app.root)
    clone = replace(clone, compose=compose, app=replace(clone.app, root="."))
    return _Import(clone, compose, detected, values, profiles).result()


def _values(files: EnvFiles) -> Iterator[tuple[str, str]]:
    """Yield the values of env files; those of a template count more than those of files that git doesn't track."""
    yield from ((name, each.text) for name, each in files.examples.items())
    for name, each in files.committed.items():
        if name not in files.local or name not in files.examples:
            yield name, each.text


def _seen_from_above(detected: Proposal, folder: str) -> Proposal:
    """Return a proposal detected in a subfolder, with its paths changed for a manifest in the clone's root."""
    lists = tuple(posixpath.normpath(posixpath.join(folder, each)) for each in detected.python.requirements)
    python = PythonInput(requirements=lists, version=detected.python.version, packages=detected.python.packages)
    return Proposal(
        detected.root, detected.name, framework=detected.framework, python=python, packages=detected.packages
    )


class _Import:
    """State of one import."""

    def __init__(
        self, clone: Clone, compose: Compose, detected: Proposal, values: Mapping[str, str], profiles: Collection[str]
    ) -> None:
        self.clone, self.compose, self.detected, self.values = clone, compose, detected, values
        self.entries = Entries(clone.tree, compose)
        chosen = _chosen(compose.containers, profiles)
        self.left = [each for each in compose.containers if each.name not in chosen]
        self.containers = [each for each in compose.containers if each.name in chosen]
        self.python = _python(clone, self.containers, detected.python)
        wanted = _databases_in_urls(self.containers, values)
        self.servers = serving.servers_of(self.containers, detected, wanted, clone.packages)
        self.stand_ins = {each.kind.recipe: each.service.name for each in reversed(self.servers)}
        taken = {each.service.name for each in self.servers} | {each.name for each in detected.databases}
        taken |= {database.name for each in self.servers for database in each.databases}
        has_venv = bool(self.python.requirements or self.python.packages)
        self.programs = running.programs_of(clone, self.containers, taken, has_venv=has_venv)
        self.names = {each.container.name: each.service.name for each in self.servers}
        self.names |= {each.container.name: each.name for each in self.programs}

    def result(self) -> Imported:
        """Return the proposed manifest and the report."""
        detected, programs = self.detected, self.programs
        known = {each.name: self._led(each) for each in detected.env}
        secrets = dict(self._secrets())
        environment = environment_of(
            self.clone.tree, programs, tuple(self._targets()), self.values, secrets, known, self.entries
        )
        services = self._services(environment)
        databases = (
            *(
                each
                for each in detected.databases
                if not any(each.service == server.kind.recipe for server in self.servers)
            ),
            *(database for each in self.servers for database in each.databases),
        )
        databases, tasks = with_first_data(self.clone, services, databases, self._tasks())
        replaced = {each.container.name for each in self.servers}
        processes = [running.process_of(each, self.names, programs, replaced) for each in programs if not each.is_task]
        processes = [replace(each, env=environment.own.get(each.name, {})) for each in processes]
        for server in self.servers:
            report_server(self.clone, server, tasks, self.entries)
        packages = tuple(_packages(programs, detected.packages))
        versions = {each.name: each.version for each in packages} | {"python": self.python.version or ""}
        for program in programs:
            self._report_files(program.container, secrets)
            report_program(self.clone, program, self.names, replaced, versions, self.entries)
        notes = list(self._report_others())
        self.entries.add_top()
        proposal = replace(
            detected,
            root=self.clone.tree.root,
            name=self.clone.tree.root.name,
            python=self.python,
            packages=packages,
            services=services,
            databases=databases,
            env=(*(each for name, each in known.items() if name not in environment.known), *environment.env.values()),
            env_files=_env_files(self.clone.tree, environment.files),
            tasks=tuple(tasks),
            procfile=None,
            lines=(),
            processes=tuple(processes),
            notes=tuple(notes),
        )
        return Imported(proposal, self.entries.report(), self._composed(proposal, environment))

    def _composed(self, proposal: Proposal, environment: Environment) -> Proposal:
        names = {each.service.name for each in self.servers}
        own = {each.name for each in self.programs}
        paths = {path for path, _ in self.compose.documents}
        return replace(
            proposal,
            python=PythonInput(),
            packages=tuple(
                each for each in proposal.packages if each.evidence is not None and each.evidence.path in paths
            ),
            services=tuple(each for each in proposal.services if each.name in names),
            databases=tuple(each for each in proposal.databases if each.service in names),
            env=tuple(environment.env.values()),
            tasks=tuple(each for each in proposal.tasks if each.name in own or each.once),
        )

    def _targets(self) -> Iterator[Target]:
        for each in self.servers:
            yield Target(each.container, each.kind, each.service.name, each.databases)
        known = {each.container.name for each in self.servers}
        for program in self.programs:
            known.add(program.container.name)
            yield Target(program.container, process=program.name, port=program.port)
        for container in (*self.containers, *self.left):
            if container.name not in known:
                yield Target(container, ports=dict(serving.published_ports(container)))

    def _services(self, environment: Environment) -> tuple[Service, ...]:
        found = [
            replace(
                each.service,
                is_open=serving.is_open(each.container)
                or (not each.kind.libpq and environment.needs_open(each.kind, each.service)),
            )
            for each in self.servers
        ]
        return (*found, *(each for each in self.detected.services if each.recipe not in self.stand_ins))

    def _led(self, variable: Variable) -> Variable:
        """Return a detected variable with the imported service in place of the detected one that it replaces."""
        text = variable.value or ""
        for recipe, name in self.stand_ins.items():
            text = text.replace(f"${{services.{recipe}.", f"${{services.{name}.")
        return variable if text == (variable.value or "") else replace(variable, value=text)

    def _tasks(self) -> list[Task]:
        own = [running.task_of(each, self.names, self.programs) for each in self.programs if each.is_task]
        migrates = any(MIGRATES.search(each.run) for each in own)
        taken = {each.name for each in own} | {*self.names.values()}
        kept = [
            each
            for each in self.detected.tasks
            if each.name not in taken
            and not (migrates and MIGRATES.search(each.run))
            and not (each.once and each.name.startswith("seed"))  # the first data of compose, which is added again
        ]
        dropped = {each.name for each in self.detected.tasks} - {each.name for each in kept} - taken
        return [*(_without_dependencies(each, dropped) for each in kept), *own]

    def _secrets(self) -> Iterator[tuple[str, str]]:
        """Yield (name, path in the clone) of each secret that the compose files read from a file."""
        for path, document in self.compose.documents:
            secrets = document.get("secrets")
            for name, given in secrets.items() if isinstance(secrets, dict) else ():
                file = given.get("file") if isinstance(given, dict) else None
                if isinstance(file, str) and not file.startswith(("/", "~", "$")):
                    yield name, posixpath.normpath(posixpath.join(posixpath.dirname(path), file))

    def _report_files(self, container: Container, secrets: Mapping[str, str]) -> None:
        for key in ("secrets", "configs"):
            given = container.values.get(key)
            for index, each in enumerate(given if isinstance(given, list) else []):
                name = str(each.get("source") if isinstance(each, dict) else each)
                if key == "secrets" and name in secrets:
                    verdict = (
                        APPROXIMATED,
                        f"the file `{secrets[name]}`; variables that hold its path hold that of this file",
                    )
                else:
                    verdict = NO_EQUIVALENT, f"`{name}` has to be a file of the clone, or a variable in [env]"
                self.entries.add(container, key, *verdict, item=index)

    def _report_others(self) -> Iterator[Note]:
        known = {each.container.name for each in self.servers} | {each.container.name for each in self.programs}
        for container in self.containers:
            if container.name in known:
                continue
            if running.runs_clone(container):
                verdict, text = (
                    IN_DOCKER,
                    f"its program is only in the image; to start it: `docker compose up -d {container.name}`",
                )
            else:
                verdict, text = foreign(container)
            self.entries.add_whole(container, verdict, text)
            yield Note(
                f"compose: `{container.name}` stays in Docker: `docker compose up -d {container.name}`",
                container.evidence,
            )
        for container in self.left:
            profile = texts(container.values.get("profiles"))[0]
            self.entries.add_whole(container, IN_DOCKER, f"`devboot import --profile {profile}` takes it")
        yield from (Note(each.text, each.place, warns=True) for each in self.compose.unread)


def _chosen(containers: Collection[Container], profiles: Collection[str]) -> set[str]:
    """Return the names of containers without a profile or with one of `profiles`, and of those they depend on."""
    found: set[str] = set()
    known = {each.name: each for each in containers}
    todo = [
        each.name for each in containers if not (own := texts(each.values.get("profiles"))) or _is_one(own, profiles)
    ]
    while todo:
        name = todo.pop()
        if name in known and name not in found:
            found.add(name)
            todo += running.dependencies(known[name])
    return found


def _without_dependencies(task: Task, names: Collection[str]) -> Task:
    return replace(task, depends_on=tuple(each for each in task.depends_on if each not in names))


def _is_one(own: Collection[str], profiles: Collection[str]) -> bool:
    return "*" in profiles or any(each in profiles for each in own)


def _databases_in_urls(containers: Collection[Container], values: Mapping[str, str]) -> dict[str, list[str]]:
    """Return the database names in URLs in containers' variables, by the URL's host."""
    found: dict[str, list[str]] = {}
    for container in containers:
        for text in container.environment.values():
            for match in URL.finditer(interpolated(text, values)):
                if name := (match["path"] or "").strip("/"):
                    found.setdefault(match["host"], []).append(name)
    return found


def _python(clone: Clone, containers: Collection[Container], python: PythonInput) -> PythonInput:
    """Return the Python packages, including lists in folders from which containers are built."""
    lists = list(python.requirements)
    for container in containers:
        folder = container.context
        if not container.is_built or folder in ("", ".") or folder.startswith(".."):
            continue
        if any(posixpath.dirname(each) == folder for each in lists):
            continue
        name = next((each for each in INPUTS if each.endswith(".txt") and clone.tree.exists(f"{folder}/{each}")), "")
        lists += [f"{folder}/{name}"] if name else []
    if lists == list(python.requirements):
        return python
    return replace(python, requirements=tuple(lists), is_list_usual=False)


def _packages(programs: Sequence[running.Program], detected: Sequence[Package]) -> Iterator[Package]:
    """Yield the tools for PATH: the detected ones, and those that are a container's image.

    The image's version counts if no file of the clone has one.
    """
    found = {each.name: each for each in detected}
    recipes = RecipeFolders([bundled_folder()]).names()
    for program in programs:
        name, version = program.container.product, program.container.version
        known = found.get(name)
        if name in _TOOLS and name in recipes and (known is None or known.evidence is None):
            nearest = nearest_version(known_versions(name), version) if version else ""
            major = nearest.partition(".")[0] or (known.version if known is not None else "*")
            found[name] = Package(name, major, program.container.evidence)
    yield from found.values()


def _env_files(tree: Tree, files: Sequence[str]) -> tuple[str, ...] | None:
    """Return the env files to read: those of programs, `.env`, which compose reads, and another one that is there."""
    usual, *others = DEFAULT_FILES
    extra = [each for each in files if each not in DEFAULT_FILES]
    return (usual, *(each for each in others if each in files or tree.exists(each)), *extra) if extra else None
