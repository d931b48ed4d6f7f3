"""`devboot down`: stops everything, whatever state the daemon is in, and says what it took."""

from __future__ import annotations

import os
import time

from devboot.app import meeting
from devboot.app.streams import Streams
from devboot.daemon import client as daemon, leases

TYPE_CHECKING = False
if TYPE_CHECKING:
    from devboot.app.call import Call
    from devboot.daemon.leases import DaemonLease
    from devboot.daemon.reclaim import Reclaimed

_GRACE = 5.0
_FAREWELL = 2.0  # they only have to leave
_MARGIN = 7.0  # what the guardian may need beyond the grace


def carry_out(call: Call) -> int:
    """Ask the daemon; end one that doesn't answer; end what a dead one has left. Nothing running is no error."""
    if call.flag("all"):
        return _all(call)
    found = meeting.meet(call)
    if found.client is not None:
        code = _ask(call, found.client)
        if code is not None:
            _see_off(found.lease)
            return code
    if found.lease is not None and found.lease.is_alive:
        return _bypass(call, found.lease)
    return _end_leftovers(call)


def _ask(call: Call, client: daemon.Client) -> int | None:
    """The daemon's exit code; None when it doesn't answer."""
    streams = Streams()
    try:
        client.ask({"command": "down", "view": call.view()})
        client.welcome()
        return client.copy(streams.write)
    except daemon.NoAnswerError:
        return None
    finally:
        client.close()


def _see_off(lease: DaemonLease | None) -> None:
    """Wait until daemon and guardian have ended, too: after `down` there is no process left, not even one of ours."""
    if lease is None:
        return
    _wake(lease)
    for pid, started in ((lease.pid, lease.started), (lease.guardian, lease.guardian_started)):
        deadline = time.monotonic() + _FAREWELL
        while _is_there(pid, started):
            if time.monotonic() >= deadline:
                return
            time.sleep(0.0005)


def _wake(lease: DaemonLease) -> None:
    """A guardian that somebody has stopped would neither do its work nor end."""
    from devboot.daemon.reclaim import SIGCONT
    from devboot.supervisor.session import send

    if _is_there(lease.guardian, lease.guardian_started):
        send((lease.guardian,), SIGCONT)


def _is_there(pid: int, started: str) -> bool:
    """One that has ended but wasn't asked for yet is gone: in a container, process 1 takes its time to ask."""
    from devboot.supervisor import proctable

    entry = proctable.look(pid)
    return entry is not None and entry.is_alive and entry.started == started


def _bypass(call: Call, lease: DaemonLease) -> int:
    """Kill a daemon that doesn't answer; its guardian then ends the rest, or we do."""
    from devboot.daemon.reclaim import SIGKILL
    from devboot.supervisor.session import send

    Streams().say(f"the daemon (pid {lease.pid}) does not answer; ending it and what it runs\n")
    before = len(leases.left_behind(call.state))
    send((lease.pid,), SIGKILL)
    grace = float(lease.grace or _GRACE)
    deadline = time.monotonic() + grace + _MARGIN
    _wake(lease)
    both = ((lease.pid, lease.started), (lease.guardian, lease.guardian_started))
    while any(_is_there(*each) for each in both) and time.monotonic() < deadline:
        time.sleep(0.01)
    stopped, killed = leases.read_reclaimed(call.state, lease.pid) or (before, 0)
    _say(call, f"stopped {stopped}" + (f", killed {killed}" if killed else ""))
    return _end_leftovers(call, quiet=True)


def _end_leftovers(call: Call, *, quiet: bool = False) -> int:
    from devboot.daemon.reclaim import end_all

    if leases.abandoned(call.state):
        result = end_all(lambda: leases.abandoned(call.state), _GRACE)
        _forget(call.state)
        _say(call, f"ended what an earlier run had left: {_named(result)}")
        return 1 if result.left else 0
    _forget(call.state)
    if not quiet:
        _say(call, f"{meeting.project_name(call)} is not running")
    return 0


def _forget(state: str) -> None:
    """Take away a dead daemon's files; another one may have come by now, and needs its own."""
    lease = leases.read_daemon(leases.daemon_path(state))
    if lease is None or not lease.is_alive:
        leases.forget(state)


def _named(result: Reclaimed) -> str:
    ended = [f"{name or 'a process'} (pid {pid})" for pid, name in result.stopped]
    ended += [f"{name or 'a process'} (pid {pid}, killed)" for pid, name in result.killed]
    ended += [f"{name or 'a process'} (pid {pid}, still there)" for pid, name in result.left]
    return ", ".join(ended)


def _say(call: Call, text: str) -> None:
    if not call.wishes.quiet:
        Streams().say(f"{text}\n")


def _all(call: Call) -> int:
    """Every project of this user, each named: those that `ps -a` lists, whatever HOME they were started with.

    Who types this wants nothing left running, and can't know from which environment something was started; what is to
    be out of reach (a job of a CI beside another) has a DEVBOOT_HOME of its own.
    """
    from devboot.daemon.reclaim import SIGKILL
    from devboot.paths import runtime_directory
    from devboot.supervisor.session import send

    code = 0
    running = leases.registered(runtime_directory(call.environ, os.getuid()))
    for number, lease in enumerate(running):
        _say(call, ("\n" if number else "") + lease.root)
        client = daemon.connect(lease)
        if client is not None:
            code = max(code, _ask(call, client) or 0)
            _see_off(lease)
        elif lease.is_alive:
            _say(call, f"the daemon (pid {lease.pid}) does not answer; ending it and what it runs")
            send((lease.pid,), SIGKILL)
    if not running:
        _say(call, "no project of yours is running")
    return code
