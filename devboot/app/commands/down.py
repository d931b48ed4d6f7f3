"""`devboot down`: stops everything, whatever state the daemon is in, and reports what it had to do."""

from __future__ import annotations

import os
import time

from devboot.app.fast import daemon_connection
from devboot.app.fast.streams import Streams
from devboot.daemon import client as daemon, leases

TYPE_CHECKING = False
if TYPE_CHECKING:
    from devboot.app.fast.call import Call
    from devboot.daemon.leases import DaemonLease
    from devboot.daemon.orphan_cleanup import Found
    from devboot.errors import DevbootError
    from devboot.locks import Holder

_FAREWELL = 5.0  # seconds that daemon and guardian have to exit after everything is down
_MARGIN = 7.0  # seconds that the guardian may need beyond the grace period
_PATIENCE = 20.0  # for a daemon that is being started, or another `down`
_SLOW = 1.0  # seconds after which a message says what is awaited
_POLL = 0.01


def carry_out(call: Call) -> int:
    """Stop the project, or all projects with `--all`; kill a daemon that doesn't answer; return the exit code.

    It is no error if nothing runs.
    """
    return _all(call) if call.flag("all") else _down(call)


def _down(call: Call) -> int:
    start, is_told = time.monotonic(), False
    while True:
        found = daemon_connection.meet(call)
        if found.client is not None:
            code = _ask(call, found.client)
            if code is not None:
                see_off(found.lease)
                return code
        if found.lease is not None and found.lease.is_alive:
            if found.client is None and not found.lease.is_frozen and _has_ended(*_both(found.lease)[0], _FAREWELL):
                continue  # it was exiting, or being killed
            return _end_without_answer(call, found.lease, call.state)
        code = end_leftovers(call, found.lease, call.state)
        if code is not None:
            return code
        # Another process has the project: a daemon that is being started is asked as soon as it listens.
        waited = time.monotonic() - start
        if call.output.no_wait or waited >= _PATIENCE:
            return daemon_connection.complain(call, _busy(call, waited))
        if not is_told and waited >= _SLOW:
            is_told = True
            _say(call, f"waiting for {_lock_holder(call).describe(time.time())}")
        time.sleep(_POLL)


def _ask(call: Call, client: daemon.Client) -> int | None:
    """Request `down` from the daemon; return its exit code, None if it doesn't answer.

    The first Ctrl-C kills the processes, the second one ends this command.
    """
    streams = Streams()
    try:
        client.ask({"command": "down", "view": call.view()})
        client.welcome()
        if call.flag("force"):
            client.tell(command="force")
        try:
            return client.copy(streams.write)
        except KeyboardInterrupt:
            client.tell(command="force")
            return client.copy(streams.write)
    except daemon.NoAnswerError:
        return None
    finally:
        client.close()


def see_off(lease: DaemonLease | None) -> None:
    """Wait until the daemon and its guardian have exited, so that no process of devboot is left after `down`.

    A guardian that doesn't end, because of a debugger for instance, has nothing more to do and is killed.
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
    """Wait up to `patience` seconds for a process to end; return whether it did.

    A zombie counts as ended, since process 1 of a container may reap late.
    """
    from devboot.supervisor.system import proctable

    deadline = time.monotonic() + patience
    while (seen := proctable.look(pid)) is not None and seen.is_alive and seen.started == started:
        if time.monotonic() >= deadline:
            return False
        time.sleep(0.0005)
    return True


def _wake(lease: DaemonLease) -> None:
    from devboot.daemon.signalling import wake_guardian

    wake_guardian(lease)


def _kill(pid: int, started: str) -> None:
    from devboot.daemon.signalling import SIGKILL, signal_process
    from devboot.supervisor.system import proctable

    seen = proctable.look(pid)
    if seen is not None and seen.started == started:
        signal_process(seen, SIGKILL)


def _end_without_answer(call: Call, lease: DaemonLease, state: str) -> int:
    """End a daemon that doesn't answer; its guardian, or this process, ends the project's processes.

    Returns 1 if processes are left.
    """
    before = [seen for seen, name in leases.orphans_of(state, known=lease) if name != leases.GUARDIAN] if state else []
    patience = lease.grace_seconds + _MARGIN
    if lease.socket or lease.is_frozen or not _is_terminated(lease, patience):
        Streams().say(f"the daemon (pid {lease.pid}) does not answer; ending it and what it runs\n")
        _kill(lease.pid, lease.started)
    if call.flag("force"):
        _kill(lease.guardian, lease.guardian_started)
    _wake(lease)
    ended = [_has_ended(pid, started, patience) for pid, started in _both(lease)]
    if not state:  # a daemon of an earlier devboot, whose state folder only its guardian knows
        return 0 if all(ended) else 1
    gone = sum(_has_ended(seen.pid, seen.started, 0) for seen in before)
    _, killed = leases.read_reclaimed(state, lease.pid) or (0, 0)
    # Most end before the guardian gets to them: their terminals have gone with the daemon.
    _say(call, f"stopped {max(0, gone - killed)}" + (f", killed {killed}" if killed else ""))
    return end_leftovers(call, lease, state, quiet=True) or 0  # a daemon that has started since is left alone


def _is_terminated(lease: DaemonLease, patience: float) -> bool:
    """Send SIGTERM to a daemon that can't be connected to; return whether it and its processes have ended in time."""
    from devboot.daemon.signalling import SIGTERM, signal_process
    from devboot.supervisor.system import proctable

    seen = proctable.look(lease.pid)
    if seen is not None and seen.started == lease.started:
        signal_process(seen, SIGTERM)
    return _has_ended(lease.pid, lease.started, patience)


def end_leftovers(call: Call, lease: DaemonLease | None, state: str, *, quiet: bool = False) -> int | None:
    """End the processes that a dead daemon has left, remove its files, and return the exit code.

    Returns None if another command or daemon holds the project. `lease` is the dead daemon's, if known.
    """
    if lease is None and not os.path.lexists(leases.lock_path(state)):
        _say_not_running(call, quiet=quiet)  # it never ran: nothing is written
        return 0
    from devboot.daemon import ownership
    from devboot.daemon.orphan_cleanup import reclaim

    owned = ownership.take(state, "down")
    if owned is None:
        ownership.wake_holder(state)
        return None
    with owned:
        limit = 0.0 if call.flag("force") else None
        result = reclaim(owned, state, lease, limit=limit, on_slow=lambda found: _say_slow(call, found))
        leases.forget_sudden_end(state)
    ended = result.describe()
    if ended:
        _say(call, f"stopped processes that an earlier run had left: {ended}")
    else:
        _say_not_running(call, quiet=quiet)
    return 1 if result.left else 0


def _say_not_running(call: Call, *, quiet: bool) -> None:
    if not quiet:
        _say(call, f"{daemon_connection.project_name(call)} is not running")


def _busy(call: Call, waited: float) -> DevbootError:
    """Return the error for a daemon's lock held by a process that doesn't answer; `waited` is in seconds."""
    from devboot.errors import BusyError

    holder = _lock_holder(call)
    for_how_long = "is still running" if call.output.no_wait else f"still runs after {waited:.0f} s"
    return BusyError(
        "busy/locked",
        f"another devboot command has locked `{leases.lock_path(call.state)}`",
        causes=[f"{holder.describe(time.time())} {for_how_long}"],
        help=[f"ps -fp {holder.pid}" if holder.pid else "devboot doctor"],
    )


def _lock_holder(call: Call) -> Holder:
    from devboot.locks import read_holder

    return read_holder(leases.lock_path(call.state))


def _say_slow(call: Call, found: Found) -> None:
    names = ", ".join(f"{name or 'a process'} (pid {seen.pid})" for seen, name in found)
    _say(call, f"waiting for {names} to end")


def _say(call: Call, text: str) -> None:
    if not call.output.quiet:
        Streams().say(f"{text}\n")


def _all(call: Call) -> int:
    """Stop every project of this user that `ps -a` lists, whatever HOME it was started with.

    `down --all` means that nothing should be left running, and a user can't know the environment of each start. A run
    that must be out of reach, such as a CI job beside another, has a DEVBOOT_HOME of its own.
    """
    code = 0
    found = _all_runs(call)
    for number, lease in enumerate(found):
        _say(call, ("\n" if number else "") + lease.root)
        code = max(code, _end_run(call, lease))
    if not found:
        _say(call, "no project of yours is running")
    return code


def _end_run(call: Call, lease: DaemonLease) -> int:
    if not lease.is_alive:
        return end_leftovers(call, lease, lease.state) or 0
    client = daemon.connect(lease)
    answer = None if client is None else _ask(call, client)
    if answer is None:
        return _end_without_answer(call, lease, lease.state)
    see_off(lease)
    return answer


def _all_runs(call: Call) -> list[DaemonLease]:
    """Return a lease for each live daemon, and for each dead one that has left processes; sorted by root."""
    from devboot.daemon import search
    from devboot.paths import runtime_directory
    from devboot.state.projects import Projects

    written = leases.registered_daemons(runtime_directory(call.environ, os.getuid()))
    found = {lease.root: lease for lease in written if lease.is_alive or _has_left(lease)}
    projects = Projects.from_environ(call.environ)
    for run in search.find_runs(call.environ):  # those whose files were deleted
        if run.root in found:
            continue
        state, data = projects.state_of(run.root), projects.data_of(run.root)
        lease = daemon.lease_of(state, run.root, call.environ, data)
        if lease is None and run.is_alive:
            lease = daemon.find_without_files(state, run.root, call.environ, data)
        found[run.root] = lease or run._replace(state=state, data=data)
    return [found[root] for root in sorted(found)]


def _has_left(lease: DaemonLease) -> bool:
    """Return whether a dead daemon has left processes and no new daemon runs the project."""
    if not lease.state or leases.is_daemon_alive(leases.daemon_path(lease.state)):
        return False
    return bool(leases.orphans_of(lease.state, known=lease))
