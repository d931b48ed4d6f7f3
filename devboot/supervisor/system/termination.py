"""Terminates a process and all processes that it has started, within one grace period, driven by events.

The leader gets the stop signal, or if it is a shell that would not pass it on, the shell's children. When the leader
has exited, remaining processes get SIGTERM at once; those left after the grace period get SIGKILL. The leader isn't
reaped until the end, so that its pid keeps identifying its session.
"""

from __future__ import annotations

from devboot.supervisor.system import proctable
from devboot.supervisor.system.process_tree import send

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable, Iterable
    from signal import SIGCONT, SIGKILL, SIGTERM

    from devboot.supervisor.event_loop import Timer
    from devboot.supervisor.system.host import Host
else:
    from _signal import SIGCONT, SIGKILL, SIGTERM  # the signal package imports enum

SHELL_PATIENCE = 0.1  # seconds that a shell may outlive its children, which got the stop signal in its place
LOOKS, LOOK_AGAIN = 10, 0.002  # number of further looks at unclear processes, and seconds between them
UNKILLABLE = 2.0  # seconds after SIGKILL until survivors are reported and given up


class Ending:
    """Termination of one run. Calls `on_gone(left)` once when it is over, with the pids that survived SIGKILL."""

    def __init__(
        self,
        host: Host,
        leader: int,
        mark: str,
        *,
        grace: float,
        on_killed: Callable[[frozenset[int]], None],
        on_gone: Callable[[frozenset[int]], None],
    ) -> None:
        self._loop = host.loop
        self._exits = host.exits
        self._watcher = host.watcher
        self._leader = leader
        self._mark = mark
        self._grace = grace
        self._on_killed = on_killed
        self._on_gone = on_gone
        self._killing = self._done = False
        self._limit: Timer | None = None
        self._patience: Timer | None = None
        self._waited_for: set[int] = set()
        self._when_ended: Callable[[int], None] = self._waited_for.discard
        self._signalled: set[int] = set()
        self._looks = 0

    def ask(self, signal: int, *, leads: bool) -> None:
        """Send the stop signal to the leader; if that is a shell that wouldn't pass it on, to its children.

        `leads`: the leader is the program itself, not a shell.
        """
        self._start_limit()
        is_shell = not leads or proctable.is_shell_without_trap(self._leader, signal)
        children = self._watcher.census().children(self._leader) if is_shell else ()
        self._signal(children or (self._leader,), signal)
        if children:
            # The shell gets it only if it outlives them; usually it exits with their exit code.
            self._wait_for(children, lambda: self._be_patient(signal))

    def limit(self) -> None:
        """Start the grace period without sending a signal: a stop command ends the process."""
        self._start_limit()

    def sweep(self) -> frozenset[int]:
        """Send SIGTERM to the processes that the exited leader has left; return their pids.

        If none, `on_gone` follows.
        """
        self._start_limit()
        if self._patience is not None:
            self._patience.cancel()
        self._forget_waits()
        return self._look()

    def force(self) -> None:
        """Send SIGKILL to all processes of the run now. The exit of a live leader is still reported."""
        if self._done:
            return
        self._killing = True
        members = self._watcher.census().members(self._leader, self._mark)
        send(members, SIGKILL)
        self._on_killed(members)
        self._replace_limit(UNKILLABLE, self._surrender)

    def cancel(self) -> None:
        """Abandon the termination; `on_gone` is never called."""
        self._done = True
        for timer in (self._limit, self._patience):
            if timer is not None:
                timer.cancel()
        self._forget_waits()

    def _be_patient(self, signal: int) -> None:
        """Wait a moment for a shell whose children have ended to exit or run a cleanup command.

        Then signal the shell, too.
        """
        self._patience = self._loop.call_later(SHELL_PATIENCE, lambda: self._ask_shell(signal))

    def _ask_shell(self, signal: int) -> None:
        self._signal((*self._watcher.census().children(self._leader), self._leader), signal)

    def _look(self) -> frozenset[int]:
        left = self._watcher.left_behind(self._leader, self._mark)
        if not left:
            self._finish_when_clear()
            return left
        fresh = left - self._signalled
        self._signalled |= fresh
        if self._killing:
            send(left, SIGKILL)
        else:
            self._signal(fresh, SIGTERM)
        # Look again after each exit: new ones may have been forked meanwhile.
        self._wait_for(left, self._look, each=True)
        return left

    def _look_again(self) -> None:
        self._look()

    def _finish_when_clear(self) -> None:
        """Finish; if a process in the middle of an exec may still belong to this run, look again first."""
        self._looks += 1
        if self._looks <= LOOKS and self._watcher.is_unclear(self._leader):
            self._loop.call_later(LOOK_AGAIN, self._look_again)
        else:
            self._finish(frozenset())

    def _signal(self, pids: Iterable[int], signal: int) -> None:
        pids = tuple(pids)
        send(pids, signal)
        send(pids, SIGCONT)  # a suspended process can't handle the signal

    def _wait_for(self, pids: Iterable[int], then: Callable[[], object], *, each: bool = False) -> None:
        self._forget_waits()
        self._waited_for = set(pids)

        def ended(pid: int) -> None:
            self._waited_for.discard(pid)
            if each or not self._waited_for:
                then()

        self._when_ended = ended
        for pid in tuple(self._waited_for):
            self._exits.watch(pid, ended)

    def _forget_waits(self) -> None:
        for pid in self._waited_for:
            self._exits.unwatch(pid, self._when_ended)
        self._waited_for = set()
        self._when_ended = self._waited_for.discard  # breaks the reference cycle

    def _start_limit(self) -> None:
        if self._limit is None:
            self._limit = self._loop.call_later(self._grace, self.force)

    def _replace_limit(self, seconds: float, callback: Callable[[], None]) -> None:
        if self._limit is not None:
            self._limit.cancel()
        self._limit = self._loop.call_later(seconds, callback)

    def _surrender(self) -> None:
        # Stuck in the kernel (a dead network file system): waiting longer wouldn't help.
        self._finish(self._watcher.census().members(self._leader, self._mark))

    def _finish(self, left: frozenset[int]) -> None:
        if self._done:
            return
        self._done = True
        if self._limit is not None:
            self._limit.cancel()
        self._forget_waits()
        self._on_gone(left)
