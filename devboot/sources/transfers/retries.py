"""Decides when to retry a download, and parses the headers that matter for it; time and randomness are arguments."""

from __future__ import annotations

from collections.abc import Callable
from email.utils import parsedate_to_datetime

from devboot.record import Record

# Status codes after which another try may succeed.
RETRIED = frozenset({408, 425, 429, 500, 502, 503, 504})


class Patience(Record):
    """Limits for retries: attempts in a row without a new byte, attempts in all, and seconds of waiting."""

    tries: int = 4
    most_tries: int = 20
    first_wait: float = 0.5
    longest_wait: float = 15.0
    all_waits: float = 60.0


class Budget:
    """The retries left for one download; `random` returns numbers from 0 to 1."""

    def __init__(self, patience: Patience, random: Callable[[], float]) -> None:
        self._patience = patience
        self._random = random
        self.tries = 1
        self._fruitless = 1
        self._waited = 0.0

    def next_wait(self, *, has_new_bytes: bool, asked: float | None = None) -> float | None:
        """Return the seconds to wait before the next attempt; None if no retry is left.

        `asked` are the seconds that the server has asked for.
        """
        patience = self._patience
        self._fruitless = 1 if has_new_bytes else self._fruitless + 1
        if self._fruitless > patience.tries or self.tries >= patience.most_tries:
            return None
        growing = min(patience.longest_wait, patience.first_wait * 2 ** (self._fruitless - 1))
        # Half of the wait is random, so that clients don't all return to a recovered server at the same instant.
        wait = growing * (0.5 + self._random() / 2) if asked is None else asked
        if self._waited + wait > patience.all_waits:
            return None
        self._waited += wait
        self.tries += 1
        return wait


def parse_retry_after(text: str, now: float) -> float | None:
    """Return the seconds to wait by a `Retry-After` header (seconds or a date); None if it can't be parsed.

    `now` is wall-clock seconds.
    """
    text = text.strip()
    if text.isdigit() and len(text) < 10:
        return float(text)
    try:
        return max(0.0, parsedate_to_datetime(text).timestamp() - now)
    except (TypeError, ValueError):
        return None


class ContentRange(Record):
    """A parsed header `Content-Range: bytes 10-99/100`; `total` is -1 for `*`."""

    start: int
    end: int
    total: int


def parse_content_range(text: str) -> ContentRange | None:
    """Parse the range of a partial response; return None if it can't be parsed."""
    unit, _, rest = text.strip().partition(" ")
    span, _, total = rest.partition("/")
    start, _, end = span.partition("-")
    numbers = (start.strip(), end.strip(), total.strip())
    if unit.lower() != "bytes" or not (numbers[0].isdigit() and numbers[1].isdigit()):
        return None
    if not (numbers[2].isdigit() or numbers[2] == "*"):
        return None
    found = ContentRange(int(numbers[0]), int(numbers[1]), -1 if numbers[2] == "*" else int(numbers[2]))
    return found if found.end >= found.start else None
