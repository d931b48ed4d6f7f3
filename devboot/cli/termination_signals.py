"""Signals that ask devboot to end while it works: they unwind like Ctrl-C, and none of them gets lost."""

from __future__ import annotations

import _thread
import os
import signal
import sys
import time
from types import FrameType

from devboot.cli.failures import Ended

_SOON = 0.01


def end_by_exception() -> None:
    """SIGTERM and SIGHUP unwind like Ctrl-C: the cursor comes back and staging directories go.

    A callback of the interpreter (of the import system's locks, of weak references) swallows what is raised in it and
    prints it instead. A signal that strikes there is sent once more.
    """

    def end(number: int, _frame: FrameType | None) -> None:
        raise Ended(number)

    for number in (signal.SIGTERM, signal.SIGHUP):
        if signal.getsignal(number) is signal.SIG_DFL:
            signal.signal(number, end)
    before = sys.unraisablehook
    if getattr(before, "__module__", "") == __name__:
        return

    def note(swallowed: sys.UnraisableHookArgs) -> None:
        error = swallowed.exc_value
        if isinstance(error, (Ended, KeyboardInterrupt)):
            number = error.signal_number if isinstance(error, Ended) else signal.SIGINT
            _thread.start_new_thread(_send_again, (number,))  # sent from here, it would strike in the callback again
        else:
            before(swallowed)

    sys.unraisablehook = note


def _send_again(number: int) -> None:
    time.sleep(_SOON)
    os.kill(os.getpid(), number)
