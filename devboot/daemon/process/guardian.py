"""The daemon's parent: waits for the daemon's end, then ends all processes that the daemon has left.

It is a subreaper, so processes of a killed daemon become its descendants, whatever their session. On systems without
subreapers, leases and the environment marker identify them.
"""

from __future__ import annotations

import os

from devboot.daemon import cgroup, leases, ownership
from devboot.daemon.orphan_cleanup import Reclaimed, end_all, keep
from devboot.supervisor.system import proctable

TYPE_CHECKING = False
if TYPE_CHECKING:
    from devboot.supervisor.system.proctable import Seen


_PATIENCE = 0.5  # seconds; a process that holds the daemon's lock for longer cleans up itself


def watch_over(daemon: int, handoff: bytes, group: str) -> None:
    """Wait for the daemon (a pid) to end, then end its remaining processes.

    `handoff` is the daemon's message (see `leases.handoff`), empty if it sent none; `group` its control group, "" for
    none.
    """
    proctable.become_subreaper()  # also covers the daemon, which was forked before
    _wait_for(daemon)
    state, grace = leases.parse_handoff(handoff) or ("", leases.DEFAULT_GRACE)
    reclaimed = end_all(lambda table: _left(state, table), grace)
    if state:
        tidy(state, daemon, reclaimed)
    if group:
        cgroup.remove(group)


def _wait_for(daemon: int) -> None:
    while True:
        try:
            pid, _ = os.waitpid(-1, 0)
        except ChildProcessError:
            return
        if pid == daemon:
            return


def _left(state: str, table: dict[int, Seen]) -> list[tuple[Seen, str]]:
    _reap()
    below = [(seen, "") for seen in proctable.descendants(table, os.getpid())]
    if below or not state:
        return below
    return leases.abandoned(state, table)


def _reap() -> None:
    try:
        while os.waitpid(-1, os.WNOHANG)[0]:
            pass
    except ChildProcessError:
        pass


def tidy(state: str, daemon: int, reclaimed: Reclaimed) -> None:
    """Remove the dead daemon's files, unless another process (the next daemon, or `down`) holds its lock by now."""
    path = leases.daemon_path(state)
    owned = ownership.wait(state, "guardian", _PATIENCE, is_hopeless=lambda: leases.is_daemon_alive(path))
    if owned is None:
        return
    with owned:
        lease = leases.read_daemon(path)
        if lease is None or lease.pid != daemon:
            return
        owned.write_reclaimed(daemon, len(reclaimed.stopped), len(reclaimed.killed))
        if not reclaimed.left:
            owned.forget()
        else:
            keep(owned, reclaimed)
