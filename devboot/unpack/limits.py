"""Limits for unpacking; written bytes are counted, since an archive's own sizes may be wrong."""

from __future__ import annotations

from devboot.record import Record
from devboot.unpack.refusals import too_large


class Limits(Record):
    """The limits for one archive: unpacked bytes, members, and unpacked bytes per packed byte beyond `floor` bytes."""

    unpacked: int = 8_000_000_000
    members: int = 250_000
    ratio: int = 200
    floor: int = 100_000_000  # small archives of text or zeros compress well without being hostile


LIMITS = Limits()


class Meter:
    """Counts what is unpacked from the archive `name`, of `packed` bytes. Raises IntegrityError `archive/too-large`."""

    def __init__(self, name: str, packed: int, limits: Limits = LIMITS) -> None:
        self._name = name
        self._limits = limits
        by_ratio = max(limits.floor, packed * limits.ratio)
        self._most = min(limits.unpacked, by_ratio)
        self._bytes = 0
        self._members = 0

    @property
    def room(self) -> int:
        """Bytes that may still be unpacked."""
        return self._most - self._bytes

    def add_bytes(self, count: int) -> None:
        """Count unpacked bytes. Raises IntegrityError beyond the limit."""
        self._bytes += count
        if self._bytes <= self._most:
            return
        limits = self._limits
        if self._most == limits.unpacked:
            raise too_large(self._name, f"more than {limits.unpacked / 1_000_000:,.0f} MB came out of it")
        raise too_large(
            self._name, f"{self._most / 1_000_000:,.0f} MB came out of it, over {limits.ratio} times its own size"
        )

    def add_member(self) -> None:
        """Count one file, folder or link. Raises IntegrityError beyond the limit."""
        self._members += 1
        if self._members > self._limits.members:
            raise too_large(self._name, f"it has more than {self._limits.members:,} members")
