"""A variable of the composed environment with its origin; cheap to import for the fast path."""

from __future__ import annotations

from devboot.record import Record


class ComposedVariable(Record):
    """A variable that processes get. `source` is where it was set, as `services.redis`; `secret` masks it."""

    name: str
    value: str
    source: str
    secret: bool = False
