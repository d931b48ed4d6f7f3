"""Uses compose's settings of servers: versions, further databases, first data; adds notes about all others."""

from __future__ import annotations

import posixpath
import re
from collections.abc import Collection, Iterable, Iterator
from dataclasses import replace
from typing import NamedTuple

from devboot.errors import shell_word
from devboot.model.printable import counted
from devboot.onboarding.frameworks.framework import Clone
from devboot.onboarding.libraries import Kind, known_servers
from devboot.onboarding.proposal_values import Database, Note, Service, Task
from devboot.onboarding.reading.containers.compose import Compose
from devboot.onboarding.reading.containers.compose_keys import NOTED, unknown
from devboot.onboarding.reading.containers.container import Container, texts
from devboot.onboarding.reading.tree import Tree
from devboot.onboarding.services.unavailable import bundled_recipe, known_versions, nearest_version, own_version

INIT_FOLDER = "/docker-entrypoint-initdb.d"
_RUN = (".sql", ".sql.gz", ".sh", ".js")
_LONGEST = 5_000  # characters; scripts that only create databases are shorter
_MOST_FILES = 50  # scripts per folder
_MOST_SCRIPTS = 3
_CREATES = re.compile(r"\bCREATE\s+DATABASE\s+(?:IF\s+NOT\s+EXISTS\s+)?[\"`]?(\w+)", re.IGNORECASE)
_SEVERAL = re.compile(r"^POSTGRES_(?:MULTIPLE_DATABASES|DBS|DATABASES|MULTIPLE_DBS)$")
# Statements that create databases and users, which devboot does anyway
_MADE_ANYWAY = re.compile(
    r"(?is)--[^\n]*|/\*.*?\*/|\\\w+[^\n]*"
    r"|\b(?:CREATE|ALTER)\s+(?:DATABASE|USER|ROLE|SCHEMA)\b[^;]*;|\b(?:GRANT|USE|FLUSH|REVOKE|SET)\b[^;]*;"
)
_READERS = {
    "postgres": "psql -q",  # continues after an error by default
    "mariadb": "mariadb --force -u {user}{database}",
    "mysql": "mysql --force -u {user}{database}",
}
_READ_ANYWAY = (".env", "./.env")
CONFIGURES = re.compile(r"\.(?:conf|cnf|ini|config|ya?ml)$|/conf\.d\b")


# -- versions --------------------------------------------------------------------------------------------------------


def with_versions(services: Iterable[Service], compose: Compose) -> tuple[tuple[Service, ...], list[Note]]:
    """Return the services with the versions of compose's images, if available, and notes about other versions."""
    found: list[Service] = []
    notes: list[Note] = []
    for service in services:
        container = container_of(service, compose)
        if container is None or not container.version:
            found.append(service)
            continue
        version, text = version_of(service.recipe, container)
        found.append(replace(service, version=version))
        notes += [Note(f"{service.recipe}: compose has {container.image}; {text}", container.evidence)] if text else []
    return tuple(found), notes


def container_of(service: Service, compose: Compose) -> Container | None:
    """Return the container that a service replaces; None if compose has none."""
    names = [name for name, kind in known_servers().items() if kind.recipe == service.recipe]
    return next((each for name in names if (each := compose.of(name)) is not None), None)


def version_of(recipe: str, container: Container) -> tuple[str, str]:
    """Return (version to request, "" for the recipe's default; note if the container's image has another version)."""
    product = re.search(r"maria|mysql", container.image.rpartition("/")[2])
    if recipe == "mariadb" and product is not None and product[0] == "mysql":
        return "", "MariaDB runs here, in the distribution's version; `[services.mysql]` offers other versions"
    known, own = known_versions(recipe), own_version(recipe)
    build = re.search(r"vector|timescale|postgis", container.image)
    if known and build is not None:  # only the newest version has pgvector
        if build[0] != "vector":
            return "", f"{known[0]} runs here, without {build[0]}"
        is_same = container.version.partition(".")[0] == known[0].partition(".")[0]
        return "", "" if is_same else f"{known[0]} runs here, the only version with pgvector"
    wanted = container.version.split(".")
    for length in range(len(wanted), 0 if own else 1, -1):
        fits = [each for each in known if each.split(".")[:length] == wanted[:length]]
        if fits:
            return (".".join(wanted[:length]) if fits[0] != own else ""), ""
    if not own:
        where = "the channel" if known_servers()[container.recipe or ""].channel else "the distribution"
        return "", f"the version of {where} runs here"
    nearest = nearest_version(known, container.version)
    return ("" if nearest == own else nearest.partition(".")[0]), f"{nearest} runs here, the nearest available version"


# -- first data, and further databases ---------------------------------------------------------------------------------


def with_first_data(
    clone: Clone, services: Collection[Service], databases: tuple[Database, ...], tasks: list[Task]
) -> tuple[tuple[Database, ...], list[Task]]:
    """Return the databases with those that compose creates, and tasks that load its SQL scripts into new ones."""
    seeds: list[Task] = []
    for service in services:
        container = container_of(service, clone.compose)
        kind = known_servers()[container.recipe or ""] if container is not None else None
        mine = [each for each in databases if each.service == service.name]
        if container is None or kind is None or not kind.composed or not mine:
            continue
        scripts = list(first_scripts(clone.tree, container))
        taken = {*(each.name for each in databases), *(each.name for each in services), *(each.name for each in tasks)}
        known = {each.database for each in databases} | {container.environment.get(kind.composed["name"], "")}
        for name in _further(clone.tree, container, scripts):
            if name not in known and name not in taken:
                databases = (*databases, Database(name, "", container.evidence, service.name, name))
        for path in scripts:
            command = _reads(kind, path, mine[0].database, mine[0].user)
            if command and not _is_made_anyway(clone.tree, path):
                way = posixpath.relpath(path, clone.app.root)
                before = seeds[-1].name if seeds else mine[0].name
                seeds.append(_seed(len(seeds), command.replace(path, shell_word(way)), before, container))
    if not seeds:
        return databases, tasks
    waiting = [
        replace(each, depends_on=(*each.depends_on, seeds[-1].name))
        if any(each.depends_on and database.name in each.depends_on for database in databases)
        else each
        for each in tasks
    ]
    return databases, [*seeds, *waiting]


def _seed(number: int, command: str, before: str, container: Container) -> Task:
    name = "seed" if not number else f"seed-{number + 1}"
    return Task(name, command, ".", (), depends_on=(before,), evidence=container.evidence, once=True)


def _reads(kind: Kind, path: str, database: str, user: str) -> str:
    """Return the command that loads an SQL script into a database; "" for other scripts.

    `user` is the database's own, whose password MYSQL_PWD has; "" for the server's.
    """
    reader = _READERS.get(kind.recipe, "").format(database=f" {database}", user=user or kind.user)
    if not reader or not path.endswith((".sql", ".sql.gz")):
        return ""
    if path.endswith(".gz"):
        return f"gunzip -c {path} | {reader}"
    return f"{reader} -f {path}" if kind.recipe == "postgres" else f"{reader} < {path}"


def judged_scripts(clone: Clone, container: Container, tasks: Collection[Task]) -> Iterator[tuple[str, str]]:
    """Yield (script for a new database, what replaces it in the manifest, such as `[tasks.seed]`; "" for nothing)."""
    for path in first_scripts(clone.tree, container):
        way = shell_word(posixpath.relpath(path, clone.app.root))
        task = next((each.name for each in tasks if way in each.run), "")
        made = "databases of the manifest" if _is_made_anyway(clone.tree, path) else ""
        yield path, f"[tasks.{task}]" if task else made


def _is_made_anyway(tree: Tree, path: str) -> bool:
    """Return True if an SQL script only creates databases and users, which devboot does anyway."""
    text = None if path.endswith(".gz") else tree.text(path)
    return text is not None and len(text) <= _LONGEST and not _MADE_ANYWAY.sub("", text).strip("; \n\t")


# -- notes -----------------------------------------------------------------------------------------------------------


def notes_on_server(
    clone: Clone, container: Container, databases: Collection[Database], tasks: Collection[Task]
) -> Iterator[Note]:
    """Yield notes about a server's scripts, files, arguments, port and unread keys in compose."""
    kind = known_servers()[container.recipe or ""]
    mine = next((each for each in databases if each.service == kind.recipe), None)
    database, user = (mine.database, mine.user) if mine is not None else ("", "")
    scripts = list(judged_scripts(clone, container, tasks))
    left = [path for path, how in scripts if not how]
    if more := len(list(first_scripts(clone.tree, container, most=None))) - len(scripts):
        yield Note(f"{kind.recipe}: compose runs {counted(more, 'more script')} in a new database", container.evidence)
    for path in left[:_MOST_SCRIPTS]:
        text = f"compose runs `{path}` in a new database, devboot doesn't: {_by_hand(kind, path, database, user)}"
        yield Note(f"{kind.recipe}: {text}", container.evidence)
    if len(left) > _MOST_SCRIPTS:
        rest = ", ".join(f"`{path}`" for path in left[_MOST_SCRIPTS:])
        yield Note(f"{kind.recipe}: compose runs {rest} in a new database, too", container.evidence)
    yield from _settings(kind, container)


def _by_hand(kind: Kind, path: str, database: str, user: str) -> str:
    """Return advice on how to run a script for a new database by hand."""
    command = _reads(kind, path, database, user)
    if command:
        inner = command if "|" not in command and "<" not in command else f"sh -c {shell_word(command)}"
        return f"`devboot run -- {inner}`"
    if path.endswith(".js"):
        return f"`devboot run -- mongosh -f {path}`, with your own mongosh"
    secret = "$PGPASSWORD" if kind.recipe == "postgres" else "$MYSQL_PWD"
    given = {"name": database or "app", "user": kind.user, "password": secret}
    words = " ".join(f"{variable}={given[part]}" for part, variable in kind.composed.items())
    return f"`devboot run -- sh -c {shell_word(f'{words} sh {path}'.strip())}`"


def other_keys(container: Container) -> Iterator[str]:
    """Yield texts for notes about a container's keys that devboot doesn't read."""
    for key, value in container.values.items():
        if key in NOTED and value not in (None, [], {}, "false"):
            yield NOTED[key].format(", ".join(f"`{each}`" for each in _names(value)))
    if others := unknown(container.values):
        yield ", ".join(f"`{key}`" for key in others) + ", which devboot doesn't know"


def _names(value: object) -> list[str]:
    if isinstance(value, dict):
        return [str(key) for key in value] if "type" not in value else [str(value["type"])]
    return texts(value)


def published(port: str) -> str:
    """Return this machine's port (or range) of an entry in `ports`, as `8080` for `8080:80`; "" for none."""
    match = re.fullmatch(r"(?:(?:[\d.]+|\[[\da-fA-F:]+\]):)?(\d+(?:-\d+)?):\d+(?:-\d+)?(?:/\w+)?", port)
    return match[1] if match else "" if re.fullmatch(r"\d+(?:-\d+)?(?:/\w+)?", port) else port


def _further(tree: Tree, container: Container, scripts: Iterable[str]) -> list[str]:
    """Return the names of further databases that a server's scripts and variables create."""
    wanted = [name for path in scripts for name in _CREATES.findall(tree.text(path) or "")]
    for variable, text in container.environment.items():
        wanted += re.findall(r"\w+", text) if _SEVERAL.match(variable) else []
    return [name for name in dict.fromkeys(wanted) if re.fullmatch(r"[A-Za-z_]\w*", name)]


def _settings(kind: Kind, container: Container) -> Iterator[Note]:
    name = kind.recipe
    files = [mount.here for mount in container.mounts if CONFIGURES.search(mount.there)]
    if files:
        shown = ", ".join(f"`{file}`" for file in files)
        yield Note(
            f"{name}: compose configures it by {shown}: `settings` in [services.{name}] can hold these",
            container.evidence,
        )
    if arguments := [each.written for each in options_of(name, container) if not each.is_set]:
        text = f"compose starts it with `{' '.join(arguments)}`: `settings` in [services.{name}] can hold these"
        yield Note(f"{name}: {text}", container.evidence)
    missing = [file for file in container.env_files if file not in (*container.known_files, *_READ_ANYWAY)]
    if missing:
        shown = ", ".join(f"`{file}`" for file in missing)
        yield Note(f"{name}: compose gives it variables of {shown}, which the clone lacks", container.evidence)
    public = next((port for port in map(published, container.ports) if port.isdecimal()), "")
    if public and public != str(kind.port):
        text = f"compose publishes it on port {public}: `port = {public}` in [services.{name}] does"
        yield Note(f"{name}: {text}", container.evidence)
    missed = list(other_keys(container))
    if container.copies > 1:
        missed.append(f"{container.copies} copies")
    if missed:
        yield Note(f"{name}: ignored of compose's `{container.name}`: {'; '.join(missed)}", container.evidence)


class ServerOption(NamedTuple):
    """An option in a server's command.

    `is_set` means that the recipe sets it itself, `is_setting` that `settings` can set it.
    """

    name: str
    value: str
    written: str
    is_set: bool
    is_setting: bool


def options_of(recipe: str, container: Container) -> list[ServerOption]:
    """Return the options in the command of a server's container."""
    text = str(container.command) if container.values.get("command") is not None else ""
    options = re.findall(r"(?:^|\s)(-c\s+\S+|--?[\w-]+(?:[= ](?!-)(?:\"[^\"]*\"|'[^']*'|\S+))*)", text)
    service = bundled_recipe(recipe).recipe.service if recipe else None
    settings = service.settings if service is not None else None
    found = []
    for option in options:
        name, _, value = re.sub(r"^(?:-c\s+|--?)", "", option).replace("=", " ", 1).partition(" ")
        value = value.strip("\"' ")
        given = " ".join(settings.defaults.get(name, ())) if settings is not None else None
        is_set = settings is not None and (name in settings.reserved or given == value)
        found.append(ServerOption(name, value, option, is_set, settings is not None and not is_set and bool(value)))
    return found


def first_scripts(tree: Tree, container: Container, most: int | None = _MOST_FILES) -> Iterator[str]:
    """Yield the scripts that a server's image runs for a new database, from each folder at most `most`."""
    for here, there in container.mounts:
        if not there.startswith(INIT_FOLDER) or here.startswith(("/", "~", "$")):
            continue
        path = container.beside(here)
        inner = [f"{path}/{name}" for name in tree.in_folder(path) if name.endswith(_RUN)][:most]
        yield from inner or ([path] if tree.exists(path) else [])
