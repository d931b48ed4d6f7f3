"""The standard library, as far as settings use it."""

from __future__ import annotations

import ast
import posixpath
from collections.abc import Callable
from pathlib import PurePosixPath
from typing import Any
from urllib.parse import quote, quote_plus, unquote, urljoin

from devboot.clone_reader import parse_json
from devboot.onboarding.symbolic_eval.known.hooks import include, optional
from devboot.onboarding.symbolic_eval.known.paths import (
    Native,
    absolute,
    make_path,
    on_paths,
    open_file,
    probe,
    root_path,
)
from devboot.onboarding.symbolic_eval.known.urls import build_url, on_texts, split_url
from devboot.onboarding.symbolic_eval.machine import Machine
from devboot.onboarding.symbolic_eval.members import member, parent
from devboot.onboarding.symbolic_eval.operators import truth
from devboot.onboarding.symbolic_eval.raising import stop
from devboot.onboarding.symbolic_eval.values import (
    NOTHING,
    Call,
    Class,
    External,
    Instance,
    Module,
    Opaque,
    Raised,
    Value,
    deep_reads,
    is_known,
    wrap,
)

BUILTINS = frozenset(
    {
        "str", "int", "float", "bool", "list", "tuple", "dict", "set", "frozenset", "len", "any", "all", "sorted",
        "min", "max", "getattr", "hasattr", "isinstance", "print", "map", "zip", "enumerate", "range", "open",
        "reversed", "repr", "abs", "type", "super", "exit", "quit", "filter", "sum", "bytes", "globals", "locals",
        "object", "property", "staticmethod", "classmethod", "Exception", "ValueError", "KeyError", "ImportError",
        "RuntimeError", "round", "iter", "next", "vars", "callable", "id", "hash", "issubclass", "setattr", "format",
        "OSError", "FileNotFoundError", "AttributeError", "NotImplementedError", "TypeError", "SystemExit", "input",
        "__import__", "ModuleNotFoundError", "EnvironmentError", "NameError", "LookupError", "exec", "eval", "compile",
    }
)  # fmt: skip


def get(m: Machine, call: Call) -> Value:
    """`os.environ.get`, `os.getenv`."""
    name = call.argument(0, "key")
    default = call.argument(1, "default") or NOTHING
    if name is None or not isinstance(name.data, str):
        return Value(Opaque("variable"), call.reads(), call.place)
    # The name's own place: a helper of the project is told which variable to read
    return m.read(name.data, name.place or call.place, default)


def put(m: Machine, call: Call) -> Value:
    """`os.environ.setdefault`."""
    name, value = call.argument(0), call.argument(1)
    if name is not None and value is not None and isinstance(name.data, str) and isinstance(value.data, str):
        if not m.maybe:
            m.environ.setdefault(name.data, value.data)
        return Value(m.environ.get(name.data, value.data), value.reads, call.place)
    return Value(Opaque(), call.reads(), call.place)


def load_json(m: Machine, call: Call) -> Value:
    """`json.load` of a file of the clone, `json.loads` of a text."""
    first = call.argument(0, "s", "fp")
    data = first.data if first else None
    if isinstance(data, Opaque) and data.name == "file" and data.args:
        data = data.args[0].data
    if data is None and first is not None and first.reads:
        return m.fail("TypeError", first.reads, call.place, "is parsed as JSON without a default")
    try:
        return wrap(parse_json(data), call.reads()) if isinstance(data, str) else Value(Opaque("json"), call.reads())
    except ValueError:
        return Value(Opaque("json"), call.reads())


def literal(_m: Machine, call: Call) -> Value:
    """`ast.literal_eval`."""
    try:
        return wrap(ast.literal_eval(str(call.args[0].data)), call.reads())
    except (ValueError, SyntaxError, IndexError, MemoryError, RecursionError):
        return Value(Opaque("literal"), call.reads())


def convert(kind: Callable[..., object]) -> Native:
    """`int`, `float`: of a text that is known."""

    def native(m: Machine, call: Call) -> Value:
        first = call.args[0] if call.args else Value("0")
        if first.data is None and first.reads:
            return m.fail("TypeError", first.reads, call.place, "is converted without a default", cast=kind.__name__)
        for name in first.reads & m.found.needs.keys():
            m.found.needs[name].cast = m.found.needs[name].cast or kind.__name__
        try:
            if isinstance(first.data, str | int | float):
                return Value(kind(first.data), first.reads, call.place)
        except ValueError:
            pass
        return Value(Opaque(kind.__name__), call.reads(), call.place)

    return native


def to_text(_m: Machine, call: Call) -> Value:
    """`str(...)`."""
    first = call.args[0] if call.args else Value("")
    simple = is_known(first) and not isinstance(first.data, list | dict | tuple | set)
    return Value(str(first.data) if simple else first.data, first.reads, first.place)


def to_bool(_m: Machine, call: Call) -> Value:
    """`bool(...)`."""
    first = call.args[0] if call.args else NOTHING
    verdict = truth(first)
    return Value(Opaque("bool") if verdict is None else verdict, first.reads, call.place)


def strtobool(m: Machine, call: Call) -> Value:
    """`distutils.util.strtobool`."""
    first = call.args[0] if call.args else NOTHING
    if first.data is None and first.reads:
        return m.fail("AttributeError", first.reads, call.place, "is converted without a default", cast="bool")
    return Value(str(first.data).lower() in ("y", "yes", "t", "true", "on", "1"), first.reads, call.place)


def collect(kind: type) -> Native:
    """`list`, `tuple`, `set`, `sorted`, `dict` of what is known."""

    def native(_m: Machine, call: Call) -> Value:
        first = call.args[0] if call.args else Value([])
        if kind is dict:
            base = dict(first.data) if isinstance(first.data, dict) else {}
            return Value(base | dict(call.keywords), first.reads, call.place)
        if isinstance(first.data, list | tuple | set | dict | str):
            items = [item if isinstance(item, Value) else Value(item, first.reads) for item in first.data]
            return Value(tuple(items) if kind is tuple else items, first.reads, call.place)
        return Value(Opaque(kind.__name__), call.reads(), call.place)

    return native


def length(m: Machine, call: Call) -> Value:
    """`len(...)`."""
    first = call.args[0] if call.args else NOTHING
    if first.data is None and first.reads:
        return m.fail("TypeError", first.reads, call.place, "is measured without a default")
    sized = isinstance(first.data, str | list | tuple | dict | set)
    return Value(len(first.data) if sized else Opaque("len"), first.reads, call.place)  # type: ignore[arg-type]


def quantify(every: bool) -> Native:
    """`all`, `any`."""

    def native(_m: Machine, call: Call) -> Value:
        first = call.args[0] if call.args else NOTHING
        if not isinstance(first.data, list | tuple):
            return Value(Opaque("any"), call.reads(), call.place)
        verdicts = [truth(item) if isinstance(item, Value) else bool(item) for item in first.data]
        reads = deep_reads(first)
        if (not every) in verdicts:
            return Value(not every, reads, call.place)
        return Value(Opaque("any") if None in verdicts else every, reads, call.place)

    return native


def get_attribute(m: Machine, call: Call) -> Value:
    """`getattr(...)`."""
    owner, name = call.argument(0), call.argument(1)
    if owner is None or name is None or not isinstance(name.data, str):
        return Value(Opaque("getattr"), call.reads(), call.place)
    data = owner.data
    settings = m.django() if isinstance(data, External) and data.name == "django.conf.settings" else None
    if settings is not None:
        found = m.member(settings, name.data)
        return found or call.argument(2) or Value(Opaque(name.data), frozenset(), call.place)
    if isinstance(data, Class | Instance | Module):
        names = data.names
        known = names.get(name.data) or (data.find(name.data) if isinstance(data, Class) else None)
        if known is None and len(call.args) > 2 and not isinstance(data, Instance):
            return call.args[2]
    return member(m, owner, name.data, call.place)


def has_attribute(m: Machine, call: Call) -> Value:
    """`hasattr(...)`, where the names are known."""
    owner, name = call.argument(0), call.argument(1)
    if owner is None or name is None:
        return Value(Opaque("hasattr"))
    if isinstance(owner.data, Class):
        return Value(owner.data.find(str(name.data)) is not None)
    settings = m.django() if isinstance(owner.data, External) and owner.data.name == "django.conf.settings" else None
    if settings is not None:
        return Value(m.member(settings, str(name.data)) is not None)
    return Value(Opaque("hasattr"), call.reads())


def is_instance(_m: Machine, call: Call) -> Value:
    """`isinstance(...)`, of constants and the plain types."""
    first, second = call.argument(0), call.argument(1)
    if first is None or second is None or not is_known(first):
        return Value(Opaque("isinstance"), call.reads())
    listed = second.data if isinstance(second.data, tuple | list) else (second,)
    names = {getattr(item.data, "name", "") for item in listed if isinstance(item, Value)}
    wanted = f"builtins.{type(first.data).__name__}"
    return Value(
        wanted in names if all(n.startswith("builtins.") for n in names) else Opaque("isinstance"), call.reads()
    )


def bring_module(m: Machine, call: Call) -> Value:
    """`importlib.import_module`, `import_string`."""
    first = call.args[0] if call.args else NOTHING
    if not isinstance(first.data, str):
        return Value(Opaque("module"), call.reads())
    found = m.resolve(first.data) if m.is_ours(first.data) else None
    if found is not None:
        return found
    if m.is_ours(first.data.split(".")[0]) and not m.maybe:
        m.found.absent.append((first.data, call.place))
    if m.is_caught("ModuleNotFoundError"):
        raise Raised("ModuleNotFoundError", frozenset())
    return Value(External(first.data))


def leave(m: Machine, call: Call) -> Value:
    """`sys.exit(...)`."""
    stop(m, "SystemExit", Value(None, call.reads()), call.place, call.scope)
    return NOTHING


def fixed(data: object) -> Native:
    """A call whose result doesn't depend on its arguments."""
    return lambda _m, call: Value(data, call.reads(), call.place)


def second(_m: Machine, call: Call) -> Value:
    """`typing.cast(kind, value)`."""
    return call.args[1] if len(call.args) > 1 else NOTHING


def first_of(_m: Machine, call: Call) -> Value:
    """A wrapper that changes nothing of importance."""
    return call.args[0] if call.args else NOTHING


TABLE: dict[str, Any] = {
    "os.environ.get": get,
    "os.getenv": get,
    "os.environ.setdefault": put,
    "os.environ.pop": get,
    "os.path.join": on_paths(posixpath.join),
    "os.path.dirname": on_paths(posixpath.dirname),
    "os.path.basename": on_paths(posixpath.basename),
    "os.path.normpath": on_paths(posixpath.normpath),
    "os.path.expanduser": on_paths(str),
    "os.path.abspath": absolute,
    "os.path.realpath": absolute,
    "os.path.exists": probe("any"),
    "os.path.isfile": probe("file"),
    "os.path.isdir": probe("folder"),
    "os.getcwd": lambda m, call: Value(m.here, frozenset(), call.place),
    "pathlib.Path.cwd": lambda m, call: Value(PurePosixPath(m.here), frozenset(), call.place),
    "pathlib.Path": make_path,
    "pathlib.PurePath": make_path,
    "unipath.Path": make_path,
    "environ.Path": root_path,
    "builtins.open": open_file,
    "json.load": load_json,
    "json.loads": load_json,
    "ast.literal_eval": literal,
    "builtins.int": convert(int),
    "builtins.float": convert(float),
    "builtins.str": to_text,
    "builtins.bool": to_bool,
    "builtins.list": collect(list),
    "builtins.tuple": collect(tuple),
    "builtins.set": collect(list),
    "builtins.sorted": collect(list),
    "builtins.dict": collect(dict),
    "builtins.len": length,
    "builtins.any": quantify(every=False),
    "builtins.all": quantify(every=True),
    "builtins.getattr": get_attribute,
    "builtins.super": parent,
    "builtins.hasattr": has_attribute,
    "builtins.isinstance": is_instance,
    "builtins.exit": leave,
    "builtins.quit": leave,
    "sys.exit": leave,
    "os._exit": leave,
    "importlib.import_module": bring_module,
    "django.utils.module_loading.import_string": bring_module,
    "werkzeug.utils.import_string": bring_module,
    "distutils.util.strtobool": strtobool,
    "setuptools._distutils.util.strtobool": strtobool,
    "urllib.parse.urlparse": split_url,
    "urllib.parse.urlsplit": split_url,
    "urllib.parse.quote": on_texts(lambda text, *_: quote(text)),
    "urllib.parse.quote_plus": on_texts(lambda text, *_: quote_plus(text)),
    "urllib.parse.unquote": on_texts(lambda text, *_: unquote(text)),
    "urllib.parse.urljoin": on_texts(urljoin),
    "split_settings.tools.include": include,
    "split_settings.tools.optional": optional,
    "typing.cast": second,
    "copy.copy": first_of,
    "copy.deepcopy": first_of,
    "pydantic.SecretStr": first_of,
    "pydantic.parse_obj_as": second,
    "platform.system": fixed("Linux"),
    "socket.gethostname": fixed("localhost"),
    "secrets.token_hex": fixed("0" * 32),
    "secrets.token_urlsafe": fixed("0" * 32),
    "django.core.management.utils.get_random_secret_key": fixed("0" * 50),
    "sqlalchemy.engine.url.URL": build_url,
    "sqlalchemy.engine.url.URL.create": build_url,
    "sqlalchemy.engine.URL.create": build_url,
    "sqlalchemy.URL.create": build_url,
    "sqlalchemy.engine.URL": build_url,
    "pydantic.PostgresDsn.build": build_url,
    "pydantic.RedisDsn.build": build_url,
    "pydantic.AmqpDsn.build": build_url,
    "pydantic.MySQLDsn.build": build_url,
    "pydantic.AnyUrl.build": build_url,
    "pydantic.networks.PostgresDsn.build": build_url,
    "pydantic_core.MultiHostUrl.build": build_url,
    "pydantic_core.Url.build": build_url,
}
