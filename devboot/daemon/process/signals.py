"""Turns signals into events of the loop, by a byte in a pipe."""

from __future__ import annotations

import os

from devboot.supervisor.event_loop import READ

TYPE_CHECKING = False
if TYPE_CHECKING:
    import signal as _signal
    from collections.abc import Callable

    from devboot.supervisor.event_loop import Loop
else:
    import _signal  # the signal package imports enum


def watch_signals(
    loop: Loop, on_signal: Callable[[int], None], on_refresh: Callable[[], None], on_child: Callable[[], None]
) -> None:
    """Turn signals into callbacks: SIGUSR1 calls `on_refresh()`, SIGCHLD `on_child()`, the others `on_signal(number)`.

    The others are SIGQUIT and the termination signals.
    """
    reading, writing = os.pipe()
    os.set_blocking(reading, False)
    os.set_blocking(writing, False)

    def ready(_events: int) -> None:
        numbers = os.read(reading, 65536)
        if _signal.SIGCHLD in numbers:  # one call handles all children that have ended
            on_child()
        for number in numbers:
            if number == _signal.SIGUSR1:
                on_refresh()
            elif number != _signal.SIGCHLD:
                on_signal(number)

    # A handler rather than SIG_IGN, which children would inherit.
    for number in (_signal.SIGTERM, _signal.SIGINT, _signal.SIGHUP, _signal.SIGUSR1, _signal.SIGQUIT, _signal.SIGCHLD):
        _signal.signal(number, _nothing)
    _signal.set_wakeup_fd(writing, warn_on_full_buffer=False)
    loop.watch(reading, READ, ready)


def _nothing(_number: int, _frame: object) -> None:
    """Do nothing: the byte in the pipe is the event."""
