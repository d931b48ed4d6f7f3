"""A variable of the project's environment with its origin; cheap to import for the fast path."""

from __future__ import annotations

from devboot.record import Record


class ComposedVariable(Record):
    """An environment variable of the project's processes. `source` is where it was set, as `services.redis`.

    `secret`: the value is masked in output.
    """

    name: str
    value: str
    source: str
    secret: bool = False
