"""Finds servers by the variables that name them and by calls that connect to them: MongoDB, RabbitMQ, Kafka and more.

Nothing is tried out here: a library that talks to such a server has to be installed, and the code has to name an
address of this machine, of a container, or a variable for one.
"""

from __future__ import annotations

import re
from collections.abc import Collection, Iterator, Mapping
from dataclasses import dataclass, field, replace
from urllib.parse import urlsplit

from devboot.onboarding.libraries import DOCKER_HOST, LOOPBACK, Kind, kinds_of_channels, known_servers
from devboot.onboarding.proposal_values import OPEN_ACCESS, Evidence, Note, Proposal, Service
from devboot.onboarding.services.connections import Connection, connections, host_and_port, split
from devboot.onboarding.symbolic_eval.evaluate import Run
from devboot.onboarding.symbolic_eval.values import HOLE, Place, Value

_PART = re.compile(r"_(HOST(?:NAME)?|SERVER|PORT)$")
_TRIED = frozenset({"redis", "postgres", "mysql"})  # what `wiring` and `servers` find by trial


@dataclass(slots=True)
class Found:
    """One of them: `values` are manifest texts by variable, `port` is set where the code fixes it."""

    kind: Kind
    evidence: Evidence | None
    values: dict[str, str] = field(default_factory=dict)
    places: dict[str, Evidence | None] = field(default_factory=dict)
    port: int | None = None
    hosts: set[str] = field(default_factory=set)  # names of containers that the code connects to

    @property
    def service(self) -> Service | None:
        """What is proposed; None where no recipe runs it."""
        if not self.kind.recipe:
            return None
        return Service(self.kind.recipe, self.kind.recipe, self.port, self.evidence, self.is_open)

    @property
    def is_open(self) -> bool:
        """Whether no variable takes the password that the server would want."""
        wanted = (".password}", ".url}") if self.kind.is_in_url else (".password}",)
        return self.kind.asks and not any(each in text for text in self.values.values() for each in wanted)

    @property
    def notes(self) -> list[Note]:
        """What is to be said: who gets in, or that nothing runs such a server."""
        name, title = self.kind.name, self.kind.title
        if not self.kind.recipe:
            port = f" on port {self.port}" if self.port else ""
            text = f"{name}: the code connects to {title}, which no recipe runs: start one yourself{port}"
            variable = next(iter(self.values), "")
            text += f", and put its address into `{variable}`" if variable else ""
            return [Note(text, self.evidence, warns=True)]
        text = f"{self.kind.recipe}: {OPEN_ACCESS}"
        return [Note(text, self.evidence, warns=True)] if self.is_open else []


def find_endpoints(
    run: Run, packages: Mapping[str, str], containers: Collection[str], known: Collection[str] = ()
) -> list[Found]:
    """Those that the application uses with the run's variables, on this machine or in `containers`.

    `known` names recipes that are proposed already.
    """
    kinds = [
        each
        for name, each in known_servers().items()
        if name not in _TRIED and each.recipe not in known and each.is_spoken(packages)
    ]
    opened: dict[str, list[Connection]] = {}
    for each in connections(run, kinds):
        opened.setdefault(each.kind.name, []).append(each)
    found = (_find(each, run, opened.get(each.name, []), containers) for each in kinds)
    return [each for each in found if each is not None]


def _find(kind: Kind, run: Run, opened: list[Connection], containers: Collection[str]) -> Found | None:
    found, is_elsewhere = Found(kind, None), False
    login: dict[str, str] = {}
    for name in sorted({*run.found.reads, *run.found.needs}):
        text = _text(name, run)
        if kind.variables.match(name.upper()) or kind.schemes.match(text):
            is_elsewhere |= _is_elsewhere(text)
            if not _is_elsewhere(text) and (text or not kind.optional):
                found.values[name], found.places[name] = _written(kind, name, text), _place(name, run)
        elif text := next((text for pattern, text in kind.login if pattern.match(name.upper())), ""):
            login[name] = text
    for each in opened:
        is_elsewhere |= _take_variables(found, each, run)
    found.evidence = next(iter(found.places.values()), None)
    if found.values:
        found.values |= login if kind.recipe else {}
        found.places |= {name: _place(name, run) for name in login if name in found.values}
        return found if kind.recipe else _without_recipe(found, run, containers)
    if is_elsewhere:
        return None
    return _fixed(found, opened, run, containers)


def _take_variables(found: Found, opened: Connection, run: Run) -> bool:
    """Take what carries host, port or address to a call; returns whether the call goes to another machine."""
    kind = found.kind
    host, _port = host_and_port(opened)
    if isinstance(host, str) and _is_elsewhere(host):
        return True
    own = f"services.{kind.recipe}"
    given = {"url": opened.url} if opened.url is not None else opened.parts
    for part, value in given.items():
        name = next(iter(value.reads)) if len(value.reads) == 1 else ""
        if not name or name in found.values or part not in ("url", "host", "port"):
            continue
        text = _text(name, run)
        if _is_elsewhere(text):
            return True
        if (kind.optional and not text) or ("://" in text and not _is_of(kind, text)):
            continue
        is_whole = part == "url" or ":" in text
        found.values[name] = _written(kind, name, text) if is_whole else f"${{{own}.{part}}}"
        found.places[name] = _place(name, run)
    return False


def _is_of(kind: Kind, text: str) -> bool:
    """Whether an address may be one of this kind, by how it begins."""
    return text.startswith("http") if kind.url.startswith("http") else bool(kind.schemes.match(text))


def _fixed(found: Found, opened: list[Connection], run: Run, containers: Collection[str]) -> Found | None:
    """What the code names without a variable is found there or nowhere."""
    kind = found.kind
    for value in _literals(run):
        if isinstance(value.data, str) and kind.schemes.match(value.data) and not value.reads:
            if _is_elsewhere(value.data):
                return None
            _pin(found, *split(value.data), value.place, containers)
    for each in opened:
        host, port = host_and_port(each)
        if isinstance(host, str) and HOLE not in host and not _is_elsewhere(host):
            _pin(found, host, port if isinstance(port, int) else None, each.place, containers)
    return found if found.evidence is not None or found.port else None


def _pin(found: Found, host: str, port: int | None, place: Place | None, containers: Collection[str]) -> None:
    if host not in LOOPBACK:
        if host not in containers:
            return
        found.hosts.add(host)
    found.port = found.port or port or found.kind.port
    found.evidence = found.evidence or _evidence(place)


def _without_recipe(found: Found, run: Run, containers: Collection[str]) -> Found:
    """The usual address for what has no value that could be meant; all else is left alone."""
    for name, text in list(found.values.items()):
        host = split(_text(name, run) if "://" in _text(name, run) else f"//{_text(name, run)}")[0]
        if (name in run.found.needs and not _text(name, run)) or (host and host in containers):
            found.values[name] = usual(found.kind, text)
        else:
            del found.values[name], found.places[name]
    return found


def _text(name: str, run: Run) -> str:
    """What a variable holds: a committed value, else the code's default, else an example's."""
    read = run.found.reads.get(name)
    default = read.default.data if read is not None and read.default is not None else None
    return str(run.machine.environ.get(name) or default or run.machine.guesses.get(name) or "")


def _place(name: str, run: Run) -> Evidence | None:
    read = run.found.reads.get(name) or run.found.needs.get(name)
    return _evidence(read.place) if read is not None else None


def _evidence(place: Place | None) -> Evidence | None:
    return Evidence(place.path, place.line) if place else None


def _written(kind: Kind, name: str, text: str) -> str:
    """How the manifest says it, in the form that is there: an address with its database, host and port, or a part."""
    own = f"services.{kind.recipe}"
    part = _PART.search(name.upper())
    if "://" in text:
        parts = urlsplit(text)
        if kind.url.endswith("/") or not parts.path.strip("/"):  # its address ends with what stands for the default
            return f"${{{own}.url}}"
        return f"${{{own}.url}}{parts.path}" + (f"?{parts.query}" if parts.query and "authSource" not in text else "")
    if part is not None and part[1] == "PORT":
        return f"${{{own}.port}}"
    if part is not None and ":" not in text and (kind.schemes.match(kind.url) or text):
        return f"${{{own}.host}}"
    is_bare = ":" in text or (kind.bare and not text)
    return f"${{{own}.host}}:${{{own}.port}}" if is_bare else f"${{{own}.url}}"


def _is_elsewhere(text: str) -> bool:
    """Whether it is a machine that no container has the name of."""
    if text.startswith("mongodb+srv:"):
        return True
    try:
        host = urlsplit(text if "://" in text else f"//{text}").hostname or ""
    except ValueError:
        return False
    return "." in host and host not in LOOPBACK and host != DOCKER_HOST


def _literals(run: Run) -> Iterator[Value]:
    yield from run.names.values()
    for event in run.found.events:
        yield from (*event.call.args, *event.call.keywords.values())


def without_channels(proposal: Proposal) -> Proposal:
    """The same for a machine that can't ask the channel: the code is told the usual addresses, and warnings say why."""
    for kind in kinds_of_channels():
        gone = next((service for service in proposal.services if service.recipe == kind.recipe), None)
        if gone is None:
            continue
        text = (
            f"{kind.recipe}: the code connects to it, and only conda-forge has it: devboot[conda] brings it, "
            f'or `source = "host"` in [services.{kind.recipe}] takes the one on PATH'
        )
        proposal = replace(
            proposal,
            services=tuple(service for service in proposal.services if service is not gone),
            env=tuple(
                item if item.value is None else replace(item, value=usual(kind, item.value)) for item in proposal.env
            ),
            notes=(*proposal.notes, Note(text, gone.evidence, warns=True)),
        )
    return proposal


def kind_of(recipe: str) -> Kind:
    """The kind that a recipe is of."""
    return next(kind for kind in known_servers().values() if kind.recipe == recipe)


def usual(kind: Kind, text: str) -> str:
    """What stands in a variable where the server isn't devboot's: the usual address in place of the service's."""
    parts = urlsplit(kind.url if "://" in kind.url else f"//{kind.url}")
    words = {
        "url": kind.url,
        "host": parts.hostname or "",
        "port": str(parts.port),
        "user": "minioadmin",
        "password": "",
    }
    pattern = rf"\$\{{services\.{re.escape(kind.recipe)}\.(url|host|port|user|password)\}}"
    return re.sub(pattern, lambda match: words[match[1]], text)
