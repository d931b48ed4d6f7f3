"""Key sequences such as `ctrl-p ctrl-q`, and the bytes that a terminal sends for them."""

from __future__ import annotations

DETACH = "ctrl-p ctrl-q"


def parse_keys(text: str) -> bytes:
    r"""Convert keys separated by blanks to the bytes that a terminal sends: `ctrl-p q` to two bytes.

    A key is a printable character, or `ctrl-` and a letter or one of `@[\]^_`. Raises ValueError for anything else.
    """
    keys = text.lower().split()
    if not keys:
        raise ValueError("no key")
    return b"".join(_key(key) for key in keys)


def _key(key: str) -> bytes:
    if len(key) == 1 and key.isascii() and key.isprintable():
        return key.encode()
    letter = key.removeprefix("ctrl-").upper()
    if not key.startswith("ctrl-") or len(letter) != 1 or not "@" <= letter <= "_":
        raise ValueError(f"`{key}` is not a key")
    return bytes([ord(letter) & 0x1F])


class LeaveKeys:
    """Detects the detach keys in keyboard input; holds back input that may be their beginning."""

    def __init__(self, sequence: bytes) -> None:
        self._sequence = sequence
        self._pending = b""

    def take(self, typed: bytes) -> tuple[bytes, bool]:
        """Return the input to pass to the process, and whether the detach keys were typed."""
        data = self._pending + typed
        self._pending = b""
        place = data.find(self._sequence)
        if place >= 0:
            return data[:place], True
        for length in range(min(len(self._sequence) - 1, len(data)), 0, -1):
            if self._sequence.startswith(data[-length:]):
                self._pending = data[-length:]
                return data[:-length], False
        return data, False
