"""Records variables, files and hosts that a Python program looked up in vain, with the project's code line.

The program imports a copy of this file, in any Python from 3.8 on: only modules of the standard library that each
Python has loaded at startup. Nothing here may raise, print, or change what the program does.

Each line is a fact, four fields separated by tabs: kind, name, how, place. Files and hosts whose names contain the
value of a variable are left out, unless it looks like a path or is one of the usual words.
"""

# ruff: noqa: SLF001  there is no other way to the frames above and into `os.environ`

from __future__ import annotations

import _thread
import os
import sys

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable
    from types import FrameType
    from typing import Any

MOST = 200  # facts in a file, about as many as fit
LARGEST = 64 * 1024  # bytes of the file for all processes that share it
_MOST_MET = 2000  # lines with variables, of libraries too
_ALL = "0.0.0.0"  # noqa: S104  it is what others listen on
_LONGEST = 300  # characters of a name or place
_DEEPEST = 80  # frames that are looked at
_LIBRARY, _STANDARD, _OWN, _SETTINGS = range(4)  # whose a file of code is
# Libraries that ask for the variables that the project names
_READERS = (
    *("decouple", "dotenv", "dynaconf", "environ", "environs", "envparse", "everett", "goodconf", "prettyconf"),
    *("configurations", "pydantic_settings"),
)
_OF_READERS = ("PYTHON_DOTENV_", "PYDANTIC_SETTINGS_")  # what they ask for on their own account begins like this
_READER_FILES = ("/starlette/config.py", "/flask/config.py", "/environs.py", "/decouple.py", "/envparse.py")
_OF_PATHS = "/._- +~,()[]#%@&!'"  # what paths have beside letters and digits
_LONGEST_SUFFIX = 6  # of a path that is the value of a variable
_SHORTEST = 4  # characters of a value that is looked for within names; shorter ones are compared as a whole
# Values that are no secrets, and parts of many names
_USUAL = (
    *("true", "false", "none", "null", "debug", "info", "warning", "error", "json", "yaml", "toml", "utf-8", "root"),
    *("prod", "production", "develop", "development", "stage", "staging", "test", "testing", "local", "localhost"),
    *("default", "main", "master", "home", "user", "users", "data", "config", "settings", "redis", "postgres", "mysql"),
)
_CODE = (".py", ".pyc", ".so")
_FLAGS = os.O_WRONLY | os.O_APPEND | os.O_CREAT | os.O_CLOEXEC | os.O_NOFOLLOW | os.O_NONBLOCK
_STREAM = 1  # socket.SOCK_STREAM
_WRITING = os.O_WRONLY | os.O_RDWR | os.O_CREAT


class Recorder:
    """Writes each fact once to the file at `path`; `root` is the project's folder, `prefix` the virtualenv's."""

    def __init__(self, path: str, root: str, prefix: str) -> None:
        self._path = path
        self._root = f"{root.rstrip('/')}/"
        self._outside = tuple(f"{each.rstrip('/')}/" for each in (prefix, sys.prefix))
        self._standard = f"{os.path.dirname(os.__file__)}/"
        self._folder = os.getcwd()
        self._seen = _read(path)  # by the parent program, or by itself on a restart
        beside = os.path.join(os.path.dirname(__file__), "sitecustomize.py")
        self._owners: dict[str, int] = {__file__: _STANDARD, beside: _STANDARD}
        self._met: set[tuple[bytes, str, int]] = set()  # variable, file and line of who asked
        self._names: dict[int, str] = {}  # port → the name that was looked up with it last
        self._busy = _thread._local()  # threading would cost an import
        self._handlers: dict[str, Callable[..., None]] = {
            "open": self._opens,
            "socket.bind": self._binds,
            "socket.connect": self._connects,
            "socket.getaddrinfo": self._looks_up,
            "socket.gethostbyname": self._looks_up,
        }

    def hook(self, event: str, args: tuple[Any, ...]) -> None:
        """Record a missing file, a host or a port, from an audit event of the interpreter (`sys.addaudithook`)."""
        handle = self._handlers.get(event)
        if handle is not None:
            self.guard(handle, *args)

    def guard(self, handle: Callable[..., None], *args: object) -> None:
        """Call `handle` and suppress its errors, except those that the program's signal handlers raise."""
        busy = self._busy
        if getattr(busy, "is_set", False) or len(self._seen) >= MOST:
            return
        busy.is_set = True
        try:
            handle(*args)
        except Exception as error:
            if self._is_foreign(error):
                raise
        finally:
            busy.is_set = False

    def _is_foreign(self, error: Exception) -> bool:
        """Return whether an exception comes from a signal handler of the program rather than from this module."""
        frames = error.__traceback__
        while frames is not None and frames.tb_next is not None:
            frames = frames.tb_next
        return frames is not None and self._owner(frames.tb_frame.f_code.co_filename) != _STANDARD

    def misses(self, key: object, *, is_empty: bool = False) -> None:
        """Record a lookup in `os.environ` of a missing variable; `is_empty`: of one with an empty value."""
        frame: FrameType | None = sys._getframe(1)
        while frame is not None and frame.f_code.co_filename == __file__:
            frame = frame.f_back
        frame = frame and frame.f_back  # from `os.environ` to who asked it
        if not isinstance(key, bytes) or frame is None:
            return
        function = frame.f_code.co_name if frame.f_code.co_filename == _ABSTRACT else ""
        if is_empty and function != "get":  # it may be copied with the other modules
            return
        method, frame = frame, frame.f_back if function else frame
        if frame is None or frame.f_code.co_name == "setdefault" or self._has_met(key, frame):
            return
        how = "required"
        if function:
            how = _asked_by(function, None if is_empty else method.f_locals.get("default"))
        through = False
        while frame is not None and (owner := self._owner(frame.f_code.co_filename)) != _OWN:
            through = through or owner == _SETTINGS
            if owner == _LIBRARY or not (through or frame.f_code.co_filename in _PASSING_ON):
                return
            frame = frame.f_back
        name = key.decode("utf-8", "replace")
        if frame is not None and not name.startswith(_OF_READERS) and (name.isupper() or not _holds_value(name)):
            self._write("unset", name, "asked" if through else how, self._line(frame))

    def _has_met(self, key: bytes, frame: FrameType | None) -> bool:
        """Return whether the same code line looked up the same variable before, and remember the pair."""
        while frame is not None and frame.f_code.co_filename in _PASSING_ON:
            frame = frame.f_back
        met = (key, frame.f_code.co_filename, frame.f_lineno) if frame is not None else (key, "", 0)
        if met in self._met or len(self._met) > _MOST_MET:
            return True
        self._met.add(met)
        return False

    def connects_to(self, host: object, port: object) -> None:
        """Record a connection to a host and port that was made without the socket module."""
        if not _holds_value(_text(host), is_host=True):
            self._write("connect", f"{_text(host)}:{_text(port)}", "", self._place(2))

    def finds_empty(self, key: object) -> None:
        """Record a lookup in `os.environ` of a variable with an empty value."""
        self.misses(key, is_empty=True)

    def _looks_up(self, host: object, port: object = None, *_more: object) -> None:
        name = _text(host)
        if not _is_host(name) or name.replace(".", "").isdigit() or _holds_value(name, is_host=True):
            return
        if isinstance(port, int):
            self._names[port] = name
        self._write("lookup", f"{name}:{_text(port)}" if port else name, "", self._place(3))

    def _connects(self, sock: Any, address: object) -> None:
        if not _is_stream(sock):
            return
        place = self._place(3)
        if isinstance(address, tuple):
            host, port = address[:2]
            name = self._names.get(port, _text(host))
            if not _holds_value(name, is_host=True):
                self._write("connect", f"{name}:{port}", "", place)
        elif place and isinstance(address, (str, bytes)) and not _holds_value(_text(address)):
            self._write("connect", f"unix:{_text(address)}", "", place)

    def _binds(self, sock: Any, address: object) -> None:
        if isinstance(address, tuple) and address[1] and _is_stream(sock):
            self._write("bind", f"{_text(address[0]) or _ALL}:{address[1]}", "", self._place(3))

    def _opens(self, path: object, _mode: object, flags: object) -> None:
        if not isinstance(path, str) or path.endswith(_CODE) or (isinstance(flags, int) and flags & _WRITING):
            return
        name, is_there = os.path.basename(path), os.path.exists(path)
        if is_there and not (name.startswith(".env") or name.endswith(".env")):
            return
        full = os.path.normpath(os.path.join(os.getcwd(), path))
        is_here = full.startswith(self._root) and not full.startswith(self._outside)
        shown = full[len(self._root) :] if is_here else full
        if not _is_file_name(shown) or any(_holds_value(each) for each in (path, full)):
            return
        if is_there:
            if is_here:
                self._write("file", shown, "", self._place(3))
            return
        # Libraries look for many files of their own
        place = self._place(3) if is_here else self._direct_place(3)
        if place:
            self._write("no-file", shown, "", place)

    def _place(self, depth: int) -> str:
        """Return the innermost of the project's code lines on the stack, as `file:line`; "" for none."""
        frame: FrameType | None = sys._getframe(depth)
        for _ in range(_DEEPEST):
            if frame is None:
                break
            if self._owner(frame.f_code.co_filename) == _OWN:
                return self._line(frame)
            frame = frame.f_back
        return ""

    def _direct_place(self, depth: int) -> str:
        """Return the project's code line as `_place` does, but "" if a third-party package called in between."""
        frame: FrameType | None = sys._getframe(depth)
        while frame is not None and (owner := self._owner(frame.f_code.co_filename)) != _OWN:
            if owner == _LIBRARY:
                return ""
            frame = frame.f_back
        return self._line(frame) if frame is not None else ""

    def _line(self, frame: FrameType) -> str:
        path = os.path.join(self._folder, frame.f_code.co_filename)
        return f"{os.path.normpath(path)[len(self._root) :]}:{frame.f_lineno}"

    def _owner(self, file: str) -> int:
        if file.startswith("<"):  # of templates and the like, which may be any number
            return _STANDARD if file.startswith("<frozen ") else _LIBRARY
        owner = self._owners.get(file)
        if owner is None:
            owner = self._owners[file] = self._find_owner(file)
        return owner

    def _find_owner(self, file: str) -> int:
        path = os.path.normpath(os.path.join(self._folder, file))
        packages = path.rpartition("/site-packages/")
        if packages[1]:
            is_reader = packages[2].partition("/")[0] in _READERS or path.endswith(_READER_FILES)
            return _SETTINGS if is_reader else _LIBRARY
        if path.startswith(self._standard):
            return _STANDARD
        return _OWN if path.startswith(self._root) and not path.startswith(self._outside) else _LIBRARY

    def _write(self, kind: str, name: str, how: str, place: str) -> None:
        fact = tuple(_plain(each) for each in (kind, name, how, place))
        if fact in self._seen:
            return
        self._seen.add(fact)
        file = os.open(self._path, _FLAGS, 0o600)
        try:
            if os.fstat(file).st_size < LARGEST:
                os.write(file, ("\t".join(fact) + "\n").encode("utf-8", "replace"))
        finally:
            os.close(file)


class _Environment(dict):  # type: ignore[type-arg]  # it lies inside of os.environ
    """Replacement for the dict inside `os.environ` that records lookups of missing variables."""

    recorder: Recorder

    def __reduce_ex__(self, _protocol: object) -> tuple[type, tuple[dict[Any, Any]]]:  # copies are plain
        return dict, (dict(self),)

    def __missing__(self, key: object) -> object:
        self.recorder.guard(self.recorder.misses, key)
        raise KeyError(key)


class _WithEmpty(_Environment):
    """Replacement for the dict inside `os.environ` that also records lookups of empty variables."""

    def __getitem__(self, key: object) -> object:
        value = super().__getitem__(key)
        if not value:
            self.recorder.guard(self.recorder.finds_empty, key)
        return value


def start(path: str, root: str, prefix: str) -> Recorder:
    """Start recording lookups of this program into the file at `path`."""
    recorder = Recorder(path, root, prefix)
    known = os.environ._data  # type: ignore[attr-defined]
    environment = _Environment(known) if all(known.values()) else _WithEmpty(known)
    environment.recorder = recorder
    os.environ._data = os.environb._data = environment  # type: ignore[attr-defined]
    sys.addaudithook(recorder.hook)
    return recorder


def _read(path: str) -> set[tuple[str, ...]]:
    """Return the facts already recorded in a file."""
    try:
        file = os.open(path, os.O_RDONLY | os.O_CLOEXEC | os.O_NOFOLLOW | os.O_NONBLOCK)
        try:
            text = os.read(file, LARGEST)
        finally:
            os.close(file)
    except OSError:
        return set()
    return {tuple(line.split("\t")) for line in text.decode("utf-8", "replace").split("\n") if line}


def _asked_by(function: str, default: object) -> str:
    """Return how the program handles a missing variable: `tested`, `default`, `required` or `none`.

    `tested` by `in`, `default` with another value, `required` by pop, else `none`.
    """
    if function == "__contains__":
        return "tested"
    if function == "pop":
        return "default" if default is None or isinstance(default, str) else "required"
    return "none" if default is None or (isinstance(default, str) and not default) else "default"


def _is_host(text: str) -> bool:
    """Return whether a text looks like a host name, rather than like a URL with a password."""
    return bool(text) and all(each.isalnum() or each in "._-" for each in text)


def _is_file_name(text: str) -> bool:
    """Return whether a text looks like a file name; some programs also try to open keys or URLs."""
    return len(text) <= _LONGEST and all(each.isalnum() or each in _OF_PATHS for each in text)


def _holds_value(name: str, *, is_host: bool = False) -> bool:
    """Return whether the name of a file or host contains a variable's value, which may be secret.

    Existing folders are visible anyway; a variable may be a whole host name.
    """
    seen = 0 if is_host else _length_of_folders(name)
    for each in tuple(os.environ._data.values()):  # type: ignore[attr-defined]
        value = os.fsdecode(each)
        if len(value) < _SHORTEST:
            is_held = bool(value) and value == name and not is_host
        else:
            at = name.rfind(value)
            is_held = at >= 0 and at + len(value) > seen and not (is_host and value == name)
        if is_held and not _is_path(value) and value.lower() not in _USUAL:
            return True
    return False


def _length_of_folders(path: str) -> int:
    """Return the length of the part of a path that consists of existing folders."""
    folder = os.path.dirname(path)
    while folder and not os.path.isdir(folder) and folder != os.path.dirname(folder):
        folder = os.path.dirname(folder)
    return len(folder)


def _is_path(value: str) -> bool:
    """Return whether a variable's value looks like a path or a domain."""
    if value.startswith(".") or 0 < len(os.path.splitext(value)[1]) <= _LONGEST_SUFFIX:
        return True
    return value.startswith("/") and os.path.isdir("/" + value[1:].partition("/")[0])


def _text(value: object) -> str:
    if isinstance(value, bytes):
        return value.decode("utf-8", "replace")
    return str(value) if isinstance(value, (str, int)) else ""


def _is_stream(sock: Any) -> bool:
    module = sys.modules.get("_socket")
    return module is not None and isinstance(sock, module.socket) and sock.type == _STREAM


def _plain(text: str) -> str:
    return "".join(each if each.isprintable() else "?" for each in text[:_LONGEST])


# Files that implement `os.environ.get` and `in`, and libraries that look up variables named by their caller
_ABSTRACT = os.environ.get.__code__.co_filename
_PASSING_ON = (_ABSTRACT, os.getenv.__code__.co_filename, os.path.expandvars.__code__.co_filename)
