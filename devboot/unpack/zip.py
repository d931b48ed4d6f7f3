"""Unpacks zip files in which every byte belongs to a member, the directory or the end, and all records agree."""

from __future__ import annotations

import stat
import zlib
from collections.abc import Iterator
from typing import IO

from devboot.unpack.decompression import CHUNK, Inflate
from devboot.unpack.destination import Destination
from devboot.unpack.limits import Meter
from devboot.unpack.member_names import decode
from devboot.unpack.refusals import inconsistent, special_file
from devboot.unpack.zip_records import Entry, begin_member, directory_offset, end_member, file_size, read_directory

_STORED, _DEFLATED = 0, 8
_LONGEST_TARGET = 4096
_SPECIAL = {
    stat.S_IFCHR: "a character device",
    stat.S_IFBLK: "a block device",
    stat.S_IFIFO: "a named pipe",
    stat.S_IFSOCK: "a socket",
}


def unpack_zip(file: IO[bytes], archive: str, meter: Meter, destination: Destination) -> None:
    """Unpack all members of the zip file. Raises IntegrityError, OSError."""
    size = file_size(file)
    entries = read_directory(file, size, archive)
    ends = [entry.offset for entry in entries[1:]] + [directory_offset(file, size, archive)]
    if (entries[0].offset if entries else ends[-1]) != 0:
        raise inconsistent(archive, "there is data before its first member")
    for entry, end in zip(entries, ends if entries else [], strict=True):
        begin_member(file, entry, archive)
        _add(file, entry, archive, meter, destination)
        end_member(file, entry, end, archive)
    destination.finish()


def _add(file: IO[bytes], entry: Entry, archive: str, meter: Meter, destination: Destination) -> None:
    kind = stat.S_IFMT(entry.mode)
    if kind in _SPECIAL:
        raise special_file(archive, entry.name, _SPECIAL[kind])
    chunks = _content(file, entry, archive, meter)
    if entry.name.endswith("/") or kind == stat.S_IFDIR:
        if entry.size or not entry.name.endswith("/") or kind not in (0, stat.S_IFDIR):
            raise inconsistent(archive, "a member is a folder and something else")
        destination.add_folder(entry.name)
        for _ in chunks:
            pass
    elif kind == stat.S_IFLNK:
        if entry.size > _LONGEST_TARGET:
            raise inconsistent(archive, "a link is longer than any name")
        destination.add_link(entry.name, decode(archive, b"".join(chunks)))
    else:
        destination.add_file(entry.name, chunks, entry.size, is_executable=bool(entry.mode & 0o111))


def _content(file: IO[bytes], entry: Entry, archive: str, meter: Meter) -> Iterator[bytes]:
    """Yield the bytes of a member. Raises IntegrityError if their number or checksum differs from the directory's."""
    if entry.method == _STORED:
        pieces = _raw(file, entry, archive)
    elif entry.method == _DEFLATED:
        pieces = _inflated(file, entry, archive)
    else:
        raise inconsistent(archive, f"a member is compressed by method {entry.method}, which isn't supported")
    count, crc = 0, 0
    for piece in pieces:
        meter.add_bytes(len(piece))
        count += len(piece)
        crc = zlib.crc32(piece, crc)
        if count > entry.size:
            raise inconsistent(archive, "a member is larger than its directory says")
        yield piece
    if (count, crc) != (entry.size, entry.crc):
        raise inconsistent(archive, "the size or the checksum of a member is wrong")


def _raw(file: IO[bytes], entry: Entry, archive: str) -> Iterator[bytes]:
    left = entry.packed
    while left:
        piece = file.read(min(left, CHUNK))
        if not piece:
            raise inconsistent(archive, "it ends in the middle of a member")
        left -= len(piece)
        yield piece


def _inflated(file: IO[bytes], entry: Entry, archive: str) -> Iterator[bytes]:
    inner, packed = Inflate(-15), _raw(file, entry, archive)
    while not inner.eof:
        data = next(packed, b"") if inner.needs_input else b""
        try:
            piece = inner.decompress(data, CHUNK)
        except zlib.error as error:
            raise inconsistent(archive, f"its compressed data is damaged: {error}") from error
        if piece:
            yield piece
        elif inner.needs_input and not data:
            raise inconsistent(archive, "the compressed data of a member ends too early")
    if inner.unused_data or next(packed, b""):
        raise inconsistent(archive, "there is data after the compressed data of a member")
