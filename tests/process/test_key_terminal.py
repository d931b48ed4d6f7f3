"""The terminal that single keys are read from, with a person who types faster than anybody reads."""

from __future__ import annotations

import os
import sys

from tests.fakes.terminal import Terminal

READER = """
import os, select, signal
from devboot.app.screen.terminal import KeyTerminal
came, went = os.pipe()
os.set_blocking(went, False)
signal.signal(signal.SIGINT, lambda *_: None)
signal.set_wakeup_fd(went)
terminal = KeyTerminal(0, enabled=True)
terminal.enter()
print("ready", flush=True)
os.read(came, 1)
print("interrupted", select.select([0], [], [], 5)[0] and os.read(0, 64), flush=True)
terminal.leave()
"""


def test_keys_that_were_typed_before_an_interrupt_can_still_be_read(tmp_path):
    """Who was told of a key and then finds none to read would wait for the next, with the interrupt unread."""
    terminal = Terminal([sys.executable, "-c", READER], dict(os.environ), str(tmp_path))
    try:
        before = terminal.modes()
        terminal.expect("ready")

        terminal.type("ab\x03")

        terminal.expect("interrupted b'ab'")
        assert terminal.wait() == 0
        assert terminal.modes() == before
    finally:
        terminal.close()
