"""A digest as it is written everywhere: `sha256:` and 64 hexadecimal digits."""

from __future__ import annotations

from devboot.record import Record

ALGORITHM = "sha256"
_DIGITS = frozenset("0123456789abcdef")


class Digest(Record):
    """What bytes come down to; `hex` has 64 digits in lower case."""

    hex: str

    def __str__(self) -> str:
        return f"{ALGORITHM}:{self.hex}"

    @property
    def short(self) -> str:
        """Enough of it for a person to compare."""
        return self.hex[:12]


def parse_digest(text: str) -> Digest:
    """The digest of `sha256:…`. Raises ValueError on another algorithm or another form."""
    algorithm, _, digits = text.partition(":")
    if algorithm != ALGORITHM or not is_sha256(digits):
        raise ValueError(f"expected `{ALGORITHM}:` and 64 hexadecimal digits")
    return Digest(digits)


def digest_of(data: bytes) -> Digest:
    """The digest of these bytes."""
    import hashlib

    return Digest(hashlib.sha256(data).hexdigest())


def is_sha256(digits: str) -> bool:
    """Whether this is the digits' part of a digest."""
    return len(digits) == 64 and _DIGITS.issuperset(digits)
