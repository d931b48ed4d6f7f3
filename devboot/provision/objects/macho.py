"""Reads the required macOS version from Mach-O files, since wheels' names only claim one."""

from __future__ import annotations

import os
import struct

from devboot.provision.host import Floor
from devboot.provision.objects.tree import files_below

_THIN, _FAT = b"\xcf\xfa\xed\xfe", b"\xca\xfe\xba\xbe"  # 64 bits, little endian; several of them in one file
_HEADER, _MOST_SLICES = 32, 16  # a class file of Java starts like a fat one, with a version for the number of slices
_VERSION_MIN, _BUILD_VERSION = 0x24, 0x32
_PLATFORM_MACOS = 1


def macos_floor(path: str) -> Floor | None:
    """Return the lowest macOS version that a file declares; None for other formats, and without a declaration."""
    with open(path, "rb") as stream:
        start = stream.read(4)
        if start not in (_THIN, _FAT):
            return None
        content = start + stream.read()
    if start == _THIN:
        return _thin_floor(content)
    floors = (_thin_floor(content[offset:]) for offset in _slices(content))
    return max((floor for floor in floors if floor is not None), default=None)


def tree_macos_floor(directory: str) -> Floor | None:
    """Return the lowest macOS version with which all Mach-O files below `directory` run; None if there are none."""
    paths = (os.path.join(directory, name) for name in files_below(directory))
    floors = (macos_floor(path) for path in paths if os.path.isfile(path) and not os.path.islink(path))
    return max((floor for floor in floors if floor is not None), default=None)


def _slices(content: bytes) -> list[int]:
    (count,) = struct.unpack_from(">I", content, 4)
    if count > _MOST_SLICES or len(content) < 8 + 20 * count:
        return []
    return [struct.unpack_from(">5I", content, 8 + 20 * number)[2] for number in range(count)]


def _thin_floor(content: bytes) -> Floor | None:
    if content[:4] != _THIN or len(content) < _HEADER:
        return None
    (count,) = struct.unpack_from("<I", content, 16)
    at = _HEADER
    for _ in range(count):
        if at + 16 > len(content):
            return None
        command, size, first, second = struct.unpack_from("<4I", content, at)
        if command == _VERSION_MIN:
            return _version(first)
        if command == _BUILD_VERSION and first == _PLATFORM_MACOS:
            return _version(second)
        at += max(size, 8)
    return None


def _version(packed: int) -> Floor:
    return packed >> 16, packed >> 8 & 0xFF
