"""Reads single keys from the terminal; its modes are restored however the program ends."""

from __future__ import annotations

import os

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any


class KeyTerminal:
    """The terminal `fd` without line editing and echo; does nothing unless `enabled`.

    Ctrl-C and Ctrl-Z remain signals, unless it is `raw`: then every byte counts as typed, and output isn't changed.
    """

    def __init__(self, fd: int, *, enabled: bool, raw: bool = False) -> None:
        self._raw = raw
        self._fd = fd
        self.enabled = enabled
        self.is_on = False
        self._before: list[Any] | None = None

    def enter(self) -> None:
        """Switch to reading single keys; does nothing in the background, where the kernel would stop this process."""
        import termios

        if not self.enabled or self.is_on or not self._is_foreground():
            return
        try:
            self._before = termios.tcgetattr(self._fd)
            modes = termios.tcgetattr(self._fd)
            modes[3] &= ~(termios.ICANON | termios.ECHO)
            # Else ctrl-c discards keys that were already reported as readable, and reading would block.
            modes[3] |= termios.NOFLSH
            if self._raw:
                modes[0] &= ~(termios.BRKINT | termios.ICRNL | termios.INPCK | termios.ISTRIP | termios.IXON)
                modes[1] &= ~termios.OPOST
                modes[3] &= ~(termios.IEXTEN | termios.ISIG)
            modes[6][termios.VMIN], modes[6][termios.VTIME] = 1, 0
            termios.tcsetattr(self._fd, termios.TCSADRAIN, modes)
        except termios.error:
            return
        self.is_on = True

    def leave(self) -> None:
        """Restore the terminal's modes; harmless if they are restored already."""
        if not self.is_on or self._before is None:
            return
        import termios

        self.is_on = False
        try:
            termios.tcsetattr(self._fd, termios.TCSADRAIN, self._before)
        except termios.error:
            return  # the terminal has gone

    def _is_foreground(self) -> bool:
        try:
            return os.tcgetpgrp(self._fd) == os.getpgrp()
        except OSError:
            return False
