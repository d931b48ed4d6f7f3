"""Reads the addresses in the arguments of calls of client libraries.

A call counts as an address, whether its arguments are literals or come from variables.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from urllib.parse import urlsplit

from devboot.onboarding.libraries import Kind, part_of
from devboot.onboarding.proposal_values import Evidence
from devboot.onboarding.symbolic_eval.evaluate import Run
from devboot.onboarding.symbolic_eval.machine import Event
from devboot.onboarding.symbolic_eval.values import HOLE, Opaque, Value

_PAIR = re.compile(r"(\w+)\s*=\s*('[^']*'|\S+)")
_HOST_AND_PORT = re.compile(r"^([\w.-]+|\[[\d:a-fA-F]+\]):(\d+)$")


@dataclass(frozen=True, slots=True)
class Connection:
    """A connection that a call opens: `url` is a complete url, `parts` are separate arguments."""

    kind: Kind
    call: str
    url: Value | None
    parts: Mapping[str, Value]
    place: Evidence | None
    maybe: bool


def connections(run: Run, kinds: Iterable[Kind]) -> Iterator[Connection]:
    """Yield the connections to servers of these kinds that the application opens."""
    known = tuple(kinds)
    for event in run.found.events:
        for kind in known:
            if kind.positions(event.name) is not None:
                yield connection(kind, event)
                break


def connection(kind: Kind, event: Event) -> Connection:
    """Return the connection that a call to a kind of server opens, from its arguments."""
    found = _given(event, kind.positions(event.name) or ())
    for part in ("hosts", "host", "url"):
        value = found.pop(part, None)
        if value is not None:
            found = {**_taken_apart(kind, part, value), **found}
    url = found.pop("url", None)
    return Connection(kind, event.name, url, found, event.place, event.maybe)


def _given(event: Event, order: tuple[str, ...]) -> dict[str, Value]:
    """Return a call's arguments by the part of an address (`host`, `port`, …) that they are."""
    words: list[tuple[str, Value]] = []
    found: dict[str, Value] = {}
    for part, value in zip(order, event.call.args, strict=False):
        if isinstance(value.data, dict):  # a configuration instead of keywords
            words += [(str(key), item) for key, item in value.data.items() if isinstance(item, Value)]
        elif part:
            found[part] = value
    for word, value in (*words, *event.call.keywords.items()):
        name = part_of(word)
        if name and (value.data is not None or value.reads):
            found.setdefault(name, value)
    return found


def _taken_apart(kind: Kind, part: str, value: Value) -> dict[str, Value]:
    """Return the parts of an address in one value: a URL, `host:port`, libpq's keywords, or the first of a list."""
    data = value.data
    if isinstance(data, list | tuple) and data and isinstance(data[0], Value):
        is_pair = len(data) == 2 and isinstance(data[1].data, int)
        return {"host": data[0], "port": data[1]} if is_pair else _taken_apart(kind, part, data[0])
    if isinstance(data, dict):
        return {name: item for key, item in data.items() if (name := part_of(str(key))) and isinstance(item, Value)}
    if isinstance(data, str):
        return _of_text(kind, part, data.partition(",")[0] if part == "hosts" else data, value)
    is_unknown = data is None or isinstance(data, Opaque)
    return {"host" if part == "host" else "url": value} if is_unknown else {}


def _of_text(kind: Kind, part: str, text: str, value: Value) -> dict[str, Value]:
    if kind.schemes.match(text) or "://" in text:
        return {"url": Value(text, value.reads, value.place)}
    if part == "url" and "=" in text:
        return _of_words(text, value)
    pair = _HOST_AND_PORT.match(text)
    if pair is not None:
        return {"host": Value(pair[1], value.reads, value.place), "port": Value(pair[2], value.reads, value.place)}
    return {"name" if part == "url" else "host": Value(text, value.reads, value.place)}


def _of_words(text: str, value: Value) -> dict[str, Value]:
    """Parse libpq's keywords, `host=localhost dbname=shop`, into parts of an address."""
    found = {}
    for word, given in _PAIR.findall(text):
        part = part_of(word)
        if part is not None:
            found[part] = Value(given.strip("'"), value.reads, value.place)
    return found


def host_and_port(connection: Connection) -> tuple[object, object]:
    """Return a connection's host and port; None if missing, an Opaque value if unknown."""
    if connection.url is not None:
        if not isinstance(connection.url.data, str):
            return connection.url.data, None
        return split(connection.url.data)
    host, port = connection.parts.get("host"), connection.parts.get("port")
    number = port.data if port is not None else None
    if isinstance(number, str) and number.isdecimal():
        number = int(number)
    return "" if host is None else host.data, number


def split(text: str) -> tuple[str, int | None]:
    """Return host and port of a URL; "" and None if missing."""
    try:
        parts = urlsplit(text)
        host, port = parts.hostname or "", parts.port
    except ValueError:
        host, port = HOLE, None
    return host, port
