"""A signal that strikes where Python swallows what is raised: in a callback of the interpreter's own."""

import signal
import subprocess
import sys

import pytest

# The import system has such a callback for each module; a signal rarely strikes there, but it does.
STRUCK = """
import os, signal, sys, time, weakref
from devboot.cli import error_report
from devboot.cli.termination_signals import end_by_exception

class Lock: pass

signal.signal(signal.SIGINT, signal.default_int_handler)  # also where the caller ignores it
end_by_exception()
lock = Lock()
callback = weakref.ref(lock, lambda _: os.kill(os.getpid(), {number:d}))
try:
    del lock
    while True:
        time.sleep(0.01)
except KeyboardInterrupt:
    sys.exit(130)
except error_report.Ended as ended:
    sys.exit(128 + ended.signal_number)
"""


@pytest.mark.faults(115, 117)
@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM, signal.SIGHUP])
def test_a_signal_in_a_callback_is_neither_lost_nor_printed(number):
    done = subprocess.run(
        [sys.executable, "-c", STRUCK.format(number=number)], capture_output=True, text=True, timeout=90, check=False
    )

    assert (128 + number, "", "") == (done.returncode, done.stdout, done.stderr)


def test_what_else_is_raised_in_a_callback_is_printed_as_before():
    done = subprocess.run(
        [
            sys.executable,
            "-c",
            STRUCK.replace("os.kill(os.getpid(), {number:d})", "1 / 0").replace("while", "if") + "\n",
        ],
        capture_output=True,
        text=True,
        timeout=90,
        check=False,
    )

    assert 0 == done.returncode
    assert "ZeroDivisionError" in done.stderr
