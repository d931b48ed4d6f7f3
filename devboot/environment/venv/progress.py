"""Converts uv's progress lines to texts for the displayed step."""

from __future__ import annotations

import re

from devboot.model.printable import counted

_PATTERNS = (
    (re.compile(r"^Resolved (\d+) packages?\b"), "preparing packages"),
    (re.compile(r"^Downloading (\S+)(?: \(download\))? \((\d[\d.]*)\s?([KMG]?i?B)\)"), "fetching {0}, {1} {2}"),
    (re.compile(r"^Updating (\S+)"), "fetching {0}"),
    (re.compile(r"^Prepared (\d+) packages?\b"), "installing; {0} packages fetched or built"),
)
_BUILD = re.compile(r"^(Building|Built) (\S+)")


class Progress:
    """Turns uv's output lines into progress texts; uv may run several builds at once, each for minutes."""

    def __init__(self) -> None:
        self._building: list[str] = []

    def text(self, line: str) -> str:
        """Return the text to show after a further line of uv's output; empty if the line adds nothing."""
        build = _BUILD.match(line)
        if build is None:
            return progress_text(line)
        if build[1] == "Building":
            self._building.append(build[2])
        elif build[2] in self._building:
            self._building.remove(build[2])
        others = len(self._building) - 1
        if others < 0:
            return ""
        more = f" and {counted(others, 'other')}" if others else ""
        return f"building {_shown(self._building[0])}{more}"


def progress_text(line: str) -> str:
    """Return the text to show for a line of uv's output; empty if it shows no progress."""
    for pattern, text in _PATTERNS:
        if match := pattern.match(line):
            filled = text.format(*(_shown(group) for group in match.groups()))
            return filled.replace("packages", "package") if match[1] == "1" and "{0}" in text else filled
    return ""


def _shown(word: str) -> str:
    """Return a requirement for display: `six==1.17.0` as `six 1.17.0`, a URL as its last part."""
    name = word.removesuffix(".git").rpartition("/")[2] if "://" in word else word
    return name.replace("==", " ")
