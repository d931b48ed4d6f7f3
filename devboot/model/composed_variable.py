"""A variable of the composed environment with its origin; cheap to import for the fast path."""

from __future__ import annotations

from devboot.record import Record


class ComposedVariable(Record):
    """`source` shows where it was set: `services.redis`, `devboot.toml:12`, `.env:3`; `secret` masks it."""

    name: str
    value: str
    source: str
    secret: bool = False
