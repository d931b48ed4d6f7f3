"""Signals to processes that are known by their number and their start: never to a later process of that number."""

from __future__ import annotations

import os

from devboot.supervisor.system import proctable

TYPE_CHECKING = False
if TYPE_CHECKING:
    import signal as _signal

    from devboot.daemon.leases import DaemonLease
    from devboot.supervisor.system.proctable import Seen
else:
    import _signal  # the signal package imports enum

SIGKILL, SIGTERM, SIGCONT = 9, 15, 18 if os.uname().sysname != "Darwin" else 19


def wake_guardian(lease: DaemonLease | None) -> None:
    """Let a guardian go on that somebody has stopped: it would neither do its work nor end."""
    seen = None if lease is None else proctable.look(lease.guardian)
    if lease is not None and seen is not None and seen.started == lease.guardian_started and seen.state in "Tt":
        signal_process(seen, SIGCONT)


def signal_process(seen: Seen, number: int) -> None:
    """Send a signal to that very process, never to a later one of its number where the system can tell them apart.

    Process 1 gets none.
    """
    if not proctable.is_endable(seen.pid):
        return
    try:
        handle = os.pidfd_open(seen.pid)
    except (AttributeError, OSError):  # not Linux, ended, or no descriptor left
        handle = -1
    try:
        now = proctable.look(seen.pid)
        if now is None or now.started != seen.started:
            return
        _send(seen.pid, handle, number)
        if number == SIGTERM:
            _send(seen.pid, handle, SIGCONT)  # what is stopped takes the signal only when it goes on
    except (ProcessLookupError, PermissionError):
        pass  # it has ended, or has become another user's: nothing that we could end
    finally:
        if handle >= 0:
            os.close(handle)


def _send(pid: int, handle: int, number: int) -> None:
    if handle >= 0:
        _signal.pidfd_send_signal(handle, number)
    else:
        os.kill(pid, number)
