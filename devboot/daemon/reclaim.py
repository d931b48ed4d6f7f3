"""Ends what a daemon has left behind: TERM to leaders, then to what outlives them, KILL to all when the grace is over.

The guardian does it the moment its daemon dies; the next command does it where the guardian died too.
"""

from __future__ import annotations

import os
import time

from devboot.record import Record

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable

    from devboot.supervisor.proctable import Seen

SIGKILL, SIGTERM, SIGCONT = 9, 15, 18
_POLL = 0.01
_AFTER_KILL = 5.0  # a process in an uninterruptible wait can't be waited for without limit


class Reclaimed(Record):
    """What became of it, as (pid, name): what ended after TERM, what was killed, what outlived even that."""

    stopped: tuple[tuple[int, str], ...] = ()
    killed: tuple[tuple[int, str], ...] = ()
    left: tuple[tuple[int, str], ...] = ()


def end_all(
    find: Callable[[], list[tuple[Seen, str]]], grace: float, clock: Callable[[], float] = time.monotonic
) -> Reclaimed:
    """End everything that `find` finds, each time anew, since processes start others while they are being ended.

    `grace` seconds are shared by all. Whether a process is a leader is told by its session's number.
    """
    start = clock()
    asked: dict[int, str] = {}
    killed: dict[int, str] = {}
    found = find()
    while found and clock() < start + grace + _AFTER_KILL:
        is_over = clock() >= start + grace
        for seen, name in _due(found, asked, is_over=is_over):
            (killed if is_over else asked)[seen.pid] = name
            _signal(seen.pid, SIGKILL if is_over else SIGTERM)
        time.sleep(_POLL)
        found = find()
    left = tuple((seen.pid, name) for seen, name in found)
    gone = tuple((pid, name) for pid, name in asked.items() if pid not in killed)
    return Reclaimed(gone, tuple(item for item in killed.items() if item not in left), left)


def _due(found: list[tuple[Seen, str]], asked: dict[int, str], *, is_over: bool) -> list[tuple[Seen, str]]:
    """Whom to signal now: everybody once the grace is over; before, leaders and what has no leader any more."""
    if is_over:
        return found
    leaders = {seen.session for seen, _ in found if seen.pid == seen.session}
    return [
        (seen, name)
        for seen, name in found
        if seen.pid not in asked and (seen.pid == seen.session or seen.session not in leaders)
    ]


def _signal(pid: int, number: int) -> None:
    try:
        os.kill(pid, number)
        if number == SIGTERM:
            os.kill(pid, SIGCONT)  # what is stopped takes the signal only when it goes on
    except ProcessLookupError:
        pass
    except PermissionError:
        pass  # it has become another user's: nothing that we could end
