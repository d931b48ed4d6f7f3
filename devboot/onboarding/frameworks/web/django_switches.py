"""Variables that switch Django to development: DEBUG, hosts, the redirect to https, the database engine."""

from __future__ import annotations

import json
import re
from collections.abc import Collection, Iterator, Mapping

from devboot.onboarding.frameworks.framework import Clone
from devboot.onboarding.proposal_values import Variable
from devboot.onboarding.symbolic_eval.evaluate import Code, Run, evaluate
from devboot.onboarding.symbolic_eval.values import Value, deep_reads, plain
from devboot.onboarding.tables import is_called

LOCAL = "127.0.0.1"
_HERE = ("localhost", LOCAL)
_HOST = re.compile(r"[\w.*-]+(?::\d+)?")
TRUE = ("True", "1", "true", "on", "yes")
FALSE = ("False", "0", "false", "off", "no", "")
_ORIGINS = ("CORS_ALLOWED_ORIGINS", "CORS_ORIGIN_WHITELIST", "CSRF_TRUSTED_ORIGINS")
_PAGE = "http://localhost:3000"  # the usual port of front-end development servers
ENGINE = re.compile(r"(?:DB|DATABASE)_ENGINE$")


_STAGE = re.compile(r"(?:^|_)(?:DEVELOP\w*|DEV|DEV_MODE|LOCAL)$")  # variables that people call DEBUG's


def django_switches(clone: Clone, code: Code, base: Run) -> list[Variable]:
    """Return the variables that switch Django to development, with their values."""
    debug = _debug(code, base)
    hosts = _hosts(clone, code, debug)
    return [
        *debug,
        *_redirect(code, debug),
        *hosts,
        *_origins(clone, code, debug),
        *_engine(clone, base),
        *_of_applications(base),
    ]


# Applications that read a variable themselves and don't start without it, unless a setting has all of its parts
_OF_APPLICATIONS = {
    "cloudinary_storage": ("CLOUDINARY_STORAGE", "CLOUDINARY_URL", "cloudinary://development:development@development")
}


def _of_applications(base: Run) -> Iterator[Variable]:
    """Yield variables that installed Django applications read, although no code of the clone does."""
    place = base.names["INSTALLED_APPS"].place if "INSTALLED_APPS" in base.names else None
    for application, (setting, name, value) in _OF_APPLICATIONS.items():
        parts = plain(base.names[setting]) if setting in base.names else None
        is_set = isinstance(parts, dict) and parts and None not in parts.values()
        if application in base.apps and not is_set:
            yield Variable(name, value=value, evidence=place)


def _engine(clone: Clone, base: Run) -> list[Variable]:
    """Return SQLite's values for required variables with a database's engine and name, if nothing gives an example."""
    needs = base.found.needs
    engines = [name for name in needs if ENGINE.search(name) and name not in clone.files.examples]
    if not engines:
        return []
    prefix = ENGINE.sub("", engines[0])
    values = {engines[0]: "django.db.backends.sqlite3"}
    values |= {f"{prefix}{part}": "db.sqlite3" for part in ("DB_NAME", "DB_DATABASE", "DATABASE_NAME")}
    return [Variable(n, value=v, evidence=needs[n].place) for n, v in values.items() if n in needs]


def _debug(code: Code, base: Run) -> list[Variable]:
    """Return the variable that enables DEBUG, without which Django serves no static files."""
    value = base.names.get("DEBUG")
    if value is None or not (value.data is False or value.data == ""):
        return []
    names = [name for name in sorted(value.reads) if "DEBUG" in name or _STAGE.search(name)]
    return [
        Variable(name, value=_spelling(code, {}, name, "DEBUG", is_on=True) or TRUE[0], evidence=value.place)
        for name in names[:1]
    ]


def _redirect(code: Code, debug: list[Variable]) -> list[Variable]:
    """Return the variable that disables the redirect to https, since the development server speaks only http."""
    given = {variable.name: variable.value or "" for variable in debug}
    value = evaluate(code, given).names.get("SECURE_SSL_REDIRECT")
    if value is None or value.data is not True:
        return []
    found = []
    for name in sorted(value.reads - given.keys())[:1]:
        text = _spelling(code, given, name, "SECURE_SSL_REDIRECT", is_on=False)
        found += [Variable(name, value=text, evidence=value.place)] if text else []
    return found


def _hosts(clone: Clone, code: Code, debug: list[Variable]) -> list[Variable]:
    """Return the variable that adds this machine to ALLOWED_HOSTS, if Django would answer 400 otherwise.

    An empty list isn't changed: with DEBUG it allows this machine.
    """
    given = {variable.name: variable.value or "" for variable in debug}
    value = evaluate(code, given).names.get("ALLOWED_HOSTS")
    if value is None or value.data in ([], ()) or _answers(value) is not False:
        return []
    reads = evaluate(code, given).found.reads
    # A function may read the variable only if it is set: then the value doesn't show the variable
    ruling = deep_reads(value) or {name for name in reads if is_called("hosts", name)}
    for name in sorted(ruling - given.keys() - clone.files.committed.keys())[:1]:
        read = reads.get(name)
        default = read.default.data if read and read.default else None
        own = _host_names(default)
        if not deep_reads(value):
            own = [host for host in plain(value) if isinstance(host, str)]  # type: ignore[attr-defined]
        example = clone.files.examples.get(name)
        own = list(dict.fromkeys([*own, *_host_names(example.text if example else ""), *_HERE]))
        for text in (",".join(own), " ".join(own), ";".join(own), json.dumps(own), LOCAL):
            hosts = evaluate(code, {**given, name: text}).names.get("ALLOWED_HOSTS")
            if hosts is not None and _answers(hosts, (LOCAL,) if text == LOCAL else _HERE):
                return [Variable(name, value=text, evidence=value.place)]
    return []


def _host_names(text: object) -> list[str]:
    """Return the hosts in a default or a template's value; empty if it has something else."""
    hosts = re.split(r"[,;\s]+", text.strip(",; ")) if isinstance(text, str) else []
    return hosts if all(map(_HOST.fullmatch, hosts)) else []


def _origins(clone: Clone, code: Code, debug: list[Variable]) -> list[Variable]:
    """Return variables with values for settings such as `CORS_ALLOWED_ORIGINS` that Django refuses without a URL."""
    given = {variable.name: variable.value or "" for variable in debug}
    found: list[Variable] = []
    for setting in _ORIGINS:
        run = evaluate(code, {**given, **{each.name: each.value or "" for each in found}})
        value = run.names.get(setting)
        if value is None or _are_origins(value) is not False:
            continue
        set_by = {name for name, line in clone.files.committed.items() if line.text}
        for name in sorted(deep_reads(value) - given.keys() - set_by)[:1]:
            values = [(text, evaluate(code, {**given, name: text})) for text in (_PAGE, json.dumps([_PAGE]))]
            texts = (text for text, run in values if setting in run.names and _are_origins(run.names[setting]))
            read = run.found.reads.get(name)
            found += [Variable(name, value=text, evidence=read.place if read else value.place) for text in texts][:1]
    return found


def _are_origins(value: Value) -> bool | None:
    """Return whether a list contains only URLs; None if part of it is unknown."""
    if not isinstance(value.data, list | tuple):
        return None
    items = [item.data if isinstance(item, Value) else item for item in value.data]
    texts = [item or "" for item in items if item is None or isinstance(item, str)]
    return all("://" in text for text in texts) if len(texts) == len(items) else None


def _answers(hosts: Value, here: Collection[str] = (LOCAL,)) -> bool | None:
    """Return whether a list of hosts contains all names `here` of this machine; None if part of it is unknown."""
    if not isinstance(hosts.data, list | tuple):
        return None
    names = [item.data if isinstance(item, Value) else item for item in hosts.data]
    if "*" in names or all(name in names for name in here):
        return True
    return False if all(isinstance(name, str | None) for name in names) else None


def _spelling(code: Code, given: Mapping[str, str], name: str, setting: str, *, is_on: bool) -> str | None:
    """Return the text for true or false that the code can parse: `int("True")` fails, for instance; None for none."""
    for text in TRUE if is_on else FALSE:
        value = evaluate(code, {**given, name: text}).names.get(setting)
        if value is not None and isinstance(value.data, bool | str | int) and bool(value.data) is is_on:
            return text
    return None
