"""Evaluates functions of `os.path`, `pathlib` and the path libraries used in settings."""

from __future__ import annotations

import functools
import posixpath
from collections.abc import Callable
from pathlib import PurePosixPath

from devboot.onboarding.symbolic_eval.machine import Machine
from devboot.onboarding.symbolic_eval.values import LONGEST, Call, Method, Opaque, Raised, Value, size

Native = Callable[[Machine, Call], Value | None]


class RootPath(PurePosixPath):
    """django-environ's path class: `Path(__file__) - 2`, `root("static")`."""

    def __sub__(self, other: int) -> PurePosixPath:
        return RootPath(*self.parents[other - 1].parts) if 0 < other <= len(self.parents) else self


def texts_of(call: Call) -> list[str] | None:
    """Return a call's arguments as texts; None if one is unknown, or they are too long in total."""
    known = all(isinstance(arg.data, str | PurePosixPath) for arg in call.args)
    if known and sum(size(arg.data) for arg in call.args) <= LONGEST:
        return [str(arg.data) for arg in call.args]
    return None


def absolute(m: Machine, call: Call) -> Value:
    """Evaluate `os.path.abspath` and `realpath`."""
    texts = texts_of(call)
    if not texts:
        return Value(Opaque("path"), call.reads(), call.place)
    return Value(posixpath.normpath(posixpath.join(m.here, texts[0])), call.reads(), call.place)


def probed(m: Machine, call: Call, kind: str) -> Value:
    """Evaluate `os.path.exists` and the like: True for files or folders of the clone, False elsewhere."""
    texts = texts_of(call)
    return Value(there(m, texts[0], kind) if texts else Opaque("exists"), call.reads(), call.place)


exists, is_file, is_folder = (functools.partial(probed, kind=kind) for kind in ("any", "file", "folder"))


def there(m: Machine, path: str, kind: str) -> bool:
    """Return whether a file or folder is in the clone; `kind` is `file`, `folder` or `any`."""
    inner = m.relative(path)
    if inner is None:
        return False
    return (kind != "folder" and m.tree.exists(inner)) or (kind != "file" and m.tree.is_folder(inner))


def here(m: Machine, call: Call) -> Value:
    """Evaluate `os.getcwd()`."""
    return Value(m.here, frozenset(), call.place)


def here_as_path(m: Machine, call: Call) -> Value:
    """Evaluate `Path.cwd()`."""
    return Value(PurePosixPath(m.here), frozenset(), call.place)


def make_path(m: Machine, call: Call) -> Value:
    """Evaluate `Path(...)`."""
    unset = next((each for each in call.args if each.data is None and each.reads), None)
    if unset is not None:
        return m.fail("TypeError", unset.reads, call.place)
    texts = texts_of(call)
    return Value(PurePosixPath(*texts) if texts is not None else Opaque("path"), call.reads(), call.place)


def root_path(m: Machine, call: Call) -> Value:
    """Evaluate `environ.Path(...)`."""
    texts = texts_of(call)
    return Value(RootPath(posixpath.join(m.here, *texts)) if texts else Opaque("path"), call.reads(), call.place)


def join_path(path: PurePosixPath, call: Call) -> Value:
    """Evaluate the call of a django-environ path object, which joins its arguments to the path."""
    return Value(path.joinpath(*(texts_of(call) or [])), call.reads(), call.place)


def path_method(m: Machine, path: PurePosixPath, method: Method, call: Call) -> object:
    """Return the result of a method of a path, such as `path.joinpath("x")`."""
    name = method.name
    if name in ("resolve", "absolute", "expanduser"):
        return PurePosixPath(posixpath.normpath(posixpath.join(m.here, str(path))))
    if name in ("joinpath", "path"):
        texts = texts_of(call)
        return path.joinpath(*texts) if texts is not None else Opaque("path")
    if name in ("exists", "is_file", "is_dir"):
        return there(m, str(path), {"exists": "any", "is_file": "file", "is_dir": "folder"}[name])
    if name in ("read_text", "open"):
        return _content(m, str(path), call)
    if name in ("as_posix", "__str__"):
        return str(path)
    return Opaque(f"path.{name}")


def _content(m: Machine, path: str, _call: Call) -> object:
    inner = m.relative(path)
    found = m.tree.text(inner) if inner else None
    if found is None:
        if m.is_caught("FileNotFoundError"):
            raise Raised("FileNotFoundError", frozenset())
        return Opaque("file")
    return Opaque("file", (Value(found),))


def open_file(m: Machine, call: Call) -> Value:
    """Evaluate `open(...)` for reading."""
    texts = texts_of(call)
    return Value(_content(m, texts[0], call) if texts else Opaque("file"), call.reads(), call.place)
