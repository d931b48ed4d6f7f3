"""Detects a process that reloads in a loop, since it writes a file that its own watcher, or devboot, watches.

Nothing crashes in such a loop: the restart policy sees none of it.
"""

from __future__ import annotations

import re

MANY, WINDOW = 8, 60.0  # so many reloads within so many seconds: nobody saves files that often

# What reloaders write, with the file: uvicorn, Werkzeug, Django, hupper, gunicorn and hypercorn, nodemon, watchfiles
_LINES = re.compile(
    rb"[Dd]etected changes? in '([^'\n]+)'|(\S+) changed[,;] reloading|Worker reloading: (\S+) modified"
    rb"|\[nodemon\] restarting due to changes|^(?:\[[\d:]+\] )?\d+ changes? detected$",
    re.MULTILINE,
)


def reloads_in(block: bytes) -> list[str]:
    """Return the file of each reload that some output tells of; "" where it names none."""
    found = (next((group for group in match.groups() if group), b"") for match in _LINES.finditer(block))
    return [path.decode("utf-8", "replace") for path in found]


class ReloadLoop:
    """Counts the reloads of one process; the clock is the caller's."""

    def __init__(self) -> None:
        self._recent: list[tuple[float, str]] = []
        self._text = ""

    def count(self, path: str, now: float) -> str:
        """Count a reload; return what to say of a loop when one is first seen, "" otherwise."""
        self._recent = [each for each in self._recent if now - each[0] < WINDOW]
        if not self._recent:
            self._text = ""
        self._recent.append((now, path))
        if self._text or len(self._recent) < MANY:
            return ""
        paths = [each for _, each in self._recent]
        name = max(dict.fromkeys(paths), key=paths.count) or "a watched file"
        seconds = max(1, round(now - self._recent[0][0]))
        changed = f"{name} changed {paths.count(name) or len(paths)} times in {seconds} s"
        self._text = f"reloads in a loop: {changed}; exclude it from what is watched"
        return self._text

    def note(self, now: float) -> str:
        """Return what to say of the loop while it goes on; "" once it has been quiet for the whole window."""
        return self._text if self._recent and now - self._recent[-1][0] < WINDOW else ""
