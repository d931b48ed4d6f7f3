"""Recognises data files by their first and last bytes: SQLite databases, dumps of Redis and Valkey."""

from __future__ import annotations

SQLITE_MAGIC = b"SQLite format 3\0"
DUMP_HEADER = 9  # bytes: REDIS0012, VALKEY080
DUMP_TRAILER = 9  # the end marker and a checksum of eight bytes
_DUMP_END = 0xFF
_WRITERS = {"redis": ("REDIS",), "valkey": ("REDIS", "VALKEY")}  # whose dumps a server reads


def dump_format(header: bytes) -> tuple[str, int] | None:
    """Return (magic word, format version) of a Redis or Valkey dump, from its first bytes; None for other files."""
    for magic in ("REDIS", "VALKEY"):
        digits = header[len(magic) : DUMP_HEADER]
        if header.startswith(magic.encode()) and len(header) >= DUMP_HEADER and digits.isdigit():
            return magic, int(digits)
    return None


def reads_dumps_of(product: str, magic: str) -> bool:
    """Return whether a `product` (`redis` or `valkey`) can read dumps with this magic word."""
    return magic in _WRITERS[product]


def is_dump_complete(size: int, trailer: bytes) -> bool:
    """Return whether a Redis or Valkey dump of `size` bytes, whose last bytes are `trailer`, was written completely."""
    return size >= DUMP_HEADER + DUMP_TRAILER and trailer[0] == _DUMP_END
