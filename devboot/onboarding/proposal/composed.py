"""Takes over what compose files say beside commands and hosts: versions of servers; notes on all that is left out."""

from __future__ import annotations

import posixpath
import re
from collections.abc import Collection, Iterable, Iterator
from dataclasses import replace

from devboot.onboarding.libraries import known_servers
from devboot.onboarding.proposal_values import Database, Note, Process, Service
from devboot.onboarding.reading.compose import Compose, Container
from devboot.onboarding.reading.tree import Tree

_INIT = "/docker-entrypoint-initdb.d"
_CREATES = re.compile(r"\bCREATE\s+DATABASE\s+(?:IF\s+NOT\s+EXISTS\s+)?[\"`]?(\w+)", re.IGNORECASE)
_SEVERAL = re.compile(r"^POSTGRES_(?:MULTIPLE_DATABASES|DBS|DATABASES|MULTIPLE_DBS)$")
_READ = {"postgres": "psql -f {}", "mariadb": "mariadb -u root{database} < {}"}
_MOST_SCRIPTS = 3
_SERVES = re.compile(
    r"\b(?:gunicorn|uvicorn|hypercorn|daphne|waitress-serve|runserver|flask\b.* run|fastapi (?:dev|run))\b"
)


def with_versions(services: Iterable[Service], compose: Compose) -> tuple[tuple[Service, ...], list[Note]]:
    """Give services the versions of their containers, if the recipe has them on each platform; else say what runs."""
    found: list[Service] = []
    notes: list[Note] = []
    for service in services:
        container = _container_of(service, compose)
        if container is None or not container.version:
            found.append(service)
            continue
        version, note = _nearest(service.recipe, container)
        found.append(replace(service, version=version))
        notes += [note] if note else []
    return tuple(found), notes


def _container_of(service: Service, compose: Compose) -> Container | None:
    names = [name for name, kind in known_servers().items() if kind.recipe == service.recipe]
    return next((each for name in names if (each := compose.of(name)) is not None), None)


def _nearest(recipe: str, container: Container) -> tuple[str, Note | None]:
    """The version to ask for, empty for the recipe's own choice; and what to say where it isn't that of the image."""
    known = _versions(recipe)
    if not known:
        return "", None  # the distribution or the channel has one, whatever is asked for
    wanted = container.version.split(".")
    for length in range(len(wanted), 0, -1):
        fits = [each for each in known if each.split(".")[:length] == wanted[:length]]
        if fits:
            return (".".join(wanted[:length]) if fits[0] != known[0] else ""), None
    distance = {each: abs(int(each.split(".")[0]) - int(wanted[0])) for each in known}
    nearest = min(known, key=lambda each: distance[each])
    text = f"{recipe}: compose has {container.image}; {nearest} runs here, the nearest that devboot has"
    return ("" if nearest == known[0] else nearest), Note(text, container.evidence)


def _versions(recipe: str) -> list[str]:
    """The versions of a recipe that each platform has which its newest has; the newest first."""
    from devboot.recipes import RecipeFolders, bundled_folder

    releases = RecipeFolders([bundled_folder()]).get(recipe).releases
    usual = set(releases[0].rows()) if releases else set()
    return [release.version for release in releases if usual <= set(release.rows())]


def left_out(
    tree: Tree,
    compose: Compose,
    services: Collection[Service],
    processes: Collection[Process],
    databases: Collection[Database],
    read: Collection[str],
    *,
    by_procfile: bool,
) -> list[Note]:
    """What compose says and the proposal lacks: services, env files, copies, checks, ports, scripts, databases.

    `read` names the env files that are read, relative to the clone. Where a Procfile says what runs, programs that it
    doesn't name need no note.
    """
    notes = [
        Note("compose: this line is no YAML, so what the file says may be missing", place, warns=True)
        for place in compose.wrong
    ]
    running = {(each.evidence.path, each.evidence.line): each for each in processes if each.evidence and each.command}
    by_name = {each.name: each for each in processes}
    for container in compose.containers:
        if container.recipe is not None and not container.is_built:
            if any(each.recipe == known_servers()[container.recipe].recipe for each in services):
                notes += _of_server(tree, container, databases)
            continue
        process = running.get((container.path, container.line)) or by_name.get(container.name)
        if process is None and _SERVES.search(container.command):
            process = by_name.get("web")
        if process is not None or not by_procfile:
            notes += _of_program(container, process, read)
    return notes


def _of_program(container: Container, process: Process | None, read: Collection[str]) -> Iterator[Note]:
    name = container.name
    if process is None and not container.is_built and not container.mounts_all and container.image:
        yield Note(f"compose: `{name}` ({container.image}) isn't started", container.evidence)
        return
    if process is None and container.command:
        yield Note(f"compose: `{name}` isn't started: `{container.command}`", container.evidence)
    missed = []
    folder = posixpath.dirname(container.path)
    files = [file for file in container.env_files if posixpath.normpath(posixpath.join(folder, file)) not in read]
    if files:
        missed.append("variables of " + ", ".join(f"`{file}`" for file in files))
    if container.copies > 1:
        known = process.name if process is not None else name
        missed.append(f"{container.copies} copies (`devboot up -m {known}={container.copies}`)")
    if container.has_check:
        missed.append("a healthcheck (`ready` under its process)")
    ports = [port for port in map(_published, container.ports) if port and process is None]
    if ports:
        missed.append("port " + ", ".join(ports))
    if missed:
        yield Note(f"compose: `{name}` also has {'; '.join(missed)}", container.evidence)


def _published(port: str) -> str:
    """The port of this machine that a container's port is found at."""
    match = re.fullmatch(r"(?:[\d.]+:)?(\d+):\d+(?:/\w+)?", port)
    return match[1] if match else ""


def _of_server(tree: Tree, container: Container, databases: Collection[Database]) -> Iterator[Note]:
    """Scripts that fill a new database, and databases beside the first."""
    kind = known_servers()[container.recipe or ""]
    scripts = list(_scripts(tree, container))
    database = next((each.database for each in databases if each.service == kind.recipe), "")
    for path in scripts[:_MOST_SCRIPTS]:
        command = _READ.get(kind.recipe, "")
        if path.endswith(".sql") and command:
            command = command.format(path, database=f" {database}" if database else "")
            text = f"compose runs `{path}` in a new database: `devboot run -- {command}`"
        else:
            text = f"compose runs `{path}` in a new database; nothing runs it here"
        yield Note(f"{kind.recipe or kind.name}: {text}", container.evidence)
    known = {each.database for each in databases} | {container.environment.get(kind.composed.get("name", ""), "")}
    wanted = [name for path in scripts for name in _CREATES.findall(tree.text(path) or "")]
    for variable, text in container.environment.items():
        wanted += re.findall(r"\w+", text) if _SEVERAL.match(variable) else []
    for name in dict.fromkeys(wanted):
        if name not in known and re.fullmatch(r"[A-Za-z_]\w*", name):
            text = f"compose makes a database `{name}`, too: `[services.{kind.recipe}.databases.{name}]` makes it here"
            yield Note(f"{kind.recipe}: {text}", container.evidence)


def _scripts(tree: Tree, container: Container) -> Iterator[str]:
    for mount in container.mounts:
        here, _, there = mount.partition(":")
        if not there.startswith(_INIT) or not here.startswith("."):
            continue
        path = posixpath.normpath(posixpath.join(posixpath.dirname(container.path), here))
        inner = [f"{path}/{name}" for name in tree.in_folder(path) if name.endswith((".sql", ".sh"))]
        yield from inner or ([path] if tree.exists(path) else [])
