"""Decompresses files in pieces of limited size, and refuses data after the end."""

from __future__ import annotations

import bz2
import lzma
import shutil
import subprocess
import threading
import zlib
from collections.abc import Callable, Generator, Iterator
from typing import IO, Protocol

from devboot.errors import MachineError
from devboot.unpack.limits import Meter
from devboot.unpack.refusals import inconsistent

CHUNK = 1 << 17
_LZMA_MEMORY = 256 << 20  # bytes; xz -9 needs 65 MB
GZIP, XZ, BZIP2, ZSTD = b"\x1f\x8b", b"\xfd7zXZ\0", b"BZh", b"\x28\xb5\x2f\xfd"


class Decompressor(Protocol):
    """Protocol of the decompressors in bz2 and lzma."""

    @property
    def eof(self) -> bool:
        """True once the end of the compressed stream was reached."""

    @property
    def needs_input(self) -> bool:
        """True if more input is needed for more output."""

    @property
    def unused_data(self) -> bytes:
        """Bytes after the end of the compressed stream."""

    def decompress(self, data: bytes, /, max_length: int = ...) -> bytes:
        """Decompress `data`; return at most `max_length` bytes."""


class Inflate:
    """zlib with the protocol of bz2 and lzma; `window` is 31 for gzip, -15 for members of zip files."""

    def __init__(self, window: int = 31) -> None:
        self._inner = zlib.decompressobj(wbits=window)

    @property
    def eof(self) -> bool:
        """True once the end of the compressed stream was reached."""
        return self._inner.eof

    @property
    def needs_input(self) -> bool:
        """True if more input is needed for more output."""
        return not self._inner.unconsumed_tail and not self._inner.eof

    @property
    def unused_data(self) -> bytes:
        """Bytes after the end of the compressed stream."""
        return self._inner.unused_data

    def decompress(self, data: bytes, /, max_length: int = CHUNK) -> bytes:
        """Decompress `data`; return at most `max_length` bytes."""
        return self._inner.decompress(self._inner.unconsumed_tail + data, max_length)


_STARTS: tuple[tuple[bytes, Callable[[], Decompressor]], ...] = (
    (GZIP, Inflate),
    (XZ, lambda: lzma.LZMADecompressor(lzma.FORMAT_XZ, _LZMA_MEMORY)),
    (BZIP2, bz2.BZ2Decompressor),
)
_FAILURES = (OSError, EOFError, ValueError, zlib.error, lzma.LZMAError)


class Bounded:
    """Reader of the next `size` bytes of a file, from its current position."""

    def __init__(self, file: IO[bytes], size: int) -> None:
        self._file = file
        self._left = size

    def read(self, size: int = CHUNK) -> bytes:
        """Return at most `size` bytes; b"" at the end of the part."""
        found = self._file.read(min(size, self._left))
        self._left -= len(found)
        return found


class Reader:
    """Reader of a file's decompressed (or plain) content, counted by `meter`. Raises IntegrityError."""

    def __init__(self, file: Bounded, archive: str, meter: Meter, search_path: str) -> None:
        self._archive = archive
        self._meter = meter
        head = file.read(len(XZ))
        self._pieces = self._pieces_of(file, head, search_path)
        self._buffer = memoryview(b"")

    def close(self) -> None:
        """End the external decompressor, if there is one; call it before closing the file."""
        self._pieces.close()

    def read(self, size: int) -> memoryview:
        """Return at most `size` bytes; empty at the end."""
        while not self._buffer:
            piece = next(self._pieces, None)
            if piece is None:
                return self._buffer
            self._meter.add_bytes(len(piece))
            self._buffer = memoryview(piece)
        found, self._buffer = self._buffer[:size], self._buffer[size:]
        return found

    def read_exactly(self, size: int) -> bytes:
        """Return exactly `size` bytes. Raises IntegrityError `archive/inconsistent` if there are fewer."""
        return b"".join(self.chunks(size))

    def chunks(self, size: int) -> Iterator[memoryview]:
        """Yield the next `size` bytes in pieces. Raises IntegrityError if there are fewer."""
        while size:
            found = self.read(size)
            if not found:
                raise inconsistent(self._archive, "it ends in the middle of a member")
            size -= len(found)
            yield found

    def _pieces_of(self, file: Bounded, head: bytes, search_path: str) -> Generator[bytes]:
        for start, begin in _STARTS:
            if head.startswith(start):
                return self._decompressed(file, head, start, begin)
        if head.startswith(ZSTD):
            return self._by_program(file, head, search_path)
        return _plain(file, head)

    def _decompressed(
        self, file: Bounded, head: bytes, start: bytes, begin: Callable[[], Decompressor]
    ) -> Generator[bytes]:
        data = head + file.read(CHUNK)
        while data:
            inner = begin()
            yield from self._one(inner, file, data)
            data = self._next_start(inner.unused_data, file, start)

    def _one(self, inner: Decompressor, file: Bounded, data: bytes) -> Iterator[bytes]:
        while not inner.eof:
            try:
                piece = inner.decompress(data, CHUNK)
            except _FAILURES as error:
                raise inconsistent(self._archive, f"its compressed data is damaged: {error}") from error
            data = b""
            if piece:
                yield piece
            elif inner.eof:
                break
            if inner.needs_input and not inner.eof:
                data = file.read(CHUNK)
                if not data and not piece:
                    raise inconsistent(self._archive, "its compressed data ends too early")

    def _next_start(self, behind: bytes, file: Bounded, start: bytes) -> bytes:
        """Return the first bytes of another compressed stream that follows one directly; b"" at the end.

        Zeros for padding are skipped; anything else raises IntegrityError.
        """
        if behind.startswith(start[:1]) or (not behind and (behind := file.read(CHUNK))):
            behind += file.read(len(start))
            if behind.startswith(start):
                return behind
        while behind:
            if behind.strip(b"\0"):
                raise inconsistent(self._archive, "there is data after its compressed data")
            behind = file.read(CHUNK)
        return b""

    def _by_program(self, file: Bounded, head: bytes, search_path: str) -> Generator[bytes]:
        program = shutil.which("zstd", path=search_path)
        if program is None:
            raise MachineError(
                "machine/no-zstd",
                f"{self._archive} is compressed by zstd, which isn't on PATH",
                help=["sudo apt-get install zstd"],
            )
        with subprocess.Popen(
            [program, "-dcq"], stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL
        ) as child:
            assert child.stdin is not None
            assert child.stdout is not None
            feeder = threading.Thread(target=_feed, args=(child.stdin, file, head), daemon=True)
            feeder.start()
            try:
                while piece := child.stdout.read(CHUNK):
                    yield piece
            finally:
                child.stdout.close()  # ends the program at its next write
                feeder.join()
            if child.wait():
                raise inconsistent(self._archive, "its compressed data is damaged")


def _plain(file: Bounded, head: bytes) -> Generator[bytes]:
    yield head
    while piece := file.read(CHUNK):
        yield piece


def _feed(pipe: IO[bytes], file: Bounded, head: bytes) -> None:
    try:
        with pipe:
            pipe.write(head)
            while piece := file.read(CHUNK):
                pipe.write(piece)
    except OSError:
        pass  # the program has ended: its exit code is checked
