"""Finds MongoDB, Meilisearch and MinIO, which a conda channel alone has, and the variables that say where they are.

Nothing is tried out here: a library that talks to such a server has to be installed, and the code has to name an
address of this machine or a variable for one.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field, replace
from urllib.parse import urlsplit

from devboot.onboarding.addresses import LOOPBACK
from devboot.onboarding.evaluation.values import Place, Value
from devboot.onboarding.proposal import Evidence, Note, Proposal, Service
from devboot.onboarding.settings import Run

_PART = re.compile(r"_(HOST(?:NAME)?|SERVER|PORT)$")


@dataclass(frozen=True, slots=True)
class Kind:
    """A server that needs the channel; `variable` is how what names it is called, `usual` where it is by default."""

    recipe: str
    clients: tuple[str, ...]
    variable: re.Pattern[str]
    usual: str
    schemes: str = r"(?!)"  # how an address begins that nothing else has
    login: tuple[tuple[re.Pattern[str], str], ...] = ()  # how the variables for user and password are called
    bare: bool = False  # a variable without any address so far holds host:port, without a scheme


KINDS = (
    Kind(
        "mongodb",
        ("pymongo", "motor", "mongoengine", "beanie", "odmantic", "flask-pymongo", "flask-mongoengine", "umongo"),
        re.compile(
            r"^(?:\w+_)?MONGO(?:DB)?_(?:URL|URI|DSN|CONNECTION(?:_STRING|_URL|_URI)?|HOST(?:NAME)?|SERVER|PORT)$"
        ),
        "mongodb://localhost:27017",
        schemes=r"mongodb(?:\+srv)?://",
    ),
    Kind(
        "meilisearch",
        ("meilisearch", "meilisearch-python-sdk", "meilisearch-python-async", "wagtail-meilisearch", "django-meili"),
        re.compile(r"^(?:\w+_)?MEILI(?:SEARCH)?_(?:URL|URI|HOST(?:NAME)?|HTTP_ADDR|PORT)$"),
        "http://localhost:7700",
        login=((re.compile(r"^(?:\w+_)?MEILI(?:SEARCH)?_(?:\w+_)?KEY$"), "${services.meilisearch.password}"),),
    ),
    Kind(
        "minio",
        ("minio", "django-minio-backend", "django-minio-storage", "miniopy-async"),
        re.compile(r"^(?:\w+_)?MINIO_(?:URL|ENDPOINT|SERVER|HOST(?:NAME)?|PORT|STORAGE_ENDPOINT)$"),
        "http://localhost:9000",
        login=(
            (
                re.compile(r"^(?:\w+_)?MINIO_(?:\w+_)?(?:SECRET(?:_\w+)?|PASSWORD)$"),
                "minioadmin${services.minio.password}",
            ),
            (re.compile(r"^(?:\w+_)?MINIO_(?:\w+_)?(?:ACCESS_KEY(?:_ID)?|ACCESS|USER)$"), "${services.minio.user}"),
        ),
        bare=True,
    ),
)


@dataclass(slots=True)
class Found:
    """One of them: `values` are manifest texts by variable, `port` is set where the code fixes it."""

    kind: Kind
    evidence: Evidence | None
    values: dict[str, str] = field(default_factory=dict)
    places: dict[str, Evidence | None] = field(default_factory=dict)
    port: int | None = None

    @property
    def service(self) -> Service:
        """What is proposed."""
        return Service(self.kind.recipe, self.kind.recipe, self.port, self.evidence, self.is_open)

    @property
    def is_open(self) -> bool:
        """Whether no variable takes the password that the server would want."""
        return bool(self.kind.login) and not any(".password}" in text for text in self.values.values())


def find_channel_servers(run: Run, packages: Mapping[str, str]) -> list[Found]:
    """Those that the application uses with the run's variables, on this machine."""
    return [found for kind in KINDS if any(name in packages for name in kind.clients) if (found := _find(kind, run))]


def _find(kind: Kind, run: Run) -> Found | None:
    found, is_elsewhere = Found(kind, None), False
    login: dict[str, str] = {}
    for name in sorted({*run.found.reads, *run.found.needs}):
        text = _text(name, run)
        if kind.variable.match(name.upper()) or re.match(kind.schemes, text):
            is_elsewhere |= _is_elsewhere(text)
            if not _is_elsewhere(text):
                found.values[name], found.places[name] = _written(kind, name, text), _place(name, run)
        elif text := next((text for pattern, text in kind.login if pattern.match(name.upper())), ""):
            login[name] = text
    found.evidence = next(iter(found.places.values()), None)
    if found.values:
        found.values |= login
        found.places |= {name: _place(name, run) for name in login}
    if found.values or is_elsewhere:
        return found if found.values else None
    for value in _literals(run):
        if isinstance(value.data, str) and value.data.startswith(kind.usual.partition("localhost")[0]):
            return None if kind.recipe != "mongodb" or _is_elsewhere(value.data) else _fixed(found, value)
    return None


def _fixed(found: Found, value: Value) -> Found:
    """What the code names without a variable is found there or nowhere."""
    found.evidence = _evidence(value.place)
    try:
        found.port = urlsplit(str(value.data)).port or urlsplit(found.kind.usual).port
    except ValueError:
        found.port = urlsplit(found.kind.usual).port
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
        return f"${{{own}.url}}{parts.path}" + (f"?{parts.query}" if parts.query and "authSource" not in text else "")
    if part is not None and part[1] == "PORT":
        return f"${{{own}.port}}"
    if part is not None and ":" not in text and (kind.recipe == "mongodb" or text):
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
    return "." in host and host not in LOOPBACK


def _literals(run: Run) -> Iterator[Value]:
    yield from run.names.values()
    for event in run.found.events:
        yield from (*event.call.args, *event.call.keywords.values())


def without_channels(proposal: Proposal) -> Proposal:
    """The same for a machine that can't ask the channel: the code is told the usual addresses, and warnings say why."""
    for kind in KINDS:
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
    return next(kind for kind in KINDS if kind.recipe == recipe)


def usual(kind: Kind, text: str) -> str:
    """What stands in a variable where the server isn't devboot's: the usual address in place of the service's."""
    parts, own = urlsplit(kind.usual), f"services.{kind.recipe}"
    words = {
        "url": kind.usual,
        "host": parts.hostname or "",
        "port": str(parts.port),
        "user": "minioadmin",
        "password": "",
    }
    return re.sub(rf"\$\{{{re.escape(own)}\.(url|host|port|user|password)\}}", lambda m: words[m[1]], text)
