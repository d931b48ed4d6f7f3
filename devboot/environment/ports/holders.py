"""Finds programs that have a file open or listen on a port, as far as this user may see them, for messages."""

from __future__ import annotations

import os
import sys

from devboot.record import Record

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterator

_LISTEN = "0A"  # TCP_LISTEN in /proc/net/tcp
_LISTENERS: dict[str, int] = {}  # who listened when it was last looked for, by socket: looked at first
_PROJECT_MARKS = (b"DEVBOOT_INSIDE=", b"DEVBOOT_ROOT=")  # variables of all processes of a supervisor
_LONGEST = 128 * 1024  # bytes of an environment
_PROCESS_MARK = b"DEVBOOT_PROCESS="  # <run>:<name>


class Program(Record):
    """A running process: its id and its command line, cut to a readable length."""

    pid: int
    command: str

    def describe(self) -> str:
        """Return the program as text: `pid 4711 (python manage.py runserver)`."""
        return f"pid {self.pid} ({self.command})" if self.command else f"pid {self.pid}"


def holders_of(path: str) -> tuple[Program, ...]:
    """Return the other processes that have the file `path` open; empty if the system has no /proc."""
    try:
        wanted = os.stat(path)
        pids = [int(name) for name in os.listdir("/proc") if name.isdigit()]
    except OSError:
        return ()
    identity = (wanted.st_dev, wanted.st_ino)
    return tuple(
        Program(pid, command_of(pid)) for pid in sorted(pids) if pid != os.getpid() and _has_open(pid, identity)
    )


def listener_on(port: int, *, most: int = sys.maxsize) -> Program | None:
    """Return the program that listens on a TCP port of this machine; None if there is none or it isn't visible.

    The search gives up after `most` open files of other programs.
    """
    inodes = {f"socket:[{inode}]" for table in ("tcp", "tcp6") for inode in _listening(table, port)}
    if not inodes:
        return None
    known = next((_LISTENERS[inode] for inode in inodes if inode in _LISTENERS), 0)
    if known and not inodes.isdisjoint(_links(known)):
        return Program(known, command_of(known))
    for pid in sorted(int(name) for name in os.listdir("/proc") if name.isdigit()):
        for link in _links(pid):
            if link in inodes:
                _LISTENERS[link] = pid
                return Program(pid, command_of(pid))
            most -= 1
            if most <= 0:
                return None
    return None


def project_of(pid: int) -> str:
    """Return the root of the devboot project whose daemon started a process, by its environment; "" for none."""
    marks = [variable for variable in _variables(pid) if variable.startswith(_PROJECT_MARKS)]
    return os.fsdecode(marks[0].partition(b"=")[2]) if marks else ""


def process_of(pid: int) -> str:
    """Return the name of the project's process (such as `web`) that a pid belongs to, by its environment.

    "" for none.
    """
    marks = [variable for variable in _variables(pid) if variable.startswith(_PROCESS_MARK)]
    return os.fsdecode(marks[0].partition(b":")[2]) if marks else ""


def _variables(pid: int) -> list[bytes]:
    try:
        with open(f"/proc/{pid}/environ", "rb") as stream:
            return stream.read(_LONGEST).split(b"\0")
    except OSError:
        return []


def command_of(pid: int) -> str:
    """Return the command line of a process, "" if it can't be read."""
    try:
        with open(f"/proc/{pid}/cmdline", "rb") as stream:
            words = stream.read(4096).decode(errors="replace").split("\0")
    except OSError:
        return ""
    line = " ".join([os.path.basename(words[0]), *words[1:]]).strip()
    return line if len(line) <= 60 else line[:57] + "..."


def _listening(table: str, port: int) -> Iterator[str]:
    end = f":{port:04X} "
    try:
        with open(f"/proc/net/{table}", encoding="ascii") as stream:
            rows = [line.split() for line in stream if end in line]
    except OSError:
        return
    for row in rows:
        if row[3] == _LISTEN and int(row[1].rpartition(":")[2], 16) == port:
            yield row[9]


def _links(pid: int) -> Iterator[str]:
    try:
        descriptors = os.listdir(f"/proc/{pid}/fd")
    except OSError:
        return
    for descriptor in descriptors:
        try:
            yield os.readlink(f"/proc/{pid}/fd/{descriptor}")
        except OSError:
            continue  # closed in the meantime


def _has_open(pid: int, identity: tuple[int, int]) -> bool:
    folder = f"/proc/{pid}/fd"
    try:
        descriptors = os.listdir(folder)
    except OSError:
        return False
    for descriptor in descriptors:
        try:
            found = os.stat(f"{folder}/{descriptor}")
        except OSError:
            continue
        if (found.st_dev, found.st_ino) == identity:
            return True
    return False
