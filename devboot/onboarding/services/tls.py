"""Handles connections for which the code requires TLS, which local servers lack: by a socket, where it is skipped."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from typing import Any

from devboot.onboarding.frameworks.known import framework_of
from devboot.onboarding.libraries import Kind
from devboot.onboarding.proposal_values import Evidence
from devboot.onboarding.reading.layout import Application
from devboot.onboarding.services.databases import OPENS, server_urls
from devboot.onboarding.symbolic_eval.evaluate import Run
from devboot.onboarding.symbolic_eval.values import NOTHING, Opaque, Value, fields_of

# Clients that use PGHOST if an address has no host, and accept a folder as host
CLIENTS = frozenset({"psycopg", "psycopg-binary", "psycopg2", "psycopg2-binary", "asyncpg", "aiopg"})
_DEMANDING = re.compile(r"require|verify-\w+|true", re.IGNORECASE)
_IN_ADDRESS = re.compile(rf"\b(?:sslmode|ssl)=(?:{_DEMANDING.pattern})\b", re.IGNORECASE)
_WHOLE_URL = re.compile(r"^\$\{(databases\.[^.}]+)\.url\}$")
_HOST = re.compile(r"^\$\{(databases\.[^.}]+)\.host\}$")
_AUTHORITY = re.compile(r"@\$\{databases\.[^.}]+\.host\}:\$\{databases\.[^.}]+\.port\}/")


def demands(run: Run, app: Application, kind: Kind) -> Iterator[Evidence | None]:
    """Yield the places where the code requires TLS for connections to a kind of server."""
    if framework_of(app.framework).databases:
        for entry in run.fields("DATABASES").values():
            data = fields_of(entry)
            engine, options = data.get("ENGINE", Value("")).data, data.get("OPTIONS")
            if isinstance(engine, str) and kind.engine.search(engine) and _in_words(fields_of(options)):
                yield options.place if options is not None and options.place else entry.place
    engine_options = run.names.get("SQLALCHEMY_ENGINE_OPTIONS", NOTHING)
    if _in_words(fields_of(engine_options)):
        yield engine_options.place
    for value, place in server_urls(app, run):
        if _is_in_text(value):
            yield place
    for event in run.found.events:
        is_call = OPENS.search(event.name) or kind.positions(event.name) is not None
        if is_call and (_in_words(event.call.keywords) or any(map(_is_in_text, event.call.args))):
            yield event.place


def on_socket(text: str, *, in_address: bool = False) -> str:
    """Rewrite a variable's value, such as `${databases.app.url}`, to connect by the server's Unix socket.

    `in_address`: the code inserts the value into a URL. A URL without a host uses the socket in PGHOST: a socket path
    in a URL would need three different spellings.
    """
    if match := _HOST.match(text):
        return "" if in_address else f"${{{match[1]}.socket}}"
    if match := _WHOLE_URL.match(text):
        own = match[1]
        return f"postgresql://${{{own}.user}}:${{{own}.password}}@/${{{own}.name}}"
    return _AUTHORITY.sub("@/", text)


def _in_words(given: Mapping[Any, Value]) -> bool:
    """Return whether keyword arguments or options of a connection require TLS."""
    words = {**given, **fields_of(given.get("connect_args"))}
    return any(word in words and _is_demand(words[word]) for word in ("sslmode", "ssl"))


def _is_demand(value: Value) -> bool:
    data = value.data
    if isinstance(data, Opaque):
        return data.name.startswith("ssl.")
    return data is True or (isinstance(data, str) and _DEMANDING.fullmatch(data) is not None)


def _is_in_text(value: Value) -> bool:
    return isinstance(value.data, str) and _IN_ADDRESS.search(value.data) is not None
