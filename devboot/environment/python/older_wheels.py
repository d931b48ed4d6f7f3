"""Adds wheels and markers for older Pythons to pins that were resolved for one Python."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import replace

from devboot.environment.locks.pins import Pin
from devboot.errors import DevbootError

_STEPS = 4  # how many older minor versions are tried for old pins


def with_older_wheels(
    pins: Sequence[Pin], minors: Sequence[str], pinned: Callable[[str], Sequence[Pin]]
) -> tuple[Pin, ...]:
    """Return the pins with all their wheels and markers, down to the oldest Python for which they can be resolved.

    A backport that only newer Pythons need has no wheel for older ones: its marker shows that none is missing there.

    Args:
        pins: resolved for one Python; if each has a wheel, nothing is queried.
        minors: older minor versions that could be used, installed or downloaded, the newest first.
        pinned: resolves for a minor version and all newer ones; raises DevbootError if that is impossible.

    """
    if all(_has_wheel(pin) for pin in pins):
        return tuple(pins)
    for minor in reversed(minors[:_STEPS]):
        try:
            found = {(pin.name, pin.version): pin for pin in pinned(minor)}
        except DevbootError:
            continue  # a requirement needs a newer one
        older = [(pin, found.get((pin.name, pin.version), pin)) for pin in pins]
        return tuple(replace(pin, files=other.files, marker=other.marker) for pin, other in older)
    return tuple(pins)


def _has_wheel(pin: Pin) -> bool:
    return not pin.files or any(name.endswith(".whl") for name in pin.files)
