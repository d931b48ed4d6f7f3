"""Adds wheels for older Pythons: a resolution for one Python omits wheels that only older ones can use."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import replace

from devboot.environment.locks.pins import Pin
from devboot.errors import DevbootError

_STEPS = 4  # how many older minor versions are tried for old pins


def with_older_wheels(
    pins: Sequence[Pin], minors: Sequence[str], pinned: Callable[[str], Sequence[Pin]]
) -> tuple[Pin, ...]:
    """Return the pins with the names of all their wheels, down to the oldest Python for which they can be resolved.

    Args:
        pins: resolved for one Python; if each has a wheel, nothing is queried.
        minors: older minor versions that could be used, the newest first.
        pinned: resolves for a minor version and all newer ones; raises DevbootError if that is impossible.

    """
    if all(_has_wheel(pin) for pin in pins):
        return tuple(pins)
    for minor in reversed(minors[:_STEPS]):
        try:
            files = {(pin.name, pin.version): pin.files for pin in pinned(minor)}
        except DevbootError:
            continue  # a requirement needs a newer one
        return tuple(replace(pin, files=files.get((pin.name, pin.version), pin.files)) for pin in pins)
    return tuple(pins)


def _has_wheel(pin: Pin) -> bool:
    return not pin.files or any(name.endswith(".whl") for name in pin.files)
