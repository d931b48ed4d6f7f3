"""Searches output for a ready line and for known failures, ignoring colours and other escape sequences."""

from __future__ import annotations

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterable

    from devboot.model.process import FailureHint

_ESCAPES = rb"\x1b(?:\[[0-?]*[ -/]*[@-~]|\][^\x07\x1b]*(?:\x07|\x1b\\)|[@-Z\\-_])"
_LONGEST = 4096  # bytes searched at each end of a long line: most patterns take time quadratic in its length


def strip_escapes(block: bytes) -> bytes:
    """Return the block without escape sequences (colours, cursor moves, titles)."""
    if b"\x1b" not in block:
        return block
    import re  # late: it takes as long to import as the whole supervisor

    return re.sub(_ESCAPES, b"", block)


class LineMatcher:
    """Searches successive blocks of output for lines that match a regular expression; a line may span two blocks."""

    def __init__(self, pattern: str) -> None:
        import re

        # Searching for `.*x` is quadratic in a line without x; searching for `x` finds the same lines.
        self._pattern = re.compile(re.sub(r"\A(?:\.\*(?!\+)\??)+", "", pattern).encode(), re.MULTILINE)
        self._started = b""  # the start of a line whose end hasn't arrived

    def matches(self, block: bytes) -> bool:
        """Return whether any line in `block`, including one begun in an earlier block, matches the expression."""
        text = self._started + strip_escapes(block)
        self._started = text[text.rfind(b"\n") + 1 :][-_LONGEST:]
        if len(text) > 2 * _LONGEST:
            text = b"\n".join(map(_ends, text.split(b"\n")))
        return self._pattern.search(text) is not None


def _ends(line: bytes) -> bytes:
    return line if len(line) <= 2 * _LONGEST else line[:_LONGEST] + b"\n" + line[-_LONGEST:]


def without(block: bytes, parts: Iterable[bytes]) -> bytes:
    """Return the block without the lines that contain any of `parts`."""
    found = [part for part in parts if part in block]
    if not found:
        return block
    return b"".join(line for line in block.splitlines(keepends=True) if not any(part in line for part in found))


def find_hint(hints: Iterable[FailureHint], text: bytes) -> tuple[FailureHint, str] | None:
    """Return the first hint that matches a line of `text`, with that line."""
    import re

    for hint in hints:
        found = re.search(hint.pattern.encode(), text, re.MULTILINE)
        if found:
            start = text.rfind(b"\n", 0, found.start()) + 1
            end = text.find(b"\n", found.end())
            line = text[start : end if end >= 0 else len(text)]
            return hint, line.decode("utf-8", "replace").strip()
    return None
