"""Imports a project's entry point as its server would, and records the addresses in its settings with their lines.

A script for the project's own Python, 3.8 or newer, for `devboot doctor --probe`. Connections, listening sockets and
writes below the root are refused; output is dropped, input is empty. The facts have the form of `recorder`, with the
kind `setting`: its name is `scheme://host:port` or `sqlite:path`, never with a user or password.
"""

from __future__ import annotations

import ast
import errno
import importlib
import importlib.util
import os
import re
import signal
import sys
import types
from urllib.parse import urlsplit

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping
    from typing import Any

MANAGE = "manage.py"
_DJANGO = "DJANGO_SETTINGS_MODULE"
_DEEPEST = 5  # levels of a nested setting
_MOST = 2000  # values that are looked at in one module
_MOST_MODULES = 500
_LARGEST = 1024 * 1024  # bytes of a source file
_URL = re.compile(r"^[a-z][a-z0-9+.-]*:(?://|(?=sqlite))", re.IGNORECASE)
_PLACE = re.compile(r"^(\[[0-9a-fA-F:]+\]|[\w.-]+):(\d{1,5})$")
_SETTINGS = re.compile(r"setdefault\(\s*[\"']DJANGO_SETTINGS_MODULE[\"']\s*,\s*[\"']([\w.]+)[\"']")
# Words of schemes, of Django's back ends and of variables → the scheme that they mean
_WORDS = {
    "redis": "redis", "valkey": "redis", "postg": "postgresql", "psql": "postgresql", "pgsql": "postgresql",
    "mysql": "mysql", "mariadb": "mysql", "amqp": "amqp", "rabbit": "amqp", "mongo": "mongodb",
    "memcache": "memcached", "nats": "nats", "mqtt": "mqtt", "smtp": "smtp", "email": "smtp",
}  # fmt: skip
_CELERY = {  # its settings → other names that they have in code
    "broker_url": ("broker", "BROKER_URL", "CELERY_BROKER_URL"),
    "result_backend": ("backend", "CELERY_RESULT_BACKEND"),
}
_WRITES = ("os.mkdir", "os.remove", "os.rename", "os.rmdir", "os.link", "os.symlink", "os.truncate", "os.utime")
_WRITING = os.O_WRONLY | os.O_RDWR | os.O_CREAT
_NO_OBJECTS = (str, bytes, int, float, type(None), dict, list, tuple, types.ModuleType)


class Stopped(BaseException):
    """Raised in the code of the project when its time is over."""


class Guard:
    """An audit hook that refuses connections, listening sockets, and writes below `root`."""

    def __init__(self, root: str) -> None:
        self._root = root.rstrip("/") + "/"

    def hook(self, event: str, args: tuple[Any, ...]) -> None:
        """Raise the error that the system would raise on a machine where that isn't possible."""
        if event == "socket.connect":
            raise ConnectionRefusedError(errno.ECONNREFUSED, os.strerror(errno.ECONNREFUSED))
        if event == "socket.bind" and isinstance(args[1], tuple):
            raise OSError(errno.EADDRINUSE, os.strerror(errno.EADDRINUSE))
        if event in ("socket.getaddrinfo", "socket.gethostbyname"):
            self._refuse_lookup(args[0])
        elif (event == "open" and isinstance(args[2], int) and args[2] & _WRITING) or event in _WRITES:
            self._refuse_write(*args[: 1 + (event in ("os.rename", "os.link", "os.symlink"))])
        elif event == "sqlite3.connect":
            self._refuse_write(args[0])

    def _refuse_lookup(self, host: object) -> None:
        import socket

        text = host.decode("ascii", "replace") if isinstance(host, bytes) else str(host or "")
        if text and text != "localhost" and not text.replace(".", "").isdigit() and ":" not in text:
            raise socket.gaierror(socket.EAI_NONAME, "Name or service not known")

    def _refuse_write(self, *paths: object) -> None:
        for path in paths:
            if not isinstance(path, (str, bytes, os.PathLike)):
                continue
            text = os.fsdecode(path)
            text = text[5:].partition("?")[0] if text.startswith("file:") else text
            if text != ":memory:" and f"{os.path.realpath(text)}/".startswith(self._root):
                raise OSError(errno.EROFS, os.strerror(errno.EROFS), text)


def load(entry: str) -> None:
    """Import the module or script `entry`, but not as `__main__`, then Django's settings if it has any."""
    if entry == MANAGE:
        with open(MANAGE, encoding="utf-8", errors="replace") as file:
            named = _SETTINGS.search(file.read(_LARGEST))
        if named:
            os.environ.setdefault(_DJANGO, named[1])
    elif entry.endswith(".py"):
        path = os.path.abspath(entry)
        sys.path[0] = os.path.dirname(path)
        name = os.path.basename(path)[: -len(".py")]
        spec = importlib.util.spec_from_file_location(name, path)
        if spec is not None and spec.loader is not None:
            module = sys.modules[name] = importlib.util.module_from_spec(spec)
            spec.loader.exec_module(module)
    else:
        importlib.import_module(entry)
        if entry + ".celery" not in sys.modules and importlib.util.find_spec("celery") is not None:
            inner = hasattr(sys.modules[entry], "__path__") and importlib.util.find_spec(entry + ".celery")
            if inner:
                importlib.import_module(entry + ".celery")
    if os.environ.get(_DJANGO):
        importlib.import_module(os.environ[_DJANGO])


class Module:
    """The names of one module of the project, which may not have been loaded to its end, and its source."""

    def __init__(self, path: str, names: Mapping[Any, Any]) -> None:
        self.path = path
        self.names = names
        self._tree: ast.Module | None = None

    def line_of(self, keys: tuple[str, ...]) -> int:
        """Return the line where a setting, or the innermost known part of it, gets its value; 0 for none."""
        names, found = {keys[0], *_CELERY.get(keys[0], ())}, 0
        for node in ast.walk(self._parsed()):
            value = _assigned(node, names)
            if value is not None:
                found = _line_within(value, keys[1:])
        return found

    def _parsed(self) -> ast.Module:
        if self._tree is None:
            try:
                with open(self.path, "rb") as file:
                    self._tree = ast.parse(file.read(_LARGEST))
            except (OSError, ValueError, SyntaxError, RecursionError):
                self._tree = ast.Module(body=[], type_ignores=[])
        return self._tree


def _assigned(node: ast.AST, names: set[str]) -> ast.AST | None:
    """Return the value that a node gives to a name, an attribute, a key or an argument, if it is one of `names`."""
    targets: list[ast.expr] = []
    if isinstance(node, ast.Assign):
        targets = node.targets
    elif isinstance(node, ast.AnnAssign):
        targets = [node.target]
    elif isinstance(node, ast.keyword) and node.arg in names:
        return node.value
    for target in targets:
        key = getattr(target, "slice", None)
        if names & {getattr(target, "id", ""), getattr(target, "attr", ""), str(getattr(key, "value", ""))}:
            value = getattr(node, "value", None)
            return value if value is not None else target
    return None


def _line_within(value: ast.AST, keys: tuple[str, ...]) -> int:
    for key in keys:
        named = zip(value.keys, value.values) if isinstance(value, ast.Dict) else ()  # noqa: B905  Python 3.8 on
        inner = next((each for name, each in named if getattr(name, "value", None) == key), None)
        if inner is None:
            break
        value = inner
    return getattr(value, "lineno", 0)


def modules_of(root: str, prefix: str, failed: BaseException | None) -> list[Module]:
    """Return the modules of the project that were loaded, and those that have failed half way."""
    found = [(getattr(each, "__file__", None), getattr(each, "__dict__", {})) for each in list(sys.modules.values())]
    error, seen = failed, set()
    while error is not None and id(error) not in seen:
        seen.add(id(error))
        trace = error.__traceback__
        while trace is not None:
            found.append((trace.tb_frame.f_code.co_filename, trace.tb_frame.f_globals))
            trace = trace.tb_next
        error = error.__cause__ or error.__context__
    modules: dict[str, Module] = {}
    for file, names in found:
        path = os.path.realpath(file) if isinstance(file, str) else ""
        if _is_own(path, root, prefix):
            modules.setdefault(path, Module(path, names))
    return list(modules.values())[:_MOST_MODULES]


def settings_of(module: Module, own: set[str]) -> Iterator[tuple[tuple[str, ...], str, str]]:
    """Yield the settings with addresses of a module: their keys, the address, the text that it was read from.

    `own` are the names of the project's modules.
    """
    left, names = [_MOST], list(module.names.items())
    settings = {name: value for name, value in names if isinstance(name, str) and name.isupper()}
    for value in (settings, *(value for _, value in names)):
        try:
            inside = settings if value is settings else _settings_inside(value, own)
        except Exception:  # noqa: BLE001,S112  objects of the project may do anything
            continue
        yield from _of_mapping(inside, (), left)


def _settings_inside(value: Any, own: set[str]) -> Mapping[str, Any]:
    """Return the settings of an object: the configuration of an application, or an object or class of settings."""
    if isinstance(value, _NO_OBJECTS):
        return {}
    kind = value if isinstance(value, type) else type(value)
    bases = {each.__name__ for each in kind.__mro__}
    if bases & {"Flask", "Quart"} and not isinstance(value, type):
        return dict(value.config)
    if "Celery" in bases and not isinstance(value, type):
        return {name: getattr(value.conf, name, None) for name in _CELERY}
    is_meant = "BaseSettings" in bases or re.search(r"Settings|Config", kind.__name__)
    if not is_meant or getattr(kind, "__module__", "") not in own:
        return {}
    if not isinstance(value, type):
        return dict(getattr(value, "__dict__", {}))
    return {name: each for base in kind.__mro__[:-1] for name, each in vars(base).items() if name.isupper()}


def _of_mapping(
    names: Mapping[Any, Any], keys: tuple[str, ...], left: list[int]
) -> Iterator[tuple[tuple[str, ...], str, str]]:
    own = {name.upper(): name for name in names if isinstance(name, str)}
    engine = names.get(own.get("ENGINE", ""), names.get(own.get("BACKEND", ""), ""))
    scheme = _scheme(str(engine)) if isinstance(engine, str) else ""
    if "sqlite" in str(engine) and "NAME" in own:
        yield (*keys, own["NAME"]), "sqlite:" + str(names[own["NAME"]]), ""
        return
    for name in own.values():
        host, port = names[name], names.get(own.get(re.sub(r"HOST(NAME)?$", "PORT", name.upper()), ""))
        if re.search(r"HOST(NAME)?$", name.upper()) and isinstance(host, str) and _is_host(host):
            meant = scheme or _scheme(name) or _scheme("".join(keys))
            if meant:
                number = str(port) if str(port or "").isdigit() else ""
                yield (*keys, name), meant + "://" + host + ":" * bool(number) + number, host
    for name, value in names.items():
        try:
            found = list(_of_value(value, (*keys, str(name)), left))
        except Exception:  # noqa: BLE001,S112  objects of the project may do anything
            continue
        yield from found


def _of_value(value: Any, keys: tuple[str, ...], left: list[int]) -> Iterator[tuple[tuple[str, ...], str, str]]:
    left[0] -= 1
    if left[0] < 0 or len(keys) > _DEEPEST:
        return
    if isinstance(value, str) or type(value).__name__.endswith(("Dsn", "Url", "URL", "SecretStr")):
        text = value.get_secret_value() if hasattr(value, "get_secret_value") else str(value)
        address = _of_url(text) or (_of_place(text, keys) if keys[-1].upper() in ("LOCATION", "SERVERS") else "")
        if address:
            yield keys, address, text
    elif isinstance(value, dict):
        yield from _of_mapping(value, keys, left)
    elif isinstance(value, (list, tuple)):
        if len(value) == 2 and isinstance(value[0], str) and type(value[1]) is int:
            address = _of_place(f"{value[0]}:{value[1]}", keys)
            if address:
                yield keys, address, ""
            return
        for each in value:
            yield from _of_value(each, keys, left)


def _of_url(text: str) -> str:
    if len(text) > _LARGEST or not _URL.match(text):
        return ""
    scheme = text.partition(":")[0].lower()
    if scheme.startswith("sqlite"):
        path = text.partition("://")[2].partition("?")[0]
        return "sqlite:" + path[1:] if len(path) > 1 and ":memory:" not in path else ""
    scheme = _scheme(scheme)
    try:
        parts = urlsplit(text.replace(",", "/", 1))  # of several hosts the first
        host, port = parts.hostname or "", parts.port
    except ValueError:
        return ""
    if not scheme or not _is_host(host):
        return ""
    return scheme + "://" + host + (f":{port}" if port else "")


def _of_place(text: str, keys: tuple[str, ...]) -> str:
    found = _PLACE.match(text)
    scheme = _scheme("".join(keys)) or ("memcached" if keys[-1].upper() == "LOCATION" else "redis" if found else "")
    return scheme + "://" + text if found and scheme else ""


def _scheme(text: str) -> str:
    """Return the scheme that a word means; "" for none."""
    return next((scheme for word, scheme in _WORDS.items() if word in text.lower()), "")


def _is_host(text: str) -> bool:
    return re.match(r"^[\w.:-]{1,253}$", text) is not None


def facts_of(modules: list[Module], root: str, variables: Mapping[str, str]) -> Iterator[tuple[str, str, str, str]]:
    """Yield the facts about all settings with an address, each address once."""
    seen = set()
    own = {str(each.names.get("__name__")) for each in modules}
    for module in modules:
        for keys, address, text in settings_of(module, own):
            if address in seen:
                continue
            place = ""
            for each in (module, *modules):
                line = each.line_of(keys)
                if line:
                    place = f"{os.path.relpath(each.path, root)}:{line}"
                    break
            if not place and module.names.get("__name__") != os.environ.get(_DJANGO) and keys[0] not in _CELERY:
                continue  # a default of a library
            seen.add(address)
            variable = next((name for name, value in variables.items() if text and value == text), "")
            yield "setting", address, ".".join(keys) + " " * bool(variable) + variable, place


def _is_own(path: str, root: str, prefix: str) -> bool:
    """Return whether a file of code belongs to the project, not to its virtualenv."""
    outside = tuple(each.rstrip("/") + "/" for each in (prefix, sys.prefix))
    return path.startswith(root.rstrip("/") + "/") and not path.startswith(outside) and path.endswith(".py")


def _place_of(error: BaseException, root: str, prefix: str) -> str:
    """Return the innermost line of the project that an error has passed."""
    trace, place = error.__traceback__, ""
    while trace is not None:
        path = os.path.realpath(trace.tb_frame.f_code.co_filename)
        if _is_own(path, root, prefix):
            place = f"{os.path.relpath(path, root)}:{trace.tb_lineno}"
        trace = trace.tb_next
    return place


def _stop(_number: int, _frame: object) -> None:
    raise Stopped


def main(record: str, root: str, prefix: str, seconds: float, entry: str) -> None:
    """Load the entry and append the facts to the file `record`."""
    nothing = os.open(os.devnull, os.O_RDWR)
    for number in range(3):
        os.dup2(nothing, number)
    file = os.open(record, os.O_WRONLY | os.O_CREAT | os.O_APPEND | os.O_CLOEXEC, 0o600)
    sys.path[0] = os.getcwd()
    sys.argv[:] = [entry]
    variables = dict(os.environ)
    sys.dont_write_bytecode = True
    sys.addaudithook(Guard(root).hook)
    signal.signal(signal.SIGALRM, _stop)
    signal.setitimer(signal.ITIMER_REAL, seconds)
    failed: BaseException | None = None
    try:
        load(entry)
    except BaseException as error:  # noqa: BLE001  whatever the code of a project raises
        failed = error
    signal.setitimer(signal.ITIMER_REAL, 0)
    facts = list(facts_of(modules_of(root, prefix, failed), root, variables))
    if failed is not None:
        facts.append(("failed", type(failed).__name__, "", _place_of(failed, root, prefix)))
    for fact in facts:
        os.write(file, ("\t".join(re.sub(r"\s", " ", each) for each in fact) + "\n").encode("utf-8", "replace"))
    os._exit(0)  # threads of the project may never end


if __name__ == "__main__":
    main(sys.argv[1], os.path.realpath(sys.argv[2]), os.path.realpath(sys.argv[3]), float(sys.argv[4]), sys.argv[5])
