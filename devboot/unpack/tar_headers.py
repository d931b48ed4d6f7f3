"""Parses tar headers and pax records; refuses forms that tar programs interpret differently."""

from __future__ import annotations

from devboot.record import Record
from devboot.unpack.member_names import decode
from devboot.unpack.refusals import inconsistent

BLOCK = 512
EMPTY = bytes(BLOCK)
_LARGEST_SIZE = 1 << 60
_REPEATABLE = frozenset({"comment"})
_MEANINGFUL = ("path", "linkpath", "size")


class Header(Record):
    """The fields of a member's header; names are undecoded bytes."""

    name: bytes
    kind: bytes  # one byte, b"0" for a file
    size: int
    mode: int
    target: bytes


class Extension(Record):
    """The fields of extended headers, which override the member's own header; None if not set."""

    path: bytes | None = None
    target: bytes | None = None
    size: int | None = None


def parse_header(block: bytes, archive: str) -> Header:
    """Parse a header block of 512 bytes. Raises IntegrityError `archive/inconsistent`."""
    _refuse_wrong_sum(block, archive)
    name, magic = _text(block[0:100]), block[257:263]
    if magic == b"ustar\0" and (prefix := _text(block[345:500])):  # GNU's format has times there
        name = prefix + b"/" + name
    kind = b"0" if block[156:157] in (b"\0", b"7") else block[156:157]
    if kind == b"0" and name.endswith(b"/") and not magic.startswith(b"ustar"):
        kind = b"5"  # the oldest format marks folders only by the slash
    size = _number(block[124:136], archive, "size")
    return Header(name, kind, size, _number(block[100:108], archive, "mode"), _text(block[157:257]))


def parse_records(data: bytes, archive: str) -> Extension:
    """Parse the records of a pax header: `27 path=…` and a line feed each. Raises IntegrityError."""
    found: dict[str, bytes] = {}
    while data:
        digits, blank, _ = data.partition(b" ")
        length = int(digits) if digits.isdigit() and len(digits) < 10 else 0
        record = data[len(digits) + 1 : length]
        key, equals, value = record.partition(b"=")
        if not (blank and equals and key and len(data) >= length and record.endswith(b"\n")):
            raise inconsistent(archive, "an extended header is malformed")
        word = decode(archive, key)
        if word in found and word not in _REPEATABLE:
            raise inconsistent(archive, f"an extended header says `{word[:30]}` twice")
        if word.startswith("GNU.sparse.") or (word == "hdrcharset" and value != b"ISO-IR 10646 2000 UTF-8\n"):
            raise inconsistent(archive, f"it makes use of `{word[:30]}`, which tar programs interpret differently")
        found[word] = value[:-1]
        data = data[length:]
    return _extension(found, archive)


def refuse_meaning(data: bytes, archive: str) -> None:
    """Raise IntegrityError for a global pax header that would change the members after it."""
    if parse_records(data, archive) != Extension():
        raise inconsistent(archive, "a global header sets names or sizes of all following members")


def _extension(found: dict[str, bytes], archive: str) -> Extension:
    path, target, size = (found.get(word) for word in _MEANINGFUL)
    if any(each is not None and (not each or b"\0" in each) for each in (path, target, size)):
        raise inconsistent(archive, "an extended header holds an empty or truncated value")
    if size is not None and not (size.isdigit() and len(size) < 19):
        raise inconsistent(archive, "an extended header holds a size that isn't a number")
    return Extension(path, target, None if size is None else int(size))


def _refuse_wrong_sum(block: bytes, archive: str) -> None:
    said = _number(block[148:156], archive, "checksum")
    rest = block[:148] + b" " * 8 + block[156:]
    signed = sum(rest) - 256 * sum(1 for each in rest if each > 127)  # some old tar programs sum signed bytes
    if said not in (sum(rest), signed):
        raise inconsistent(archive, "the checksum of a header is wrong")


def _text(field: bytes) -> bytes:
    return field.partition(b"\0")[0]


def _number(field: bytes, archive: str, what: str) -> int:
    """Parse a number in a header: octal digits between blanks, or GNU's binary form for larger ones."""
    if field[0] == 0x80:
        value = int.from_bytes(field[1:], "big")
    else:
        digits = field.strip(b" \0")
        if digits.strip(b"01234567"):
            raise inconsistent(archive, f"the {what} in a header isn't a number")
        value = int(digits, 8) if digits else 0
    if value > _LARGEST_SIZE:
        raise inconsistent(archive, f"the {what} in a header is impossibly large")
    return value
