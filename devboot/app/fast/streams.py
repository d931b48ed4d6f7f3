"""Writes the daemon's output to standard output and error, and remembers failures."""

from __future__ import annotations

import errno
import os
import time

TYPE_CHECKING = False
if TYPE_CHECKING:
    from devboot.daemon.client import PassThrough

STUCK = 0.2  # seconds without a byte taken
BROKEN_PIPE = 141  # 128 + SIGPIPE, as a shell sees a program that the signal ended


class AbandonedError(Exception):
    """Raised by a signal handler to abort a write that blocks because nobody reads."""


class Streams:
    """Standard output and error by descriptor; after a failed write nothing more is written to that descriptor."""

    def __init__(self) -> None:
        self.failure = 0  # the exit code that a failed standard output asks for
        self._writing_since = 0.0  # monotonic seconds; 0: not writing
        self._dead: set[int] = set()

    @property
    def is_writing(self) -> bool:
        """Return whether a write is in progress, which may block for ever."""
        return self._writing_since > 0

    @property
    def is_stuck(self) -> bool:
        """Return whether a write has blocked for so long that the reader may never continue."""
        return self.is_writing and time.monotonic() - self._writing_since > STUCK

    def write(self, number: int, data: bytes) -> None:
        """Write all of `data` to descriptor 1 or 2; never raises. In messages for 2, commands are made pasteable."""
        if number == 2 and b"devboot " in data:
            from devboot.text.invocation import as_called

            data = as_called(data.decode("utf-8", "surrogateescape")).encode("utf-8", "surrogateescape")
        view = memoryview(data)
        outer, self._writing_since = self._writing_since, time.monotonic()  # a signal handler may write too
        try:
            while view and number not in self._dead:
                try:
                    view = view[os.write(number, view) :]
                    self._writing_since = time.monotonic()
                except BlockingIOError:
                    _wait(number)
        except AbandonedError:
            self._dead.add(number)
        except OSError as error:
            self._dead.add(number)
            if number == 1:
                self.failure = BROKEN_PIPE if error.errno == errno.EPIPE else 1
        finally:
            self._writing_since = outer

    def passing_through(self) -> PassThrough | None:
        """Return a function that moves bytes from a socket to standard output within the kernel (splice).

        None if impossible.
        """
        import stat

        try:
            is_pipe = stat.S_ISFIFO(os.fstat(1).st_mode)
        except OSError:
            return None
        return self._pass_through if is_pipe and hasattr(os, "splice") else None

    def _pass_through(self, source: int, size: int) -> int:
        """Move up to `size` available bytes from descriptor `source` to standard output; return their number.

        Never raises.
        """
        moved = 0
        outer, self._writing_since = self._writing_since, time.monotonic()
        try:
            while moved < size and 1 not in self._dead:
                count = os.splice(source, 1, size - moved)
                if not count:
                    break
                moved += count
                self._writing_since = time.monotonic()
        except AbandonedError:
            self._dead.add(1)
        except OSError:
            pass  # it would block, the reader has gone, or the system can't splice: `write` handles the rest
        finally:
            self._writing_since = outer
        return moved

    def end(self) -> int:
        """Return the exit code: 0, or another one if writing to standard output failed."""
        return self.failure

    def say(self, text: str) -> None:
        """Write a message of devboot to standard error."""
        from devboot.text.paint import terminal_text

        self.write(2, terminal_text(text).encode("utf-8", "replace"))


def _wait(number: int) -> None:
    """Wait until a descriptor that the caller has made non-blocking can be written again."""
    import select

    select.select([], [number], [])
