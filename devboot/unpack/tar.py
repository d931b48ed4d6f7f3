"""Unpacks tar files (old, ustar, pax, GNU) as a stream; each header is checked before its member is written."""

from __future__ import annotations

from devboot.model.printable import counted
from devboot.unpack.decompression import CHUNK, Reader
from devboot.unpack.destination import Destination
from devboot.unpack.member_names import decode
from devboot.unpack.refusals import inconsistent, special_file
from devboot.unpack.tar_headers import (
    BLOCK,
    EMPTY,
    Extension,
    Header,
    parse_header,
    parse_records,
    refuse_meaning,
)

_LARGEST_EXTENSION = 1 << 20
_SPECIAL = {
    b"3": "a character device",
    b"4": "a block device",
    b"6": "a named pipe",
    b"S": "a sparse file",
    b"M": "the rest of a file from another volume",
    b"D": "a folder of an incremental backup",
    b"V": "the label of a volume",
}
_PAX, _GLOBAL, _LONG_NAME, _LONG_TARGET = b"x", b"g", b"L", b"K"


class _Member:
    """Collects the extended headers that precede a member's own header."""

    def __init__(self, archive: str) -> None:
        self._archive = archive
        self._found = Extension()
        self._kinds = b""

    @property
    def is_open(self) -> bool:
        """True if extended headers were read, so that a member's own header has to follow."""
        return bool(self._kinds)

    def add(self, kind: bytes, data: bytes) -> None:
        """Add an extended header. Raises IntegrityError for a second one that could override the same field."""
        if self._kinds and (kind in self._kinds or _PAX in self._kinds + kind):
            raise inconsistent(self._archive, "a member has two extended headers")
        self._kinds += kind
        if kind == _PAX:
            self._found = parse_records(data, self._archive)
            return
        text = data.rstrip(b"\0")
        if not text or b"\0" in text:
            raise inconsistent(self._archive, "a long name is empty or holds a NUL byte")
        self._found = self._found._replace(path=text) if kind == _LONG_NAME else self._found._replace(target=text)

    def close(self, header: Header) -> Header:
        """Return the member's header with the fields of its extended headers."""
        found, self._found, self._kinds = self._found, Extension(), b""
        if found.size not in (None, header.size):
            raise inconsistent(
                self._archive, f"a member has {counted(found.size, 'byte')} by one header and {header.size} by the next"
            )
        return header._replace(
            name=header.name if found.path is None else found.path,
            target=header.target if found.target is None else found.target,
            size=header.size if found.size is None else found.size,
        )


def unpack_tar(reader: Reader, archive: str, destination: Destination) -> None:
    """Unpack all members of the tar file in `reader`. Raises IntegrityError, OSError."""
    member = _Member(archive)
    while (block := reader.read_exactly(BLOCK)) != EMPTY:
        header = parse_header(block, archive)
        if header.kind in (_PAX, _GLOBAL, _LONG_NAME, _LONG_TARGET):
            data = _extension_data(reader, header, archive)
            if header.kind == _GLOBAL:
                refuse_meaning(data, archive)
            else:
                member.add(header.kind, data)
            continue
        whole = member.close(header)
        _add(reader, whole, archive, destination)
        _skip_padding(reader, whole.size)
    if member.is_open:
        raise inconsistent(archive, "it ends after an extended header")
    _refuse_trailing(reader, archive)
    destination.finish()


def _add(reader: Reader, header: Header, archive: str, destination: Destination) -> None:
    name, kind = decode(archive, header.name), header.kind
    if kind in _SPECIAL:
        raise special_file(archive, name, _SPECIAL[kind])
    if kind == b"0":
        is_executable = bool(header.mode & 0o111)
        destination.add_file(name, reader.chunks(header.size), header.size, is_executable=is_executable)
        return
    if header.size:
        raise inconsistent(archive, "a folder or a link has content")
    if kind == b"5":
        destination.add_folder(name)
    elif kind == b"2":
        destination.add_link(name, decode(archive, header.target))
    elif kind == b"1":
        destination.add_hard_link(name, decode(archive, header.target))
    else:
        raise inconsistent(archive, f"it holds a member of the unknown kind {kind!a}")


def _extension_data(reader: Reader, header: Header, archive: str) -> bytes:
    if header.size > _LARGEST_EXTENSION:
        raise inconsistent(archive, "an extended header is larger than a megabyte")
    data = reader.read_exactly(header.size)
    _skip_padding(reader, header.size)
    return data


def _skip_padding(reader: Reader, size: int) -> None:
    reader.read_exactly(-size % BLOCK)


def _refuse_trailing(reader: Reader, archive: str) -> None:
    while piece := reader.read(CHUNK):
        if bytes(piece).strip(b"\0"):
            raise inconsistent(archive, "there is data after its end")
