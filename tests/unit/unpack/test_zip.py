"""Zip files: honest ones, and each way in which their records can disagree."""

import io
import os
import struct
import zipfile

import pytest

from devboot.unpack import Limits
from tests.fakes.archives import zip_info, zipped

ONE = zipped(("a", b"x" * 500))
CENTRAL, END, LOCAL = b"PK\1\2", b"PK\5\6", b"PK\3\4"


def patched(data, mark, offset, form, value, *, last=False):
    """The zip file with another number `offset` bytes behind a record's mark."""
    at = (data.rfind(mark) if last else data.find(mark)) + offset
    return data[:at] + struct.pack(form, value) + data[at + struct.calcsize(form) :]


def streamed(*entries):
    """A zip file as it is written to a pipe: sizes follow the data."""

    class Pipe(io.RawIOBase):
        def __init__(self):
            self.data = b""

        def writable(self):
            return True

        def write(self, data):
            self.data += bytes(data)
            return len(data)

    pipe = Pipe()
    with zipfile.ZipFile(pipe, "w", zipfile.ZIP_DEFLATED) as file:
        for name, content in entries:
            file.writestr(name, content)
    return pipe.data


def large(*entries):
    """A zip file in the form for large sizes."""
    stream = io.BytesIO()
    with zipfile.ZipFile(stream, "w", zipfile.ZIP_DEFLATED) as file:
        for name, content in entries:
            with file.open(name, "w", force_zip64=True) as member:
                member.write(content)
    return stream.getvalue()


FILES = {"d/a": b"x" * 5000, "b": b"", "größe": b"1"}


@pytest.mark.parametrize("write", [zipped, streamed, large])
def test_what_the_standard_library_writes_is_unpacked(write, unpacked):
    assert unpacked(write(*FILES.items())) == FILES


def test_a_comment_folders_links_and_modes(unpacked):
    data = zipped(
        (zip_info("d/", 0o40755), b""),
        (zip_info("d/run", 0o106755), b"#!/bin/sh\n"),
        (zip_info("l", 0o120777), b"d/run"),
        comment=b"hello",
    )

    assert unpacked(data) == {"d/run": b"#!/bin/sh\n", "l": "-> d/run"}
    assert os.stat(unpacked.path / "d/run").st_mode & 0o7777 == 0o755
    assert unpacked(zipped()) == {}


OUTSIDE = {
    "a parent folder": zipped(("../x", b"")),
    "an absolute name": zipped(("/x", b"")),
    "up and out again": zipped(("a/../../x", b"")),
    "a drive": zipped(("C:/x", b"")),
    "a link to an absolute name": zipped((zip_info("a", 0o120777), b"/etc/passwd")),
    "a link to a parent folder": zipped((zip_info("a", 0o120777), b"../x")),
    "a file below a link": zipped((zip_info("a", 0o120777), b"b"), ("a/x", b"")),
    "an empty link": zipped((zip_info("a", 0o120777), b"")),
}


@pytest.mark.faults(53)
@pytest.mark.parametrize("data", OUTSIDE.values(), ids=OUTSIDE)
def test_nothing_lands_outside(data, unpacked):
    assert unpacked.refusal(data)[0] == "archive/escapes"


@pytest.mark.faults(55)
@pytest.mark.parametrize("mode", [0o20666, 0o60666, 0o10666, 0o140666])
def test_special_files_are_refused(mode, unpacked):
    assert unpacked.refusal(zipped((zip_info("a", mode), b"")))[0] == "archive/special-file"


@pytest.mark.faults(56)
def test_bombs_end_at_the_limit(unpacked):
    zeros = zipped(("zeros", bytes(20_000_000)))
    assert unpacked.refusal(zeros, limits=Limits(unpacked=1_000_000))[0] == "archive/too-large"
    assert (unpacked.path / "zeros").stat().st_size <= 1_000_000
    assert unpacked.refusal(zeros, limits=Limits(ratio=100, floor=1_000_000))[0] == "archive/too-large"
    many = zipped(*((f"{number}", b"") for number in range(101)))
    assert unpacked.refusal(many, limits=Limits(members=100))[0] == "archive/too-large"


@pytest.mark.faults(56)
def test_members_that_share_their_data_are_refused(unpacked):
    # the bomb whose members overlap: one body, many names
    body, directory = ONE[: ONE.find(CENTRAL)], ONE[ONE.find(CENTRAL) : ONE.find(END)]
    end = struct.pack("<4s4H2LH", END, 0, 0, 2, 2, 2 * len(directory), len(body), 0)

    assert unpacked.refusal(body + directory + directory + end)[0] == "archive/inconsistent"


@pytest.mark.faults(56, 57)
@pytest.mark.parametrize("size", [1, 499, 501, 5_000_000])
def test_a_size_that_lies_is_found_by_writing(size, unpacked):
    both = patched(patched(ONE, CENTRAL, 24, "<L", size), LOCAL, 22, "<L", size)

    assert unpacked.refusal(both)[0] == "archive/inconsistent"


CONTRADICTIONS = {
    "another size": patched(ONE, CENTRAL, 24, "<L", 1),
    "another packed size": patched(ONE, CENTRAL, 20, "<L", 1),
    "another checksum": patched(ONE, CENTRAL, 16, "<L", 1),
    "another checksum in both": patched(patched(ONE, CENTRAL, 16, "<L", 1), LOCAL, 14, "<L", 1),
    "another name": patched(ONE, CENTRAL, 46, "<c", b"b"),
    "another method": patched(ONE, CENTRAL, 10, "<H", 0),
    "encrypted": patched(patched(ONE, CENTRAL, 8, "<H", 1), LOCAL, 6, "<H", 1),
    "an unknown method": patched(patched(ONE, CENTRAL, 10, "<H", 99), LOCAL, 8, "<H", 99),
    "another place": patched(ONE, CENTRAL, 42, "<L", 1),
    "another count": patched(patched(ONE, END, 10, "<H", 2), END, 8, "<H", 2),
    "parts": patched(ONE, END, 10, "<H", 2),
    "another directory": patched(ONE, END, 16, "<L", 1),
    "something before": b"PK\3\4" + ONE,
    "something behind": ONE + b"more",
    "two files in a row": ONE + ONE,
    "an end in the comment": zipped(("a", b""), comment=zipped(("b", b""))),
    "an end without its larger form": patched(patched(ONE, END, 10, "<H", 0xFFFF), END, 8, "<H", 0xFFFF),
    "cut": ONE[:-1],
    "cut in the middle": ONE[:40],
    "a folder with content": zipped((zip_info("d/", 0o40755), b"x")),
    "a link by name a folder": zipped((zip_info("d/", 0o120777), b"")),
    "a descriptor that lies": streamed(("a", b"x" * 500)).replace(struct.pack("<L", 500), struct.pack("<L", 501), 1),
}


@pytest.mark.faults(57)
@pytest.mark.parametrize("data", CONTRADICTIONS.values(), ids=CONTRADICTIONS)
def test_an_archive_that_contradicts_itself_is_refused(data, unpacked):
    assert unpacked.refusal(data)[0] == "archive/inconsistent"


@pytest.mark.faults(58)
@pytest.mark.filterwarnings("ignore:Duplicate name")
@pytest.mark.parametrize(
    "make",
    [
        lambda: zipped(("a", b"1"), ("a", b"2")),
        lambda: zipped(("a", b"1"), ("A", b"2")),
        lambda: zipped(("a", b"1"), ("a/b", b"2")),
        lambda: zipped(("a\nb", b"1")),
        lambda: zipped(("x" * 300, b"1")),
        lambda: zipped(("ab", b"")).replace(b"ab", b"a\xff"),
        lambda: zipped(("ab", b"")).replace(b"ab", b"a\\"),
        lambda: zipped(("ab", b"")).replace(b"ab", b"a\0"),
    ],
)
def test_names_that_cannot_stand_everywhere_are_refused(make, unpacked):
    assert unpacked.refusal(make())[0] == "archive/bad-name"
