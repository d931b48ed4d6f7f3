"""Reports on the keys of containers that services replace."""

from __future__ import annotations

import posixpath
import re
from collections.abc import Collection
from dataclasses import replace

from devboot.onboarding.compose_import.fidelity import APPROXIMATED, IN_DOCKER, NATIVE, NO_EQUIVALENT
from devboot.onboarding.compose_import.places import Entries
from devboot.onboarding.compose_import.servers import OPEN, Server, own_environment, usual_name
from devboot.onboarding.frameworks.framework import Clone
from devboot.onboarding.libraries import known_servers
from devboot.onboarding.proposal.composed_servers import (
    CONFIGURES,
    INIT_FOLDER,
    judged_scripts,
    options_of,
    published,
    version_of,
)
from devboot.onboarding.proposal_values import Task
from devboot.onboarding.reading.containers.compose_files import pairs
from devboot.onboarding.reading.containers.container import Container, Mount, texts
from devboot.onboarding.services.unavailable import bundled_recipe, own_version

_SAME = re.compile(r"postg|pgvector|timescale|mongo")  # images whose names aren't the recipe's
_LOGIN = re.compile(r"USER|PASS|LOGIN|SECRET|(?:ACCESS|MASTER)_KEY|AUTH")
_MADE = re.compile(r"^PGDATA$|^MYSQL_ROOT_HOST$|DATA_?DIR|_DATABASES$|MULTIPLE|_DBS$")
_DATA = re.compile(r"^(?:/var/lib/|/data\b|/bitnami|/var/opt|/meili_data|/export|/root/|/home/)")


def report_server(clone: Clone, server: Server, tasks: Collection[Task], into: Entries) -> None:
    """Add verdicts on the keys of a server's container."""
    container, kind, service = server.container, server.kind, server.service
    into.add(container, "image", *_of_image(server))
    for name in pairs(container.values.get("environment")):
        into.add(container, "environment", *_of_variable(server, name), item=name)
    if (command := container.values.get("command")) is not None and command != []:
        into.add(container, "command", *_of_command(server))
    into.add_each(container, "ports", (_of_port(server, port) for port in container.ports))
    into.add_each(container, "volumes", (_of_mount(clone, server, mount, tasks) for mount in container.mounts))
    into.add_each(container, "env_file", (_of_file(container, file) for file in container.env_files))
    if container.values.get("healthcheck"):
        into.add(container, "healthcheck", NATIVE, f"the recipe of {service.recipe} checks that it is ready")
    if container.values.get("depends_on"):
        into.add(container, "depends_on", APPROXIMATED, "services start at once, and independent of each other")
    if container.copies > 1:
        key = "scale" if container.values.get("scale") else "deploy"
        into.add(container, key, NO_EQUIVALENT, "a service runs once")
    if container.values.get("entrypoint") is not None:
        into.add(container, "entrypoint", NATIVE, "the recipe starts it")
    into.add_each(
        container,
        "secrets",
        ((APPROXIMATED, f"the password of {kind.title} is generated") for _ in texts(container.values.get("secrets"))),
    )
    into.add_rest(container)


def _of_image(server: Server) -> tuple[str, str]:
    service = server.service
    where = f"[services.{service.name}]"
    text = version_of(service.recipe, server.container)[1] if server.container.version else ""
    if text:
        return APPROXIMATED, f"{where}: {text}"
    product = server.container.product
    if service.recipe not in re.split(r"[^a-z0-9]", product) and not _SAME.search(product):
        return APPROXIMATED, f"{where} runs {service.recipe} instead of {product}"
    version, given = service.version or own_version(service.recipe), server.container.version
    if given.startswith(f"{version}."):
        return APPROXIMATED, f"{where}: {_newest(version)} instead of {given}"
    return NATIVE, f"{where} {_newest(version)}" if given else where


def _newest(version: str) -> str:
    """Return a version as the report shows it: with `.x` for the patch release that the lock will choose."""
    return version if version.count(".") > 1 else f"{version}.x"


def _of_variable(server: Server, name: str) -> tuple[str, str]:
    usual = usual_name(name)
    part = next((part for part, variable in server.kind.composed.items() if usual.startswith(variable)), "")
    if part and server.databases:
        return _of_database(server, part, usual)
    if part and not own_environment(server.container).get(usual):
        return APPROXIMATED, "its value isn't in the clone"
    if name in OPEN:
        return NATIVE, 'access = "open"'
    if _MADE.search(name):
        return NATIVE, "devboot keeps its data and makes its databases"
    if _LOGIN.search(name):
        return APPROXIMATED, "user and password are the service's own, and variables refer to them"
    return NO_EQUIVALENT, "the recipe doesn't read it"


def _of_database(server: Server, part: str, name: str) -> tuple[str, str]:
    """Return the verdict on a variable with the name, user or password (`part`) of a server's database."""
    first = server.databases[0]
    held = {"name": first.database, "user": first.user, "password": first.password}[part]
    if name.endswith("_FILE"):
        return APPROXIMATED, f"the {part} is generated"
    if "$" in own_environment(server.container).get(name, ""):
        how = f"the {part} is generated" if part == "password" else f"the {part} is devboot's own"
        return APPROXIMATED, f"{how}: values of env files aren't copied; variables refer to it"
    if held:
        return NATIVE, f"`{part}` of [services.{server.service.name}.databases.{first.name}]"
    if own_environment(server.container).get(name) == server.kind.user:
        return NATIVE, "the user that it has anyway"
    return APPROXIMATED, f"the {part} is generated, and variables refer to it"


def _of_command(server: Server) -> tuple[str, str]:
    found = options_of(server.service.recipe, server.container)
    left = [each.written for each in found if not each.is_set and each.name not in server.service.settings]
    if left:
        verdict = APPROXIMATED if len(left) < len(found) else NO_EQUIVALENT
        return verdict, "left out: " + " ".join(left)
    if server.service.settings:
        return NATIVE, f"settings of [services.{server.service.name}]"
    return NATIVE, "the recipe starts it like that"


def _of_port(server: Server, port: str) -> tuple[str, str]:
    inner = port.partition("/")[0].rpartition(":")[2]
    service = bundled_recipe(server.service.recipe).recipe.service
    others = {str(number): name for name, number in service.ports.items()} if service is not None else {}
    if inner in others:
        return APPROXIMATED, f"the port for `{others[inner]}` is {inner} if that is free"
    if inner != str(server.kind.port) and others:
        return APPROXIMATED, f"its port for `{'`, `'.join(others.values())}` is another one"
    if inner != str(server.kind.port):
        return NO_EQUIVALENT, f"the recipe doesn't listen on {inner}"
    given = published(port)
    if not given:
        return NATIVE, "listens on a free port of this machine"
    if given == str(server.service.port):
        return NATIVE, f"port = {given}"
    return NATIVE, f"{given} if it is free, as each service gets its usual port"


def _of_mount(clone: Clone, server: Server, mount: Mount, tasks: Collection[Task]) -> tuple[str, str]:
    here, there = mount.here, mount.there or mount.here
    if there.startswith(INIT_FOLDER):
        return _of_scripts(clone, server, mount, tasks)
    if CONFIGURES.search(there):
        return NO_EQUIVALENT, f"`settings` of [services.{server.service.name}] can hold what it configures"
    if _DATA.search(there) or not here.startswith((".", "/", "~")):
        return NATIVE, "its data is in the project's data folder"
    return NO_EQUIVALENT, "the server doesn't read it"


def _of_scripts(clone: Clone, server: Server, mount: Mount, tasks: Collection[Task]) -> tuple[str, str]:
    scripts = dict(judged_scripts(clone, replace(server.container, mounts=(mount,)), tasks))
    left = [posixpath.basename(path) for path, how in scripts.items() if not how]
    if not scripts:
        return NO_EQUIVALENT, "no script is there"
    if left:
        return (APPROXIMATED if len(left) < len(scripts) else NO_EQUIVALENT), f"not run: {', '.join(left)}"
    return NATIVE, ", ".join(dict.fromkeys(scripts.values()))


def _of_file(container: Container, file: str) -> tuple[str, str]:
    if file in container.known_files:
        return NATIVE, "read for the database, its user and password"
    return APPROXIMATED, "not in the clone: user and password are generated"


def foreign(container: Container) -> tuple[str, str]:
    """Return the verdict on a container that stays in Docker."""
    kind = known_servers().get(container.recipe or "")
    shown = kind.title if kind is not None else f"`{container.image or container.name}`"
    return IN_DOCKER, f"no recipe runs {shown}: `docker compose up -d {container.name}`"
