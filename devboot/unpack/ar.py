"""Reads Debian packages: ar files of three parts, the last of which is a tar file with the package's files."""

from __future__ import annotations

from typing import IO

from devboot.unpack.refusals import inconsistent
from devboot.unpack.zip_records import file_size

MAGIC = b"!<arch>\n"
_HEADER = 60


def find_data(file: IO[bytes], archive: str) -> int:
    """Seek to the content of `data.tar…` in a Debian package and return its size in bytes. Raises IntegrityError."""
    total = file_size(file)
    file.seek(0)
    if file.read(len(MAGIC)) != MAGIC:
        raise inconsistent(archive, "it doesn't begin like a Debian package")
    parts, data = list[str](), (0, 0)
    while file.tell() < total:
        name, size = _part(file, archive)
        if name.startswith("data.tar"):
            data = (file.tell(), size)
        parts.append(name.partition(".tar")[0])
        if file.tell() + size > total:
            raise inconsistent(archive, "it ends in the middle of a part")
        file.seek(size + size % 2, 1)  # parts begin at even offsets
    # Parts whose names begin with an underscore (signatures) are ignored, as by dpkg.
    if [part for part in parts if not part.startswith("_")] != ["debian-binary", "control", "data"]:
        raise inconsistent(archive, "it doesn't have the three parts of a Debian package")
    file.seek(data[0])
    return data[1]


def _part(file: IO[bytes], archive: str) -> tuple[str, int]:
    header = file.read(_HEADER)
    digits = header[48:58].rstrip(b" ")
    if len(header) < _HEADER or header[58:] != b"`\n" or not digits.isdigit():
        raise inconsistent(archive, "the header of a part is damaged")
    return header[:16].decode("ascii", "replace").rstrip(" ").removesuffix("/"), int(digits)
