"""Limit of open files: raises it for many processes, detects when it is reached, and advises how to raise it."""

from __future__ import annotations

import os
import resource
from errno import EMFILE, ENFILE

EXHAUSTED = frozenset((EMFILE, ENFILE))  # the limit of this process, or of the whole system, is reached
PER_PROCESS = 5
OTHERS = 200  # sockets of clients, probes, descriptors of the interpreter


def make_room(processes: int) -> bool:
    """Raise the soft limit of open files if this number of processes needs it; return whether the limit is enough.

    Children inherit the limit, so it is raised only if needed: programs that use select(2) can't handle descriptors
    above 1024.
    """
    needed = processes * PER_PROCESS + OTHERS
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    if soft == resource.RLIM_INFINITY or soft >= needed:
        return True
    raised = needed if hard == resource.RLIM_INFINITY else min(needed, hard)
    resource.setrlimit(resource.RLIMIT_NOFILE, (raised, hard))
    return raised >= needed


def is_exhausted(pid: int) -> bool:
    """Return whether a process has reached its limit of open files; False if that is unknown."""
    try:
        taken = frozenset(map(int, os.listdir(f"/proc/{pid}/fd")))
        return taken.issuperset(range(resource.prlimit(pid, resource.RLIMIT_NOFILE)[0]))
    except (AttributeError, OSError, ValueError):  # not Linux, ended, or no limit
        return False


def advice(number: int, pid: int = 0) -> list[str]:
    """Return commands that raise the limit of open files of a process (0: this one).

    `number` is the errno: EMFILE (of the process) or ENFILE (of the whole system).
    """
    if number == ENFILE:
        return ["sysctl fs.file-nr fs.file-max", "sudo sysctl fs.file-max=2000000"]
    if not hasattr(resource, "prlimit"):
        return ["devboot down", "ulimit -n 4096 && devboot up -d"]
    soft, hard = resource.prlimit(pid, resource.RLIMIT_NOFILE)
    wanted = max(2 * soft, 4096)
    command = f"prlimit --pid {pid or os.getpid()} --nofile={wanted}:"
    return [command if hard == resource.RLIM_INFINITY or wanted <= hard else f"sudo {command}{wanted}"]
