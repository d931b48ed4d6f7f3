"""Finds by trial which variables carry Redis's address, and in which shape the code takes it.

A guess is not believed: the application is evaluated again with it, and only what then arrives where the code
connects counts.
"""

from __future__ import annotations

import re
from collections.abc import Collection, Iterable, Mapping
from urllib.parse import urlsplit

from devboot.onboarding.libraries import LOOPBACK, kind
from devboot.onboarding.proposal_values import CONTAINER, Note
from devboot.onboarding.services.addresses import Address, broker_values, redis_addresses
from devboot.onboarding.services.brokers import (
    lacks_broker,
    speaks_redis,
    told_celery,
)
from devboot.onboarding.services.served import Served, place_of, text_of
from devboot.onboarding.symbolic_eval.evaluate import Code, Run, evaluate
from devboot.onboarding.symbolic_eval.values import HOLE, Value

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


def find_redis(
    code: Code,
    base: Run,
    switches: Mapping[str, str],
    packages: Mapping[str, str],
    containers: Collection[str],
) -> Served | None:
    """Decide whether Redis is needed, and how the application is told where it is; RabbitMQ where Celery means that."""
    found = Served(kind("redis"))
    addresses = redis_addresses(base, packages)
    is_silent = not any(each.label == "broker" for each in addresses) and lacks_broker(base, packages)
    demanded = any(re.search(r"REDIS|VALKEY", n.name) or "RedisDsn" in n.cast for n in base.found.needs.values())
    if not addresses and not demanded and not (is_silent and speaks_redis(packages)):
        return told_celery(base, packages) if is_silent else None
    names = _candidates(base, addresses, broker_values(base) if is_silent else ())
    _try_shapes(code, base, switches, packages, names, addresses, found)
    if addresses or found.values:
        _add_siblings(base, addresses, found)
    elif is_silent:
        return told_celery(base, packages)
    else:
        return None
    found.evidence = addresses[0].evidence if addresses else next(iter(found.places.values()), None)
    _pin(code, switches, packages, found, containers)
    _tell_password(code, base, switches, packages, found)
    return found


def _tell_password(
    code: Code, base: Run, switches: Mapping[str, str], packages: Mapping[str, str], found: Served
) -> None:
    """Give the password to the variables that ask for it; where it doesn't reach a place that connects, do without."""
    asking = sorted(name for name in {*base.found.reads, *base.found.needs} if PASSWORDS.search(name))
    _tell_celery(code, switches, packages, found)
    for names in ([], asking):
        probes = {**found.probes, **dict.fromkeys(names, PROBE_PASSWORD)}
        if _all_know(redis_addresses(evaluate(code, {**switches, **probes}), packages), found, names):
            for name in names:
                found.tell(name, "${services.redis.password}", place_of(name, base), PROBE_PASSWORD)
            return
    found.open_access(found.evidence)


def _tell_celery(code: Code, switches: Mapping[str, str], packages: Mapping[str, str], found: Served) -> None:
    """Where Celery's address is put together of parts, it gets the whole one in the variable that it prefers."""
    for address in redis_addresses(evaluate(code, {**switches, **found.probes}), packages):
        variable = OWN_VARIABLES.get(address.label)
        if variable and variable not in found.values and GOOD.match(address.url or "") and not address.password:
            _wire_celery(found, variable, address)


def _wire_celery(found: Served, variable: str, address: Address) -> None:
    path = urlsplit(address.url or "").path
    suffix = path if re.match(r"^/\d+$", path) else "/0"
    found.tell(variable, "${services.redis.url}" + suffix, address.evidence, written("url", "/0")[0])


def _all_know(addresses: Iterable[Address], found: Served, names: Iterable[str]) -> bool:
    """Whether each place that connects to the server has the password, as far as that can be followed."""
    is_whole = any(".url}" in text for text in found.values.values() if "${services.redis." in text)
    local = [
        each for each in addresses if each.host in LOOPBACK | {PROBE_HOST} | found.hosts and not _is_celery(each, found)
    ]
    if not local:
        return is_whole or any(names)
    return all(each.password == PROBE_PASSWORD for each in local)


def _is_celery(address: Address, found: Served) -> bool:
    """Whether Celery takes a variable of its own instead of this address."""
    return OWN_VARIABLES.get(address.label, "") in found.values


def _candidates(run: Run, addresses: list[Address], silent: Iterable[tuple[str, Value]]) -> list[str]:
    reads = set[str]().union(*(each.reads for each in addresses))
    reads = reads.union(*(value.reads for label, value in silent if label == "broker"))
    if not reads and not addresses:
        reads = {name for name in run.found.reads if PROMISING.search(name)}
    for name in run.found.needs:
        if PROMISING.search(name) or re.search(r"REDIS|VALKEY", name):
            reads.add(name)
    return sorted(name for name in reads if CARRIES.search(name) and not NEVER.search(name))


def _shape(name: str, run: Run) -> str:
    """How a variable's default, or else its name, says that it is written."""
    text = text_of(name, run)
    forms = (("port", r"\d+$"), ("url", r".*://"), ("pair", r"[\w.-]+:\d+$"))
    names = (("port", r"PORT$"), ("host", r"(?:HOST(?:NAME)?|SERVER|ADDRESS|ENDPOINT)$"))
    by_form = next((shape for shape, pattern in forms if re.match(pattern, text, re.DOTALL)), "")
    by_name = next((shape for shape, pattern in names if re.search(pattern, name, re.IGNORECASE)), "")
    return by_form or by_name or ("host" if re.match(r"^[\w.-]+$", text) else "url")


def _suffix(name: str, run: Run) -> str | None:
    """The database's number in a variable's default; None where there is no default."""
    text = text_of(name, run)
    if "://" not in text:
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
    addresses: list[Address], found: Served,
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
        _keep(code, base, switches, packages, best[1], found)
        return
    _by_name(base, names, shapes, found)


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
    return {
        f"{each.label} {each.place}"
        for each in redis_addresses(run, packages)
        if (GOOD.match(each.url) if each.url else _is_told_host(each, probes) or _is_at_probe(each))
    }


def _is_told_host(address: Address, probes: Mapping[str, str]) -> bool:
    """Whether variables carry the host, and nothing but the code says the port."""
    is_told = address.host == PROBE_HOST and not address.reads.isdisjoint(probes)
    return is_told and not any("PORT" in name.upper() for name in address.reads)


def _is_at_probe(address: Address) -> bool:
    return address.host == PROBE_HOST and address.port == PROBE_PORT


def _keep(
    code: Code, base: Run, switches: Mapping[str, str], packages: Mapping[str, str],
    tried: Mapping[str, tuple[str, str]], found: Served,
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
        found.tell(name, tried[name][1], place_of(name, base), probe)


def _generality(name: str, run: Run) -> tuple[int, int, str]:
    """Smaller: dropped first. What is set already (by a committed file) and names Redis itself stays longest."""
    set_already = name in run.machine.environ
    return (int(set_already), int(bool(re.match(r"^(?:\w+_)?REDIS_(?:URL|DSN|URI|HOST|PORT)$", name))), name)


def _add_siblings(base: Run, addresses: list[Address], found: Served) -> None:
    """Other variables whose defaults are an address of Redis: a part of the code that isn't followed uses them."""
    known = frozenset().union(*(address.reads for address in addresses)) | set(found.values)
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
            found.tell(name, text, place_of(name, base), probe)


def _by_name(base: Run, names: list[str], shapes: Mapping[str, str], found: Served) -> None:
    """Where the way of the value can't be followed: the names alone."""
    for name in names:
        if not re.search(r"REDIS|BROKER", name):
            continue
        probe, text = written(shapes[name], _suffix(name, base) or "")
        found.tell(name, text, place_of(name, base), probe)


def _pin(
    code: Code,
    switches: Mapping[str, str],
    packages: Mapping[str, str],
    found: Served,
    containers: Collection[str],
) -> None:
    """Addresses that no variable reaches: Celery's own variables, else the host and the port that the code names."""
    run = evaluate(code, {**switches, **found.probes})
    for address in redis_addresses(run, packages):
        if (address.url and GOOD.match(address.url)) or _is_at_probe(address):
            continue
        variable = OWN_VARIABLES.get(address.label)
        if variable and variable not in found.values and not address.reads:
            # Celery reads these two from the environment before its configuration
            _wire_celery(found, variable, address)
        elif (address.host in LOOPBACK or address.host in containers) and not variable:
            found.hosts |= {address.host} - LOOPBACK
            found.port = found.port or address.port or 6379
            found.evidence = address.evidence or found.evidence
        elif HOLE not in address.host and not address.reads and not variable:
            text = f"redis: {CONTAINER.format(address.host)}: let it come out of a variable"
            found.notes.append(Note(text, address.evidence, warns=True))
