"""Encodes and decodes frames: a kind byte, a big-endian length of four bytes, and the payload.

* H: greeting, the first frame of both sides (see `greeting`) * J: a message as JSON * I: typed input for the attached
process * O: bytes for the client's standard output * E: bytes for its standard error * W: a message of the daemon about
the session itself, with its subject (`lost pid 4711 (up, 12 s)`) * X: the exit code in decimal digits: the end of the
session * L: a plan for a new daemon; sent only through the socket pair that it was forked with
* P: the failure of a process as JSON, for a client that adds its own advice
"""

from __future__ import annotations

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterator

HELLO, MESSAGE, INPUT, OUT, ERR, WORD, EXIT, LAUNCH, FAILURE = b"H", b"J", b"I", b"O", b"E", b"W", b"X", b"L", b"P"
KINDS = HELLO + MESSAGE + INPUT + OUT + ERR + WORD + EXIT + LAUNCH + FAILURE
PORT_TAKEN = b"port-taken"  # payload of W: the client of `up` has to prepare a plan with other ports
HEADER = 5
LIMIT = 16 * 1024 * 1024  # bytes of a payload; enough for a plan of ten thousand processes


class FrameError(Exception):
    """Raised for received bytes that aren't a frame; the connection can't be used any further."""


def frame(kind: bytes, payload: bytes) -> bytes:
    """Return the bytes of one frame of the protocol between daemon and client: header and payload."""
    return header(kind, len(payload)) + payload


def header(kind: bytes, size: int) -> bytes:
    """Return the header of a frame with `size` bytes of payload."""
    return kind + size.to_bytes(4, "big")


def output_size(data: bytes) -> int:
    """Return the payload size if `data` is the header of a frame with standard output; else 0."""
    return int.from_bytes(data[1:], "big") if data[:1] == OUT and len(data) == HEADER else 0


class FrameReader:
    """Splits received bytes into frames, however the bytes were divided."""

    def __init__(self, limit: int = LIMIT) -> None:
        self._limit = limit
        self._parts: list[bytes] = []
        self._size = 0
        self._needed = HEADER  # bytes needed before anything can be parsed

    @property
    def missing(self) -> int:
        """Number of bytes missing for a whole frame or its header; 0 between two frames."""
        return self._needed - self._size if self._size else 0

    @property
    def rest(self) -> bytes:
        """Received bytes of a frame that isn't complete."""
        return b"".join(self._parts)

    def feed(self, data: bytes) -> Iterator[tuple[bytes, bytes]]:
        """Add received bytes and yield the completed frames as (kind, payload).

        Raises FrameError for an unknown kind or a payload above the limit, as soon as its header has arrived.
        """
        self._parts.append(data)
        self._size += len(data)
        if self._size < self._needed:
            return  # join only when the frame is complete: copying blocks is the main cost of relaying
        pending = data if len(self._parts) == 1 else b"".join(self._parts)
        position, self._needed = 0, HEADER
        while len(pending) >= position + self._needed:
            kind = pending[position : position + 1]
            size = int.from_bytes(pending[position + 1 : position + HEADER], "big")
            if kind not in KINDS or size > self._limit:
                raise FrameError(f"a frame of kind {kind!r} with {size} bytes")
            end = position + HEADER + size
            if end > len(pending):
                self._needed = HEADER + size
                break
            yield kind, pending[position + HEADER : end]
            position = end
        self._parts = [pending[position:]] if position < len(pending) else []
        self._size = len(pending) - position
