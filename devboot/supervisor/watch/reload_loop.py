"""Detects a process that reloads in a loop because it writes a file that its own watcher, or devboot, watches.

Such a process doesn't crash, so the restart policy doesn't notice.
"""

from __future__ import annotations

import re

from devboot.model.printable import counted

MANY, WINDOW = 8, 60.0  # reloads within seconds that make a loop: more than anyone saves files

# Lines of reloaders, with the file: uvicorn, Werkzeug, Django, hupper, gunicorn and hypercorn, nodemon, watchfiles
_LINES = re.compile(
    rb"[Dd]etected changes? in '([^'\n]+)'|(\S+) changed[,;] reloading|Worker reloading: (\S+) modified"
    rb"|\[nodemon\] restarting due to changes|^(?:\[[\d:]+\] )?\d+ changes? detected$",
    re.MULTILINE,
)


def reloads_in(block: bytes) -> list[str]:
    """Return the changed file of each reload that a block of output reports; "" for a reload without a file."""
    found = (next((group for group in match.groups() if group), b"") for match in _LINES.finditer(block))
    return [path.decode("utf-8", "replace") for path in found]


class ReloadLoop:
    """Counts the reloads of one process to detect a loop; `now` is seconds on the caller's clock."""

    def __init__(self) -> None:
        self._recent: list[tuple[float, str]] = []
        self._text = ""

    def count(self, path: str, now: float) -> str:
        """Count a reload caused by `path`. Return a message when a loop is first detected, "" otherwise."""
        self._recent = [each for each in self._recent if now - each[0] < WINDOW]
        if not self._recent:
            self._text = ""
        self._recent.append((now, path))
        if self._text or len(self._recent) < MANY:
            return ""
        paths = [each for _, each in self._recent]
        name = max(dict.fromkeys(paths), key=paths.count) or "a watched file"
        seconds = max(1, round(now - self._recent[0][0]))
        changed = f"{name} changed {counted(paths.count(name) or len(paths), 'time')} in {seconds} s"
        self._text = f"reloads in a loop: {changed}; exclude it from the watched files"
        return self._text

    def note(self, now: float) -> str:
        """Return the message while the loop goes on; "" after a whole window without reloads."""
        return self._text if self._recent and now - self._recent[-1][0] < WINDOW else ""
