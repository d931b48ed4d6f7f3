"""Frames: a kind byte, a length of four bytes, big-endian, and the payload.

* H: greeting, the first frame of both sides (see `greeting`)
* J: a message as JSON
* I: what a person types, for the process that the client is attached to
* O: bytes for the client's standard output, as they are
* E: bytes for its standard error
* W: a word from the daemon about the conversation itself, and what it is about (`lost pid 4711 (up, 12 s)`)
* X: the exit code in decimal digits: the end of the conversation
* L: a plan for the daemon that waits for one; it only ever crosses the socket pair that it was forked with
"""

from __future__ import annotations

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterator

HELLO, MESSAGE, INPUT, OUT, ERR, WORD, EXIT, LAUNCH = b"H", b"J", b"I", b"O", b"E", b"W", b"X", b"L"
KINDS = HELLO + MESSAGE + INPUT + OUT + ERR + WORD + EXIT + LAUNCH
PORT_TAKEN = b"port-taken"  # a word: the client of an `up` is to prepare a plan with other ports
HEADER = 5
LIMIT = 16 * 1024 * 1024  # a plan of ten thousand processes fits; nobody can make a reader hold more


class FrameError(Exception):
    """What arrived isn't a frame: the connection can't be used any further."""


def frame(kind: bytes, payload: bytes) -> bytes:
    """One frame, ready to be sent."""
    return header(kind, len(payload)) + payload


def header(kind: bytes, size: int) -> bytes:
    """What a frame with `size` bytes begins with."""
    return kind + size.to_bytes(4, "big")


def output_size(data: bytes) -> int:
    """How many bytes for standard output follow, if `data` is the header of such a frame; else 0."""
    return int.from_bytes(data[1:], "big") if data[:1] == OUT and len(data) == HEADER else 0


class FrameReader:
    """Cuts a stream of bytes into frames, whatever the sizes in which it arrives."""

    def __init__(self, limit: int = LIMIT) -> None:
        self._limit = limit
        self._parts: list[bytes] = []
        self._size = 0
        self._needed = HEADER  # bytes until there is anything to look at

    @property
    def missing(self) -> int:
        """Bytes until what has arrived is a whole frame, or a header that tells; 0 between two frames."""
        return self._needed - self._size if self._size else 0

    def feed(self, data: bytes) -> Iterator[tuple[bytes, bytes]]:
        """Take what was received and yield the frames that are complete as (kind, payload).

        Raises FrameError for an unknown kind or a payload above the limit, as soon as its header is there.
        """
        self._parts.append(data)
        self._size += len(data)
        if self._size < self._needed:
            return  # joined once, when all of it is there: twice a block would be what relaying costs most
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
