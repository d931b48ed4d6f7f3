"""Digests, written as `sha256:` and 64 hexadecimal digits."""

from __future__ import annotations

from devboot.record import Record

ALGORITHM = "sha256"
_DIGITS = frozenset("0123456789abcdef")


class Digest(Record):
    """A SHA-256 digest; `hex` has 64 lower-case digits."""

    hex: str

    def __str__(self) -> str:
        return f"{ALGORITHM}:{self.hex}"

    @property
    def short(self) -> str:
        """The first 12 digits, for messages."""
        return self.hex[:12]


def parse_digest(text: str) -> Digest:
    """Return the digest written as `sha256:…`. Raises ValueError for any other form."""
    algorithm, _, digits = text.partition(":")
    if algorithm != ALGORITHM or not is_sha256(digits):
        raise ValueError(f"expected `{ALGORITHM}:` and 64 hexadecimal digits")
    return Digest(digits)


def digest_of(data: bytes) -> Digest:
    """Return the digest of these bytes."""
    import hashlib

    return Digest(hashlib.sha256(data).hexdigest())


def is_sha256(digits: str) -> bool:
    """Return whether the text is 64 lower-case hexadecimal digits."""
    return len(digits) == 64 and _DIGITS.issuperset(digits)
