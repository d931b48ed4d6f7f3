"""Room for descriptors: terminal, exit and log of a process take five of them."""

from __future__ import annotations

import resource

PER_PROCESS = 5
OTHERS = 200  # sockets of clients, probes, what the interpreter itself has


def make_room(processes: int) -> bool:
    """Raise the soft limit of open files if so many processes need it; whether there is room now.

    Children inherit the limit, so it isn't raised without need: programs that use select(2) can't count beyond 1024.
    """
    needed = processes * PER_PROCESS + OTHERS
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    if soft == resource.RLIM_INFINITY or soft >= needed:
        return True
    raised = needed if hard == resource.RLIM_INFINITY else min(needed, hard)
    resource.setrlimit(resource.RLIMIT_NOFILE, (raised, hard))
    return raised >= needed
