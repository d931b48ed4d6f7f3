"""Notices the end of processes through the loop: a pidfd each on Linux, one kqueue elsewhere. No signal, no poll."""

from __future__ import annotations

import os

from devboot.supervisor.loop import READ

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable

    from devboot.supervisor.loop import Loop


class Exits:
    """Calls back once when a process (child or not) has ended. A child still has to be reaped by whoever asked."""

    def __init__(self, loop: Loop) -> None:
        self._loop = loop
        self._pidfds: dict[int, int] = {}
        self._queue = None if hasattr(os, "pidfd_open") else _Queue(loop)

    def watch(self, pid: int, callback: Callable[[int], None]) -> None:
        """Call `callback(pid)` when `pid` has ended; in the next turn when it is already gone. One watch per pid."""
        if pid in self._pidfds:
            self.unwatch(pid)
        if self._queue is not None:
            self._queue.watch(pid, callback)
            return
        try:
            fd = os.pidfd_open(pid)
        except ProcessLookupError:
            self._loop.call_later(0, lambda: callback(pid))
            return
        self._pidfds[pid] = fd

        def ended(_ready: int) -> None:
            self.unwatch(pid)
            callback(pid)

        self._loop.watch(fd, READ, ended)

    def unwatch(self, pid: int) -> None:
        """Forget `pid`; unknown ones are fine."""
        if self._queue is not None:
            self._queue.unwatch(pid)
        fd = self._pidfds.pop(pid, None)
        if fd is not None:
            self._loop.unwatch(fd)
            os.close(fd)

    def close(self) -> None:
        """Forget all."""
        for pid in tuple(self._pidfds):
            self.unwatch(pid)


class _Queue:
    """The same through kqueue, whose own descriptor the loop can watch."""

    def __init__(self, loop: Loop) -> None:
        import select

        self._select = select
        self._loop = loop
        self._callbacks: dict[int, Callable[[int], None]] = {}
        self._kqueue = select.kqueue()  # type: ignore[attr-defined,unused-ignore]
        loop.watch(self._kqueue.fileno(), READ, self._ready)

    def watch(self, pid: int, callback: Callable[[int], None]) -> None:
        kinds = self._select
        event = kinds.kevent(  # type: ignore[attr-defined,unused-ignore]
            pid,
            kinds.KQ_FILTER_PROC,  # type: ignore[attr-defined,unused-ignore]
            kinds.KQ_EV_ADD | kinds.KQ_EV_ONESHOT,  # type: ignore[attr-defined,unused-ignore]
            kinds.KQ_NOTE_EXIT,  # type: ignore[attr-defined,unused-ignore]
        )
        self._callbacks[pid] = callback
        try:
            self._kqueue.control([event], 0)
        except ProcessLookupError:
            self._loop.call_later(0, lambda: self._fire(pid))

    def unwatch(self, pid: int) -> None:
        self._callbacks.pop(pid, None)

    def _ready(self, _ready: int) -> None:
        for event in self._kqueue.control(None, 64, 0):
            self._fire(event.ident)

    def _fire(self, pid: int) -> None:
        callback = self._callbacks.pop(pid, None)
        if callback is not None:
            callback(pid)
