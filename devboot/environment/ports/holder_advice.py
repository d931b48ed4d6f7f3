"""Describes the program that listens on a port, and how to free the port, for messages."""

from __future__ import annotations

import os

from devboot.environment.ports.holders import listener_on, process_of, project_of
from devboot.errors import shell_word
from devboot.record import Record

_PRIVILEGED = 1024
_MOST = 20_000  # open files that are looked at, in about 0.1 s, for which the whole daemon waits


class Holder(Record):
    """The program that listens on a port: `text` describes it, `helps` are commands that free the port.

    `root` and `process` are of the devboot project that it belongs to, "" for none. `pid` is 0 if it isn't visible.
    """

    pid: int
    text: str
    helps: tuple[str, ...]
    root: str = ""
    process: str = ""


def holder_of(port: int, root: str = "") -> Holder:
    """Return a description of the program that listens on `port`, for messages in the project at `root`."""
    program = listener_on(port, most=_MOST)
    if program is None:
        return Holder(0, "a program that can't be seen from here", (_search(port),))
    project, process = project_of(program.pid), process_of(program.pid)
    if not project:
        return Holder(program.pid, f"`{program.command}` (pid {program.pid})", (f"kill {program.pid}",))
    who = f"`{process or program.command}`"
    if project == root:
        helps = (f"devboot stop {shell_word(process)}" if process else "devboot down",)
        return Holder(program.pid, f"{who} of this project (pid {program.pid})", helps, project, process)
    where = f"{who} of project {os.path.basename(project)} (pid {program.pid})"
    return Holder(program.pid, where, (f"devboot -C {shell_word(project)} down",), project, process)


def reason(port: int, holder: Holder) -> str:
    """Return why no other program can listen on `port`, such as `held by pid 4711 (nginx)`."""
    if not holder.pid and port < _PRIVILEGED:
        return "ports below 1024 are reserved for root"
    return f"held by {holder.text}"


def using_variable(port: int, origin: str, flag: str = "") -> str:
    """Return advice to write `$PORT` for the port number in the command at `origin`; `flag` follows `devboot up -d`."""
    return f"write `$PORT` for {port} in {origin}, then `devboot up -d{flag}`: devboot chooses a free port"


def _search(port: int) -> str:
    """Return the shell command that shows the program listening on `port`, with sudo if that needs it."""
    if os.path.isdir("/proc/self"):
        sudo = "" if os.geteuid() == 0 else "sudo "
        return f"{sudo}ss -ltnp sport = :{port}   # shows the program"
    return f"sudo lsof -nP -iTCP:{port} -sTCP:LISTEN   # shows the program"
