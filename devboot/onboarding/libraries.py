"""Loads the table `libraries.toml` of servers and their client libraries."""

from __future__ import annotations

import functools
import re
from collections.abc import Collection, Mapping
from dataclasses import dataclass, field
from typing import Any

from devboot.onboarding.tables import load_table

LOOPBACK = frozenset({"localhost", "127.0.0.1", "0.0.0.0", "::1", ""})  # noqa: S104 - as found in settings
DOCKER_HOST = "host.docker.internal"  # containers' name for this machine
_NEVER = re.compile(r"(?!)")
# Keywords of clients' calls → the part of an address
_PARTS: Mapping[str, str] = {
    "host": "host", "hostname": "host", "server": "host", "addr": "host", "hosts": "hosts", "servers": "hosts",
    "bootstrap_servers": "hosts", "bootstrap.servers": "hosts", "nodes": "hosts", "port": "port", "user": "user",
    "username": "user", "password": "password", "passwd": "password", "database": "name", "dbname": "name",
    "db": "name", "dsn": "url", "url": "url", "uri": "url", "conninfo": "url", "connection_string": "url",
}  # fmt: skip


@dataclass(frozen=True, slots=True)
class Kind:
    """A kind of server, such as PostgreSQL. `libraries.toml` explains each field."""

    name: str
    title: str
    recipe: str = ""
    channel: bool = False
    clients: tuple[str, ...] = ()
    native: tuple[str, ...] = ()
    schemes: re.Pattern[str] = _NEVER
    port: int = 0
    url: str = ""
    variables: re.Pattern[str] = _NEVER
    optional: bool = False
    confirmed: bool = False
    bare: bool = False
    login: tuple[tuple[re.Pattern[str], str], ...] = ()
    is_in_url: bool = False
    query: str = ""
    asks: bool = False
    calls: tuple[tuple[re.Pattern[str], tuple[str, ...]], ...] = ()
    settings: tuple[str, ...] = ()
    containers: re.Pattern[str] = _NEVER
    words: tuple[str, ...] = ()
    hosts: frozenset[str] = frozenset()
    engine: re.Pattern[str] = _NEVER
    serves: tuple[str, ...] = ()
    user: str = ""
    composed: Mapping[str, str] = field(default_factory=dict)
    libpq: bool = False
    extensions: Mapping[str, str] = field(default_factory=dict)
    exports: str = ""

    def is_spoken(self, packages: Collection[str]) -> bool:
        """Return whether any of the packages is a client library for this kind of server."""
        return any(name in packages for name in self.clients)

    @property
    def is_relational(self) -> bool:
        """True if Django and SQLAlchemy can store tables in this kind of server."""
        return self.engine is not _NEVER

    def can_be_led(self, packages: Collection[str]) -> bool:
        """Return True if the clients among `packages` can be made to resolve a container's name to this machine."""
        used = [name for name in self.clients if name in packages]
        return self.libpq or not used or any(name not in self.native for name in used)

    def positions(self, call: str) -> tuple[str, ...] | None:
        """Return which part of an address (`host`, `port`, …) each positional argument of `call` is.

        None if the call opens no connection to this kind of server.
        """
        return next((parts for pattern, parts in self.calls if pattern.search(call)), None)


@functools.cache
def known_servers() -> Mapping[str, Kind]:
    """Return all kinds of servers by name, in the table's order."""
    return {name: _kind(name, table) for name, table in load_table("libraries").items()}


def kind(name: str) -> Kind:
    """Return the kind of server of that name."""
    return known_servers()[name]


def kinds_of_channels() -> tuple[Kind, ...]:
    """Return the kinds of servers that only a conda channel has."""
    return tuple(each for each in known_servers().values() if each.channel)


@functools.cache
def usual_hosts() -> frozenset[str]:
    """Return the host names that containers of known servers usually have."""
    return frozenset().union(*(each.hosts for each in known_servers().values()))


@functools.cache
def words_of_calls() -> tuple[str, ...]:
    """Return words that occur in code that opens connections."""
    return tuple(dict.fromkeys(word for each in known_servers().values() for word in each.words))


def part_of(word: str) -> str | None:
    """Return the part of an address (`host`, `port`, …) that a keyword argument means; None for others."""
    return _PARTS.get(word.lower())


def _kind(name: str, table: Mapping[str, Any]) -> Kind:
    fields: dict[str, Any] = dict(table)
    for key in ("variables", "schemes"):
        if key in fields:
            fields[key] = re.compile(
                f"^(?:{fields[key]})" + ("$" if key == "variables" else r"(?:\+\w+)?://"), re.IGNORECASE
            )
    for key in ("containers", "engine"):
        if key in fields:
            fields[key] = re.compile(fields[key], re.IGNORECASE)
    for key in ("clients", "native", "settings", "words", "serves"):
        fields[key] = tuple(fields.get(key, ()))
    fields["hosts"] = frozenset(fields.get("hosts", ()))
    for key, ends in (("login", "^(?:{})$"), ("calls", "(?:{})$")):
        pairs = fields.get(key, {}).items()
        fields[key] = tuple(
            (re.compile(ends.format(pattern)), tuple(value) if isinstance(value, list) else value)
            for pattern, value in pairs
        )
    return Kind(name, **fields)
