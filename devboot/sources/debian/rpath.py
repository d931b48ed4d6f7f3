"""Makes programs and libraries of a tree find each other, wherever the tree is: RPATH, relative to each file.

RUNPATH, which linkers write today, counts for direct needs alone; RPATH counts for the needs of those as well.
"""

from __future__ import annotations

import os
import struct
from collections.abc import Callable, Iterator, Sequence

Patch = Callable[[Sequence[str]], None]
"""Runs patchelf with these words."""

_MAGIC = b"\x7fELF\x02\x01"  # 64 bits, little endian: all that devboot has platforms for
_DYNAMIC = 2
_BATCH = 200  # files of one call


def patch_tree(tree: str, patch: Patch) -> None:
    """Point every dynamic ELF file below `tree` at the folders of the tree that hold shared libraries."""
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
    """Libraries that others link with lie in `lib` or a folder of the machine's kind in it, plugins lie deeper."""
    parts = os.path.relpath(path, tree).split(os.sep)
    return ".so" in parts[-1] and len(parts) - parts.index("lib") <= 3 if "lib" in parts else False


def _elf_files(tree: str) -> Iterator[str]:
    for parent, _, names in os.walk(tree):
        for name in names:
            path = os.path.join(parent, name)
            if not os.path.islink(path) and is_dynamic(path):
                yield path


def is_dynamic(path: str) -> bool:
    """Whether it is an ELF file that is linked when it starts: only those have a place for RPATH."""
    with open(path, "rb") as stream:
        head = stream.read(64)
        if not head.startswith(_MAGIC) or len(head) < 64:
            return False
        (offset,) = struct.unpack_from("<Q", head, 32)
        size, count = struct.unpack_from("<HH", head, 54)
        if not count:
            return False  # an object file, which is linked later
        stream.seek(offset)
        table = stream.read(size * count)
    return any(struct.unpack_from("<I", table, start)[0] == _DYNAMIC for start in range(0, len(table) - 3, size))
