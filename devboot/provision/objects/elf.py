"""Reads the required glibc version from ELF files, since wheels' names are often wrong about it."""

from __future__ import annotations

import os
import re

from devboot.provision.host import Floor
from devboot.provision.objects.tree import files_below

_MAGIC = b"\x7fELF"
_NEED = re.compile(rb"GLIBC_(\d+)\.(\d+)(?:\.\d+)?\0")


def glibc_floor(path: str) -> Floor | None:
    """Return the lowest glibc version with which a file runs; None for static files and other formats."""
    with open(path, "rb") as stream:
        if stream.read(4) != _MAGIC:
            return None
        content = stream.read()
    return max((_floor(match) for match in _NEED.finditer(content)), default=None)


def tree_glibc_floor(directory: str) -> Floor | None:
    """Return the lowest glibc version with which all ELF files below `directory` run; None if there are none."""
    paths = (os.path.join(directory, name) for name in files_below(directory))
    floors = (glibc_floor(path) for path in paths if os.path.isfile(path) and not os.path.islink(path))
    return max((floor for floor in floors if floor is not None), default=None)


def _floor(match: re.Match[bytes]) -> Floor:
    return int(match[1]), int(match[2])
