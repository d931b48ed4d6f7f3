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
    from devboot.daemon.reclaim import Found
    from devboot.errors import DevbootError
    from devboot.locks import Holder

_FAREWELL = 5.0  # seconds that daemon and guardian have to leave after all is down
_MARGIN = 7.0  # what the guardian may need beyond the grace
_PATIENCE = 20.0  # for a daemon that is being started, or another `down`
_SLOW = 1.0  # seconds after which it is said what is waited for
_POLL = 0.01


def carry_out(call: Call) -> int:
    """Ask the daemon; end one that doesn't answer; end what a dead one has left. Nothing running is no error."""
    return _all(call) if call.flag("all") else _down(call)


def _down(call: Call) -> int:
    start, is_told = time.monotonic(), False
    while True:
        found = meeting.meet(call)
        if found.client is not None:
            code = _ask(call, found.client)
            if code is not None:
                _see_off(found.lease)
                return code
        if found.lease is not None and found.lease.is_alive:
            if found.client is None and not found.lease.is_frozen and _has_ended(*_both(found.lease)[0], _FAREWELL):
                continue  # it was leaving, or being killed
            return _bypass(call, found.lease, call.state)
        code = _end_leftovers(call, found.lease, call.state)
        if code is not None:
            return code
        # Another process has the project: a daemon that is being started is asked as soon as it listens.
        if time.monotonic() >= start + _PATIENCE:
            return meeting.complain(call, _busy(call))
        if not is_told and time.monotonic() >= start + _SLOW:
            is_told = True
            _say(call, f"waiting for {_lock_holder(call).describe(time.time())}")
        time.sleep(_POLL)


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
    """Wait until daemon and guardian have ended, too: after `down` there is no process left, not even one of ours.

    One that doesn't end, such as a guardian in a debugger, has nothing to do any more, and is killed.
    """
    if lease is None:
        return
    _wake(lease)
    for pid, started in _both(lease):
        if not _has_ended(pid, started, _FAREWELL):
            _kill(pid, started)
            _has_ended(pid, started, _FAREWELL)


def _both(lease: DaemonLease) -> tuple[tuple[int, str], tuple[int, str]]:
    return (lease.pid, lease.started), (lease.guardian, lease.guardian_started)


def _has_ended(pid: int, started: str, patience: float) -> bool:
    """Wait for a process. One that has ended but isn't reaped counts: process 1 of a container takes its time."""
    from devboot.supervisor import proctable

    deadline = time.monotonic() + patience
    while (seen := proctable.look(pid)) is not None and seen.is_alive and seen.started == started:
        if time.monotonic() >= deadline:
            return False
        time.sleep(0.0005)
    return True


def _wake(lease: DaemonLease) -> None:
    from devboot.daemon.reclaim import wake_guardian

    wake_guardian(lease)


def _kill(pid: int, started: str) -> None:
    from devboot.daemon.reclaim import SIGKILL, signal_process
    from devboot.supervisor import proctable

    seen = proctable.look(pid)
    if seen is not None and seen.started == started:
        signal_process(seen, SIGKILL)


def _bypass(call: Call, lease: DaemonLease, state: str) -> int:
    """Kill a daemon that doesn't answer; its guardian then ends the rest, or we do. 1 where processes are left."""
    Streams().say(f"the daemon (pid {lease.pid}) does not answer; ending it and what it runs\n")
    before = len(leases.left_behind(state)) if state else 0
    _kill(lease.pid, lease.started)
    _wake(lease)
    ended = [_has_ended(pid, started, lease.grace_seconds + _MARGIN) for pid, started in _both(lease)]
    if not state:  # a daemon of an earlier devboot, whose state folder only its guardian knows
        return 0 if all(ended) else 1
    stopped, killed = leases.read_reclaimed(state, lease.pid) or (before, 0)
    _say(call, f"stopped {stopped}" + (f", killed {killed}" if killed else ""))
    return (
        _end_leftovers(call, lease, state, quiet=True) or 0
    )  # another daemon that has come since is no concern of ours


def _end_leftovers(call: Call, lease: DaemonLease | None, state: str, *, quiet: bool = False) -> int | None:
    """End what is left of an earlier run, and its files; None where another process has the project.

    `lease` is that of the last daemon, as far as it is known.
    """
    if lease is None and not os.path.lexists(leases.lock_path(state)):
        _say_not_running(call, quiet=quiet)  # it never ran: nothing is written
        return 0
    from devboot.daemon import ownership
    from devboot.daemon.reclaim import reclaim

    owned = ownership.take(state, "down")
    if owned is None:
        ownership.wake_holder(state)
        return None
    with owned:
        result = reclaim(owned, state, lease, on_slow=lambda found: _say_slow(call, found))
    ended = result.describe()
    if ended:
        _say(call, f"ended what an earlier run had left: {ended}")
    else:
        _say_not_running(call, quiet=quiet)
    return 1 if result.left else 0


def _say_not_running(call: Call, *, quiet: bool) -> None:
    if not quiet:
        _say(call, f"{meeting.project_name(call)} is not running")


def _busy(call: Call) -> DevbootError:
    """Somebody holds the daemon's lock, and is no daemon that could be asked."""
    from devboot.errors import BusyError

    holder = _lock_holder(call)
    return BusyError(
        "busy/locked",
        f"another devboot holds `{leases.lock_path(call.state)}`",
        causes=[f"{holder.describe(time.time())} still works after {_PATIENCE:.0f} s"],
        help=[f"ps -fp {holder.pid}" if holder.pid else "devboot doctor"],
    )


def _lock_holder(call: Call) -> Holder:
    from devboot.locks import read_holder

    return read_holder(leases.lock_path(call.state))


def _say_slow(call: Call, found: Found) -> None:
    names = ", ".join(f"{name or 'a process'} (pid {seen.pid})" for seen, name in found)
    _say(call, f"waiting for {names} to end")


def _say(call: Call, text: str) -> None:
    if not call.wishes.quiet:
        Streams().say(f"{text}\n")


def _all(call: Call) -> int:
    """Every project of this user, each named: those that `ps -a` lists, whatever HOME they were started with.

    Who types this wants nothing left running, and can't know from which environment something was started; what is to
    be out of reach (a job of a CI beside another) has a DEVBOOT_HOME of its own.
    """
    from devboot.paths import runtime_directory

    code = 0
    running = leases.registered(runtime_directory(call.environ, os.getuid()))
    for number, lease in enumerate(running):
        _say(call, ("\n" if number else "") + lease.root)
        client = daemon.connect(lease)
        answer = None if client is None else _ask(call, client)
        if answer is None:
            answer = _bypass(call, lease, lease.state)
        else:
            _see_off(lease)
        code = max(code, answer)
    if not running:
        _say(call, "no project of yours is running")
    return code
