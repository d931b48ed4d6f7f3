"""Who connects to what: Redis and other servers, and the variables that carry the address."""

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
from devboot.onboarding.symbolic_eval.values import HOLE, Class, Instance, Module, Opaque, Value, deep_reads, plain

REDIS_URL = kind("redis").schemes


@dataclass(frozen=True, slots=True)
class Address:
    """One address that the code uses.

    `url` is set for addresses in one piece; else host and port stand apart. `reads` are the variables it comes from.
    """

    label: str
    url: str | None
    host: str
    port: int | None
    reads: frozenset[str]
    place: Evidence | None
    maybe: bool = False
    password: str = ""


def _is_client(name: str) -> bool:
    """Whether a class or function of that name opens a connection to Redis."""
    return kind("redis").positions(name) is not None


def parse_address(label: str, value: Value, place: Evidence | None, *, maybe: bool = False) -> Address | None:
    """An address from a text; None for what is no address of Redis."""
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
    """Every address of Redis that the application uses with the run's variables."""
    found = [*_of_settings(run), *_of_events(run)]
    if not found and "flask-redis" in packages and isinstance(run.setting("REDIS_URL"), str):
        address = parse_address("REDIS_URL", run.names["REDIS_URL"], None)
        found += [address] if address else []
    # An address of which nothing is known and that no variable changes is no ground for anything
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
        location = value.data.get("LOCATION") if isinstance(value.data, dict) else None
        if isinstance(location, Value) and location.data in (None, "") and location.reads:
            # Redis by name, its address only in a variable that isn't set: there is no other way
            yield Address(name, "", HOLE, None, location.reads, location.place or value.place)
    for finder in (_queues, _huey, _cluster, _flask):
        yield from finder(run)


def broker_values(run: Run) -> Iterator[tuple[str, Value]]:
    """Celery's broker and result backend, wherever they are set."""
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
        value = run.names.get(owner)
        if value is not None and isinstance(value.data, dict):
            yield from _pairs(value.data)
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
        given = event.argument(0)
        if given is not None and isinstance(given.data, dict):
            yield from _pairs(given.data)
        yield from _pairs(event.call.keywords)
    elif re.search(r"conf\[(?:broker_url|result_backend)\]=$", name) and event.call.args:
        yield _label(name), event.call.args[0]


def _of_object(run: Run, event: Event) -> Iterator[tuple[str, Value]]:
    """Celery's configuration as an object or a module of its own."""
    given, space = event.argument(0, "obj"), event.argument(2, "namespace")
    if given is None:
        return
    data = given.data
    if isinstance(data, str) and ":" not in data:
        found = run.machine.resolve(data)
        data = found.data if found is not None else None
    prefix = f"{space.data}_" if space is not None and isinstance(space.data, str) else ""
    names: dict[str, Value] = {}
    if isinstance(data, Instance):
        names = {**_class_names(data.cls), **data.names}
    elif isinstance(data, Class):
        names = _class_names(data)
    elif isinstance(data, Module):
        names = data.names
    for name, value in names.items():
        if name.upper().startswith(prefix):
            yield from _pairs({name[len(prefix) :]: value})


def _class_names(cls: Class) -> dict[str, Value]:
    found: dict[str, Value] = {}
    for part in reversed(cls.line()):
        found |= part.names
    return found


def _backends(run: Run) -> Iterator[tuple[str, Value]]:
    """CACHES, CHANNEL_LAYERS and others that name a class and give it options."""
    for name in ("CACHES", "CHANNEL_LAYERS", "DRAMATIQ_BROKER", "DRAMATIQ_RESULT_BACKEND", "TASKS"):
        value = run.names.get(name)
        if value is None or not isinstance(value.data, dict):
            continue
        entries = [value] if "BROKER" in name or "RESULT" in name else list(value.data.values())
        for entry in entries:
            if isinstance(entry.data, dict) and "redis" in str(plain(entry)).lower().replace("redis://", "", 0):
                backend = entry.data.get("BACKEND") or entry.data.get("BROKER")
                if backend is not None and "redis" in str(backend.data).lower():
                    yield name, entry


def _texts(label: str, value: Value, depth: int = 0) -> Iterator[Address]:
    """Addresses in a nest of dictionaries and lists, in one piece or as host and port."""
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
        pair = _pair(label, items, value.place)
        if pair is not None:
            yield pair
            return
        for item in items:
            yield from _texts(label, item, depth + 1)
    elif isinstance(data, dict) and depth < 5:
        yield from _entries(label, data, value.place, depth)


def _entries(label: str, data: Mapping[Any, Value], place: Evidence | None, depth: int) -> Iterator[Address]:
    apart = _apart(label, data, place)
    if apart is not None:
        yield apart
    for key, item in data.items():
        if key not in ("BACKEND", "BROKER"):
            yield from _texts(label, item, depth + 1)


def _pair(label: str, items: list[Value], place: Evidence | None) -> Address | None:
    """`("localhost", 6379)`."""
    if len(items) != 2 or _port(items[1]) is None:
        return None
    host = items[0].data
    if not isinstance(host, str) or REDIS_URL.match(host):
        return None
    return Address(label, None, host, _port(items[1]), items[0].reads | items[1].reads, items[0].place or place)


def _apart(label: str, data: Mapping[Any, Value], place: Evidence | None) -> Address | None:
    words = {str(key).lower(): value for key, value in data.items()}
    host = words.get("host") or words.get("redis_host")
    port = words.get("port") or words.get("redis_port")
    if host is None and port is None:
        return None
    name = host.data if host is not None and isinstance(host.data, str) else "localhost" if host is None else HOLE
    reads = (host.reads if host else frozenset()) | (port.reads if port else frozenset())
    where = (host or port or Value(None)).place or place
    return Address(label, None, name, _port(port) if port else 6379, reads, where, password=_password(words))


def _password(words: Mapping[str, Value]) -> str:
    given = words.get("password") or words.get("redis_password")
    return given.data if given is not None and isinstance(given.data, str) else ""


def _port(value: Value | None) -> int | None:
    data = value.data if value is not None else None
    if isinstance(data, bool):
        return None
    if isinstance(data, int):
        return data
    return int(data) if isinstance(data, str) and data.isdigit() else None


def _queues(run: Run) -> Iterator[Address]:
    value = run.names.get("RQ_QUEUES")
    for entry in value.data.values() if value is not None and isinstance(value.data, dict) else ():
        if isinstance(entry.data, dict):
            found = list(_texts("RQ_QUEUES", entry))
            yield from found
            if not found and not any("USE_REDIS_CACHE" in str(key) for key in entry.data):
                yield Address("RQ_QUEUES", None, "localhost", 6379, deep_reads(entry), entry.place)


def _huey(run: Run) -> Iterator[Address]:
    value = run.names.get("HUEY")
    data = value.data if value is not None else None
    if not isinstance(data, dict) or value is None:
        return
    kind = str(plain(data.get("huey_class") or data.get("backend_class") or Value("RedisHuey")))
    if re.search(r"Sqlite|File|Memory|Kyoto|Sql", kind):
        return
    if (
        data.get("immediate") is not None
        and data["immediate"].data is True
        and "connection" not in data
        and "url" not in data
    ):
        return
    found = list(_texts("HUEY", value))
    yield from found or [Address("HUEY", None, "localhost", 6379, frozenset(), value.place)]


def _cluster(run: Run) -> Iterator[Address]:
    value = run.names.get("Q_CLUSTER")
    given = value.data.get("redis") if value is not None and isinstance(value.data, dict) else None
    if isinstance(given, Value) and value is not None:
        found = list(_texts("Q_CLUSTER", given))
        yield from found or [Address("Q_CLUSTER", None, "localhost", 6379, given.reads, given.place or value.place)]


def _flask(run: Run) -> Iterator[Address]:
    """Settings of libraries that are told by names of their own."""
    names = run.names
    uses_redis = {
        "CACHE_REDIS_URL": "redis" in str(run.setting("CACHE_TYPE")).lower(),
        "RATELIMIT_STORAGE_URI": True, "RATELIMIT_STORAGE_URL": True, "RQ_REDIS_URL": True,
        "RQ_DASHBOARD_REDIS_URL": True,
        "CONSTANCE_REDIS_CONNECTION": "Redis" in str(run.setting("CONSTANCE_BACKEND") or "Redis"),
        "CACHEOPS_REDIS": True, "THUMBNAIL_REDIS_URL": True, "DEFENDER_REDIS_URL": True, "SOCKETIO_MESSAGE_QUEUE": True,
        "SESSION_REDIS_URL": True, "SESSION_REDIS": True, "WS4REDIS_CONNECTION": True, "EVENTSTREAM_REDIS": True,
    }  # fmt: skip
    for name, wanted in uses_redis.items():
        if wanted and name in names:
            value = names[name]
            yield from _texts(name, value, 1)
            if value.data is None and value.reads and name in ("RQ_REDIS_URL", "CACHE_REDIS_URL"):
                # Only a variable that isn't set has the address, and these two have no other way
                yield Address(name, "", HOLE, None, value.reads, value.place)
    for prefix in (
        "RQ_DEFAULT",
        "RQ",
        "SESSION_REDIS",
        "CACHE_REDIS" if uses_redis["CACHE_REDIS_URL"] else "RQ_LOW",
        "RQ_SCHEDULER",
    ):
        host = names.get(f"{prefix}_HOST")
        if host is not None and isinstance(host.data, str):
            port = names.get(f"{prefix}_PORT")
            reads = host.reads | (port.reads if port else frozenset())
            password = _password({"password": names.get(f"{prefix}_PASSWORD", Value(None))})
            number = _port(port) if port else 6379
            yield Address(f"{prefix}_HOST", None, host.data, number, reads, host.place, password=password)


def _of_events(run: Run) -> Iterator[Address]:
    for event in run.found.events:
        if event.name.endswith(("=", "=:")) or re.search(r"(?:^|\.)Celery$", event.name):
            continue
        if run.machine.is_ours(event.name.split(".")[0]):
            continue  # a function of the project that wasn't followed: what it calls is noted by itself
        yield from _of_event(event)


def _of_event(event: Event) -> Iterator[Address]:
    queue = event.call.keywords.get("message_queue")  # SocketIO(…), or its init_app(…)
    address = parse_address("message_queue", queue, event.place, maybe=event.maybe) if queue is not None else None
    if address is not None:
        yield address
    arguments = [*event.call.args, *event.call.keywords.values()]
    found = False
    for value in arguments:
        address = parse_address(event.name, value, event.place, maybe=event.maybe)
        if address and _is_client(event.name):
            found = True
            yield address
    if found or not _is_client(event.name) or "redis" not in event.name.lower():
        return
    if not _is_made_from_client(event):
        yield from _of_client(connection(kind("redis"), event), is_bare=not event.call.args)


def _is_made_from_client(event: Event) -> bool:
    """Whether the object gets a client or pool that is noted by itself."""
    if re.search(r"RedisJobStore$|RedisCache$|RedisBackend$|connection_pool", event.name):
        return True
    arguments = [*event.call.args, *event.call.keywords.values()]
    given = any(isinstance(value.data, Opaque) and _is_client(value.data.name) for value in arguments)
    return given or "connection_pool" in event.call.keywords


def _of_client(opened: Connection, *, is_bare: bool) -> Iterator[Address]:
    """A client that is told host and port, an address that isn't known, or nothing."""
    name, place, host, port = opened.call, opened.place, opened.parts.get("host"), opened.parts.get("port")
    if opened.url is not None:
        is_unknown = isinstance(opened.url.data, Opaque) and name.endswith(("from_url", "from_dsn"))
        if is_unknown or (opened.url.data is None and opened.url.reads):  # only a variable has the address
            yield Address(name, "", HOLE, None, opened.url.reads, place, opened.maybe)
    elif host is not None or port is not None:
        text = host.data if host is not None and isinstance(host.data, str) else "localhost" if host is None else HOLE
        reads = (host.reads if host else frozenset()) | (port.reads if port else frozenset())
        where = (host or port or Value(None)).place or place
        number, password = _port(port) if port else 6379, _password(opened.parts)
        yield Address(name, None, text, number, reads, where, opened.maybe, password)
    elif is_bare:
        yield Address(name, None, "localhost", 6379, frozenset(), place, opened.maybe, _password(opened.parts))
