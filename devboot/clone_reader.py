"""Reads all files that come from a clone: regular files only, each up to a limit.

A clone may hold a named pipe, a socket or a link to a device where a file is expected, and may be larger than memory.
Links are followed, also out of the project, but must lead to a regular file. The fast commands and the daemon import
this: only modules that cost nothing beside a bare interpreter.
"""

from __future__ import annotations

import errno
import os
import stat

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable
    from typing import Any, BinaryIO

LIMIT = 16 * 1024 * 1024  # bytes of a text file; the largest locks have a third of it
SQL_LIMIT = 256 * 1024 * 1024  # migrations and seeds, which may be dumps
PACKAGE_LIMIT = 8 * 1024**3  # wheels and source archives; the largest that are published have half of it
KIT_LIMIT = 64 * 1024**3  # everything that a project needs
_TOO_DEEP = "it is nested too deeply"
_BLOCK = 1024 * 1024
# A pseudo-file such as /proc/kmsg is regular and may block; a terminal may become the controlling one.
_FLAGS = os.O_RDONLY | os.O_NONBLOCK | os.O_CLOEXEC | os.O_NOCTTY
_KINDS = (
    (stat.S_ISFIFO, "a named pipe"),
    (stat.S_ISSOCK, "a socket"),
    (stat.S_ISCHR, "a device"),
    (stat.S_ISBLK, "a device"),
    (stat.S_ISDIR, "a directory"),
)


CONTENT, PRESENCE = "", "?"  # the aspect of a path that matters, if not the names in it
listeners: list[Callable[[str, str], None]] = []  # called by `note`


# Queries; results that depend on an answer are recomputed when it changes


def note(path: str, what: str = CONTENT) -> None:
    """Report to all `listeners` that a result depends on `path`: its content, its presence, or the names in it.

    `what` selects which. Names are those that match a pattern with one `*`; with `/` at its end, only folders.
    """
    for listener in listeners:
        listener(path, what)


def exists(path: str) -> bool:
    """Return whether `path` exists, following links; tell `listeners` that a result depends on it."""
    note(path, PRESENCE)
    return os.path.exists(path)


def is_file(path: str) -> bool:
    """Return whether `path` is a regular file, or a link to one; tell `listeners` that a result depends on it."""
    note(path, PRESENCE)
    return os.path.isfile(path)


def is_folder(path: str) -> bool:
    """Return whether `path` is a folder, or a link to one; tell `listeners` that a result depends on it."""
    note(path, PRESENCE)
    return os.path.isdir(path)


def names_in(folder: str, pattern: str = "*") -> list[str]:
    """Return the sorted names in a folder that match a pattern with at most one `*`."""
    prefix, star, suffix = pattern.partition("*")
    if not star:
        return [pattern] if exists(os.path.join(folder, pattern)) else []
    note(folder, pattern)
    try:
        return sorted(name for name in os.listdir(folder) if name.startswith(prefix) and name.endswith(suffix))
    except OSError:
        return []


# Reading


def read_bytes(path: str, *, limit: int = LIMIT) -> bytes:
    """Return the content of a regular file. Raises OSError: EFBIG above `limit`, ENXIO or EISDIR for other kinds."""
    note(path)
    descriptor = open_regular(path)
    try:
        if os.fstat(descriptor).st_size > limit:
            raise _too_large(path, limit)
        return _read_all(descriptor, path, limit)
    finally:
        os.close(descriptor)


def read_text(path: str, *, errors: str = "replace", limit: int = LIMIT) -> str:
    r"""Return the content of a regular file as UTF-8, with `\n` as line ends. Raises OSError as `read_bytes`.

    With `errors="strict"` bytes that aren't UTF-8 raise UnicodeDecodeError.
    """
    text = read_bytes(path, limit=limit).decode("utf-8", errors)
    return text.replace("\r\n", "\n").replace("\r", "\n") if "\r" in text else text


def read_head(path: str, size: int) -> bytes:
    """Return the first `size` bytes of a regular file of any length. Raises OSError as `read_bytes`."""
    note(path)
    return _head(path, size)


def read_program(path: str, size: int) -> bytes:
    """Return the first `size` bytes of a program's source; only the presence of the file is recorded as a dependency.

    Raises OSError as `read_bytes`. Programs are edited often, and an edit hardly ever changes what devboot detects in
    them.
    """
    note(path, PRESENCE)
    return _head(path, size)


def read_toml(path: str) -> dict[str, Any]:
    """Parse a regular file as TOML and return its tables.

    Raises OSError as `read_bytes`, ValueError for anything that isn't TOML.
    """
    return parse_toml(read_text(path, errors="strict"))


def parse_toml(text: str) -> dict[str, Any]:
    """Parse a TOML text. Raises TOMLDecodeError, which is a ValueError, for any mistake."""
    import tomllib

    try:
        return tomllib.loads(text)
    except tomllib.TOMLDecodeError:
        raise
    except ValueError as error:  # Python's limit of digits, against numbers that take minutes to convert
        raise tomllib.TOMLDecodeError(str(error)) from None
    except RecursionError:
        raise tomllib.TOMLDecodeError(_TOO_DEEP) from None


def table_in(data: Any, *keys: str) -> dict[str, Any]:
    """Return the table at the nested `keys` of parsed data; an empty one if it is missing or not a table."""
    for key in keys:
        data = data.get(key) if isinstance(data, dict) else None
    return data if isinstance(data, dict) else {}


def parse_json(text: str | bytes) -> Any:
    """Parse a JSON text. Raises ValueError, also for too deep nesting."""
    import json

    try:
        return json.loads(text)
    except RecursionError:
        raise ValueError(_TOO_DEEP) from None


def read_env_file(path: str, *, patience: float = 30.0) -> bytes:
    """Return the content of an env file, which may also be a named pipe that a secret manager fills on demand.

    A terminal is read until end of file (Ctrl-D), and the null device is empty. Raises OSError as `read_bytes`, and
    TimeoutError if the input of a pipe or terminal hasn't ended after `patience` seconds.
    """
    note(path)
    found = os.stat(path)
    if stat.S_ISCHR(found.st_mode) and found.st_rdev == os.stat(os.devnull).st_rdev:
        return b""
    if not (stat.S_ISFIFO(found.st_mode) or stat.S_ISCHR(found.st_mode)):
        return read_bytes(path)
    descriptor = os.open(path, _FLAGS)
    try:
        if not (stat.S_ISFIFO(os.fstat(descriptor).st_mode) or os.isatty(descriptor)):
            _refuse(found.st_mode, path)
        return _read_written(descriptor, path, patience)
    finally:
        os.close(descriptor)


def file_digest(path: str, *, limit: int = SQL_LIMIT) -> bytes:
    """Return the sha256 of a regular file's content. Raises OSError as `read_bytes`."""
    import hashlib

    note(path)
    found = hashlib.sha256()
    descriptor = open_regular(path)
    try:
        if os.fstat(descriptor).st_size > limit:
            raise _too_large(path, limit)
        done = 0
        while block := os.read(descriptor, _BLOCK):
            done += len(block)
            if done > limit:
                raise _too_large(path, limit)
            found.update(block)
    finally:
        os.close(descriptor)
    return found.digest()


# Opening


def open_kit(path: str) -> BinaryIO:
    """Open the file of a kit (see `pack`), which may be larger than other files. Raises OSError as `read_bytes`."""
    refuse_unreadable(path, limit=KIT_LIMIT)
    return open(open_regular(path), "rb")


def open_regular(path: str) -> int:
    """Open a regular file and return its descriptor. Raises OSError: ENXIO or EISDIR for other kinds of files."""
    refuse_irregular(path)  # before it is opened: opening some devices does something
    descriptor = os.open(path, _FLAGS)
    try:
        _refuse(os.fstat(descriptor).st_mode, path)  # it may have been replaced in between
    except BaseException:
        os.close(descriptor)
        raise
    return descriptor


def refuse_irregular(path: str) -> None:
    """Raise OSError for a path that isn't a regular file or a link to one, without opening it."""
    _refuse(os.stat(path).st_mode, path)


def refuse_unreadable(path: str, *, limit: int = LIMIT) -> None:
    """Raise OSError for a file that isn't regular or is above the limit, before another program opens it."""
    refuse_irregular(path)
    if os.stat(path).st_size > limit:
        raise _too_large(path, limit)


def _refuse(mode: int, path: str) -> None:
    if not stat.S_ISREG(mode):
        kind = next((name for is_kind, name in _KINDS if is_kind(mode)), "something else")
        number = errno.EISDIR if stat.S_ISDIR(mode) else errno.ENXIO
        raise OSError(number, f"it is {kind}, not a regular file", path)


def _head(path: str, size: int) -> bytes:
    descriptor = open_regular(path)
    try:
        return os.read(descriptor, size)
    finally:
        os.close(descriptor)


def _too_large(path: str, limit: int) -> OSError:
    megabytes = limit // (1024 * 1024)
    shown = f"{megabytes // 1024} GB" if megabytes >= 1024 else f"{megabytes} MB"
    return OSError(errno.EFBIG, f"it is larger than {shown}, the limit for such files", path)


def _read_all(descriptor: int, path: str, limit: int) -> bytes:
    blocks, done = [], 0
    while block := os.read(descriptor, _BLOCK):
        blocks.append(block)
        done += len(block)
        if done > limit:
            raise _too_large(path, limit)
    return b"".join(blocks)


def _read_written(descriptor: int, path: str, patience: float) -> bytes:
    import select
    import time

    deadline = time.monotonic() + patience
    poll = select.poll()
    poll.register(descriptor, select.POLLIN)
    data = b""
    while poll.poll(max(0.0, deadline - time.monotonic()) * 1000):
        block = os.read(descriptor, 65536)
        data += block
        if len(data) > LIMIT:
            raise _too_large(path, LIMIT)
        if not block:
            return data
    is_terminal = os.isatty(descriptor)
    why = (
        "a terminal, and nobody ends its input with Ctrl-D"
        if is_terminal
        else "a named pipe, and no program writes to it"
    )
    raise TimeoutError(errno.ETIMEDOUT, f"it is {why}", path)
