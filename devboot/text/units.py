"""Formats times and sizes: `1.2 s`, `2 h 10 min`, `28.1 MB`; parses whole numbers."""

from __future__ import annotations

from devboot.model.printable import counted

_DIGITS = 18  # more than any number that counts; Python refuses to read thousands of them


def duration(seconds: float) -> str:
    """Format a duration in seconds: `38 ms`, `1.2 s`, `1 min 5 s`, `2 h 10 min`, `3 d 4 h`."""
    if seconds < 0.0995:
        return f"{max(0, round(seconds * 1000))} ms"
    if seconds < 59.95:
        return f"{seconds:.1f} s"
    whole = round(seconds)
    if whole < 3600:
        return _two(whole, 60, "min", 1, "s")
    if whole < 86400:
        return _two(whole, 3600, "h", 60, "min")
    return _two(whole, 86400, "d", 3600, "h")


def _two(seconds: int, big: int, big_unit: str, small: int, small_unit: str) -> str:
    rest = seconds % big // small
    return f"{seconds // big} {big_unit}" + (f" {rest} {small_unit}" if rest else "")


def uptime(seconds: float) -> str:
    """Format a duration for a narrow column: `8s`, `12m`, `2h10m`, `3d4h`."""
    whole = max(0, int(seconds))
    if whole < 60:
        return f"{whole}s"
    if whole < 3600:
        return f"{whole // 60}m"
    if whole < 86400:
        return f"{whole // 3600}h{whole % 3600 // 60:02}m"
    return f"{whole // 86400}d{whole % 86400 // 3600}h"


def ago(seconds: float) -> str:
    """Format the age of an event: `a moment ago`, `12 minutes ago`, `5 hours ago`, `2 days ago`."""
    for length, unit in ((86400, "day"), (3600, "hour"), (60, "minute")):
        if seconds >= length:
            return f"{counted(int(seconds // length), unit)} ago"
    return "a moment ago"


def size(count: int) -> str:
    """Format a number of bytes in decimal units: `812 B`, `2.4 MB`, `1.1 GB`."""
    if count < 1000:
        return f"{count} B"
    value = float(count)
    for unit in ("kB", "MB", "GB"):
        value /= 1000
        if value < 999.95:
            return f"{value:.1f} {unit}"
    return f"{value / 1000:.1f} TB"


def whole_megabytes(count: int) -> str:
    """Format bytes as whole megabytes, for `ps`."""
    return f"{max(1, round(count / 1_000_000))} MB"


def whole_number(text: str, most: int) -> int | None:
    """Parse ASCII digits to a number, limited to `most`; None for any other text."""
    if not (text.isascii() and text.isdigit()):
        return None
    digits = text.lstrip("0") or "0"
    return most if len(digits) > _DIGITS else min(int(digits), most)
