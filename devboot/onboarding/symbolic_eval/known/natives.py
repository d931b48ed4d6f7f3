"""Evaluates functions of the standard library and other libraries; `known.toml` maps their names to these."""

from __future__ import annotations

import fnmatch
import functools
import pkgutil
import posixpath
from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import PurePosixPath
from urllib.parse import urlsplit

from devboot.clone_reader import parse_json
from devboot.onboarding.symbolic_eval.known.paths import (  # noqa: F401 - named in the table
    Native,
    absolute,
    exists,
    here,
    here_as_path,
    is_file,
    is_folder,
    make_path,
    open_file,
    root_path,
)
from devboot.onboarding.symbolic_eval.machine import Machine
from devboot.onboarding.symbolic_eval.members import member, parent  # noqa: F401
from devboot.onboarding.symbolic_eval.operators import truth
from devboot.onboarding.symbolic_eval.raising import stop
from devboot.onboarding.symbolic_eval.values import (
    HOLE,
    LONGEST,
    NOTHING,
    Call,
    Class,
    External,
    Function,
    Instance,
    Module,
    Opaque,
    Raised,
    Scope,
    Value,
    deep_reads,
    is_known,
    plain,
    size,
    wrap,
)
from devboot.onboarding.tables import load_table

_INCLUDED = "__included_files__"  # for split_settings: files may include each other, and each runs once
_HOOK = "on_app_init"  # of Litestar


def get(m: Machine, call: Call) -> Value:
    """Evaluate `os.environ.get` and `os.getenv`."""
    name = call.argument(0, "key")
    default = call.argument(1, "default") or NOTHING
    if name is None or not isinstance(name.data, str):
        return Value(Opaque("variable"), call.reads(), call.place)
    # The name's own place: a helper function of the project may get the name as argument
    return m.read(name.data, name.place or call.place, default)


def put(m: Machine, call: Call) -> Value:
    """Evaluate `os.environ.setdefault`."""
    name, value = call.argument(0), call.argument(1)
    if name is not None and value is not None and isinstance(name.data, str) and isinstance(value.data, str):
        if not m.maybe:
            m.environ.setdefault(name.data, value.data)
        return Value(m.environ.get(name.data, value.data), value.reads, call.place)
    return Value(Opaque(), call.reads(), call.place)


def pure(m: Machine, call: Call, function: Callable[..., object], cast: str = "") -> Value:
    """Call a function without side effects if all arguments are known.

    `cast` is the type to which it converts texts.
    """
    args: list[Value] = []
    for given in call.args:
        each = given
        if given.data is None and given.reads:  # continue with the template's value, if there is one
            each = m.fail("TypeError", given.reads, call.place, cast=cast)
            if not is_known(each):
                return each
        args.append(each)
        for name in each.reads & m.found.needs.keys() if cast else ():
            m.found.needs[name].cast = m.found.needs[name].cast or cast
    texts = [str(each.data) if isinstance(each.data, PurePosixPath) else plain(each) for each in args]
    words = {name: plain(each) for name, each in call.keywords.items()}
    known = all(map(is_known, (*args, *call.keywords.values())))
    try:
        if known and sum(map(size, texts)) <= LONGEST and size(found := function(*texts, **words)) <= LONGEST:
            return replace(wrap(found, call.reads()), place=call.place)
    except Exception:  # noqa: BLE001, S110 - if the real function fails, the result is unknown
        pass
    return Value(Opaque(getattr(function, "__name__", "")), call.reads(), call.place)


def load_json(m: Machine, call: Call) -> Value:
    """Evaluate `json.load` of a file in the clone and `json.loads` of a text."""
    first = call.argument(0, "s", "fp") or NOTHING
    if isinstance(first.data, Opaque) and first.data.name == "file" and first.data.args:
        first = Value(first.data.args[0].data, first.reads)
    return pure(m, replace(call, args=(first,), keywords={}), parse_json)


def to_text(_m: Machine, call: Call) -> Value:
    """Evaluate `str(...)`."""
    first = call.args[0] if call.args else Value("")
    simple = is_known(first) and not isinstance(first.data, list | dict | tuple | set)
    return Value(str(first.data) if simple else first.data, first.reads, first.place)


def to_bool(_m: Machine, call: Call) -> Value:
    """Evaluate `bool(...)`."""
    first = call.args[0] if call.args else NOTHING
    verdict = truth(first)
    return Value(Opaque("bool") if verdict is None else verdict, first.reads, call.place)


def strtobool(m: Machine, call: Call) -> Value:
    """Evaluate `distutils.util.strtobool`."""
    return pure(m, call, lambda text: str(text).lower() in ("y", "yes", "t", "true", "on", "1"), cast="bool")


def to_list(_m: Machine, call: Call) -> Value:
    """Evaluate `list`, `set` and `sorted` of known values."""
    first = call.args[0] if call.args else Value([])
    if not isinstance(first.data, list | tuple | set | dict | str):
        return Value(Opaque("list"), call.reads(), call.place)
    items = [item if isinstance(item, Value) else Value(item, first.reads) for item in first.data]
    return Value(items, first.reads, call.place)


def to_tuple(m: Machine, call: Call) -> Value:
    """Evaluate `tuple` of known values."""
    made = to_list(m, call)
    return replace(made, data=tuple(made.data)) if isinstance(made.data, list) else made


def to_dict(_m: Machine, call: Call) -> Value:
    """Evaluate `dict` of known values."""
    first = call.args[0] if call.args else NOTHING
    return Value({**(first.data if isinstance(first.data, dict) else {}), **call.keywords}, first.reads, call.place)


def quantified(_m: Machine, call: Call, *, every: bool) -> Value:
    """Evaluate `any(...)`, or `all(...)` if `every`."""
    first = call.args[0] if call.args else NOTHING
    if not isinstance(first.data, list | tuple):
        return Value(Opaque("any"), call.reads(), call.place)
    verdicts = [truth(item) if isinstance(item, Value) else bool(item) for item in first.data]
    known = not every if (not every) in verdicts else Opaque("any") if None in verdicts else every
    return Value(known, deep_reads(first), call.place)


any_of, all_of = (functools.partial(quantified, every=every) for every in (False, True))


def get_attribute(m: Machine, call: Call) -> Value:
    """Evaluate `getattr(...)`."""
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
    """Evaluate `hasattr(...)` if the names are known."""
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
    """Evaluate `isinstance(...)` of constants and built-in types."""
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
    """Evaluate `importlib.import_module` and `import_string`."""
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
    """Evaluate `sys.exit(...)`."""
    stop(m, "SystemExit", Value(None, call.reads()), call.place, call.scope)
    return NOTHING


def fixed(_m: Machine, call: Call, data: object) -> Value:
    """Return `data` as the result of a call, whatever its arguments, as for `platform.system()`."""
    return Value(data, call.reads(), call.place)


def second_of(_m: Machine, call: Call) -> Value:
    """Evaluate `typing.cast(kind, value)` as its second argument."""
    return call.args[1] if len(call.args) > 1 else NOTHING


def first_of(_m: Machine, call: Call) -> Value:
    """Evaluate a wrapper without relevant effect, such as `optional(path)`, as its first argument."""
    return call.args[0] if call.args else NOTHING


def split_url(_m: Machine, call: Call) -> Value:
    """Evaluate `urlparse(...)`."""
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


def _part(part: object) -> object:
    return part if isinstance(part, str | int) else HOLE


def build_url(_m: Machine, call: Call) -> Value:
    """Evaluate `PostgresDsn.build(...)` and `URL.create(...)`."""
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


def include(m: Machine, call: Call) -> Value:
    """Evaluate `split_settings.tools.include(...)`: patterns relative to the file with the call."""
    module = call.scope.module
    # Relative imports are relative to the including module, which may be a package itself
    is_package = posixpath.basename(module.path) == "__init__.py"
    name = f"{module.name}.included" if is_package else module.name
    for path in _paths(m, call):
        parsed = m.tree.module(path)
        if parsed is not None and _is_new(module, path):
            m.execute(parsed.body, Scope(Module(name, path, module.names, module.stars), module.names))
    return NOTHING


def _is_new(module: Module, path: str) -> bool:
    known = module.names.get(_INCLUDED)
    paths = known.data if known is not None and isinstance(known.data, tuple) else ()
    module.names[_INCLUDED] = Value((*paths, path))
    return path not in paths


def _paths(m: Machine, call: Call) -> Iterator[str]:
    folder = posixpath.dirname(call.scope.module.path)
    for given in call.args:
        if isinstance(given.data, str):
            pattern = posixpath.normpath(posixpath.join(folder, given.data))
            names = sorted(m.tree.in_folder(posixpath.dirname(pattern) or "."))
            for each in fnmatch.filter(names, posixpath.basename(pattern)):
                yield posixpath.join(posixpath.dirname(pattern), each)


def litestar(m: Machine, call: Call) -> Value | None:
    """Evaluate Litestar's plugins and `on_app_init` functions, which complete an application's configuration."""
    config = Value(Opaque("litestar.AppConfig"))
    for word in ("plugins", _HOOK):
        given = call.keywords.get(word)
        for each in given.data if given is not None and isinstance(given.data, list | tuple) else ():
            _complete(m, each, config, call)
    return None


def _complete(m: Machine, given: Value, config: Value, call: Call) -> None:
    hook = given.data.cls.find(_HOOK) if isinstance(given.data, Instance) else given
    if hook is not None and isinstance(hook.data, Function):
        m.call(hook.data, (config,) if hook is given else (given, config), {}, call.place)


def _tabled() -> Iterator[tuple[str, Native]]:
    table = load_table("symbolic_eval/known/known")
    for name, target in table["pure"].items():
        function = pkgutil.resolve_name(target)
        cast = function.__name__ if function in (int, float) else ""
        yield name, functools.partial(pure, function=function, cast=cast)
    for name, data in table["fixed"].items():
        yield name, functools.partial(fixed, data=data)
    for function, names in table["natives"].items():
        yield from ((name, globals()[function]) for name in names)


TABLE = dict(_tabled())
