"""Ends what a daemon has left behind: TERM to leaders, then to what outlives them, KILL to all when the grace is over.

The guardian does it the moment its daemon dies; the next command does it where the guardian died too.
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

_POLL = 0.01
_AFTER_KILL = 5.0  # a process in an uninterruptible wait can't be waited for without limit

_SLOW = 1.0  # seconds after which it is said what is waited for


class Reclaimed(Record):
    """What became of it, as (pid, name): what ended after TERM, what was killed, what outlived even that."""

    stopped: tuple[tuple[int, str], ...] = ()
    killed: tuple[tuple[int, str], ...] = ()
    left: tuple[tuple[int, str], ...] = ()

    def describe(self) -> str:
        """Return each process with what became of it, as in `redis (pid 4711), web (pid 4712, killed)`."""
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
    """End what a dead daemon has left, its guardian too, and remove its files unless something can't be ended.

    `known` is its lease where that in the state folder may be damaged. What is left has the time that the daemon
    granted to its slowest process, at most `limit` seconds. `on_slow` gets what still runs after a second, once.
    """
    lease = leases.read_daemon(leases.daemon_path(state)) or known
    grace = leases.DEFAULT_GRACE if lease is None else lease.grace_seconds
    grace = grace if limit is None else min(grace, limit)
    result = end_all(lambda table: leases.left_behind(state, table, known), grace, on_slow=on_slow)
    if not result.left:
        owned.forget(known)
    else:
        keep(owned, result)
    return result._replace(stopped=tuple(each for each in result.stopped if each[1] != leases.GUARDIAN))


def keep(owned: Ownership, result: Reclaimed) -> None:
    """Write down what couldn't be ended: the next command names it, and tries again."""
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
    """End everything that `find` finds in the table of processes, and what descends from it.

    It looks again and again, since processes start others while they are being ended; what was found once is ended
    also when its parent, by which it was found, has gone. `grace` seconds are shared by all. Whether a process is a
    leader is told by its session's number.
    """
    start = clock()
    asked: dict[int, str] = {}
    killed: dict[int, str] = {}
    known: dict[int, tuple[Seen, str]] = {}
    is_told = False
    found = _look(find, known)
    while found and clock() < start + grace + _AFTER_KILL:
        is_over = clock() >= start + grace
        if not is_told and clock() >= start + _SLOW:
            is_told = True
            on_slow(found)
        for seen, name in _due(found, asked, is_over=is_over):
            (killed if is_over else asked)[seen.pid] = name
            signal_process(seen, SIGKILL if is_over else SIGTERM)
        pause(_POLL)
        found = _look(find, known)
    left = tuple((seen.pid, name) for seen, name in found)
    gone = tuple((pid, name) for pid, name in asked.items() if pid not in killed)
    return Reclaimed(gone, tuple(item for item in killed.items() if item not in left), left)


def _look(find: Callable[[Table], Found], known: dict[int, tuple[Seen, str]]) -> Found:
    """Add what is found now to `known`, drop from it what has ended, and return the rest."""
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


def _due(found: Found, asked: dict[int, str], *, is_over: bool) -> Found:
    """Whom to signal now: everybody once the grace is over; before, leaders and what has no leader any more."""
    if is_over:
        return found
    leaders = {seen.session for seen, _ in found if seen.pid == seen.session}
    return [
        (seen, name)
        for seen, name in found
        if seen.pid not in asked and (seen.pid == seen.session or seen.session not in leaders)
    ]
