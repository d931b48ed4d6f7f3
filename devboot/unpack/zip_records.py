"""Reads the records of a zip file (end, central directory, local headers) and checks that they agree."""

from __future__ import annotations

import os
import struct
from typing import IO

from devboot.model.printable import counted
from devboot.record import Record
from devboot.unpack.refusals import bad_name, inconsistent

_END, _END64, _LOCATOR, _CENTRAL, _LOCAL = (b"PK\5\6", b"PK\6\6", b"PK\6\7", b"PK\1\2", b"PK\3\4")
_DESCRIPTOR = b"PK\7\x08"
_END_FORM = struct.Struct("<4s4H2LH")
_END64_FORM = struct.Struct("<4sQ2H2L4Q")
_LOCATOR_FORM = struct.Struct("<4sLQL")
_CENTRAL_FORM = struct.Struct("<4s6H3L5H2L")
_LOCAL_FORM = struct.Struct("<4s5H3L2H")
_LONGEST_COMMENT = 0xFFFF
_LARGEST_DIRECTORY = 64 << 20
_FULL, _FULL_SHORT = 0xFFFFFFFF, 0xFFFF
_ENCRYPTED, _STREAMED, _PATCHED, _STRONG, _UTF8, _MASKED = 0x1, 0x8, 0x20, 0x40, 0x800, 0x2000
_UNIX = 3


class Entry(Record):
    """A member as the central directory describes it. `mode` are Unix mode bits, 0 if there are none."""

    name: str
    raw: bytes
    flags: int
    method: int
    crc: int
    packed: int
    size: int
    offset: int
    mode: int


class _End(Record):
    """The end record of a zip file: number of members, and size and offset of the central directory, in bytes."""

    members: int
    size: int
    offset: int
    at: int  # offset of the end records


def read_directory(file: IO[bytes], size: int, archive: str) -> list[Entry]:
    """Return the zip file's entries in the order of their data. Raises IntegrityError if it holds other data, too."""
    end = _read_end(file, size, archive)
    if end.offset + end.size != end.at or end.size > _LARGEST_DIRECTORY:
        raise inconsistent(archive, "its directory doesn't fill the space before its end record")
    file.seek(end.offset)
    data, entries, at = file.read(end.size), list[Entry](), 0
    while at < len(data):
        entry, at = _parse_central(data, at, archive)
        entries.append(entry)
    if len(entries) != end.members:
        raise inconsistent(
            archive, f"its end counts {counted(end.members, 'member')}, its directory has {len(entries)}"
        )
    entries.sort(key=lambda entry: entry.offset)
    return entries


def directory_offset(file: IO[bytes], size: int, archive: str) -> int:
    """Return the offset of a zip file's central directory, at which the data of the last member has to end."""
    return _read_end(file, size, archive).offset


def begin_member(file: IO[bytes], entry: Entry, archive: str) -> None:
    """Seek to the data of a member. Raises IntegrityError if its own header disagrees with the directory."""
    file.seek(entry.offset)
    head = file.read(_LOCAL_FORM.size)
    if len(head) < _LOCAL_FORM.size or head[:4] != _LOCAL:
        raise inconsistent(archive, "a member isn't at the offset in its directory")
    _, _, flags, method, _, _, crc, packed, size, name_length, extra_length = _LOCAL_FORM.unpack(head)
    name, extra = file.read(name_length), file.read(extra_length)
    if len(name) + len(extra) < name_length + extra_length:
        raise inconsistent(archive, "it ends in the middle of a header")
    size, packed, _ = _wide(_fields(extra, entry.raw, archive), size, packed, 0, archive)
    found = (name, flags, method, crc, packed, size)
    known = (entry.raw, entry.flags, entry.method, entry.crc, entry.packed, entry.size)
    streamed = (entry.raw, entry.flags, entry.method, 0, 0, 0)  # written before the sizes were known
    if found != known and not (flags & _STREAMED and found == streamed):
        raise inconsistent(archive, "the header and the directory entry of a member disagree")


def end_member(file: IO[bytes], entry: Entry, until: int, archive: str) -> None:
    """Check that the bytes from the end of a member's data to offset `until` are its descriptor, or none.

    Raises IntegrityError.
    """
    left = until - file.tell()
    if not left and not entry.flags & _STREAMED:
        return
    data = file.read(left) if 0 <= left <= 24 else b""
    data = data.removeprefix(_DESCRIPTOR)
    form = {12: "<3L", 20: "<L2Q"}.get(len(data))
    if not entry.flags & _STREAMED or form is None:
        raise inconsistent(archive, "its members overlap, or there is something between them")
    if struct.unpack(form, data) != (entry.crc, entry.packed, entry.size):
        raise inconsistent(archive, "the descriptor of a member disagrees with its directory entry")


def _read_end(file: IO[bytes], size: int, archive: str) -> _End:
    start = max(0, size - _END_FORM.size - _LONGEST_COMMENT)
    file.seek(start)
    tail = file.read(size - start)
    places = [at for at in _all(tail, _END) if _ends_file(tail, at)]
    if len(places) != 1 or tail.rfind(_END) != places[0]:
        cause = "it has more than one end record" if places else "its end record isn't at the end of the file"
        raise inconsistent(archive, cause)
    _, disk, other_disk, here, count, length, offset, _ = _END_FORM.unpack_from(tail, places[0])
    at = start + places[0]
    if disk not in (0, _FULL_SHORT) or other_disk not in (0, _FULL_SHORT) or here != count:
        raise inconsistent(archive, "it is one part of a multi-part archive")
    return _read_end64(file, _End(count, length, offset, at), archive)


def _all(data: bytes, word: bytes) -> list[int]:
    found, at = [], data.find(word)
    while at >= 0:
        found.append(at)
        at = data.find(word, at + 1)
    return found


def _ends_file(tail: bytes, at: int) -> bool:
    if at + _END_FORM.size > len(tail):
        return False
    comment = int(_END_FORM.unpack_from(tail, at)[7])
    return at + _END_FORM.size + comment == len(tail)


def _read_end64(file: IO[bytes], end: _End, archive: str) -> _End:
    """Return the Zip64 end record if there is one; raise IntegrityError unless both end records agree."""
    at = end.at - _LOCATOR_FORM.size
    file.seek(max(at, 0))
    locator = file.read(_LOCATOR_FORM.size)
    if at < 0 or locator[:4] != _LOCATOR:
        if _FULL in (end.size, end.offset) or end.members == _FULL_SHORT:
            raise inconsistent(archive, "its Zip64 end record is missing")
        return end
    offset = int(_LOCATOR_FORM.unpack(locator)[2])
    if offset + _END64_FORM.size != at:
        raise inconsistent(archive, "its Zip64 end record isn't at the right offset")
    file.seek(offset)
    mark, length, _, _, _, _, here, count, size, start = _END64_FORM.unpack(file.read(_END64_FORM.size))
    pairs = ((end.members, count, _FULL_SHORT), (end.size, size, _FULL), (end.offset, start, _FULL))
    agrees = all(short in (wide, full) for short, wide, full in pairs)
    if mark != _END64 or length != _END64_FORM.size - 12 or here != count or not agrees:
        raise inconsistent(archive, "its two end records disagree")
    return _End(count, size, start, offset)


def _parse_central(data: bytes, at: int, archive: str) -> tuple[Entry, int]:
    if len(data) - at < _CENTRAL_FORM.size or data[at : at + 4] != _CENTRAL:
        raise inconsistent(archive, "its directory is damaged")
    row = _CENTRAL_FORM.unpack_from(data, at)
    _, maker, _, flags, method, _, _, crc, packed, size, name_length, extra_length, comment, _, _, outside, offset = row
    at += _CENTRAL_FORM.size
    raw, extra = data[at : at + name_length], data[at + name_length : at + name_length + extra_length]
    at += name_length + extra_length + comment
    if at > len(data):
        raise inconsistent(archive, "its directory is damaged")
    if flags & (_ENCRYPTED | _STRONG | _MASKED | _PATCHED):
        raise inconsistent(archive, "a member is encrypted or a patch")
    size, packed, offset = _wide(_fields(extra, raw, archive), size, packed, offset, archive)
    mode = outside >> 16 if maker >> 8 == _UNIX else 0
    return Entry(_name(raw, flags, archive), raw, flags, method, crc, packed, size, offset, mode), at


def _name(raw: bytes, flags: int, archive: str) -> str:
    try:
        name = raw.decode("utf-8" if flags & _UTF8 else "ascii")
    except UnicodeDecodeError:
        raise bad_name(archive, raw, "its bytes aren't UTF-8, or aren't flagged as UTF-8") from None
    if "\\" in name:
        raise bad_name(archive, raw, "it separates folders with `\\`")
    if "\0" in name:
        raise bad_name(archive, raw, "it holds a NUL byte")
    return name


def _fields(extra: bytes, name: bytes, archive: str) -> bytes:
    """Return the Zip64 field among a member's extra fields.

    Raises IntegrityError if fields are cut off, repeated, or contain another name.
    """
    found, at = dict[int, bytes](), 0
    while at < len(extra):
        if not extra[at:].strip(b"\0"):
            break  # padding that aligns the data
        if len(extra) - at < 4:
            raise inconsistent(archive, "a field of a header is truncated")
        kind, length = struct.unpack_from("<2H", extra, at)
        content = extra[at + 4 : at + 4 + length]
        if len(content) < length or kind in found:
            raise inconsistent(archive, "a field of a header is truncated or repeated")
        found[kind] = content
        at += 4 + length
    if 0x7075 in found and found[0x7075][5:] != name:
        raise inconsistent(archive, "a member has two names")
    return found.get(1, b"")


def _wide(field: bytes, size: int, packed: int, offset: int, archive: str) -> tuple[int, int, int]:
    numbers = []
    for short in (size, packed, offset):
        if short != _FULL:
            numbers.append(short)
            continue
        if len(field) < 8:
            raise inconsistent(archive, "a large size is missing")
        numbers.append(int.from_bytes(field[:8], "little"))
        field = field[8:]
    return numbers[0], numbers[1], numbers[2]


def file_size(file: IO[bytes]) -> int:
    """Return the size of an open file, in bytes."""
    return os.fstat(file.fileno()).st_size
