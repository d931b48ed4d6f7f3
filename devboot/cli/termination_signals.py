"""Turns termination signals into exceptions, so that cleanup runs as after Ctrl-C."""

from __future__ import annotations

import _thread
import os
import signal
import sys
import time
from types import FrameType

from devboot.cli.error_report import Ended

_SOON = 0.01


def end_by_exception() -> None:
    """Install handlers that raise an exception on SIGTERM and SIGHUP, so that cleanup runs.

    An exception within a callback of the interpreter (of import locks, of weak references) would be printed and
    swallowed. A signal that arrives there is sent once more.
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
