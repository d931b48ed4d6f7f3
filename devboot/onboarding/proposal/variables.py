"""What to write for each variable without which the application doesn't start."""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from dataclasses import dataclass
from urllib.parse import urlsplit, urlunsplit

from devboot.onboarding.proposal_values import Variable
from devboot.onboarding.reading.dotenv import Variable as Line
from devboot.onboarding.symbolic_eval.machine import Need
from devboot.onboarding.tables import is_called, load_table

DEVELOPS = re.compile(r"dev|local|debug|^(?:1|true|yes|on|t)$", re.IGNORECASE)
_LISTS = {"hosts": ["localhost", "127.0.0.1"], "origins": ["http://localhost:3000", "http://localhost:8000"]}
_AS_NUMBER = {"True": "1", "no": "0"}
_BOOLEANS = frozenset(
    {"", "0", "1", "true", "false", "yes", "no", "on", "off", "t", "f", "y", "n", "enabled", "disabled"}
)


@dataclass(frozen=True, slots=True)
class Sources:
    """What else is known: templates, compose, names of containers, whether Fernet is used, and the file for values."""

    examples: Mapping[str, Line]
    composed: Mapping[str, str]
    hosts: frozenset[str]
    uses_fernet: bool
    file: str = ".env"
    secrets: frozenset[str] = frozenset()  # that Heroku makes up, too
    is_web: bool = True  # whether it serves: a bot is of no use without its token


def describe(need: Need, sources: Sources) -> Variable:
    """The entry of `[env]` for a variable that is needed."""
    evidence = need.place
    kind = generated(need.name, sources)
    if kind:
        return Variable(need.name, generate=kind, evidence=evidence)
    value = sensible(need, sources)
    if value is not None:
        return Variable(need.name, value=value, evidence=evidence)
    if need.is_presence and sources.is_web and is_called("account", need.name):
        text = f"any value starts it; the account's own goes into {sources.file}"
        return Variable(need.name, generate="token", description=text, evidence=evidence, file=sources.file)
    return required_variable(need, sources)


def required_variable(need: Need, sources: Sources) -> Variable:
    """Return the entry of `[env]` for a variable whose value stands in an env file of each developer."""
    where = f"read at {need.place}" if need.place else "used in a command"
    alternatives = f" (or {', '.join(need.others)})" if need.others else ""
    text = f"{where}{alternatives}, put it in {sources.file}"
    return Variable(
        need.name,
        required=True,
        secret=is_called("secret", need.name),
        description=text,
        evidence=need.place,
        file=sources.file,
    )


def generated(name: str, sources: Sources) -> str | None:
    """How to make a value, where any value will do."""
    upper = name.upper()
    if is_called("password", name):
        return "password"
    if name in sources.secrets:
        return "fernet" if is_called("fernet", name) and sources.uses_fernet else "token"
    if not is_called("own", name) or is_called("foreign", re.sub(r"DJANGO|FLASK|APP", "", upper)):
        return None
    if is_called("fernet", name) and (sources.uses_fernet or "FERNET" in upper):
        return "fernet"
    return "hex" if "HEX" in upper else "token"


def sensible(need: Need, sources: Sources) -> str | None:
    """A value for development: the project's own template first, then what is usual."""
    example = sources.examples.get(need.name)
    if example is not None and not example.is_placeholder and fits(need, example.text):
        return local(need.name, example.text, sources.hosts)
    composed = sources.composed.get(need.name)
    is_meant = composed and "$" not in composed and not Line(need.name, composed, "", 0).is_placeholder
    if composed and is_meant and fits(need, composed):
        return local(need.name, composed, sources.hosts)
    return usual(need, example)


def fits(need: Need, text: str) -> bool:
    """Whether what reads the variable can parse a text."""
    kind = need.cast.rpartition(".")[2]
    if kind in ("int", "float") or (not kind and is_called("number", need.name)):
        return bool(
            re.fullmatch(
                r"\s*[-+]?\d+(?:_\d+)*" + (r"(?:\.\d*)?(?:[eE][-+]?\d+)?" if kind == "float" else "") + r"\s*", text
            )
        )
    if kind == "bool" or (not kind and is_called("switch", need.name)):
        return text.strip().lower() in _BOOLEANS
    return True


def usual(need: Need, example: Line | None) -> str | None:
    """What is as good as any value while developing."""
    upper = need.name.upper()
    as_json = re.search(r"list\[|List\[|set\[|tuple\[|AnyHttpUrl", need.cast) or (
        example and example.text.startswith("[")
    )
    for kind, texts in _LISTS.items():
        if is_called(kind, upper):
            return json.dumps(texts) if as_json else ",".join(texts)
    value: str
    for pattern, value in load_table("variables")["usual"]:
        if re.search(pattern, upper):
            return _AS_NUMBER.get(value, value) if need.cast.rpartition(".")[2] in ("int", "float") else value
    return "false" if need.cast in ("bool", "builtins.bool") else None


def local(variable: str, value: str, hosts: frozenset[str]) -> str:
    """A variable's value with a container's host name, made to point to this machine."""
    if value == "host.docker.internal" or (value in hosts and is_called("holds_host", variable)):
        return "127.0.0.1"
    if "://" in value:
        try:
            parts = urlsplit(value)
            name = parts.hostname or ""
        except ValueError:
            return value
        if name in hosts or name == "host.docker.internal":
            login, mark, address = parts.netloc.rpartition("@")
            return urlunsplit(parts._replace(netloc=login + mark + address.replace(name, "127.0.0.1", 1)))
    return value
