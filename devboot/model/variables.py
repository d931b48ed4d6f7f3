"""One variable of the composed environment: its value, and where it came from; light enough for the fast path."""

from __future__ import annotations

from devboot.record import Record


class ComposedVariable(Record):
    """`source` names who set it, for people: `services.redis`, `devboot.toml:12`, `.env:3`; `secret` masks it."""

    name: str
    value: str
    source: str
    secret: bool = False
