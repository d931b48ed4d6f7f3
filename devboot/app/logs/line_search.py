"""Finds the lines of a block that match a regular expression, decoded and without escape sequences.

Python finds a pattern in a whole block several times as fast as in each of its lines. So a block is searched for
patterns that each matching line contains, and then only the lines that have one are tested.
"""

from __future__ import annotations

import re
from itertools import accumulate

from devboot.text.escapes import shown

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator
    from re import Pattern

_IGNORE_CASE = "(?i)"
_TOKEN = re.compile(r"\\.|\[\^?\]?(?:\\.|[^\]\\])*\]|.", re.DOTALL)
# At the beginning of a pattern these make a search slower without making it find other lines, or only few others.
_LEADS = re.compile(r"\A(?:\.\*(?!\+)\??|\\b|\^)+")
_POSSESSIVE = re.compile(r"[*+?}]\+")
# Escapes, besides those of punctuation, that don't match a line end.
_WITHIN_LINES = frozenset("dwSb")
_INSTEAD = {r"\s": r"[^\S\n]", r"\W": r"[^\w\n]", r"\D": r"[^\d\n]"}


class LineSearch:
    """A search for matching lines; called with a block of whole lines, it yields the (start, end) of matching ones."""

    def __init__(self, pattern: Pattern[str]) -> None:
        self._pattern = pattern
        text = pattern.pattern
        # Searching text in lower case is five times as fast as ignoring the case.
        self._folds = text.startswith(_IGNORE_CASE) and text.isascii() and not set(text) & {"\\", "["}
        self._parts = patterns_in_block(text.removeprefix(_IGNORE_CASE).lower() if self._folds else text)

    def __call__(self, data: bytes) -> Iterator[tuple[int, int]]:
        """Yield (start, end) of matching lines in a block; adjacent lines form one range."""
        text = shown(data, colour=False).decode("utf-8", "replace")  # has the same number of lines
        if not data.endswith(b"\n"):
            text += "\n"
        numbers = self._numbers(text)
        if not numbers:
            return
        starts = [0, *accumulate(len(line) + 1 for line in data.split(b"\n"))]
        first = last = numbers[0]
        for number in numbers[1:]:
            if number != last + 1:
                yield starts[first], min(starts[last + 1], len(data))
                first = number
            last = number
        yield starts[first], min(starts[last + 1], len(data))

    def _numbers(self, text: str) -> list[int]:
        """Return the numbers, from 0, of the matching lines in a text."""
        if not self._parts or (self._folds and not text.isascii()):  # other letters have more than two cases
            search = self._pattern.search
            return [number for number, line in enumerate(text[:-1].split("\n")) if search(line)]
        searched = text.lower() if self._folds else text
        found: set[int] = set()
        for part in self._parts:
            found.update(self._numbers_by(part, searched, text))
        return sorted(found)

    def _numbers_by(self, part: Pattern[str], searched: str, text: str) -> Iterator[int]:
        number = start = 0
        while match := part.search(searched, start):
            place = match.start()
            number += text.count("\n", start, place)
            start = text.rfind("\n", start, place) + 1 or start
            if start == len(text):
                return  # after the last line
            end = text.index("\n", place)
            if self._pattern.search(text[start:end]):
                yield number
            number, start = number + 1, end + 1


def compile_pattern(text: str, flags: int = 0) -> Pattern[str]:
    """Compile a regular expression without Python's FutureWarnings. Raises re.error."""
    import warnings

    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        try:
            return re.compile(text, flags)
        except (OverflowError, RecursionError) as error:
            raise re.error(str(error), text) from None


def patterns_in_block(text: str) -> list[Pattern[str]]:
    """Return patterns to search in a whole block: each line that matches `text` contains a match of at least one.

    None of their matches reaches over a line end. Empty if no such patterns can be derived: `text` looks ahead or
    behind, is atomic or possessive, or has flags or anchors of the whole text.
    """
    lead = _IGNORE_CASE if text.startswith(_IGNORE_CASE) else ""
    body = text.removeprefix(lead)
    if _POSSESSIVE.search(body) or "(?" in body.replace("(?:", ""):
        return []
    tokens = [_within_line(token) for token in _TOKEN.findall(body)]
    if "" in tokens:
        return []
    alternatives = [tokens] if "(" in tokens else list(_split(tokens))
    return [compile_pattern(lead + _LEADS.sub("", "".join(part)), re.MULTILINE) for part in alternatives]


def _within_line(token: str) -> str:
    """Return a token of a pattern changed to match no line end; "" if that is impossible."""
    if not token.isprintable():
        return ""
    escaped = re.findall(r"\\(.)", token)
    if token.startswith("[^"):
        return rf"[^\n\{token[2:]}" if token[2] == "]" else rf"[^\n{token[2:]}"
    if all(each in _WITHIN_LINES or not each.isalnum() for each in escaped):
        return token
    return _INSTEAD.get(token, "")


def _split(tokens: Iterable[str]) -> Iterator[list[str]]:
    part: list[str] = []
    for each in tokens:
        if each == "|":
            yield part
            part = []
        else:
            part.append(each)
    yield part
