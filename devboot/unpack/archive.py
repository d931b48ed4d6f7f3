"""Recognises an archive's format by its first bytes, and unpacks the archive."""

from __future__ import annotations

import contextlib
import os

from devboot.unpack.ar import MAGIC, find_data
from devboot.unpack.decompression import BZIP2, GZIP, XZ, ZSTD, Bounded, Reader
from devboot.unpack.destination import Destination
from devboot.unpack.limits import LIMITS, Limits, Meter
from devboot.unpack.refusals import unreadable
from devboot.unpack.tar import unpack_tar
from devboot.unpack.zip import unpack_zip
from devboot.unpack.zip_records import file_size

_ZIP_STARTS = (b"PK\3\4", b"PK\5\6")
_TAR_MAGIC_AT = 257


def unpack(
    path: str,
    into: str,
    *,
    limits: Limits = LIMITS,
    name: str = "",
    search_path: str = os.defpath,
    is_cased: bool = False,
) -> None:
    """Unpack a tar file (plain, gz, bz2, xz, zst), a zip file or a Debian package into the empty folder `into`.

    Files get mode 0644 or 0755, folders 0755; owners and times are ignored. Memory use is constant. Of a Debian
    package only its files are unpacked; its absolute links are relative to `into`. After a failure, files written
    so far stay.

    Args:
        path: the archive.
        into: an empty folder that nobody else writes to.
        limits: how much may be unpacked.
        name: the archive's name in messages; by default its file name.
        search_path: where `zstd` is looked for, in the form of PATH.
        is_cased: names may differ only by case, since the filesystem of `into` distinguishes case.

    Raises:
        IntegrityError: `archive/escapes`, `archive/special-file`, `archive/bad-name`, `archive/inconsistent`,
            `archive/too-large`, `archive/unreadable`.
        MachineError: `machine/no-zstd`.
        OSError: the disk is full, or `path` can't be read.

    """
    name = name or os.path.basename(path)
    with open(path, "rb") as file:
        head = file.read(512)
        file.seek(0)
        size = file_size(file)
        meter = Meter(name, size, limits)
        is_deb = head.startswith(MAGIC)
        destination = Destination(into, name, meter, is_image=is_deb, is_cased=is_cased)
        if head.startswith(_ZIP_STARTS):
            unpack_zip(file, name, meter, destination)
            return
        if not (is_deb or _may_be_tar(head)):
            raise unreadable(name, _said(head))
        part = Bounded(file, find_data(file, name) if is_deb else size)
        with contextlib.closing(Reader(part, name, meter, search_path)) as reader:
            unpack_tar(reader, name, destination)


def _may_be_tar(head: bytes) -> bool:
    if head.startswith((GZIP, XZ, BZIP2, ZSTD)):
        return True
    # The oldest tar format has no magic number: the checksum field of the first header decides.
    return head[_TAR_MAGIC_AT : _TAR_MAGIC_AT + 5] == b"ustar" or (len(head) == 512 and head[148:154].strip().isdigit())


def _said(head: bytes) -> str:
    if not head:
        return "it is empty"
    if head.lstrip()[:15].lower().startswith((b"<!doctype", b"<html")):
        return "it looks like an HTML page"
    return f"it begins with {head[:8]!a}"
