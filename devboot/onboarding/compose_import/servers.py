"""Converts containers that run known servers to services, databases and tasks for first data."""

from __future__ import annotations

import re
from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace

from devboot.onboarding.libraries import Kind, known_servers
from devboot.onboarding.proposal.composed_servers import (
    options_of,
    published,
    version_of,
)
from devboot.onboarding.proposal_values import Database, Proposal, Service
from devboot.onboarding.reading.containers.container import Container
from devboot.onboarding.services.unavailable import own_version
from devboot.recipes import RecipeFolders, bundled_folder

_PLAIN = re.compile(r"[A-Za-z_][A-Za-z0-9_-]*")
_PASSWORD = re.compile(r"[!-#%&(-\[\]-_a-~]+")  # what the manifest takes: no blanks, quotes, `$`, backslashes
_IMAGES_OWN = (("MARIADB_", "MYSQL_"), ("POSTGRESQL_", "POSTGRES_"))  # prefixes of other images, and the usual ones
OPEN = (
    "POSTGRES_HOST_AUTH_METHOD",
    "MYSQL_ALLOW_EMPTY_PASSWORD",
    "MYSQL_ALLOW_EMPTY_ROOT_PASSWORD",
    "ALLOW_EMPTY_PASSWORD",
)


@dataclass(frozen=True, slots=True)
class Server:
    """A container of a known server, with the service and databases that replace it."""

    container: Container
    kind: Kind
    service: Service
    databases: tuple[Database, ...] = ()


def kind_of(container: Container) -> Kind | None:
    """Return the kind of server that a container runs; None if no recipe has that server."""
    kind = known_servers().get(container.recipe or "") if not container.is_built else None
    return kind if kind is not None and kind.recipe else None


def servers_of(
    containers: Collection[Container],
    detected: Proposal,
    wanted: Mapping[str, Sequence[str]],
    packages: Mapping[str, str],
) -> list[Server]:
    """Return a service, with its databases, for each of the containers that runs a known server such as Redis.

    A service that was also detected in the code keeps the port and open access that the code needs. `wanted` maps a
    container's name to the databases named in addresses of other containers; `packages` are the clone's.
    """
    found: list[Server] = []
    taken = {each.name for each in detected.tasks} | {each.name for each in detected.processes}
    databases = {each.name for each in detected.databases}
    for container in containers:
        own_kind = kind = kind_of(container)
        if kind is None:
            continue
        if not kind.is_spoken(packages):  # the code may have a client for which a simpler server is enough
            kind = next((other for each in kind.serves if (other := known_servers()[each]).is_spoken(packages)), kind)
        recipe = _recipe(container, kind)
        name = recipe
        if any(each.service.name == recipe for each in found) or recipe in taken:
            name = name_of(container)
        known = (
            next((each for each in detected.services if each.recipe == kind.recipe), None) if name == recipe else None
        )
        port = _port(container, kind)
        service = Service(
            name,
            recipe,
            port or (known.port if known is not None else None),
            container.evidence,
            is_open=known is not None and known.is_open,
            version=_version(container, recipe),
            settings=_settings(container, recipe) if kind is own_kind else {},
            port_from="as compose publishes it" if port else "the code names it",
        )
        named = [each for host in sorted(container.hosts) for each in wanted.get(host, ())]
        own = _databases(container, kind, service, detected, databases, named)
        databases |= {each.name for each in own}
        found.append(Server(container, kind, service, own))
    return found


def name_of(container: Container) -> str:
    """Return a container's name with characters replaced that names in a manifest can't have."""
    return re.sub(r"[^A-Za-z0-9_-]+", "-", container.name).strip("-_") or "container"


def own_environment(container: Container) -> dict[str, str]:
    """Return a server's variables, renamed to those of the official image."""
    return {usual_name(name): text for name, text in container.environment.items()}


def usual_name(variable: str) -> str:
    """Return the official image's name for a variable of another publisher's image."""
    for prefix, usual in _IMAGES_OWN:
        if variable.startswith(prefix):
            rest = variable.removeprefix(prefix).replace("USERNAME", "USER")
            return usual + (rest.replace("DATABASE", "DB") if usual == "POSTGRES_" else rest)
    return variable


def _recipe(container: Container, kind: Kind) -> str:
    """Return the recipe for an image: of its own product if it has versions, else the usual one of the kind."""
    product = container.product
    if product != kind.recipe and product in RecipeFolders([bundled_folder()]).names() and own_version(product):
        return product
    return kind.recipe


def _version(container: Container, recipe: str) -> str:
    """Return the version in the image's tag, even if it is the recipe's default; "" if there is none."""
    if not container.version:
        return ""
    version, text = version_of(recipe, container)
    if version or text:
        return version
    parts, own = container.version.split("."), own_version(recipe)
    prefixes = (".".join(parts[:length]) for length in range(len(parts), 0, -1))
    return next((each for each in prefixes if f"{own}.".startswith(f"{each}.")), "")


def _port(container: Container, kind: Kind) -> int | None:
    """Return the port published on this machine, unless it is the server's usual one; None for none."""
    given = dict(published_ports(container)).get(str(kind.port), "")
    return int(given) if given and int(given) != kind.port else None


def is_open(container: Container) -> bool:
    """Return True if a container's server takes everybody without a password."""
    given = own_environment(container)
    return any(given.get(name, "").lower() in ("trust", "yes", "true", "1") for name in OPEN)


def _settings(container: Container, recipe: str) -> dict[str, str]:
    if container.recipe == "mysql" and "mysql" in container.image.rpartition("/")[2]:
        return {}  # MariaDB refuses to start with an option that only MySQL knows
    return {each.name: each.value for each in options_of(recipe, container) if each.is_setting}


def _databases(
    container: Container,
    kind: Kind,
    service: Service,
    detected: Proposal,
    taken: Collection[str],
    wanted: Sequence[str],
) -> tuple[Database, ...]:
    if not kind.composed:
        return ()
    given = own_environment(container)
    user = given.get(kind.composed["user"], "")
    user = user if user != kind.user and _PLAIN.fullmatch(user) else ""
    password = given.get(kind.composed["password"], "")
    password = password if user and _PASSWORD.fullmatch(password) else ""
    known = [each for each in detected.databases if each.service == kind.recipe] if service.name == kind.recipe else []
    database = next((each for each in (given.get(kind.composed["name"], ""), *wanted) if each and "$" not in each), "")
    if known and not database:
        return (replace(known[0], user=user, password=password), *known[1:])
    database = database or user or (kind.user if kind.recipe == "postgres" else "")
    if not _PLAIN.fullmatch(database):
        return tuple(known)
    first = next((each for each in known if each.database == database), known[0] if known else None)
    others = tuple(each for each in known if each is not first)
    if first is None:
        names = ("default", f"{service.name}-db", f"{name_of(container)}-db")
        name = next((each for each in names if each not in taken), f"{service.name}-{database}")
        first = Database(name, "", container.evidence, service.name)
    found = (replace(first, database=database, user=user, password=password), *others)
    held = {each.database for each in found}
    further = [
        each for each in dict.fromkeys(wanted) if each not in held and each not in taken and _PLAIN.fullmatch(each)
    ]
    return (*found, *(Database(each, "", container.evidence, service.name, each, user, password) for each in further))


def published_ports(container: Container) -> Iterator[tuple[str, str]]:
    """Yield (container's port, this machine's port) of each published port."""
    for port in container.ports:
        given = published(port)
        inner = port.partition("/")[0].rpartition(":")[2]
        if given.isdecimal() and inner.isdecimal():
            yield inner, given
