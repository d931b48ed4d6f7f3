"""Formats numbers of the progress display: estimates, and parts of a whole."""

from __future__ import annotations

from devboot.text.units import duration, size


def whole_seconds(value: float) -> str:
    """Format an estimated or running duration, without decimals."""
    return f"{max(0, round(value))} s" if value < 59.5 else duration(value)


def progress(done: int, total: int) -> str:
    """Format a part of a whole number of bytes: `18.9 of 28.1 MB`."""
    number, unit = size(total).split(" ")
    factor = {"B": 1, "kB": 1e3, "MB": 1e6, "GB": 1e9, "TB": 1e12}[unit]
    return f"{done / factor:.{0 if unit == 'B' else 1}f} of {number} {unit}"
