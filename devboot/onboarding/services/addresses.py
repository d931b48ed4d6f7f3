"""Finds the addresses of Redis and of Celery's broker in settings and calls, and the variables they come from."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any
from urllib.parse import urlsplit

from devboot.onboarding.libraries import kind
from devboot.onboarding.proposal_values import Evidence
from devboot.onboarding.services.connections import Connection, connection
from devboot.onboarding.symbolic_eval.evaluate import Run
from devboot.onboarding.symbolic_eval.machine import Event
from devboot.onboarding.symbolic_eval.values import (
    HOLE,
    NOTHING,
    Opaque,
    Value,
    deep_reads,
    fields_of,
    names_of,
    plain,
    union,
)

REDIS_URL = kind("redis").schemes


@dataclass(frozen=True, slots=True)
class Address:
    """An address of Redis in the code: a complete URL (`url`), or host and port apart; `reads` are its variables."""

    label: str
    url: str | None
    host: str
    port: int | None
    reads: frozenset[str]
    place: Evidence | None
    maybe: bool = False
    password: str = ""


def _is_client(name: str) -> bool:
    """Return whether a class or function with this name opens a connection to Redis."""
    return kind("redis").positions(name) is not None


def parse_address(label: str, value: Value, place: Evidence | None, *, maybe: bool = False) -> Address | None:
    """Return the Redis address in an evaluated value; None for other values."""
    text = value.data
    reads = value.reads
    place = value.place or place
    if not isinstance(text, str) or not REDIS_URL.match(text):
        return None
    try:
        parts = urlsplit(text)
        host, port, password = parts.hostname or "", parts.port, parts.password or ""
    except ValueError:
        host, port, password = HOLE, None, ""
    return Address(label, text, host, port, reads, place, maybe, password)


def redis_addresses(run: Run, packages: Mapping[str, str]) -> list[Address]:
    """Return every address of Redis that the application uses in an evaluation."""
    found = [*_of_settings(run), *_of_events(run)]
    if not found and "flask-redis" in packages and isinstance(run.setting("REDIS_URL"), str):
        address = parse_address("REDIS_URL", run.names["REDIS_URL"], None)
        found += [address] if address else []
    # Drop addresses of unknown value that no variable changes
    found = [a for a in found if not (HOLE in a.host and not a.reads and (a.url or a.maybe))]
    unique: dict[tuple[str, str | None, str, int | None], Address] = {}
    for address in found:
        unique.setdefault((address.label, address.url, address.host, address.port), address)
    return list(unique.values())


def _of_settings(run: Run) -> Iterator[Address]:
    for label, value in broker_values(run):
        address = parse_address(label, value, None)
        if address:
            yield address
    for name, value in _backends(run):
        yield from _texts(name, value)
        location = fields_of(value).get("LOCATION", NOTHING)
        if location.data in (None, "") and location.reads:
            # A Redis backend whose address comes only from a variable without a value
            yield Address(name, "", HOLE, None, location.reads, location.place or value.place)
    yield from _of_queues(run)
    yield from _of_extensions(run)


def broker_values(run: Run) -> Iterator[tuple[str, Value]]:
    """Yield (label, value) of Celery's broker and result backend, from every place where they are set."""
    namespaces = {"CELERY"}
    for event in run.found.events:
        if event.name.endswith("config_from_object"):
            given = event.call.keywords.get("namespace")
            if given is not None and isinstance(given.data, str):
                namespaces.add(given.data)
    names = [
        f"{space}_{rest}"
        for space in sorted(namespaces)
        for rest in ("BROKER_URL", "RESULT_BACKEND", "BROKER", "BACKEND")
    ]
    for name in [*names, "BROKER_URL", "CELERY_RESULT_BACKEND_URL"]:
        if name in run.names:
            yield _label(name), run.names[name]
    for owner in ("CELERY", "CELERY_CONFIG"):
        yield from _pairs(run.fields(owner))
    for event in run.found.events:
        yield from _of_celery(event)
        if event.name.endswith("config_from_object") and "elery" in event.name:
            yield from _of_object(run, event)


def _label(name: str) -> str:
    return "broker" if "BROKER" in name.upper() else "result backend"


def _pairs(data: Mapping[Any, Value]) -> Iterator[tuple[str, Value]]:
    for key, value in data.items():
        if isinstance(key, str) and re.search(
            r"^(?:celery_)?(?:broker(?:_url)?|(?:result_)?backend|result_backend_url)$", key, re.IGNORECASE
        ):
            yield _label(key), value


def _of_celery(event: Event) -> Iterator[tuple[str, Value]]:
    name = event.name
    if re.search(r"(?:^|\.)Celery$", name):
        for label, value in (
            ("broker", event.argument(3, "broker", "broker_url")),
            ("result backend", event.argument(2, "backend", "result_backend")),
        ):
            if value is not None:
                yield label, value
    elif name.endswith(("conf.broker_url=", "conf.result_backend=")) and event.call.args:
        yield _label(name), event.call.args[0]
    elif name.endswith("conf.update"):
        yield from _pairs({**fields_of(event.argument(0)), **event.call.keywords})
    elif re.search(r"conf\[(?:broker_url|result_backend)\]=$", name) and event.call.args:
        yield _label(name), event.call.args[0]


def _of_object(run: Run, event: Event) -> Iterator[tuple[str, Value]]:
    """Yield (label, value) of Celery's broker settings in a configuration object or module."""
    given, space = event.argument(0, "obj"), event.argument(2, "namespace")
    if given is not None and isinstance(given.data, str) and ":" not in given.data:
        given = run.machine.resolve(given.data)
    prefix = f"{space.data}_" if space is not None and isinstance(space.data, str) else ""
    for name, value in names_of(given.data).items() if given is not None else ():
        if name.upper().startswith(prefix):
            yield from _pairs({name[len(prefix) :]: value})


def _backends(run: Run) -> Iterator[tuple[str, Value]]:
    """Yield (setting, entry) of each Redis backend in settings such as CACHES and CHANNEL_LAYERS."""
    for name in ("CACHES", "CHANNEL_LAYERS", "DRAMATIQ_BROKER", "DRAMATIQ_RESULT_BACKEND", "TASKS"):
        given = run.fields(name)
        for entry in (given,) if "BROKER" in name or "RESULT" in name else map(fields_of, given.values()):
            backend = entry.get("BACKEND") or entry.get("BROKER")
            if backend is not None and "redis" in str(backend.data).lower():
                yield name, Value(entry, frozenset(), backend.place)


def _texts(label: str, value: Value, depth: int = 0) -> Iterator[Address]:
    """Yield the Redis addresses in nested dictionaries and lists, given as URLs or as host and port."""
    data = value.data
    if isinstance(data, str):
        address = parse_address(label, value, value.place)
        if address:
            yield address
        elif depth and re.match(r"^[\w.-]+:\d+(?::\d+)?$", data):
            host, port = data.split(":")[:2]
            yield Address(label, data, host, int(port), value.reads, value.place)
    elif isinstance(data, list | tuple):
        items = [item for item in data if isinstance(item, Value)]
        if (
            len(items) == 2
            and isinstance(items[0].data, str)
            and _port(items[1])
            and not REDIS_URL.match(items[0].data)
        ):
            yield _of_parts(label, {"host": items[0], "port": items[1]}, value.place)
            return
        for item in items:
            yield from _texts(label, item, depth + 1)
    elif isinstance(data, dict) and depth < 5:
        yield from _in_fields(label, data, value.place, depth)


def _in_fields(label: str, data: Mapping[Any, Value], place: Evidence | None, depth: int) -> Iterator[Address]:
    words = {str(key).lower().removeprefix("redis_"): item for key, item in data.items()}
    if "host" in words or "port" in words:
        yield _of_parts(label, words, place)
    for key, item in data.items():
        if key not in ("BACKEND", "BROKER"):
            yield from _texts(label, item, depth + 1)


def _of_parts(label: str, parts: Mapping[str, Value], place: Evidence | None, *, maybe: bool = False) -> Address:
    """Return an address made of separate parts; missing parts get Redis' defaults."""
    host, port, password = (parts.get(name) for name in ("host", "port", "password"))
    name = "localhost" if host is None else host.data if isinstance(host.data, str) else HOLE
    reads = union(*(each for each in (host, port) if each is not None))
    where = (host or port or NOTHING).place or place
    secret = password.data if password is not None and isinstance(password.data, str) else ""
    return Address(label, None, name, _port(port) if port else 6379, reads, where, maybe, secret)


def _port(value: Value | None) -> int | None:
    data = value.data if value is not None and not isinstance(value.data, bool) else None
    return int(data) if isinstance(data, int) or (isinstance(data, str) and data.isdigit()) else None


def _of_queues(run: Run) -> Iterator[Address]:
    """Yield the addresses of queue libraries, which connect to Redis on this machine by default."""
    given = [
        ("RQ_QUEUES", each) for each in run.fields("RQ_QUEUES").values() if "USE_REDIS_CACHE" not in fields_of(each)
    ]
    huey, cluster = run.fields("HUEY"), run.fields("Q_CLUSTER").get("redis")
    kept_by = str(plain(huey.get("huey_class") or huey.get("backend_class") or NOTHING))
    runs_at_once = huey.get("immediate", NOTHING).data is True and not {"connection", "url"} & huey.keys()
    if huey and not runs_at_once and not re.search(r"Sql|File|Memory|Kyoto", kept_by):
        given.append(("HUEY", run.names["HUEY"]))
    given += [("Q_CLUSTER", cluster)] if cluster is not None else []
    for label, value in given:
        found = list(_texts(label, value))
        yield from found or [Address(label, None, "localhost", 6379, deep_reads(value), value.place)]


def _of_extensions(run: Run) -> Iterator[Address]:
    """Yield the addresses in settings of particular libraries."""
    names = run.names
    caches = "redis" in str(run.setting("CACHE_TYPE")).lower()
    for name in kind("redis").settings:
        value = names.get(name) if caches or not name.startswith("CACHE_") else None
        if value is not None and name.endswith("_HOST"):
            start = name.removesuffix("HOST")
            words = {
                each: names[start + each.upper()]
                for each in ("host", "port", "password")
                if start + each.upper() in names
            }
            yield from [_of_parts(name, words, value.place)] if isinstance(value.data, str) else []
        elif value is not None:
            yield from _texts(name, value, 1)
            if value.data is None and value.reads and name in ("RQ_REDIS_URL", "CACHE_REDIS_URL"):
                # The address comes only from a variable without a value
                yield Address(name, "", HOLE, None, value.reads, value.place)


def _of_events(run: Run) -> Iterator[Address]:
    for event in run.found.events:
        if event.name.endswith(("=", "=:")) or re.search(r"(?:^|\.)Celery$", event.name):
            continue
        if run.machine.is_ours(event.name.split(".")[0]):
            continue  # a function of the project: its calls are recorded separately
        yield from _of_event(event)


def _of_event(event: Event) -> Iterator[Address]:
    queue = event.call.keywords.get("message_queue")  # SocketIO(…), or its init_app(…)
    address = parse_address("message_queue", queue, event.place, maybe=event.maybe) if queue is not None else None
    if address is not None:
        yield address
    if not _is_client(event.name):
        return
    takes_host = tuple(kind("redis").positions(event.name) or ())[:1] == ("host",)  # its host argument is not a url
    arguments = [*event.call.args[takes_host:], *(item for word, item in event.call.keywords.items() if word != "host")]
    found = [parse_address(event.name, value, event.place, maybe=event.maybe) for value in arguments]
    yield from filter(None, found)
    if not any(found) and "redis" in event.name.lower() and not _is_made_from_client(event):
        yield from _of_client(connection(kind("redis"), event), is_bare=not event.call.args)


def _is_made_from_client(event: Event) -> bool:
    """Return whether an object gets a Redis client or pool as argument, whose address is recorded separately."""
    if re.search(r"RedisJobStore$|RedisCache$|RedisBackend$|connection_pool", event.name):
        return True
    arguments = [*event.call.args, *event.call.keywords.values()]
    given = any(isinstance(value.data, Opaque) and _is_client(value.data.name) for value in arguments)
    return given or "connection_pool" in event.call.keywords


def _of_client(opened: Connection, *, is_bare: bool) -> Iterator[Address]:
    """Yield the address of a Redis client created with host and port, with an unknown URL, or without arguments."""
    name, place, url = opened.call, opened.place, opened.url
    if url is not None:
        is_unknown = isinstance(url.data, Opaque) and name.endswith(("from_url", "from_dsn"))
        if is_unknown or (url.data is None and url.reads):  # only a variable carries the address
            yield Address(name, "", HOLE, None, url.reads, place, opened.maybe)
    elif is_bare or {"host", "port"} & opened.parts.keys():
        yield _of_parts(name, opened.parts, place, maybe=opened.maybe)
