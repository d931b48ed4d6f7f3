"""Sets RPATH in the programs and libraries of a folder so that they find each other wherever the folder is.

RPATH is relative to each file. RUNPATH, which linkers write today, applies to direct dependencies only; RPATH also
applies to theirs.
"""

from __future__ import annotations

import os
import struct
from collections.abc import Callable, Iterator, Sequence

Patch = Callable[[Sequence[str]], None]
"""Runs patchelf with these arguments."""

_MAGIC = b"\x7fELF\x02\x01"  # 64 bits, little endian: all that devboot has platforms for
_DYNAMIC = 2
_BATCH = 200  # files per call of patchelf


def patch_tree(tree: str, patch: Patch) -> None:
    """Set the RPATH of every dynamic ELF file below `tree` to the tree's folders of shared libraries."""
    files = sorted(_elf_files(tree))
    folders = sorted({os.path.dirname(path) for path in files if _is_public_library(path, tree)})
    by_folder: dict[str, list[str]] = {}
    for path in files:
        by_folder.setdefault(os.path.dirname(path), []).append(path)
    for folder, paths in by_folder.items():
        places = ":".join(_from_here(each, folder) for each in folders)
        for start in range(0, len(paths), _BATCH):
            if places:
                patch(["--force-rpath", "--set-rpath", places, *paths[start : start + _BATCH]])


def _from_here(folder: str, here: str) -> str:
    way = os.path.relpath(folder, here)
    return "$ORIGIN" if way == "." else f"$ORIGIN/{way}"


def _is_public_library(path: str, tree: str) -> bool:
    """Return whether a file is a library to link with, directly in a `lib` folder; plugins lie deeper."""
    parts = os.path.relpath(path, tree).split(os.sep)
    return ".so" in parts[-1] and len(parts) - parts.index("lib") <= 3 if "lib" in parts else False


def _elf_files(tree: str) -> Iterator[str]:
    for parent, _, names in os.walk(tree):
        for name in names:
            path = os.path.join(parent, name)
            if not os.path.islink(path) and is_dynamic(path):
                yield path


def is_dynamic(path: str) -> bool:
    """Return whether a file is a dynamically linked ELF file, since only those can have an RPATH."""
    with open(path, "rb") as stream:
        head = stream.read(64)
        if not head.startswith(_MAGIC) or len(head) < 64:
            return False
        (offset,) = struct.unpack_from("<Q", head, 32)
        size, count = struct.unpack_from("<HH", head, 54)
        if not count:
            return False  # an object file, not linked yet
        stream.seek(offset)
        table = stream.read(size * count)
    return any(struct.unpack_from("<I", table, start)[0] == _DYNAMIC for start in range(0, len(table) - 3, size))
