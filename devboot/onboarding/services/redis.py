"""Finds by trial the variables that carry Redis' address, and the form in which the code expects it.

Each guess is verified: the application is evaluated again with it, and only an address that then arrives where the code
connects counts.
"""

from __future__ import annotations

import re
from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass
from urllib.parse import urlsplit

from devboot.onboarding.libraries import LOOPBACK, kind
from devboot.onboarding.services.addresses import Address, broker_values, redis_addresses
from devboot.onboarding.services.brokers import lacks_broker, speaks_redis, told_celery
from devboot.onboarding.services.served import Served, place_of, text_of
from devboot.onboarding.symbolic_eval.evaluate import Code, Run, evaluate
from devboot.onboarding.symbolic_eval.values import HOLE, Value
from devboot.onboarding.tables import is_called

OWN_VARIABLES = {"broker": "CELERY_BROKER_URL", "result backend": "CELERY_RESULT_BACKEND"}
PROBE_PORT = 59999
PROBE_HOST = "127.0.0.1"
PROBE_PASSWORD = "probe0password"  # noqa: S105
GOOD = re.compile(rf"^(?:rediss?(?:\+\w+)?://)?(?:[^@/]*@)?{re.escape(PROBE_HOST)}:{PROBE_PORT}(?:/\d*)?(?:\?.*)?$")


def find_redis(
    code: Code, base: Run, given: Mapping[str, str], packages: Mapping[str, str], containers: Collection[str]
) -> Served | None:
    """Return Redis and its variables if the application needs it; RabbitMQ if Celery defaults to that; else None."""
    addresses = redis_addresses(base, packages)
    is_silent = not any(each.label == "broker" for each in addresses) and lacks_broker(base, packages)
    demanded = any(re.search(r"REDIS|VALKEY", n.name) or "RedisDsn" in n.cast for n in base.found.needs.values())
    if not addresses and not demanded and not (is_silent and speaks_redis(packages)):
        return told_celery(base, packages) if is_silent else None
    trial = _Trial(code, base, given, packages, addresses, Served(kind("redis")))
    trial.try_shapes(_candidates(base, addresses, broker_values(base) if is_silent else ()))
    found = trial.found
    if not addresses and not found.values:
        return told_celery(base, packages) if is_silent else None
    trial.add_siblings()
    found.evidence = addresses[0].place if addresses else next(iter(found.places.values()), None)
    trial.pin(containers)
    trial.tell_password()
    return found


@dataclass(slots=True)
class _Trial:
    """Tries values of variables for an application that uses Redis at these addresses."""

    code: Code
    base: Run
    given: Mapping[str, str]
    packages: Mapping[str, str]
    addresses: list[Address]
    found: Served

    def _with(self, probes: Mapping[str, str]) -> list[Address]:
        """Evaluate the application with these variables added; return the Redis addresses that it then uses."""
        return redis_addresses(evaluate(self.code, {**self.given, **probes}), self.packages)

    def _reached(self, probes: Mapping[str, str]) -> set[str]:
        """Evaluate the application with these variables added.

        Return the places that then connect to the trial address.
        """
        return {
            f"{each.label} {each.place}"
            for each in self._with(probes)
            if (GOOD.match(each.url) if each.url else _is_told_host(each, probes) or _is_at_probe(each))
        }

    def try_shapes(self, names: list[str]) -> None:
        """Try each form for these variables.

        Keep those by which the address arrives, else decide by the variable's name.
        """
        best, most = dict[str, tuple[str, str]](), 0
        wanted = len([each for each in self.addresses if each.reads])
        for attempt in ("default", "bare", "number", "host", "pair") if names else ():
            tried = {name: written(*_attempt(name, attempt, self.base)) for name in names}
            reached = len(self._reached({name: probe for name, (probe, _) in tried.items()}))
            best, most = (tried, reached) if reached > most else (best, most)
            if reached and reached >= wanted:
                break
        if best:
            self._keep(best)
            return
        for name in names:
            if re.search(r"REDIS|BROKER", name):
                self._tell(name)

    def _tell(self, name: str) -> None:
        """Set a variable to Redis' address in the form of its default."""
        probe, text = written(_shape(name, self.base), _suffix(name, self.base) or "")
        self.found.tell(name, text, place_of(name, self.base), probe)

    def _keep(self, tried: Mapping[str, tuple[str, str]]) -> None:
        """Keep only the necessary ones of variables that work together.

        A general one makes special ones superfluous.
        """
        chosen = {name: probe for name, (probe, _) in tried.items()}
        goal = self._reached(chosen)
        # If evaluation can't follow an address, assume that the most likely of its variables carries it
        unseen = [
            each.reads & tried.keys() for each in self.addresses if HOLE in each.host and each.reads & tried.keys()
        ]
        general = {name: _generality(name, self.base) for name in tried}
        kept = {max(reads, key=lambda name: (name == "REDIS_URL", *general[name])) for reads in unseen}
        for name in sorted(tried, key=general.__getitem__):
            fewer = {other: probe for other, probe in chosen.items() if other != name}
            if fewer and name not in kept and goal <= self._reached(fewer):
                chosen = fewer
        for name, probe in chosen.items():
            self.found.tell(name, tried[name][1], place_of(name, self.base), probe)

    def add_siblings(self) -> None:
        """Also set variables whose defaults are an address of Redis, since code that isn't followed may use them."""
        known = frozenset().union(*(each.reads for each in self.addresses)) | set(self.found.values)
        for name, read in self.base.found.reads.items():
            default = read.default
            if (
                name in known
                or default is None
                or default.reads
                or "REDIS" not in name.upper()
                or is_called("not_redis", name)
            ):
                continue
            shape, data = _shape(name, self.base), default.data
            is_host = shape == "host" and isinstance(data, str) and data in (*LOOPBACK - {""}, "redis", "valkey")
            is_url = shape == "url" and isinstance(data, str) and data.startswith("redis://")
            if is_host or is_url or (shape == "port" and str(data) == "6379"):
                self._tell(name)

    def pin(self, containers: Collection[str]) -> None:
        """Handle addresses that no variable sets: by Celery's variables, or a service at the code's host and port."""
        for address in self._with(self.found.probes):
            variable = OWN_VARIABLES.get(address.label)
            if (address.url and GOOD.match(address.url)) or _is_at_probe(address):
                continue
            if variable:
                if variable not in self.found.values and not address.reads:
                    self._wire_celery(variable, address)
            elif self.found.pin(address.host, address.port, address.place, containers):
                self.found.evidence = address.place or self.found.evidence
            elif HOLE not in address.host and not address.reads:
                self.found.warn_of_container(address.host, address.place)

    def tell_password(self) -> None:
        """Set variables for the password; if a connection doesn't use it, open Redis to every user of this machine."""
        asking = sorted(n for n in {*self.base.found.reads, *self.base.found.needs} if is_called("redis_password", n))
        for address in self._with(self.found.probes):  # composed of parts: Celery prefers the complete url
            variable = OWN_VARIABLES.get(address.label)
            if (
                variable
                and variable not in self.found.values
                and GOOD.match(address.url or "")
                and not address.password
            ):
                self._wire_celery(variable, address)
        for names in (list[str](), asking):
            if self._all_know(names):
                for name in names:
                    self.found.tell(name, "${services.redis.password}", place_of(name, self.base), PROBE_PASSWORD)
                return
        self.found.open_access(self.found.evidence)

    def _wire_celery(self, variable: str, address: Address) -> None:
        """Set the environment variable that Celery reads before its configuration to Redis' address."""
        path = urlsplit(address.url or "").path
        suffix = path if re.match(r"^/\d+$", path) else "/0"
        self.found.tell(variable, "${services.redis.url}" + suffix, address.place, written("url", "/0")[0])

    def _all_know(self, names: list[str]) -> bool:
        """Return whether every connection uses the password of these variables, as far as the code can be followed."""
        here, told = LOOPBACK | {PROBE_HOST} | self.found.hosts, self.found.values
        addresses = self._with({**self.found.probes, **dict.fromkeys(names, PROBE_PASSWORD)})
        local = [each for each in addresses if each.host in here and OWN_VARIABLES.get(each.label, "") not in told]
        is_whole = any(".url}" in text for text in told.values() if "${services.redis." in text)
        return all(each.password == PROBE_PASSWORD for each in local) if local else is_whole or bool(names)


def _candidates(run: Run, addresses: list[Address], silent: Iterable[tuple[str, Value]]) -> list[str]:
    sources = [each.reads for each in addresses]
    sources += [value.reads for label, value in silent if label == "broker"]
    reads = set[str]().union(*sources)
    alone = set[str]().union(*(each for each in sources if len(each) == 1))  # whatever their names are
    if not reads and not addresses:
        reads = {name for name in run.found.reads if is_called("redis", name)}
    for name in run.found.needs:
        if is_called("redis", name) or re.search(r"REDIS|VALKEY", name):
            reads.add(name)
    may_be = (name for name in reads if name in alone or is_called("perhaps_redis", name))
    return sorted(name for name in may_be if not is_called("not_redis", name))


def _shape(name: str, run: Run) -> str:
    """Return the form of a variable's value (`url`, `pair`, `host`, `port`), by its default, else by its name."""
    text = text_of(name, run)
    forms = (("port", r"\d+$"), ("url", r".*://"), ("pair", r"[\w.-]+:\d+$"))
    names = (("port", r"PORT$"), ("host", r"(?:HOST(?:NAME)?|SERVER|ADDRESS|ENDPOINT)$"))
    by_form = next((shape for shape, pattern in forms if re.match(pattern, text, re.DOTALL)), "")
    by_name = next((shape for shape, pattern in names if re.search(pattern, name, re.IGNORECASE)), "")
    return by_form or by_name or ("host" if re.match(r"^[\w.-]+$", text) else "url")


def _suffix(name: str, run: Run) -> str | None:
    """Return the Redis database, as `/0`, in a variable's default; None without a default."""
    text = text_of(name, run)
    if "://" not in text:
        return None
    try:
        path = urlsplit(text).path
    except ValueError:
        return None
    return path if re.match(r"^/\d+$", path) else ""


def written(shape: str, suffix: str) -> tuple[str, str]:
    """Return (trial value, manifest value) of a variable, such as `("127.0.0.1", "${services.redis.host}")`.

    `shape` is `url`, `pair` (host:port), `host` or `port`. `suffix` (`/0`) is added to a URL only.
    """
    return {
        "url": (f"redis://:{PROBE_PASSWORD}@{PROBE_HOST}:{PROBE_PORT}{suffix}", "${services.redis.url}" + suffix),
        "pair": (f"{PROBE_HOST}:{PROBE_PORT}", "${services.redis.host}:${services.redis.port}"),
        "host": (PROBE_HOST, "${services.redis.host}"),
        "port": (str(PROBE_PORT), "${services.redis.port}"),
    }[shape]


def _attempt(name: str, attempt: str, run: Run) -> tuple[str, str]:
    """Return the form of a variable and the suffix of its address for one attempt."""
    shape, known = _shape(name, run), _suffix(name, run)
    if attempt in ("pair", "host") and shape in ("url", "host"):
        return attempt, ""
    if shape != "url":
        return shape, ""
    return "url", {"default": "/0" if known is None else known, "bare": "", "number": "/0"}[attempt]


def _is_told_host(address: Address, probes: Mapping[str, str]) -> bool:
    """Return whether variables carry only the host of an address, while the code fixes the port."""
    is_told = address.host == PROBE_HOST and not address.reads.isdisjoint(probes)
    return is_told and not any("PORT" in name.upper() for name in address.reads)


def _is_at_probe(address: Address) -> bool:
    return address.host == PROBE_HOST and address.port == PROBE_PORT


def _generality(name: str, run: Run) -> tuple[int, int, str]:
    """Return a sort key for variables; those with smaller keys are dropped first.

    Variables that are set already (by a committed file) and that name Redis itself are kept longest.
    """
    set_already = name in run.machine.environ
    return (int(set_already), int(bool(re.match(r"^(?:\w+_)?REDIS_(?:URL|DSN|URI|HOST|PORT)$", name))), name)
