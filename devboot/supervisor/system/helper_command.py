"""Runs short-lived commands with a time limit: probe commands and stop commands."""

from __future__ import annotations

import os

from devboot.supervisor.output.relay import Output, Tail
from devboot.supervisor.state_machine import End
from devboot.supervisor.system import spawn
from devboot.supervisor.system.command import SHELL, Launch
from devboot.supervisor.system.process_tree import send

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable, Mapping
    from signal import SIGKILL

    from devboot.supervisor.system.host import Host
else:
    from _signal import SIGKILL  # the signal package imports enum


def end_of(pid: int) -> End:
    """Return the exit of the child `pid`, which has ended, without reaping it."""
    try:
        result = os.waitid(os.P_PID, pid, os.WEXITED | os.WNOHANG | os.WNOWAIT)
    except ChildProcessError:
        result = None  # it was reaped elsewhere
    if result is None:
        return End(-1)
    return End(result.si_status) if result.si_code == os.CLD_EXITED else End(None, result.si_status)


def reap(host: Host, pid: int) -> None:
    """Reap a child that has ended."""
    host.children.discard(pid)
    try:
        os.waitpid(pid, os.WNOHANG)
    except ChildProcessError:
        return


class Aside:
    """A running shell command.

    `on_done(end, output)` is called when it ends; `end` is None after a timeout or failed spawn.
    """

    def __init__(
        self,
        host: Host,
        command: str,
        *,
        cwd: str,
        env: Mapping[str, str],
        limit: float,
        on_done: Callable[[End | None, str], None],
    ) -> None:
        self._host = host
        self._on_done: Callable[[End | None, str], None] | None = on_done
        self._tail = Tail()
        self._pid = 0
        self._timer = host.loop.call_later(limit, self._too_long)
        try:
            child = spawn.start(Launch((SHELL, "-c", command), leads=False), cwd=cwd, env=env, size=None)
        except OSError as error:
            text = error.strerror or str(error)
            host.loop.call_later(0, lambda: self._report(None, text))
            return
        self._pid = child.pid
        self._output = Output(host.loop, child.output, self._tail.add, terminal=False)
        host.children.add(child.pid)
        host.exits.watch(child.pid, self._ended)

    def cancel(self) -> None:
        """Kill the command; `on_done` is not called."""
        self._on_done = None
        self._timer.cancel()
        self._kill()

    def _ended(self, pid: int) -> None:
        # Kill what is left in its session, such as a hanging curl after its shell has exited.
        send(self._host.watcher.census().members(pid) - {pid}, SIGKILL)
        end = end_of(pid)
        reap(self._host, pid)
        self._pid = 0
        self._output.close()
        self._report(end, "\n".join(self._tail.lines(5)))

    def _too_long(self) -> None:
        self._kill()
        self._report(None, "took too long")

    def _kill(self) -> None:
        if self._pid:
            send(self._host.watcher.census().members(self._pid), SIGKILL)

    def _report(self, end: End | None, text: str) -> None:
        self._timer.cancel()
        on_done, self._on_done = self._on_done, None
        if on_done is not None:
            on_done(end, text)
