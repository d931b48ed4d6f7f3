"""Which files of a tree have a place for RPATH."""

import struct

import pytest

from devboot.sources.debian.rpath import is_dynamic

DYNAMIC, LOADED = 2, 1
HEAD = b"\x7fELF\x02\x01" + bytes(26)


def elf(*kinds, entry=56):
    """An ELF file whose program headers are of these kinds; an object file has none, of no size."""
    header = struct.pack("<Q", 64 if kinds else 0) + bytes(14)
    header += struct.pack("<HH", entry if kinds else 0, len(kinds)) + bytes(6)
    return HEAD + header + b"".join(struct.pack("<I", kind) + bytes(entry - 4) for kind in kinds)


@pytest.mark.parametrize(
    ("data", "is_so"),
    [
        (elf(LOADED, DYNAMIC), True),
        (elf(LOADED), False),
        (elf(), False),
        (b"#!/bin/sh\n", False),
        (HEAD, False),
    ],
    ids=["program", "static", "object file", "script", "cut off"],
)
def test_only_what_is_linked_when_it_starts(tmp_path, data, is_so):
    (tmp_path / "file").write_bytes(data)

    assert is_dynamic(str(tmp_path / "file")) is is_so
