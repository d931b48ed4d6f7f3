"""A person at a terminal: starts a program there, reads what it shows, types, closes the window."""

from __future__ import annotations

import os
import pty
import re
import select
import signal
import struct
import termios
import time
from fcntl import ioctl

DEADLINE = 60.0


class Terminal:
    """A program on a pseudo-terminal of 80 by 24; `text` is every byte that it has shown."""

    def __init__(self, argv, env, cwd):
        self.pid, self.fd = pty.fork()
        if self.pid == 0:
            try:
                os.chdir(cwd)
                ioctl(0, termios.TIOCSWINSZ, struct.pack("HHHH", 24, 80, 0, 0))
                os.execve(argv[0], argv, env)
            finally:
                os._exit(99)
        os.set_inheritable(self.fd, False)  # another terminal's program would keep this one open
        self.text = b""
        self.status = None

    def read(self, patience=0.05):
        """Take in what there is; False when the program's side is closed."""
        if not select.select([self.fd], [], [], patience)[0]:
            return True
        try:
            data = os.read(self.fd, 65536)
        except OSError:
            data = b""
        self.text += data
        return bool(data)

    def expect(self, text, seconds=DEADLINE):
        """Read until `text` (a regular expression) has come."""
        deadline = time.monotonic() + seconds
        pattern = re.compile(text.encode())
        while not pattern.search(self.text):
            if not self.read() and not pattern.search(self.text):
                raise AssertionError(f"ended without {text!r}: {self.text.decode()}")
            if time.monotonic() > deadline:
                raise AssertionError(f"waited for {text!r}: {self.text.decode()}")

    def type(self, keys):
        """Type something."""
        os.write(self.fd, keys.encode())

    def modes(self):
        """The terminal's settings."""
        return termios.tcgetattr(self.fd)

    def close(self):
        """Close the window."""
        if self.fd >= 0:
            os.close(self.fd)
            self.fd = -1

    def wait(self):
        """The exit code, 128 + n for a signal."""
        deadline = time.monotonic() + DEADLINE
        while self.status is None:
            if self.fd >= 0:
                self.read(0.01)
            pid, status = os.waitpid(self.pid, os.WNOHANG)
            if pid:
                self.status = os.waitstatus_to_exitcode(status)
            elif time.monotonic() > deadline:
                os.kill(self.pid, signal.SIGKILL)
                raise AssertionError(f"still there: {self.text.decode()}")
        return self.status if self.status >= 0 else 128 - self.status
