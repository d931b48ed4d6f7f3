"""Finds store objects that running processes use.

A process uses an object if it runs or maps a file of it, holds one open, has its working directory there, or has
its path in arguments or environment: a process may know an object only by its PATH and start a program of it an
hour later. On Linux /proc is read, elsewhere `ps` and `lsof` are run. Processes of other users can't be inspected.
"""

from __future__ import annotations

import os
import re
import subprocess
from collections.abc import Collection, Iterable
from contextlib import suppress

_PROC = "/proc"
# a path through an object: the text before it up to the beginning of the line or variable, and the object's key
_OBJECT = re.compile(rb"([^\0\n]*)/([a-z0-9]{8,32})-")
_BEGINNING = re.compile(rb"(?:^|[:=,; \"'])(?=/)")
_LOOKS = 3
_ASK_SECONDS = 30.0


def objects_in_use(store: str, keys: Collection[str]) -> dict[str, str]:
    """Return which store objects with these keys processes use, as {key: "pid 4711 (redis-server)"}.

    Any text that looks like a path through an object counts if it leads to the store, by whatever name.
    """
    wanted = {key.encode() for key in keys}
    if not wanted or not os.path.isdir(store):
        return {}
    where = _Place(store)
    return _look_into_proc(where, wanted) if os.path.isdir(f"{_PROC}/self") else _ask(where, wanted)


class _Place:
    """The store's directory, recognised through any path that leads to it: home folders may be links or mounts."""

    def __init__(self, store: str) -> None:
        found = os.stat(store)
        self._identity = (found.st_dev, found.st_ino)
        self._known: dict[bytes, bool] = {}

    def keys_in(self, text: bytes, wanted: set[bytes], *, is_elsewhere: bool = False) -> set[bytes]:
        """Return those of the wanted keys whose objects occur in paths in `text`.

        `is_elsewhere` is True for a process in another mount namespace, whose paths can't be followed.
        """
        if not any(key in text for key in wanted):
            return set()
        pairs = {(before, key) for before, key in _OBJECT.findall(text) if key in wanted}
        return {key for before, key in pairs if is_elsewhere or self._leads_here(before)}

    def _leads_here(self, before: bytes) -> bool:
        if before not in self._known:
            beginnings = (match.end() for match in _BEGINNING.finditer(before))
            self._known[before] = any(self._is_here(before[begin:]) for begin in beginnings)
        return self._known[before]

    def _is_here(self, path: bytes) -> bool:
        try:
            found = os.stat(path)
        except (OSError, ValueError):
            return False
        return (found.st_dev, found.st_ino) == self._identity


def users_of(paths: Collection[str]) -> dict[str, str]:
    """Return which of these files and folders (or their content) processes use, as {path: one user}."""
    if not os.path.isdir(f"{_PROC}/self"):
        lines = _output(["/usr/sbin/lsof", "-nP", "-u", str(os.getuid()), "-F", "n"])
        text = b"\n".join(lines)
        return {path: "a process" for path in paths if os.fsencode(path) in text}
    found: dict[str, str] = {}
    for pid in filter(str.isdecimal, os.listdir(_PROC) if paths else ()):
        text = _all_of(pid)
        found.update({path: f"pid {pid} ({_name(pid)})" for path in paths if os.fsencode(path) in text})
    return found


def _look_into_proc(store: _Place, wanted: set[bytes]) -> dict[str, str]:
    found: dict[str, str] = {}
    seen: set[str] = set()
    mounts = _link(f"{_PROC}/self/ns/mnt")
    for _ in range(_LOOKS):
        # A process forked meanwhile isn't in the list yet, and one in the middle of an exec shows nothing: look again.
        fresh = [pid for pid in os.listdir(_PROC) if pid.isdecimal() and pid not in seen]
        for pid in fresh:
            # before the text: a process that ends loses its text first, so it is never taken for one of elsewhere
            is_elsewhere = _link(f"{_PROC}/{pid}/ns/mnt") != mounts
            text = _all_of(pid)
            if text:
                seen.add(pid)
            for key in store.keys_in(text, wanted, is_elsewhere=is_elsewhere):
                found.setdefault(key.decode(), f"pid {pid} ({_name(pid)})")
        if not fresh:
            break
    return found


def _all_of(pid: str) -> bytes:
    """Return every path that a process refers to, joined; b"" if it has ended or can't be inspected."""
    folder = f"{_PROC}/{pid}"
    parts = [_link(f"{folder}/{name}") for name in ("exe", "cwd", "root")]
    parts += [_content(f"{folder}/{name}") for name in ("environ", "cmdline", "maps")]
    with suppress(OSError):
        parts += [_link(f"{folder}/fd/{number}") for number in os.listdir(f"{folder}/fd")]
    return b"\n".join(filter(None, parts))


def _link(path: str) -> bytes:
    try:
        return os.fsencode(os.readlink(path))
    except OSError:
        return b""


def _content(path: str) -> bytes:
    try:
        with open(path, "rb") as stream:
            return stream.read()
    except OSError:
        return b""


def _name(pid: str) -> str:
    return _content(f"{_PROC}/{pid}/comm").decode("utf-8", "replace").strip() or "?"


def _ask(store: _Place, wanted: set[bytes]) -> dict[str, str]:
    """Return the used keys with one user each, by `ps` (with environments) and `lsof`, for systems without /proc."""
    found: dict[str, str] = {}
    for line in _output(["/bin/ps", "-axEww", "-o", "pid=,command="]):
        pid, _, command = line.strip().partition(b" ")
        name = os.path.basename(command.split(b" ")[0]).decode("utf-8", "replace")
        for key in store.keys_in(command, wanted):
            found.setdefault(key.decode(), f"pid {pid.decode()} ({name})")
    pid = b"?"
    for line in _output(["/usr/sbin/lsof", "-nP", "-u", str(os.getuid()), "-F", "pn"]):
        pid = line[1:] if line.startswith(b"p") else pid
        for key in store.keys_in(line[1:], wanted):
            found.setdefault(key.decode(), f"pid {pid.decode()}")
    return found


def _output(command: list[str]) -> Iterable[bytes]:
    environ = {"LC_ALL": "C", "PATH": "/usr/bin:/bin:/usr/sbin:/sbin"}
    try:
        done = subprocess.run(
            command,
            stdout=subprocess.PIPE,
            stderr=subprocess.DEVNULL,
            check=False,
            env=environ,
            timeout=_ASK_SECONDS,
        )
    except (OSError, subprocess.TimeoutExpired):
        return ()
    return done.stdout.splitlines()
