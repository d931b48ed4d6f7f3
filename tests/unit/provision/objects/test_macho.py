"""Floors of Mach-O files, read from made-up headers."""

import struct

import pytest

from devboot.provision.objects.macho import macos_floor, tree_macos_floor

MAGIC = 0xFEEDFACF


def version(major, minor):
    return major << 16 | minor << 8


def thin(*commands):
    body = b"".join(commands)
    return struct.pack("<8I", MAGIC, 0, 0, 2, len(commands), len(body), 0, 0) + body


def other(size=24):
    return struct.pack("<2I", 0x19, size) + bytes(size - 8)


def build_version(major, minor, platform=1):
    return struct.pack("<6I", 0x32, 24, platform, version(major, minor), 0, 0)


def version_min(major, minor):
    return struct.pack("<4I", 0x24, 16, version(major, minor), 0)


def fat(*parts):
    start = 8 + 20 * len(parts)
    heads, bodies = b"", b""
    for part in parts:
        heads += struct.pack(">5I", 0, 0, start + len(bodies), len(part), 0)
        bodies += part
    return struct.pack(">2I", 0xCAFEBABE, len(parts)) + heads + bodies


@pytest.mark.parametrize(
    ("content", "floor"),
    [
        (thin(other(), build_version(13, 5)), (13, 5)),
        (thin(version_min(10, 12), other(40)), (10, 12)),
        (thin(build_version(17, 0, platform=2), build_version(11, 0)), (11, 0)),
        (fat(thin(version_min(10, 9)), thin(build_version(11, 0))), (11, 0)),
        (thin(other()), None),
        (thin(other(), build_version(13, 5))[:40], None),
        (thin(struct.pack("<4I", 7, 0, 0, 0), other()), None),
        (fat()[:4] + struct.pack(">I", 0x34) + bytes(40), None),  # a class file of Java
        (b"\x7fELF" + bytes(60), None),
        (b"", None),
    ],
)
def test_the_floor_is_what_the_load_commands_say(content, floor, tmp_path):
    path = tmp_path / "program"
    path.write_bytes(content)

    assert macos_floor(str(path)) == floor


def test_the_highest_floor_of_a_tree_counts(tmp_path):
    (tmp_path / "old").write_bytes(thin(build_version(11, 0)))
    (tmp_path / "new").write_bytes(thin(build_version(12, 3)))
    (tmp_path / "link").symlink_to("missing")

    assert tree_macos_floor(str(tmp_path)) == (12, 3)
