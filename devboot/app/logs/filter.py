"""Filters log lines by time and pattern, and formats them as JSON."""

from __future__ import annotations

import re

from devboot.errors import UsageError, shell_word
from devboot.record import Record
from devboot.supervisor.output.log_reader import Line
from devboot.text.escapes import shown

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping
    from re import Pattern

_UNITS = {"s": 1, "m": 60, "h": 3600, "d": 86400}
_AGO = re.compile(r"(\d+[smhd])+")
_CLOCK = re.compile(r"\d{1,2}:\d\d(:\d\d)?")


class Choice(Record):
    """A filter: lines from `since` to before `until` (wall-clock seconds, 0: no limit) that match `pattern`."""

    since: float = 0.0
    until: float = 0.0
    pattern: Pattern[str] | None = None

    def takes(self, line: Line) -> bool:
        """Return whether the line passes the filter."""
        if line.at < self.since or (self.until and line.at >= self.until):
            return False
        return self.pattern is None or self.pattern.search(text_of(line)) is not None

    def out_of(self, lines: Iterable[Line]) -> Iterator[Line]:
        """Yield the lines that pass the filter."""
        return (line for line in lines if self.takes(line))


def parse_choice(values: Mapping[str, object], now: float) -> Choice:
    """Read `--since`, `--until` and `--grep`; `now` is wall-clock seconds. Raises UsageError."""
    given = {name: str(values.get(name) or "") for name in ("since", "until", "grep")}
    times = {name: parse_time(given[name], now, f"--{name}") if given[name] else 0.0 for name in ("since", "until")}
    return Choice(times["since"], times["until"], _pattern(given["grep"]) if given["grep"] else None)


def parse_time(text: str, now: float, flag: str) -> float:
    """Parse `10m` and `1h30m` (ago), `09:41` (today), `2026-05-12`, `2026-05-12T09:41:07+02:00`.

    Returns wall-clock seconds. Raises UsageError that names `flag`.
    """
    from datetime import datetime

    if _AGO.fullmatch(text):
        return now - sum(int(part[:-1]) * _UNITS[part[-1]] for part in re.findall(r"\d+[smhd]", text))
    if _CLOCK.fullmatch(text):
        text = f"{datetime.fromtimestamp(now).astimezone():%Y-%m-%d}T{text.zfill(5 if text.count(':') == 1 else 8)}"
    try:
        return datetime.fromisoformat(text).timestamp()
    except ValueError:
        raise UsageError(
            "usage/argument",
            f"`{flag}` can't read `{text}` as a time",
            help=[f"devboot logs {flag} 10m", f"devboot logs {flag} 09:41", f"devboot logs {flag} 2026-05-12T09:41:07"],
        ) from None


def _pattern(text: str) -> Pattern[str]:
    try:
        return re.compile(text)
    except re.error as error:
        raise UsageError(
            "usage/argument",
            f"`--grep` can't read `{text}` as a regular expression",
            causes=[str(error)],
            help=[f"devboot logs --grep {shell_word(re.escape(text))}   # finds exactly these characters"],
        ) from None


def text_of(line: Line) -> str:
    """Return the text of a line without escapes, undecodable bytes replaced."""
    return shown(line.data, colour=False).decode("utf-8", "replace")


def as_json(line: Line) -> bytes:
    """Return `{"at": …, "name": …, "text": …}` on one line; `at` has milliseconds and zone, null if unknown."""
    from datetime import datetime

    from devboot.wire.jsontext import to_json

    at = datetime.fromtimestamp(line.at).astimezone().isoformat(timespec="milliseconds") if line.at else None
    return f"{to_json({'at': at, 'name': line.name, 'text': text_of(line)})}\n".encode()


def raw_lines(block: bytes) -> tuple[str, float, list[bytes], bool]:
    """Parse a raw block of the daemon: name, time, lines, and whether the last line is complete."""
    head, _, data = block.partition(b"\n")
    at, _, name = head.decode("utf-8", "replace").partition(" ")
    return name, float(at), data.removesuffix(b"\n").split(b"\n"), data.endswith(b"\n")
