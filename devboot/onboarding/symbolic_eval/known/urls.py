"""Functions that take addresses apart and put them together."""

from __future__ import annotations

from collections.abc import Callable
from urllib.parse import urlsplit

from devboot.onboarding.symbolic_eval.known.paths import Native, texts_of
from devboot.onboarding.symbolic_eval.machine import Machine
from devboot.onboarding.symbolic_eval.values import HOLE, NOTHING, Call, Opaque, Value, plain


def split_url(_m: Machine, call: Call) -> Value:
    """`urlparse(...)`."""
    first = call.args[0] if call.args else NOTHING
    if first.data is None and first.reads:
        return Value(Opaque("urlparse"), first.reads)
    if not isinstance(first.data, str):
        return Value(Opaque("urlparse", call.args), call.reads(), call.place)
    made = Opaque("urlparse", call.args)
    try:
        parts = urlsplit(first.data)
        for name in ("scheme", "netloc", "path", "query", "hostname", "port", "username", "password", "fragment"):
            made.attributes[name] = Value(getattr(parts, name), first.reads, call.place)
    except ValueError:
        pass
    return Value(made, first.reads, call.place)


def on_texts(function: Callable[..., str]) -> Native:
    """A function from texts to a text."""

    def native(_m: Machine, call: Call) -> Value:
        texts = texts_of(call)
        return Value(function(*texts[:2]) if texts else Opaque("text"), call.reads(), call.place)

    return native


def _part(part: object) -> object:
    return part if isinstance(part, str | int) else HOLE


def build_url(_m: Machine, call: Call) -> Value:
    """`PostgresDsn.build(...)`, `URL.create(...)`."""
    words = {key: plain(value) for key, value in call.keywords.items()}
    scheme = words.get("scheme") or words.get("drivername") or (call.args[0].data if call.args else "")
    if not isinstance(scheme, str):
        return Value(Opaque("url"), call.reads(), call.place)
    user = words.get("username") or words.get("user")
    host, port = words.get("host"), words.get("port")
    path = words.get("path") or words.get("database") or words.get("query")
    login = f"{_part(user)}:{_part(words.get('password'))}@" if user else ""
    text = f"{scheme}://{login}{_part(host) if host else ''}{f':{_part(port)}' if port else ''}"
    text += "/" + str(_part(path)).lstrip("/") if path else ""
    return Value(text, call.reads(), call.place)
