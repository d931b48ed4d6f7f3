"""Evaluates libraries that read environment variables, each by its own rules for defaults and casts."""

from __future__ import annotations

import functools
import os
import re
from collections.abc import Mapping
from urllib.parse import unquote, urlsplit

from devboot.clone_reader import parse_json
from devboot.onboarding.proposal_values import Evidence
from devboot.onboarding.reading.dotenv import parse_variables
from devboot.onboarding.symbolic_eval.machine import Loaded, Machine
from devboot.onboarding.symbolic_eval.values import (
    NOTHING,
    Call,
    External,
    Function,
    Opaque,
    Raised,
    Value,
    fields_of,
    wrap,
)
from devboot.onboarding.tables import load_table

_KNOWN = load_table("symbolic_eval/known/known")
IMPLIED: Mapping[str, str] = _KNOWN["implied"]
INSTANCES: Mapping[str, str] = _KNOWN["readers"]
KINDS = frozenset({*_KNOWN["words"]["casts"].split(), *IMPLIED})
ADDRESSES = frozenset({"dj_database_url.parse", "environ.Env.db_url_config"})  # casts of a database url
# django-environ's methods that take a url instead of a variable, by the kind of url
CONFIGS = {"db_url_config": "db", "cache_url_config": "cache"}
VARIABLE = re.compile(r"[A-Z][A-Z0-9]*(?:_[A-Z0-9]+)*")
TRUE = frozenset({"true", "on", "ok", "y", "yes", "1", "t"})


def prefixes(m: Machine) -> list[str]:
    """Return the prefixes of the enclosing `with env.prefixed(...)` blocks, outermost first."""
    found: list[str] = m.__dict__.setdefault("prefixes", [])
    return found


def leave_prefix(m: Machine) -> None:
    """Remove the prefix of the innermost `with env.prefixed(...)` block, at its end."""
    prefixes(m).pop()


def method(m: Machine, data: Opaque, owner: Value | None, call: Call) -> Value | None:
    """Evaluate a call of an `env` object that reads variables, or of its methods; None for other objects."""
    if reader := _reader(data.name, call):
        return read_with(m, reader, "", call, Value(data))
    base, _, verb = data.name.rpartition(".")
    if not _reader(base, call) or owner is None:
        return None
    if verb in ("read_env", "read_envfile"):
        return load_file(m, call)
    if verb == "prefixed" and call.args:
        return Value(Opaque(f"{base}.prefixed()", call.args), frozenset(), call.place)
    return typed(m, verb, owner, call)


def _reader(name: str, call: Call) -> str:
    """Return the library of an `env` object; one of an unknown class `Env` is treated like environs."""
    if name in INSTANCES:
        return INSTANCES[name]
    first = call.argument(0, "name", "key")
    asked = first.data if first is not None else None
    is_like = name.endswith(".Env") and isinstance(asked, str) and VARIABLE.fullmatch(asked)
    return "environs" if is_like else ""


def typed(m: Machine, verb: str, owner: Value, call: Call) -> Value:
    """Evaluate `env.bool(...)` and similar methods, which convert a variable's value."""
    name = owner.data.name if isinstance(owner.data, Opaque | External) else ""
    if verb == "read_env":
        return load_file(m, call)
    if verb in CONFIGS and (address := call.argument(0, "url")) is not None:
        return _address(address, CONFIGS[verb])
    if verb not in KINDS:
        return Value(Opaque(f"{name}.{verb}()"), call.reads(), call.place)
    return read_with(m, INSTANCES.get(name, "environ"), verb, call, owner)


def read_with(m: Machine, library: str, kind: str, call: Call, owner: Value) -> Value:
    """Return the value of the variable that a call reads, by the rules of its library."""
    first = call.argument(0, "var", "name", "option", "key", "env")
    name = first.data if first is not None else IMPLIED.get(kind)
    if not isinstance(name, str):
        return Value(Opaque("variable"), call.reads(), call.place)
    default, cast = _default_and_cast(library, kind, call, name, owner)
    if library == "environs":
        name = "".join(prefixes(m)) + name
    prefix = owner.data.attributes.get("prefix") if isinstance(owner.data, Opaque) else None
    if prefix is not None and isinstance(prefix.data, str):
        name = prefix.data + name
    if default is None and name not in m.environ and _is_caught(m, library):
        m.read(name, call.place, NOTHING)
        raise Raised(_KNOWN["raised"][library], frozenset({name}))
    place = first.place if first is not None and first.place else call.place
    value = m.read(name, place, default, _cast_name(cast, kind))
    return cast_value(m, value, cast, kind, call)


def _is_caught(m: Machine, library: str) -> bool:
    return m.is_caught(_KNOWN["raised"][library])


def _default_and_cast(
    library: str, kind: str, call: Call, name: str, owner: Value
) -> tuple[Value | None, Value | None]:
    """Return those arguments of a call that are default and cast, by the rules of its library."""
    cast = call.argument(-1, "cast", "subcast")
    if library == "decouple":
        return call.argument(1, "default"), call.argument(2, "cast")
    if library == "starlette":
        return call.argument(2, "default"), call.argument(1, "cast")
    if library == "environs":
        return call.argument(1, "default"), cast
    if not kind or kind == "get_value":
        default, cast = call.argument(2, "default"), call.argument(1, "cast")
    elif kind in ("list", "tuple", "dict"):
        default = call.argument(2, "default")
    else:
        default = call.argument(1, "default")
    scheme = owner.data.keywords.get(name) if isinstance(owner.data, Opaque) else None
    if scheme is not None:
        pair = scheme.data if isinstance(scheme.data, tuple | list) else (scheme,)
        cast = cast or pair[0]
        if default is None and len(pair) > 1:
            default = pair[1]
    return default, cast


def _cast_name(cast: Value | None, kind: str) -> str:
    if cast is not None and isinstance(cast.data, External):
        return cast.data.name.rpartition(".")[2]
    return kind


def cast_value(m: Machine, value: Value, cast: Value | None, kind: str, call: Call) -> Value:
    """Convert a variable's text to the type that the code requests."""
    if cast is not None and isinstance(cast.data, Function):
        return m.call(cast.data, (value,), {}, call.place)
    if cast is not None and isinstance(cast.data, External) and cast.data.name in ADDRESSES:
        return _address(value, "db")
    if cast is not None and isinstance(cast.data, Opaque) and cast.data.name == "decouple.Csv":
        kind = "csv"
    name = _cast_name(cast, kind) if kind != "csv" else kind
    if kind in IMPLIED:
        return _address(value, kind)
    if cast is not None and isinstance(cast.data, list | tuple):
        name = "list"
    if not isinstance(value.data, str) or name in ("", "str"):
        return value
    return Value(_converted(value.data, name), value.reads, value.place)


def _converted(text: str, name: str) -> object:
    try:
        if name in ("bool", "boolean"):
            return text.strip().lower() in TRUE
        if name in ("int", "float"):
            return int(text) if name == "int" else float(text)
        if name in ("list", "tuple", "csv", "Csv", "CommaSeparatedStrings"):
            return [Value(part.strip()) for part in text.split(",") if part.strip()]
        if name in ("json", "dict"):
            return wrap(parse_json(text), frozenset()).data
    except ValueError:
        return Opaque(name)
    return text


def _address(value: Value, kind: str) -> Value:
    if not isinstance(value.data, str):
        return value
    if "db" in kind:
        return parse_database(value)
    if "cache" in kind:
        scheme = value.data.split(":", 1)[0]
        backend = "django_redis.cache.RedisCache" if "redis" in scheme else scheme
        fields = {"BACKEND": Value(backend, value.reads, value.place), "LOCATION": value}
        return Value(fields, value.reads, value.place)
    return value


def parse_database(value: Value) -> Value:
    """Convert a database URL to an entry of Django's DATABASES."""
    text = str(value.data)
    if not text:
        return Value({}, value.reads, value.place)
    try:
        # The libraries for such urls don't treat the part after `:memory` as a port, either
        parts = urlsplit(text.replace("://:memory:", ":///:memory:"))
        scheme = _KNOWN["engines"].get(parts.scheme.split("+")[0], parts.scheme)
        path = unquote(parts.path[1:])
        if scheme == "sqlite3" and not path:
            path = ":memory:"
        fields = {
            "ENGINE": f"django.db.backends.{scheme}",
            "NAME": path,
            "USER": parts.username or "",
            "PASSWORD": parts.password or "",
            "HOST": parts.hostname or "",
            "PORT": str(parts.port or ""),
        }
    except ValueError:
        return Value(Opaque("database"), value.reads, value.place)
    return Value({k: Value(v, value.reads, value.place) for k, v in fields.items()}, value.reads, value.place)


def database_config(m: Machine, call: Call) -> Value:
    """Evaluate `dj_database_url.config(...)`."""
    env = call.argument(0, "env")
    name = env.data if env is not None and isinstance(env.data, str) else "DATABASE_URL"
    default = call.argument(1, "default")
    value = m.read(name, call.place, default or NOTHING)
    if not isinstance(value.data, str):
        return Value({} if value.data is None else Opaque("database"), value.reads, call.place)
    return _with_options(parse_database(value), call)


def database_parse(m: Machine, call: Call) -> Value:
    """Evaluate `dj_database_url.parse(...)`."""
    first = call.argument(0, "url")
    if first is None or not isinstance(first.data, str):
        if first is not None and first.data is None and first.reads:
            return m.fail("TypeError", first.reads, call.place)
        return Value(Opaque("database"), call.reads(), call.place)
    return _with_options(parse_database(first), call)


def heroku_settings(m: Machine, call: Call) -> Value:
    """Evaluate `django_heroku.settings(locals())`: DATABASE_URL, if set, replaces the database in the settings."""
    module = next((each for each in m.modules.values() if each.path == call.place.path), None)
    wanted, address = call.argument(-1, "databases"), m.environ.get("DATABASE_URL")
    if module is not None and address and not m.maybe and (wanted is None or wanted.data is not False):
        entry = parse_database(Value(address, frozenset({"DATABASE_URL"}), call.place))
        others = fields_of(module.names.get("DATABASES"))
        module.names["DATABASES"] = Value({**others, "default": _demanding(entry)}, entry.reads, call.place)
    return NOTHING


def _with_options(value: Value, call: Call) -> Value:
    demand = call.keywords.get("ssl_require")
    return _demanding(value, demand.reads) if demand is not None and demand.data is True else value


def _demanding(value: Value, reads: frozenset[str] = frozenset()) -> Value:
    """Return an entry of Django's DATABASES with TLS required."""
    if isinstance(value.data, dict) and value.data:
        value.data["OPTIONS"] = Value({"sslmode": Value("require", reads, value.place)}, place=value.place)
    return value


def read_ready(m: Machine, call: Call, library: str) -> Value:
    """Evaluate a library's ready-made reader, such as `decouple.config(...)`."""
    return read_with(m, library, "", call, NOTHING)


decouple_config, environs_env = (functools.partial(read_ready, library=each) for each in ("decouple", "environs"))


def load_file(m: Machine, call: Call) -> Value:
    """Evaluate `load_dotenv(...)` and `read_env(...)`, which load an env file of the project."""
    given = call.argument(0, "dotenv_path", "env_file", "path", "source")
    path = _file_name(m, given, call.place)
    if path and all(known.path != path for known in m.found.loaded):
        m.found.loaded.append(Loaded(path, call.place))
    take_variables(m, path)
    return Value(Opaque("env file"), call.reads(), call.place)


def take_variables(m: Machine, path: str) -> None:
    """Set the variables of an env file in the clone as environment variables of the evaluation."""
    text = m.tree.text(path) if path and m.tree.exists(path) else None
    if text is not None:
        for name, value in parse_variables(text).items():
            m.environ.setdefault(name, value.text)


def _file_name(m: Machine, given: Value | None, place: Evidence) -> str:
    """Return the path of an env file given as argument, relative to the tree; "" if it is unknown."""
    if given is None or given.data is None or isinstance(given.data, Opaque):
        base = os.path.dirname(place.path)
        candidates = [os.path.normpath(os.path.join(base, ".env")), m.relative(".env") or ".env"]
        return next((path for path in candidates if m.tree.exists(path)), candidates[-1])
    path = str(given.data)
    inner = m.relative(path if os.path.isabs(path) else os.path.join(m.here, path))
    return inner or ""


def dotenv_values(m: Machine, call: Call) -> Value:
    """Evaluate `dotenv_values(...)` as the environment, since devboot loads the same files into it."""
    load_file(m, call)
    return Value(External("os.environ"), frozenset(), call.place)


def make_starlette(m: Machine, call: Call) -> Value:
    """Evaluate Starlette's `Config(".env")`."""
    if call.argument(0, "env_file") is not None:
        load_file(m, call)
    return Value(Opaque("starlette.config.Config", call.args, call.keywords), frozenset(), call.place)


TABLE = {name: globals()[function] for function, names in _KNOWN["environments"].items() for name in names}
