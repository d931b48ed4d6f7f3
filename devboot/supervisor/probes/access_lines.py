"""Removes from a server's output the access-log lines that HTTP probes cause, one for each request."""

from __future__ import annotations

import re

from devboot.supervisor.output.line_matcher import strip_escapes

_LATE = 1.0  # seconds after a request's time limit in which its line is expected


class AccessLines:
    """Removes at most as many lines as there were recent probe requests, so that lines of other requests stay.

    A line counts if it names the method and the path, in any format. Times are seconds on the loop's clock.
    """

    def __init__(self) -> None:
        self._expected: list[tuple[float, re.Pattern[bytes]]] = []  # (end of the wait, path)

    def expect(self, path: str, timeout: float, now: float) -> None:
        """Record a probe's request for `path`, which may take `timeout` seconds and causes a line in the access log."""
        pattern = re.compile(rb"(?<![\w./-])%s(?![\w./-])" % re.escape(path.encode()))
        self._forget_late(now)
        self._expected.append((now + timeout + _LATE, pattern))

    def without(self, block: bytes, now: float) -> bytes:
        """Return a block of output without the lines of recorded requests."""
        if not self._expected or b"GET" not in block:
            return block
        self._forget_late(now)
        if not self._expected:
            return block
        return b"".join(line for line in block.splitlines(keepends=True) if not self._is_expected(line))

    def _forget_late(self, now: float) -> None:
        """Drop recorded requests for which the server would have written a line by now."""
        self._expected = [each for each in self._expected if each[0] >= now]

    def _is_expected(self, line: bytes) -> bool:
        if b"GET" not in line:
            return False
        text = strip_escapes(line)
        found = next((each for each in self._expected if each[1].search(text)), None)
        if found is None:
            return False
        self._expected.remove(found)
        return True
