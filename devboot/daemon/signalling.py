"""Sends signals to processes identified by pid and start time, so that a later process with the same pid gets none."""

from __future__ import annotations

import os

from devboot.supervisor.system import proctable

TYPE_CHECKING = False
if TYPE_CHECKING:
    import signal as _signal
    from signal import SIGCONT, SIGKILL, SIGTERM

    from devboot.daemon.leases import DaemonLease
    from devboot.supervisor.system.proctable import Seen
else:
    import _signal  # the signal package imports enum
    from _signal import SIGCONT, SIGKILL, SIGTERM

__all__ = ["SIGCONT", "SIGKILL", "SIGTERM", "signal_process", "wake_guardian"]


def wake_guardian(lease: DaemonLease | None) -> None:
    """Send SIGCONT to the daemon's guardian if a signal has paused it, since a paused one can't clean up."""
    seen = None if lease is None else proctable.look(lease.guardian)
    if lease is not None and seen is not None and seen.started == lease.guardian_started and seen.state in "Tt":
        signal_process(seen, SIGCONT)


def signal_process(seen: Seen, number: int) -> None:
    """Send a signal to a process, but not to a later one with the same pid, as far as the system can tell them apart.

    Process 1 is never signalled.
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
            _send(seen.pid, handle, SIGCONT)  # a stopped process handles the signal only after SIGCONT
    except (ProcessLookupError, PermissionError):
        pass  # it has ended, or belongs to another user now
    finally:
        if handle >= 0:
            os.close(handle)


def _send(pid: int, handle: int, number: int) -> None:
    if handle >= 0:
        _signal.pidfd_send_signal(handle, number)
    else:
        os.kill(pid, number)
