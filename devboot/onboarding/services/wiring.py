"""Finds by trial which variables carry Redis's address, and in which shape the code takes it.

A guess is not believed: the application is evaluated again with it, and only what then arrives where the code
connects counts.
"""

from __future__ import annotations

import re
from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass, field
from urllib.parse import urlsplit

from devboot.onboarding.frameworks.workers.celery import is_idle
from devboot.onboarding.libraries import LOOPBACK
from devboot.onboarding.proposal_values import CONTAINER, OPEN_ACCESS, Evidence, Note
from devboot.onboarding.services.addresses import Address, broker_values, redis_addresses
from devboot.onboarding.services.brokers import OWN, PROBE, URL, amqp_broker, broker_variables, evidence_of_broker
from devboot.onboarding.symbolic_eval.evaluate import Code, Run, evaluate
from devboot.onboarding.symbolic_eval.values import HOLE, Value

CELERY = r"(?:^|\.)Celery$|^celery\..*config_from_object$"
OWN_VARIABLES = {"broker": "CELERY_BROKER_URL", "result backend": "CELERY_RESULT_BACKEND"}
PROBE_PORT = 59999
PROBE_HOST = "127.0.0.1"
PROBE_PASSWORD = "probe0password"  # noqa: S105
GOOD = re.compile(rf"^(?:rediss?(?:\+\w+)?://)?(?:[^@/]*@)?{re.escape(PROBE_HOST)}:{PROBE_PORT}(?:/\d*)?(?:\?.*)?$")
CARRIES = re.compile(
    r"REDIS|BROKER|VALKEY|CACHE|CELERY|RESULT_BACKEND|QUEUE|CHANNEL|\bRQ|HUEY|KV|BACKEND|HOST|PORT|URL|DSN|URI|ADDR",
    re.IGNORECASE,
)
NEVER = re.compile(
    r"AMQP|RABBIT|PASS|USER|SSL|TLS|PREFIX|DEBUG|_DB$|DATABASE|ENV$|ENVIRONMENT|TIMEOUT|TTL|ENABLED|SENTRY|EMAIL|MAIL|AWS|S3|SECRET|TOKEN",
    re.IGNORECASE,
)
PASSWORDS = re.compile(r"(?:REDIS|VALKEY|BROKER|CACHE|CELERY|CHANNEL|QUEUE|RQ)\w*PASS(?:WORD|WD)?$", re.IGNORECASE)
PROMISING = re.compile(
    r"REDIS.*(?:URL|URI|DSN|ADDR)|REDIS$|BROKER(?:_URL|_URI|_DSN)?$|(?:REDIS|BROKER)_(?:SERVER_)?HOST|RESULT_BACKEND",
    re.IGNORECASE,
)


@dataclass(slots=True)
class Wiring:
    """What connects the application to Redis, and to RabbitMQ where that is Celery's broker.

    `values` are manifest texts by variable, `probes` the same for evaluation, `port` is set where the code fixes it.
    """

    is_needed: bool = False
    values: dict[str, str] = field(default_factory=dict)
    probes: dict[str, str] = field(default_factory=dict)
    places: dict[str, Evidence | None] = field(default_factory=dict)
    port: int | None = None
    is_open: bool = False  # whether the code connects without a password that it could be told
    evidence: Evidence | None = None
    notes: list[Note] = field(default_factory=list)
    hosts: set[str] = field(default_factory=set)  # names of containers that the code connects to
    needs_rabbitmq: bool = False
    rabbitmq_evidence: Evidence | None = None


def find_wiring(
    code: Code,
    base: Run,
    switches: Mapping[str, str],
    packages: Mapping[str, str],
    containers: Collection[str],
) -> Wiring:
    """Decide which of the two are needed, and how the application is told where they are."""
    wiring = _wire_redis(code, base, switches, packages, containers)
    broker = amqp_broker(base) if any(re.search(CELERY, event.name) for event in base.found.events) else None
    if broker is not None and "celery" in packages:
        names = broker_variables(code, base, {**switches, **wiring.probes}, broker)
        _add_rabbitmq(wiring, names, evidence_of_broker(broker))
    return wiring


def _add_rabbitmq(wiring: Wiring, names: Iterable[str], where: Evidence | None) -> None:
    wiring.needs_rabbitmq, wiring.rabbitmq_evidence = True, where
    for name in names:
        wiring.values[name], wiring.probes[name], wiring.places[name] = URL, PROBE, where


def _wire_redis(
    code: Code,
    base: Run,
    switches: Mapping[str, str],
    packages: Mapping[str, str],
    containers: Collection[str],
) -> Wiring:
    wiring = Wiring()
    addresses = redis_addresses(base, packages)
    silent = _silent_broker(base, packages) if not any(a.label == "broker" for a in addresses) else None
    demanded = [
        need for need in base.found.needs.values() if re.search(r"REDIS|VALKEY", need.name) or "RedisDsn" in need.cast
    ]
    if not addresses and silent is None and not demanded:
        return wiring
    if not addresses and not demanded and not _has_client(packages):
        return _default_broker(base, packages, wiring)
    names = _candidates(base, addresses, silent or [])
    _try_shapes(code, base, switches, packages, names, addresses, wiring)
    if addresses or wiring.values:
        _add_siblings(base, addresses, wiring)
    if not addresses and not wiring.values:
        return _default_broker(base, packages, wiring) if silent is not None else wiring
    wiring.is_needed = True
    first = addresses[0] if addresses else None
    wiring.evidence = first.evidence if first else next(iter(wiring.places.values()), None)
    _pin(code, switches, packages, wiring, containers)
    _tell_password(code, base, switches, packages, wiring)
    return wiring


def _tell_password(
    code: Code, base: Run, switches: Mapping[str, str], packages: Mapping[str, str], wiring: Wiring
) -> None:
    """Give the password to the variables that ask for it; where it doesn't reach a place that connects, do without."""
    asking = sorted(name for name in {*base.found.reads, *base.found.needs} if PASSWORDS.search(name))
    _tell_celery(code, switches, packages, wiring)
    for names in ([], asking):
        probes = {**wiring.probes, **dict.fromkeys(names, PROBE_PASSWORD)}
        if _all_know(redis_addresses(evaluate(code, {**switches, **probes}), packages), wiring, names):
            for name in names:
                read = base.found.reads.get(name)
                wiring.values[name], wiring.probes[name] = "${services.redis.password}", PROBE_PASSWORD
                wiring.places[name] = Evidence(read.place.path, read.place.line) if read and read.place else None
            return
    wiring.is_open = True
    wiring.notes.append(Note(f"redis: {OPEN_ACCESS}", wiring.evidence, warns=True))


def _tell_celery(code: Code, switches: Mapping[str, str], packages: Mapping[str, str], wiring: Wiring) -> None:
    """Where Celery's address is put together of parts, it gets the whole one in the variable that it prefers."""
    for address in redis_addresses(evaluate(code, {**switches, **wiring.probes}), packages):
        variable = OWN_VARIABLES.get(address.label)
        if variable and variable not in wiring.values and GOOD.match(address.url or "") and not address.password:
            _wire_celery(wiring, variable, address)


def _wire_celery(wiring: Wiring, variable: str, address: Address) -> None:
    path = urlsplit(address.url or "").path
    wiring.values[variable] = "${services.redis.url}" + (path if re.match(r"^/\d+$", path) else "/0")
    wiring.probes[variable] = written("url", "/0")[0]
    wiring.places[variable] = address.evidence


def _all_know(addresses: Iterable[Address], wiring: Wiring, names: Iterable[str]) -> bool:
    """Whether each place that connects to the server has the password, as far as that can be followed."""
    is_whole = any(".url}" in text for text in wiring.values.values() if "${services.redis." in text)
    local = [
        each
        for each in addresses
        if each.host in LOOPBACK | {PROBE_HOST} | wiring.hosts and not _is_celery(each, wiring)
    ]
    if not local:
        return is_whole or any(names)
    return all(each.password == PROBE_PASSWORD for each in local)


def _is_celery(address: Address, wiring: Wiring) -> bool:
    """Whether Celery takes a variable of its own instead of this address."""
    return OWN_VARIABLES.get(address.label, "") in wiring.values


def _silent_broker(run: Run, packages: Mapping[str, str]) -> list[Value] | None:
    """Celery is used, and its broker is None: the values that could have been one. None: nothing is missing."""
    if not any(re.search(CELERY, event.name) for event in run.found.events) or "celery" not in packages:
        return None
    brokers = [value for label, value in broker_values(run) if label == "broker"]
    if any(isinstance(value.data, str) and value.data for value in brokers):
        return None
    if is_idle(run):
        return None
    return brokers


def _has_client(packages: Mapping[str, str]) -> bool:
    """Whether Redis's library is installed: without it Celery can't use Redis, whatever a variable says."""
    return any("redis" in name or "redis" in extras.split(",") for name, extras in packages.items())


def _candidates(run: Run, addresses: Iterable[Address], silent: Iterable[Value]) -> list[str]:
    reads: set[str] = set()
    for address in addresses:
        reads |= address.reads
    for value in silent:
        reads |= value.reads
    if not reads and not any(True for _ in addresses):
        reads = {name for name in run.found.reads if PROMISING.search(name)}
    for name in run.found.needs:
        if PROMISING.search(name) or re.search(r"REDIS|VALKEY", name):
            reads.add(name)
    return sorted(name for name in reads if CARRIES.search(name) and not NEVER.search(name))


def _shape(name: str, run: Run) -> str:
    """How a variable's default, or else its name, says that it is written."""
    read = run.found.reads.get(name)
    text = (
        run.machine.environ.get(name)
        or (read.default.data if read and read.default else None)
        or run.machine.guesses.get(name)
    )
    if isinstance(text, int) or (isinstance(text, str) and text.isdigit()):
        return "port"
    if isinstance(text, str) and "://" in text:
        return "url"
    if isinstance(text, str) and re.match(r"^[\w.-]+:\d+$", text):
        return "pair"
    if re.search(r"PORT$", name, re.IGNORECASE):
        return "port"
    if re.search(r"HOST(?:NAME)?$|SERVER$|ADDRESS$|ENDPOINT$", name, re.IGNORECASE):
        return "host"
    return "host" if isinstance(text, str) and text and re.match(r"^[\w.-]+$", text) else "url"


def _suffix(name: str, run: Run) -> str | None:
    """The database's number in a variable's default; None where there is no default."""
    read = run.found.reads.get(name)
    text = (
        run.machine.environ.get(name)
        or (read.default.data if read and read.default else None)
        or run.machine.guesses.get(name)
    )
    if not isinstance(text, str) or "://" not in text:
        return None
    try:
        path = urlsplit(text).path
    except ValueError:
        return None
    return path if re.match(r"^/\d+$", path) else ""


def written(shape: str, suffix: str) -> tuple[str, str]:
    """A value as it is tried, and as it stands in the manifest."""
    return {
        "url": (f"redis://:{PROBE_PASSWORD}@{PROBE_HOST}:{PROBE_PORT}{suffix}", "${services.redis.url}" + suffix),
        "pair": (f"{PROBE_HOST}:{PROBE_PORT}", "${services.redis.host}:${services.redis.port}"),
        "host": (PROBE_HOST, "${services.redis.host}"),
        "port": (str(PROBE_PORT), "${services.redis.port}"),
    }[shape]


def _try_shapes(
    code: Code, base: Run, switches: Mapping[str, str], packages: Mapping[str, str], names: list[str],
    addresses: list[Address], wiring: Wiring,
) -> None:  # fmt: skip
    if not names:
        return
    shapes = {name: _shape(name, base) for name in names}
    best: tuple[int, dict[str, tuple[str, str]]] = (0, {})
    for attempt in ("default", "bare", "number", "pair"):
        tried = {name: written(*_attempt(name, shapes[name], attempt, base)) for name in names}
        reached = _reached(code, switches, packages, {name: probe for name, (probe, _) in tried.items()})
        if len(reached) > best[0]:
            best = (len(reached), tried)
        if reached and len(reached) >= len([a for a in addresses if a.reads]):
            break
    if best[0]:
        _keep(code, base, switches, packages, best[1], wiring)
        return
    _by_name(base, names, shapes, wiring)


def _attempt(name: str, shape: str, attempt: str, run: Run) -> tuple[str, str]:
    if attempt == "pair" and shape in ("url", "host"):
        return "pair", ""
    if shape != "url":
        return shape, ""
    known = _suffix(name, run)
    return "url", {"default": "/0" if known is None else known, "bare": "", "number": "/0"}[attempt]


def _reached(
    code: Code, switches: Mapping[str, str], packages: Mapping[str, str], probes: Mapping[str, str]
) -> set[str]:
    """The places that connect to the probe's address in good form, with these variables set."""
    run = evaluate(code, {**switches, **probes})
    found: set[str] = set()
    for address in redis_addresses(run, packages):
        good = GOOD.match(address.url) if address.url else _is_told_host(address, probes) or _is_at_probe(address)
        if good:
            found.add(f"{address.label} {address.place}")
    return found


def _is_told_host(address: Address, probes: Mapping[str, str]) -> bool:
    """Whether variables carry the host, and nothing but the code says the port."""
    is_told = address.host == PROBE_HOST and not address.reads.isdisjoint(probes)
    return is_told and not any("PORT" in name.upper() for name in address.reads)


def _is_at_probe(address: Address) -> bool:
    return address.host == PROBE_HOST and address.port == PROBE_PORT


def _keep(
    code: Code, base: Run, switches: Mapping[str, str], packages: Mapping[str, str],
    tried: Mapping[str, tuple[str, str]], wiring: Wiring,
) -> None:  # fmt: skip
    """Of the variables that work together, those that are needed: a general one makes the special ones superfluous."""
    chosen = {name: probe for name, (probe, _) in tried.items()}
    goal = _reached(code, switches, packages, chosen)
    # What arrives where it can't be followed is carried by the likeliest of its variables
    unseen = [
        a.reads.intersection(tried)
        for a in redis_addresses(base, packages)
        if HOLE in a.host and a.reads.intersection(tried)
    ]
    kept = {max(reads, key=lambda name: (name == "REDIS_URL", *_generality(name, base))) for reads in unseen}
    for name in sorted(tried, key=lambda name: _generality(name, base)):
        if len(chosen) > 1 and name not in kept:
            fewer = {other: probe for other, probe in chosen.items() if other != name}
            if goal <= _reached(code, switches, packages, fewer):
                chosen = fewer
    for name, probe in chosen.items():
        wiring.probes[name] = probe
        wiring.values[name] = tried[name][1]
        read = base.found.reads.get(name)
        wiring.places[name] = Evidence(read.place.path, read.place.line) if read and read.place else None


def _generality(name: str, run: Run) -> tuple[int, int, str]:
    """Smaller: dropped first. What is set already (by a committed file) and names Redis itself stays longest."""
    set_already = name in run.machine.environ
    return (int(set_already), int(bool(re.match(r"^(?:\w+_)?REDIS_(?:URL|DSN|URI|HOST|PORT)$", name))), name)


def _add_siblings(base: Run, addresses: list[Address], wiring: Wiring) -> None:
    """Other variables whose defaults are an address of Redis: a part of the code that isn't followed uses them."""
    known = frozenset().union(*(address.reads for address in addresses)) | set(wiring.values)
    for name, read in base.found.reads.items():
        default = read.default
        if name in known or default is None or default.reads or "REDIS" not in name.upper() or NEVER.search(name):
            continue
        shape = _shape(name, base)
        is_host = (
            shape == "host" and isinstance(default.data, str) and default.data in (*LOOPBACK - {""}, "redis", "valkey")
        )
        is_url = shape == "url" and isinstance(default.data, str) and default.data.startswith("redis://")
        is_port = shape == "port" and str(default.data) == "6379"
        if is_host or is_url or is_port:
            probe, text = written(shape, _suffix(name, base) or "")
            wiring.probes[name], wiring.values[name] = probe, text
            wiring.places[name] = Evidence(read.place.path, read.place.line) if read.place else None


def _by_name(base: Run, names: list[str], shapes: Mapping[str, str], wiring: Wiring) -> None:
    """Where the way of the value can't be followed: the names alone."""
    for name in names:
        if not re.search(r"REDIS|BROKER", name):
            continue
        probe, text = written(shapes[name], _suffix(name, base) or "")
        wiring.probes[name], wiring.values[name] = probe, text
        read = base.found.reads.get(name)
        wiring.places[name] = Evidence(read.place.path, read.place.line) if read and read.place else None


def _default_broker(base: Run, packages: Mapping[str, str], wiring: Wiring) -> Wiring:
    """No broker anywhere: Celery's own variable reaches it if Redis's client is there; else Celery means RabbitMQ."""
    event = next(e for e in base.found.events if re.search(CELERY, e.name))
    where = Evidence(event.place.path, event.place.line) if event.place else None
    if "redis" in packages or "redis" in packages.get("celery", "").split(","):
        wiring.is_needed = True
        wiring.values["CELERY_BROKER_URL"] = "${services.redis.url}/0"
        wiring.probes["CELERY_BROKER_URL"] = written("url", "/0")[0]
        wiring.places["CELERY_BROKER_URL"] = where
        wiring.evidence = where
    else:
        _add_rabbitmq(wiring, [OWN], where)
    return wiring


def _pin(
    code: Code,
    switches: Mapping[str, str],
    packages: Mapping[str, str],
    wiring: Wiring,
    containers: Collection[str],
) -> None:
    """Addresses that no variable reaches: Celery's own variables, else the host and the port that the code names."""
    run = evaluate(code, {**switches, **wiring.probes})
    for address in redis_addresses(run, packages):
        if (address.url and GOOD.match(address.url)) or _is_at_probe(address):
            continue
        variable = OWN_VARIABLES.get(address.label)
        if variable and variable not in wiring.values and not address.reads:
            # Celery reads these two from the environment before its configuration
            _wire_celery(wiring, variable, address)
        elif (address.host in LOOPBACK or address.host in containers) and not variable:
            wiring.hosts |= {address.host} - LOOPBACK
            wiring.port = wiring.port or address.port or 6379
            wiring.evidence = address.evidence or wiring.evidence
        elif HOLE not in address.host and not address.reads and not variable:
            text = f"redis: {CONTAINER.format(address.host)}: let it come out of a variable"
            wiring.notes.append(Note(text, address.evidence, warns=True))
