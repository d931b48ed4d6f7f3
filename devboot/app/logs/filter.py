"""Parses the filters of `devboot logs`: times and a pattern."""

from __future__ import annotations

import re

from devboot.app.logs.line_search import LineSearch, compile_pattern
from devboot.errors import UsageError, shell_word
from devboot.supervisor.output.log_reader import Filter

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Mapping
    from re import Pattern

_UNITS = {"s": 1, "m": 60, "h": 3600, "d": 86400}
_AGO = re.compile(r"(\d+[smhd])+")
_CLOCK = re.compile(r"\d{1,2}:\d\d(:\d\d)?")


def parse_filter(values: Mapping[str, object], now: float) -> Filter:
    """Build a log filter from the flags `--since`, `--until` and `--grep`; `now` is wall-clock seconds.

    Raises UsageError.
    """
    given = {name: str(values.get(name) or "") for name in ("since", "until", "grep")}
    times = {name: parse_time(given[name], now, f"--{name}") if given[name] else 0.0 for name in ("since", "until")}
    return Filter(times["since"], times["until"], LineSearch(_pattern(given["grep"])) if given["grep"] else None)


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
        return compile_pattern(text)
    except re.error as error:
        raise UsageError(
            "usage/argument",
            f"`--grep` can't read `{text}` as a regular expression",
            causes=[str(error)],
            help=[f"devboot logs --grep {shell_word(re.escape(text))}   # finds exactly these characters"],
        ) from None
