"""A terminal that changes its size: the process in it follows, and the line of keys fits."""

from __future__ import annotations

import struct
import sys
import termios
from fcntl import ioctl

from tests.fakes.processes import wait_until

TELLS = """
import os, signal, time
signal.signal(signal.SIGWINCH, lambda *_: print("now", *os.get_terminal_size(), flush=True))
print("begins", *os.get_terminal_size(), flush=True)
while True: time.sleep(0.05)
"""


def resize(terminal, rows, columns):
    ioctl(terminal.fd, termios.TIOCSWINSZ, struct.pack("HHHH", rows, columns, 0, 0))


def test_an_attached_process_follows_its_terminal(project):
    project.spec("web", argv=(sys.executable, "-c", TELLS), command="").write().devboot("up", "-d")
    wait_until(lambda: "begins" in project.devboot("logs").stdout)
    terminal = project.terminal("attach", "web")
    terminal.expect("now 80 24")

    resize(terminal, 30, 100)

    terminal.expect("now 100 30")
    terminal.type("\x10\x11")
    assert terminal.wait() == 0
    project.devboot("down")


def test_what_is_only_watched_gets_the_width_that_the_prefix_leaves(project):
    project.spec("web", argv=(sys.executable, "-c", TELLS), command="").write()
    terminal = project.terminal("up")
    prefix = len("00:00:00 web | ")
    terminal.expect(f"begins {80 - prefix} 24")

    resize(terminal, 30, 100)

    terminal.expect(f"now {100 - prefix} 30")
    terminal.type("\x03")
    assert terminal.wait() == 130


def test_the_line_of_keys_fits_whatever_the_width(project):
    project.spec("web").write()
    terminal = project.terminal("up")
    terminal.expect(r"p pause   \? keys   ctrl-c stop")

    terminal.text = b""
    resize(terminal, 24, 40)
    terminal.expect(r"\? keys   ctrl-c stop")
    assert b"p pause" not in terminal.text

    terminal.text = b""
    resize(terminal, 24, 80)
    terminal.expect(r"p pause   \? keys   ctrl-c stop")
    terminal.type("\x03")
    assert terminal.wait() == 130
