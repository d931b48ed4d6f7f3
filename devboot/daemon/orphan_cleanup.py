"""Ends the processes of a dead daemon: SIGTERM to leaders, then to the others, SIGKILL after the grace period.

The guardian does this as soon as its daemon dies; the next command does it if the guardian died, too.
"""

from __future__ import annotations

import os
import time

from devboot.daemon import leases
from devboot.daemon.leases import ChildLease
from devboot.daemon.signalling import SIGKILL, SIGTERM, signal_process
from devboot.record import Record
from devboot.supervisor.system import proctable

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable

    from devboot.daemon.leases import DaemonLease
    from devboot.daemon.ownership import Ownership
    from devboot.supervisor.system.proctable import Seen

    Found = list[tuple[Seen, str]]
    Table = dict[int, Seen]

_POLL = 0.01  # seconds between two looks at all processes; a long wait has longer ones, up to _LONGEST_POLL
_LONGEST_POLL = 0.5
_SHARE = 0.05  # of the time waited so far, that the next look may be late
_AFTER_KILL = 5.0  # seconds to wait after SIGKILL; a process in an uninterruptible wait may never end

_SLOW = 1.0  # seconds after which the wait is reported


class Reclaimed(Record):
    """Ended processes of a dead daemon, as (pid, name).

    `stopped` ended after SIGTERM, `killed` after SIGKILL, `left` survived both.
    """

    stopped: tuple[tuple[int, str], ...] = ()
    killed: tuple[tuple[int, str], ...] = ()
    left: tuple[tuple[int, str], ...] = ()

    def describe(self) -> str:
        """Return the processes and how they ended: `redis (pid 4711), web (pid 4712, killed)`."""
        groups = ((self.stopped, ""), (self.killed, ", killed"), (self.left, ", still there"))
        return ", ".join(f"{name or 'a process'} (pid {pid}{end})" for group, end in groups for pid, name in group)


def reclaim(
    owned: Ownership,
    state: str,
    known: DaemonLease | None = None,
    *,
    limit: float | None = None,
    on_slow: Callable[[Found], None] = lambda _found: None,
) -> Reclaimed:
    """End all processes of a dead daemon, including its guardian; remove its files unless a process survives.

    `known` is the daemon's lease if the one in the state folder may be damaged. The grace period is that of the
    daemon's slowest process, at most `limit` seconds. `on_slow` is called once with the processes that still run after
    a second.
    """
    lease = leases.read_daemon(leases.daemon_path(state)) or known
    grace = leases.DEFAULT_GRACE if lease is None else lease.grace_seconds
    grace = grace if limit is None else min(grace, limit)
    result = end_all(lambda table: leases.orphans_of(state, table, known), grace, on_slow=on_slow)
    if not result.left:
        owned.forget(known)
    else:
        keep(owned, result)
    return result._replace(stopped=tuple(each for each in result.stopped if each[1] != leases.GUARDIAN))


def keep(owned: Ownership, result: Reclaimed) -> None:
    """Record processes that could not be ended, so that the next command reports them and tries again."""
    table = proctable.processes()
    left = [(table[pid], name) for pid, name in result.left if pid in table]
    owned.write_strays(ChildLease(seen.pid, seen.started.replace(" ", "_"), name) for seen, name in left)


def end_all(
    find: Callable[[Table], Found],
    grace: float,
    clock: Callable[[], float] = time.monotonic,
    pause: Callable[[float], None] = time.sleep,
    on_slow: Callable[[Found], None] = lambda _found: None,
) -> Reclaimed:
    """End all processes that `find` returns for a process table, with their descendants.

    `find` is called repeatedly, since processes start others while they are being ended. A process found once is ended
    even if the parent by which it was found is gone. All share `grace` seconds. A process whose session id is its pid
    is a leader.
    """
    asked: dict[int, str] = {}
    killed: dict[int, str] = {}
    known: dict[int, tuple[Seen, str]] = {}
    is_told = False
    found = _look(find, known)
    start = clock()  # the first look at all processes of a busy machine takes a while
    while found and clock() < start + grace + _AFTER_KILL:
        is_over = clock() >= start + grace
        if not is_told and clock() >= start + _SLOW:
            is_told = True
            on_slow(found)
        for seen, name in due(found, asked, is_over=is_over):
            (killed if is_over else asked)[seen.pid] = name
            signal_process(seen, SIGKILL if is_over else SIGTERM)
        pause(max(_POLL, min(_LONGEST_POLL, _SHARE * (clock() - start))))
        found = _look(find, known)
    left = tuple((seen.pid, name) for seen, name in found)
    gone = tuple((pid, name) for pid, name in asked.items() if pid not in killed)
    return Reclaimed(gone, tuple(item for item in killed.items() if item not in left), left)


def _look(find: Callable[[Table], Found], known: dict[int, tuple[Seen, str]]) -> Found:
    """Add newly found processes to `known`, remove ended ones, and return all of `known` as a list."""
    table = proctable.processes()
    for pid, (seen, _) in tuple(known.items()):
        now = table.get(pid)
        if now is None or now.started != seen.started or not now.is_alive:
            del known[pid]
    known |= {seen.pid: (seen, name) for seen, name in find(table) if proctable.is_endable(seen.pid)}
    children: dict[int, list[Seen]] = {}
    for seen in table.values():
        children.setdefault(seen.parent, []).append(seen)
    left = [pid for pid, (_, name) in known.items() if name != leases.GUARDIAN]
    while left:
        pid = left.pop()
        for seen in children.get(pid, ()):
            if seen.pid not in known and seen.is_alive and seen.pid != os.getpid():
                known[seen.pid] = (seen, known[pid][1])
                left.append(seen.pid)
    return list(known.values())


def due(found: Found, asked: dict[int, str], *, is_over: bool) -> Found:
    """Return the processes to signal now: leaders, and processes without a leader; with `is_over` (grace period) all.

    `asked` has the pids that were signalled before.
    """
    if is_over:
        return found
    leaders = {seen.session for seen, _ in found if seen.pid == seen.session}
    return [
        (seen, name)
        for seen, name in found
        if seen.pid not in asked and (seen.pid == seen.session or seen.session not in leaders)
    ]
