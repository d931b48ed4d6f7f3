"""Finds servers by variables named after them and by calls that connect to them: MongoDB, RabbitMQ, Kafka and others.

Nothing is tried out here: a client library has to be installed, and the code has to contain an address of this machine
or a container, or a variable for one.
"""

from __future__ import annotations

import re
from collections.abc import Collection, Iterator, Mapping
from urllib.parse import urlsplit

from devboot.onboarding.libraries import Kind, known_servers
from devboot.onboarding.proposal_values import Note
from devboot.onboarding.services.connections import Connection, connections, host_and_port, split
from devboot.onboarding.services.served import Served, host_of, is_elsewhere, place_of, text_of
from devboot.onboarding.services.unavailable import usual
from devboot.onboarding.symbolic_eval.evaluate import Run
from devboot.onboarding.symbolic_eval.values import HOLE, Value

_PART = re.compile(r"_(HOST(?:NAME)?|SERVER|PORT)$")


def find_endpoints(
    run: Run,
    packages: Mapping[str, str],
    containers: Collection[str],
    known: Collection[str] = (),
    composed: Collection[str] = (),
) -> list[Served]:
    """Return the servers that the application uses, on this machine or in `containers`.

    `known` has the recipes that are proposed already, `composed` the kinds of servers in compose files.
    """
    kinds = [
        each
        for each in known_servers().values()
        if not each.composed and each.recipe not in known and each.is_spoken(packages)
    ]
    opened: dict[str, list[Connection]] = {}
    for each in connections(run, kinds):
        opened.setdefault(each.kind.name, []).append(each)
    grounded = (
        each for each in kinds if not each.confirmed or each.name in composed or _is_in_container(each, run, containers)
    )
    found = (_find(each, run, opened.get(each.name, []), containers) for each in grounded)
    return [_with_notes(_led(each, packages)) for each in found if each is not None]


def _find(kind: Kind, run: Run, opened: list[Connection], containers: Collection[str]) -> Served | None:
    found, is_away = Served(kind), False
    login: dict[str, str] = {}
    for name in sorted({*run.found.reads, *run.found.needs}):
        text = text_of(name, run)
        if kind.variables.match(name.upper()) or kind.schemes.match(text):
            is_away |= is_elsewhere(text)
            if not is_elsewhere(text) and (text or not kind.optional):
                found.tell(name, written_address(kind, name, text), place_of(name, run))
        elif text := next((text for pattern, text in kind.login if pattern.match(name.upper())), ""):
            login[name] = text
    for each in opened:
        is_away |= _take_variables(found, each, run)
    found.evidence = next(iter(found.places.values()), None)
    if kind.query and any(_is_extended(found, each, run) for each in opened):
        found.open_access(found.evidence)
    if found.values:
        for name, text in login.items() if kind.recipe else ():
            found.tell(name, text, place_of(name, run))
        return found if kind.recipe else _without_recipe(found, run, containers)
    if is_away:
        return None
    return _fixed(found, opened, run, containers)


def _is_in_container(kind: Kind, run: Run, containers: Collection[str]) -> bool:
    """Return whether a variable or setting has a container's name as the server's host."""
    texts = [text_of(name, run) for name in (*run.found.reads, *run.found.needs) if kind.variables.match(name.upper())]
    texts += [str(value.data) for name in kind.settings if (value := run.names.get(name)) is not None]
    return any(host_of(text) in containers for text in texts)


def _take_variables(found: Served, opened: Connection, run: Run) -> bool:
    """Set the variables that are a call's host, port or URL; return whether it connects to another machine."""
    kind = found.kind
    host, _port = host_and_port(opened)
    if isinstance(host, str) and is_elsewhere(host):
        return True
    own = f"services.{kind.recipe}"
    given = {"url": opened.url} if opened.url is not None else opened.parts
    for part, value in given.items():
        if part == "port" and not value.reads and type(value.data) is int:
            found.port = found.port or value.data  # a fixed port holds also if the host comes from a variable
        name = next(iter(value.reads)) if len(value.reads) == 1 else ""
        if not name or name in found.values or part not in ("url", "host", "port"):
            continue
        text = text_of(name, run)
        if is_elsewhere(text):
            return True
        if (kind.optional and not text) or ("://" in text and not is_address_of(kind, text)):
            continue
        is_whole = part == "url" or ":" in text or (part == "host" and kind.query and not ("port" in given or text))
        found.tell(name, written_address(kind, name, text) if is_whole else f"${{{own}.{part}}}", place_of(name, run))
        if found.values.get(name) == f"${{{own}.host}}" and "port" not in given:
            found.port = found.port or kind.port  # the client's default
    return False


def is_address_of(kind: Kind, text: str) -> bool:
    """Return whether an address may be one of this kind of server, by its scheme."""
    return text.startswith("http") if kind.url.startswith("http") else bool(kind.schemes.match(text))


def _fixed(found: Served, opened: list[Connection], run: Run, containers: Collection[str]) -> Served | None:
    """Return the server with the port that the code contains literally; None if it connects elsewhere."""
    kind = found.kind
    for value in _literals(run):
        if isinstance(value.data, str) and kind.schemes.match(value.data) and not value.reads:
            if is_elsewhere(value.data):
                return None
            found.pin(*split(value.data), value.place, containers)
    for name in kind.settings:
        host, port = _setting(run, name), _setting(run, re.sub(r"(?:HOST|SERVER)$", "PORT", name))
        if isinstance(host, str) and not is_elsewhere(host):
            found.pin(host, int(str(port)) if str(port).isdecimal() else None, run.names[name].place, containers)
    for each in opened:
        host, port = host_and_port(each)
        if isinstance(host, str) and HOLE not in host and not is_elsewhere(host):
            found.pin(host, port if isinstance(port, int) else None, each.place, containers)
    return found if found.evidence is not None or found.port else None


def _setting(run: Run, name: str) -> object:
    """Return the value of a setting that doesn't depend on a variable; None otherwise."""
    value = run.names.get(name)
    return value.data if value is not None and not value.reads else None


def _without_recipe(found: Served, run: Run, containers: Collection[str]) -> Served:
    """Return a server that no recipe runs, its variables set to usual addresses if they have no usable value."""
    for name, text in list(found.values.items()):
        given = text_of(name, run)
        if (name in run.found.needs and not given) or (given and host_of(given) in containers):
            found.values[name] = usual(found.kind, text)
        else:
            found.forget(name)
    return found


def written_address(kind: Kind, name: str, text: str) -> str:
    """Return a variable's value for the manifest in the form of its present `text`: URL, `host:port`, or one part."""
    own = f"services.{kind.recipe}"
    part = _PART.search(name.upper())
    if "://" in text:
        parts = urlsplit(text)
        if kind.url.endswith("/") or not parts.path.strip("/"):  # the recipe's url ends with the default database
            return f"${{{own}.url}}"
        query = "&".join(filter(None, (*_without_login(parts.query), kind.query)))
        return f"${{{own}.url}}{parts.path}" + (f"?{query}" if query else "")
    if part is not None and part[1] == "PORT":
        return f"${{{own}.port}}"
    if part is not None and ":" not in text and (kind.schemes.match(kind.url) or text):
        return f"${{{own}.host}}"
    is_bare = ":" in text or (kind.bare and not text)
    return f"${{{own}.host}}:${{{own}.port}}" if is_bare else f"${{{own}.url}}"


def _without_login(query: str) -> Iterator[str]:
    """Yield the parameters of a url's query, without those about MongoDB's login."""
    yield from (each for each in query.split("&") if not each.startswith(("authSource=", "authMechanism=")))


def _is_extended(found: Served, opened: Connection, run: Run) -> bool:
    """Return whether the code appends a database's name to a variable's URL, which then lacks the login parameters."""
    value = opened.url or opened.parts.get("host")
    if value is None or not isinstance(value.data, str) or found.kind.query.partition("=")[0] in value.data:
        return False
    return any(
        value.data.rstrip("/") not in (HOLE, text_of(name, run).rstrip("/"))
        for name in value.reads
        if ".url}" in found.values.get(name, "")
    )


def _literals(run: Run) -> Iterator[Value]:
    yield from run.names.values()
    for event in run.found.events:
        yield from (*event.call.args, *event.call.keywords.values())


def _led(found: Served, packages: Collection[str]) -> Served:
    """Return the server with warnings about container names that its client resolves in C, so can't be redirected."""
    if not found.kind.can_be_led(packages):
        for host in sorted(found.hosts):
            found.warn_of_container(host, found.evidence)
        found.hosts.clear()
    return found


def _with_notes(found: Served) -> Served:
    """Return the server with a note if nothing runs it, or if it must be open because no variable has its password."""
    kind = found.kind
    if not kind.recipe:
        number = found.port or kind.port
        port = f" on port {number}" if number else ""
        text = f"{kind.name}: the code connects to {kind.title}, which no recipe runs: start one yourself{port}"
        variable = next(iter(found.values), "")
        text += f", and put its address into `{variable}`" if variable else ""
        found.notes.append(Note(text, found.evidence, warns=True))
        return found
    wanted = (".password}", ".url}") if kind.is_in_url else (".password}",)
    if kind.asks and not found.is_open and not any(each in text for text in found.values.values() for each in wanted):
        found.open_access(found.evidence)
    return found
