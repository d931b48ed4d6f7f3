"""Reports exits of processes to the event loop, without signals or polling: one pidfd each on Linux, else kqueue."""

from __future__ import annotations

import os

from devboot.supervisor.event_loop import READ
from devboot.supervisor.system.proctable import look

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable

    from devboot.supervisor.event_loop import Loop, Scope

    Watch = tuple[Callable[[int], None], Scope | None]


_LOOK_AGAIN = 0.1  # seconds between looks at a process that has no pidfd, for lack of descriptors


class Exits:
    """Calls back once when a watched process (child or not) has ended. The caller still has to reap a child.

    Several callers may watch the same pid: a probe and the termination of a run both wait for the probe's command.
    """

    def __init__(self, loop: Loop) -> None:
        self._loop = loop
        self._callbacks: dict[int, list[Watch]] = {}
        self._firing: dict[int, list[Watch]] = {}
        self._pidfds: dict[int, int] = {}
        self._queue = None if hasattr(os, "pidfd_open") else _Queue(loop, self._fire)

    def watch(self, pid: int, callback: Callable[[int], None], scope: Scope | None = None) -> None:
        """Call `callback(pid)` when `pid` has ended; in the next turn if it has ended already."""
        others = self._callbacks.get(pid)
        if others is not None:
            others.append((callback, scope))
            return
        self._callbacks[pid] = [(callback, scope)]
        if self._queue is not None:
            self._queue.watch(pid)
            return
        try:
            fd = os.pidfd_open(pid)
        except ProcessLookupError:
            self._loop.call_later(0, lambda: self._fire(pid))
            return
        except OSError:  # out of descriptors
            self._look_later(pid)
            return
        try:
            self._loop.watch(fd, READ, lambda _ready: self._fire(pid))
        except OSError:  # out of kernel memory, or over this user's limit of watches
            os.close(fd)
            self._look_later(pid)
            return
        self._pidfds[pid] = fd

    def _look_later(self, pid: int) -> None:
        """Poll for the end of `pid` from time to time, because no pidfd could be opened."""
        self._loop.call_later(_LOOK_AGAIN, lambda: self._look(pid))

    def _look(self, pid: int) -> None:
        if pid not in self._callbacks or pid in self._pidfds:
            return
        seen = look(pid)
        if seen is None or not seen.is_alive:
            self._fire(pid)
        else:
            self._look_later(pid)

    def unwatch(self, pid: int, callback: Callable[[int], None]) -> None:
        """Cancel `callback` for `pid`; does nothing if it isn't registered."""
        for known in (self._callbacks, self._firing):
            callbacks = known.get(pid, [])
            found = next((watch for watch in callbacks if watch[0] == callback), None)
            if found is not None:
                callbacks.remove(found)
        if self._callbacks.get(pid) == []:
            del self._callbacks[pid]
            self._release(pid)

    def close(self) -> None:
        """Cancel all watches."""
        self._callbacks.clear()
        for pid in tuple(self._pidfds):
            self._release(pid)

    def _fire(self, pid: int) -> None:
        callbacks = self._callbacks.pop(pid, None)
        if callbacks is None:
            return
        self._release(pid)
        # A callback may unwatch another one, or watch the same pid again.
        self._firing[pid] = callbacks
        while callbacks:
            callback, scope = callbacks.pop(0)
            (scope or self._loop).call(callback, pid)
        if self._firing.get(pid) is callbacks:
            del self._firing[pid]

    def _release(self, pid: int) -> None:
        fd = self._pidfds.pop(pid, None)
        if fd is not None:
            self._loop.unwatch(fd)
            os.close(fd)


class ScopedExits:
    """View of an `Exits` object whose callbacks belong to a scope of the event loop."""

    def __init__(self, exits: Exits | ScopedExits, scope: Scope) -> None:
        self._exits = exits
        self._scope = scope

    def watch(self, pid: int, callback: Callable[[int], None], scope: Scope | None = None) -> None:
        """Call `callback(pid)` when `pid` has ended; its exceptions fail this scope."""
        self._exits.watch(pid, callback, scope or self._scope)

    def unwatch(self, pid: int, callback: Callable[[int], None]) -> None:
        """Cancel `callback` for `pid`."""
        self._exits.unwatch(pid, callback)


class _Queue:
    """Reports exits through a kqueue, whose descriptor the loop watches."""

    def __init__(self, loop: Loop, fire: Callable[[int], None]) -> None:
        import select

        self._select = select
        self._loop = loop
        self._fire = fire
        self._kqueue = select.kqueue()  # type: ignore[attr-defined,unused-ignore]
        loop.watch(self._kqueue.fileno(), READ, self._ready)

    def watch(self, pid: int) -> None:
        kinds = self._select
        event = kinds.kevent(  # type: ignore[attr-defined,unused-ignore]
            pid,
            kinds.KQ_FILTER_PROC,  # type: ignore[attr-defined,unused-ignore]
            kinds.KQ_EV_ADD | kinds.KQ_EV_ONESHOT,  # type: ignore[attr-defined,unused-ignore]
            kinds.KQ_NOTE_EXIT,  # type: ignore[attr-defined,unused-ignore]
        )
        try:
            self._kqueue.control([event], 0)
        except ProcessLookupError:
            self._loop.call_later(0, lambda: self._fire(pid))

    def _ready(self, _ready: int) -> None:
        for event in self._kqueue.control(None, 64, 0):
            self._fire(event.ident)
