"""Event loop of the daemon: file descriptors and timers, in one thread, without asyncio.

Importing asyncio takes 41 ms and several MB of memory; the supervisor needs only the parts that are here.
"""

from __future__ import annotations

import select
import sys
import time

TYPE_CHECKING = False
if TYPE_CHECKING:
    import heapq as _heapq
    from collections.abc import Callable
    from typing import ParamSpec

    from devboot.errors import DevbootError

    P = ParamSpec("P")
    Fail = Callable[[DevbootError], None]
    OnError = Callable[[Exception, "Fail | None"], None]
else:
    import _heapq

READ, WRITE = 1, 2
LONGEST_WAIT = 86_400.0  # seconds; the kernel takes milliseconds as a signed int of 32 bits
_PAUSE = 1.0  # seconds for which a descriptor isn't watched after its callback has failed


class Timer:
    """A callback that the loop calls at `when` (seconds on the loop's clock) unless it is cancelled."""

    __slots__ = ("_callback", "_scope", "when")

    def __init__(self, when: float, callback: Callable[[], None], scope: Scope | None) -> None:
        self.when = when
        self._callback: Callable[[], None] | None = callback
        self._scope = scope

    @property
    def cancelled(self) -> bool:
        """True if the timer was cancelled or has run."""
        return self._callback is None

    def cancel(self) -> None:
        """Cancel the call. Cancelling twice, or after the call, does nothing."""
        self._callback = None  # the heap keeps the timer until its time; free what the callback refers to now

    def run(self, loop: Loop) -> None:
        """Call the callback once, unless the timer was cancelled."""
        callback, self._callback = self._callback, None
        if callback is not None:
            (self._scope or loop).call(callback)


class _Epoll:
    """Poller for Linux. The selectors module takes a millisecond to import, and another per hundred events."""

    def __init__(self) -> None:
        self._epoll = select.epoll()

    def add(self, fd: int, events: int) -> None:
        self._epoll.register(fd, _to_poll(events))

    def change(self, fd: int, events: int) -> None:
        self._epoll.modify(fd, _to_poll(events))

    def remove(self, fd: int) -> None:
        try:
            self._epoll.unregister(fd)
        except OSError:
            return  # the caller closed it before unwatching it

    def wait(self, seconds: float | None, most: int) -> list[tuple[int, int]]:
        """Return the ready descriptors with READ and WRITE flags. An error or a hang-up sets both flags."""
        # The system waits in whole milliseconds: round up, so that a timer is due when the wait ends.
        patience = -1.0 if seconds is None else -(-seconds * 1000 // 1) / 1000
        found = self._epoll.poll(patience, max(1, most))
        return [(fd, (event & ~4 and READ) | (event & ~1 and WRITE)) for fd, event in found]

    def close(self) -> None:
        self._epoll.close()


def _to_poll(events: int) -> int:
    return (events & READ and select.EPOLLIN) | (events & WRITE and select.EPOLLOUT)


class _Portable:
    """Poller for other systems, on top of `selectors`."""

    def __init__(self) -> None:
        import selectors

        self._selector = selectors.DefaultSelector()

    def add(self, fd: int, events: int) -> None:
        self._selector.register(fd, events)

    def change(self, fd: int, events: int) -> None:
        self._selector.modify(fd, events)

    def remove(self, fd: int) -> None:
        self._selector.unregister(fd)

    def wait(self, seconds: float | None, _most: int) -> list[tuple[int, int]]:
        return [(key.fd, ready) for key, ready in self._selector.select(seconds)]

    def close(self) -> None:
        self._selector.close()


class AbstractLoop:
    """Interface of an event loop, implemented by the loop and by its scopes."""

    now: Callable[[], float]  # the clock of all timers

    def watch(self, fd: int, events: int, callback: Callable[[int], None], scope: Scope | None = None) -> None:
        """Call `callback(ready events)` whenever `fd` is ready for one of `events`; replaces an earlier watch."""
        raise NotImplementedError

    def unwatch(self, fd: int) -> None:
        """Stop watching `fd`. Call it before closing the descriptor; unknown descriptors are ignored."""
        raise NotImplementedError

    def call_at(self, when: float, callback: Callable[[], None], scope: Scope | None = None) -> Timer:
        """Call `callback` once at `when` on the loop's clock."""
        raise NotImplementedError

    def call_later(self, delay: float, callback: Callable[[], None], scope: Scope | None = None) -> Timer:
        """Call `callback` once, `delay` seconds from now (0: in the next turn)."""
        return self.call_at(self.now() + delay, callback, scope)

    def call(self, function: Callable[P, object], *args: P.args, **kwargs: P.kwargs) -> bool:
        """Call `function` now and report an exception instead of raising it. Return False if there was one."""
        raise NotImplementedError

    def contain(self, error: Exception, fail: Fail | None = None) -> None:
        """Report an exception raised by a callback to `on_error`; raise it if the loop has none."""
        raise NotImplementedError


class Loop(AbstractLoop):
    """Event loop that calls back when descriptors are ready and timers are due. Not thread-safe.

    `on_error(error, fail)` receives an exception of a callback, and the `fail` of the callback's scope if it has one;
    the loop keeps running. While `on_error` is None, exceptions end the loop.
    """

    def __init__(self, clock: Callable[[], float] = time.monotonic) -> None:
        self.now = clock
        self.poll = _Epoll() if sys.platform == "linux" else _Portable()
        self._watched: dict[int, tuple[int, Callable[[int], None], Scope | None]] = {}
        self._paused: dict[int, tuple[int, Callable[[int], None], Scope | None]] = {}
        self.timers: list[tuple[float, int, Timer]] = []  # a heap of (when, sequence, timer), compared without our code
        self._sequence = 0
        self._running = False
        self.turns = 0  # number of completed waits; caches use it to detect a new turn
        self.on_error: OnError | None = None

    def watch(self, fd: int, events: int, callback: Callable[[int], None], scope: Scope | None = None) -> None:
        """Call `callback(ready events)` whenever `fd` is ready.

        Exceptions of the callback are reported to `scope`, if given.
        """
        self._paused.pop(fd, None)
        known = self._watched.get(fd)
        if known is None:
            self.poll.add(fd, events)
        elif known[0] != events:
            self.poll.change(fd, events)
        self._watched[fd] = (events, callback, scope)

    def unwatch(self, fd: int) -> None:
        """Stop watching `fd`; does nothing for an unknown descriptor."""
        self._paused.pop(fd, None)
        if self._watched.pop(fd, None) is not None:
            self.poll.remove(fd)

    def call_at(self, when: float, callback: Callable[[], None], scope: Scope | None = None) -> Timer:
        """Call `callback` once at `when` on the loop's clock."""
        self._sequence += 1
        timer = Timer(when, callback, scope)
        _heapq.heappush(self.timers, (when, self._sequence, timer))
        return timer

    def call(self, function: Callable[P, object], *args: P.args, **kwargs: P.kwargs) -> bool:
        """Call `function` now and report an exception instead of raising it. Return False if there was one."""
        try:
            function(*args, **kwargs)
        except Exception as error:  # noqa: BLE001  whatever it is, it must not end what everything depends on
            self.contain(error)
            return False
        return True

    def contain(self, error: Exception, fail: Fail | None = None) -> None:
        """Report an exception to `on_error`, or raise it if there is none."""
        if self.on_error is None:
            raise error
        try:  # noqa: SIM105  contextlib costs an import
            self.on_error(error, fail)
        except Exception:  # noqa: BLE001, S110  a report that fails can't be reported
            pass

    def run(self) -> None:
        """Run turns until `stop` is called."""
        self._running = True
        while self._running:
            self.turn()

    def stop(self) -> None:
        """End `run` after the current turn."""
        self._running = False

    def turn(self, limit: float | None = None) -> None:
        """Wait for the next event (at most `limit` seconds), then call back for ready descriptors and due timers."""
        watched = self._watched
        happened = [(fd, ready, watched.get(fd)) for fd, ready in self.poll.wait(self._patience(limit), len(watched))]
        self.turns += 1
        for fd, ready, wanted in happened:
            # An earlier callback of this turn may have unwatched the descriptor, or closed and reused it.
            if wanted is None or watched.get(fd) is not wanted or not ready & wanted[0]:
                continue
            if not (wanted[2] or self).call(wanted[1], ready & wanted[0]) and watched.get(fd) is wanted:
                self._pause(fd, *wanted)
        now = self.now()
        while self.timers and (self.timers[0][0] <= now or self.timers[0][2].cancelled):
            _heapq.heappop(self.timers)[2].run(self)

    def close(self) -> None:
        """Close the descriptor of the poller."""
        self.poll.close()

    def _pause(self, fd: int, events: int, callback: Callable[[int], None], scope: Scope | None) -> None:
        """Stop watching a descriptor for a while after its callback raised; it would be called again at once."""
        self.unwatch(fd)
        paused = self._paused[fd] = (events, callback, scope)

        def go_on() -> None:
            if self._paused.get(fd) is not paused:
                return
            try:
                self.watch(fd, events, callback, scope)
            except OSError:  # the kernel has no memory: later
                self._paused[fd] = paused
                self.call_later(_PAUSE, go_on)

        self.call_later(_PAUSE, go_on)

    def _patience(self, limit: float | None) -> float | None:
        while self.timers and self.timers[0][2].cancelled:
            _heapq.heappop(self.timers)
        if not self.timers:
            return limit
        wait = min(max(0.0, self.timers[0][0] - self.now()), LONGEST_WAIT)
        return wait if limit is None else min(wait, limit)


class Scope(AbstractLoop):
    """View of a loop for one process or one client: an exception in a callback ends only that process or client.

    `fail` is called with the reported error. Exceptions of nested calls are reported by the outermost call, so that no
    code continues with half-changed state.
    """

    def __init__(self, loop: AbstractLoop, fail: Fail) -> None:
        self.now = lambda: loop.now()  # noqa: PLW0108  tests set the clock of a loop
        self._loop = loop
        self._fail = fail
        self._is_entered = False

    def watch(self, fd: int, events: int, callback: Callable[[int], None], scope: Scope | None = None) -> None:
        """Call `callback(ready events)` whenever `fd` is ready; its exceptions fail this scope."""
        self._loop.watch(fd, events, callback, scope or self)

    def unwatch(self, fd: int) -> None:
        """Stop watching `fd`."""
        self._loop.unwatch(fd)

    def call_at(self, when: float, callback: Callable[[], None], scope: Scope | None = None) -> Timer:
        """Call `callback` once at `when` on the loop's clock; its exceptions fail this scope."""
        return self._loop.call_at(when, callback, scope or self)

    def call(self, function: Callable[P, object], *args: P.args, **kwargs: P.kwargs) -> bool:
        """Call `function` now; an exception is reported and fails this scope. Return False if there was one."""
        if self._is_entered:
            function(*args, **kwargs)
            return True
        self._is_entered = True
        try:
            function(*args, **kwargs)
        except Exception as error:  # noqa: BLE001  whatever it is, it must not end what everything depends on
            self._is_entered = False
            self.contain(error)
            return False
        finally:
            self._is_entered = False
        return True

    def contain(self, error: Exception, fail: Fail | None = None) -> None:
        """Report an exception and fail this scope."""
        self._loop.contain(error, fail or self._fail)
