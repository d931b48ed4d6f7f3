"""Tar files: honest ones of every form, and each way in which one can mean harm."""

import bz2
import gzip
import lzma
import os
import shutil
import subprocess
import tarfile

import pytest

from devboot.unpack import Limits
from tests.fakes.archives import (
    END,
    deb,
    gnu_long,
    hard_link,
    header,
    honest_tar,
    link,
    member,
    pax,
    record,
    tar,
)

LONG = "/".join(["a-rather-long-name-of-a-folder"] * 8)


@pytest.mark.parametrize("form", [tarfile.USTAR_FORMAT, tarfile.GNU_FORMAT, tarfile.PAX_FORMAT])
@pytest.mark.parametrize("squeeze", [bytes, gzip.compress, bz2.compress, lzma.compress])
def test_what_the_standard_library_writes_is_unpacked(form, squeeze, unpacked):
    files = {"package/a": b"x" * 700, "package/bin/run": b"#!/bin/sh\n", "package/none": b"", "package/empty/": b""}
    if form != tarfile.USTAR_FORMAT:
        files |= {f"{LONG}/file": b"deep", "package/größe": b"1"}

    assert files == unpacked(squeeze(honest_tar(files, form=form)))
    assert os.access(unpacked.path / "package/bin/run", os.X_OK)
    assert not os.access(unpacked.path / "package/a", os.X_OK)


@pytest.mark.skipif(shutil.which("zstd") is None, reason="no zstd here")
def test_zstd_is_unpacked_by_its_program(unpacked):
    packed = subprocess.run(["zstd", "-cq"], input=honest_tar({"a": b"x" * 1000}), capture_output=True, check=True)

    assert unpacked(packed.stdout) == {"a": b"x" * 1000}
    assert unpacked.refusal(packed.stdout[:-8])[0] == "archive/inconsistent"
    assert unpacked.refusal(packed.stdout + b"more")[0] == "archive/inconsistent"


def test_gzip_files_in_a_row_are_one(unpacked):
    whole = honest_tar({"a": b"x" * 1000})
    packed = gzip.compress(whole[:600]) + gzip.compress(whole[600:])

    assert unpacked(packed) == {"a": b"x" * 1000}
    assert unpacked(packed + bytes(100)) == {"a": b"x" * 1000}


def test_a_folder_may_come_twice_and_names_may_begin_with_a_dot(unpacked):
    assert unpacked(tar(header("./", kind=b"5"), header("./a/", kind=b"5"), header("a", kind=b"5"))) == {"a/": b""}


def test_links_that_stay_inside_are_made(unpacked):
    data = tar(link("lib/a.so", "a.so.1"), member("lib/a.so.1", b"x"), link("b", "lib/../lib/a.so"), link("c", "none"))

    assert unpacked(data) == {"lib/a.so": "-> a.so.1", "lib/a.so.1": b"x", "b": "-> lib/../lib/a.so", "c": "-> none"}
    assert (unpacked.path / "b").read_bytes() == b"x"


def test_a_hard_link_is_a_second_name(unpacked):
    assert unpacked(tar(member("a", b"x", mode=0o755), hard_link("b/c", "a"))) == {"a": b"x", "b/c": b"x"}


def test_a_debian_package_is_the_image_of_a_system(unpacked):
    data = tar(
        header("./", kind=b"5"),
        member("./usr/lib/erl", b"x"),
        link("./usr/bin/erl", "/usr/lib/erl"),
        member("./usr/share/terminfo/E/eterm"),
        member("./usr/share/terminfo/e/eterm"),
    )
    found = unpacked(deb(data))

    assert found["usr/bin/erl"] == "-> ../lib/erl"
    assert (unpacked.path / "usr/bin/erl").read_bytes() == b"x"
    assert set(found) == {
        "usr/lib/erl",
        "usr/bin/erl",
        "usr/share/terminfo/E/eterm",
        "usr/share/terminfo/e/eterm",
    }


HARMFUL_PLACES = {
    "a parent": tar(member("../x")),
    "a parent in the middle": tar(member("a/../../x")),
    "a parent that comes back": tar(member("a/../b")),
    "an absolute name": tar(member("/x")),
    "a drive": tar(member("C:\\x")),
    "a share": tar(member("\\\\host\\x")),
    "a parent by backslash": tar(member("a\\..\\..\\x")),
    "an absolute link": tar(link("a", "/etc/passwd")),
    "a link out": tar(link("a/b", "../../x")),
    "an empty link": tar(link("a", "")),
    "a hard link out": tar(hard_link("a", "../x")),
    "a hard link to an absolute name": tar(hard_link("a", "/etc/passwd")),
    "a hard link to nothing": tar(hard_link("a", "b")),
    "a hard link to a link": tar(link("l", "f"), member("f"), hard_link("h", "l")),
    "a hard link to itself": tar(hard_link("a", "a")),
    "writing through a link": tar(link("a", "b"), member("a/x")),
    "writing through a link to a folder": tar(header("b", kind=b"5"), link("a", "b"), member("a/x")),
    "a link through a link": tar(link("a", "b/c"), link("x", "a/../../.."), link("b", "."), header("d/e", kind=b"5")),
    "links in a circle": tar(link("a", "b"), link("b", "a")),
    "a long name out": tar(gnu_long("../" + "x" * 120), member("x")),
    "an extended name out": tar(pax((b"path", b"../x")), member("x")),
    "an extended target out": tar(pax((b"linkpath", b"/etc/passwd")), link("a", "b")),
    "a prefix out": tar(member("x", prefix=b"..")),
    "a package out": deb(tar(link("./a", "/../x"))),
}


@pytest.mark.faults(53, 54)
@pytest.mark.parametrize("data", HARMFUL_PLACES.values(), ids=HARMFUL_PLACES)
def test_nothing_lands_outside(data, unpacked):
    assert unpacked.refusal(data)[0] == "archive/escapes"


@pytest.mark.faults(54)
def test_a_chain_of_links_is_followed_part_by_part(unpacked):
    # each folder has a link of one letter to the next: what realpath gives up on when names get long
    folders = ["/".join(["d" * 90] * depth) for depth in range(1, 5)]
    members = [gnu_long(name) + header("d", kind=b"5") for name in folders]
    members += [gnu_long(f"{name}/l") + link("l", "d" * 90) for name in folders[:-1]] + [link("l", "d" * 90)]

    assert unpacked(tar(*members, link("in", "l/l/l/l/../../../..")))["in"] == "-> l/l/l/l/../../../.."
    assert unpacked.refusal(tar(*members, link("out", "l/l/l/l/../../../../..")))[0] == "archive/escapes"
    assert unpacked.refusal(tar(*(link(f"{n}", f"{n + 1}") for n in range(60))))[0] == "archive/escapes"


@pytest.mark.faults(54)
def test_the_refusal_needs_no_filter_of_the_standard_library(unpacked, monkeypatch):
    monkeypatch.delattr(tarfile, "data_filter", raising=False)
    said = {name: unpacked.refusal(data)[0] for name, data in HARMFUL_PLACES.items()}

    assert set(said.values()) == {"archive/escapes"}
    assert unpacked(tar(member("a", b"x"))) == {"a": b"x"}


@pytest.mark.faults(55)
@pytest.mark.parametrize("kind", [b"3", b"4", b"6", b"S", b"M", b"D", b"V"])
def test_special_files_are_refused(kind, unpacked):
    assert unpacked.refusal(tar(header("a", kind=kind)))[0] == "archive/special-file"


@pytest.mark.faults(55)
@pytest.mark.parametrize(
    ("mode", "kept"),
    [(0o6755, 0o755), (0o1777, 0o755), (0o666, 0o644), (0o000, 0o644), (0o100, 0o755)],
)
def test_only_the_executable_bit_survives(mode, kept, unpacked):
    unpacked(tar(header("d", kind=b"5", mode=0), member("d/f", b"x", mode=mode)))

    assert kept == os.stat(unpacked.path / "d/f").st_mode & 0o7777
    assert os.stat(unpacked.path / "d").st_mode & 0o7777 == 0o755
    assert os.stat(unpacked.path / "d/f").st_uid == os.getuid()


@pytest.mark.faults(56)
def test_a_bomb_of_zeros_ends_at_the_limit_while_it_is_written(unpacked):
    packed = gzip.compress(tar(member("zeros", bytes(40_000_000))))
    assert len(packed) < 50_000

    assert unpacked.refusal(packed, limits=Limits(unpacked=3_000_000)) == (
        "archive/too-large",
        "more than 3 MB came out of it",
    )
    assert (unpacked.path / "zeros").stat().st_size <= 3_000_000
    slug, cause = unpacked.refusal(packed, limits=Limits(ratio=100, floor=1_000_000))
    assert (slug, cause.partition(" came")[2]) == ("archive/too-large", " out of it, over 100 times its own size")


@pytest.mark.faults(56)
def test_a_small_archive_may_compress_as_well_as_it_likes(unpacked):
    assert len(unpacked(gzip.compress(tar(member("zeros", bytes(2_000_000)))))["zeros"]) == 2_000_000


@pytest.mark.faults(56)
def test_many_small_files_end_at_the_limit(unpacked):
    data = tar(*(member(f"d/{number}") for number in range(200)))

    assert unpacked.refusal(data, limits=Limits(members=100)) == (
        "archive/too-large",
        "it has more than 100 members",
    )
    deep = tar(*(member("/".join(f"{number}" for _ in range(50))) for number in range(3)))
    assert unpacked.refusal(deep, limits=Limits(members=100))[0] == "archive/too-large"


@pytest.mark.faults(56)
def test_an_endless_stream_of_nothing_ends_at_the_limit(unpacked):
    endless = gzip.compress(pax((b"comment", b"x" * 1000), kind=b"g") * 2000 + END)
    assert unpacked.refusal(endless, limits=Limits(unpacked=1_000_000))[0] == "archive/too-large"
    padding = gzip.compress(tar(member("a")) + bytes(2_000_000))
    assert unpacked.refusal(padding, limits=Limits(unpacked=1_000_000))[0] == "archive/too-large"


CONTRADICTIONS = {
    "extended size": tar(pax((b"size", b"0")), member("a", member("hidden", b"x"))),
    "extended size of an empty member": tar(pax((b"size", b"512")), member("a"), member("b")),
    "extended size and a long name": tar(pax((b"size", b"0")), gnu_long("n"), member("a", b"x")),
    "two extended headers": tar(pax((b"path", b"a")), pax((b"path", b"b")), member("c")),
    "two long names": tar(gnu_long("a"), gnu_long("b"), member("c")),
    "a key twice": tar(member("pax", record(b"path", b"a") * 2, kind=b"x"), member("c")),
    "a malformed record": tar(member("pax", b"8 path=a\n", kind=b"x"), member("c")),
    "a record without a length": tar(member("pax", b"path=a\n", kind=b"x"), member("c")),
    "a record that is too long": tar(member("pax", b"99 path=a\n", kind=b"x"), member("c")),
    "a NUL in a name": tar(pax((b"path", b"a\0b")), member("c")),
    "a size that isn't a number": tar(pax((b"size", b"-1")), member("c")),
    "an empty name": tar(pax((b"path", b"")), member("c")),
    "sparse": tar(pax((b"GNU.sparse.major", b"1"), (b"GNU.sparse.minor", b"0")), member("c")),
    "a name for all": tar(pax((b"path", b"a"), kind=b"g"), member("b")),
    "a wrong checksum": tar(member("a").replace(b"0000644", b"0000755")),
    "a size in letters": tar(header("a", size_field=b"0000000000x\0")),
    "a negative size": tar(header("a", size_field=b"\xff" * 12)),
    "a size out of measure": tar(header("a", size_field=b"\x80" + b"\xff" * 11)),
    "an unknown kind": tar(header("a", kind=b"Z")),
    "a folder with content": tar(member("a/", b"x", kind=b"5")),
    "a link with content": tar(member("a", b"x", kind=b"2", target=b"b")),
    "cut in a member": tar(member("a", b"x" * 600))[:1000],
    "cut behind a member": tar(member("a"), end=b""),
    "cut behind an extension": tar(pax((b"path", b"a"))),
    "something behind the end": tar(member("a")) + b"more",
    "a second archive behind the end": tar(member("a")) + tar(member("b")),
    "something behind gzip": gzip.compress(tar(member("a"))) + b"more",
    "something behind xz": lzma.compress(tar(member("a"))) + b"more",
    "something behind bzip2": bz2.compress(tar(member("a"))) + b"more",
    "cut gzip": gzip.compress(tar(member("a", os.urandom(2000))))[:-9],
    "a damaged gzip": gzip.compress(tar(member("a")))[:-8] + bytes(8),
    "cut xz": lzma.compress(tar(member("a")))[:-9],
    "an extension of two megabytes": tar(pax((b"comment", b"x" * 2_000_000)), member("a")),
    "a package in another order": deb(b"", parts=[("data.tar", tar()), ("debian-binary", b"2.0\n")]),
    "a package with more": deb(tar(member("a"))) + b"more",
    "a cut package": deb(tar(member("a")))[:-9],
}


@pytest.mark.faults(57)
@pytest.mark.parametrize("data", CONTRADICTIONS.values(), ids=CONTRADICTIONS)
def test_an_archive_that_contradicts_itself_is_refused(data, unpacked):
    assert unpacked.refusal(data)[0] == "archive/inconsistent"


BAD_NAMES = {
    "twice": tar(member("a"), member("a")),
    "twice by another spelling": tar(member("a/b"), member("./a//b")),
    "a file, then a folder": tar(member("a"), header("a", kind=b"5")),
    "a file, then below it": tar(member("a"), member("a/b")),
    "a folder, then a file": tar(header("a/", kind=b"5"), member("a")),
    "a link, then a file": tar(link("a", "b"), member("a")),
    "by case": tar(member("A"), member("a")),
    "folders by case": tar(member("A/x"), member("a/y")),
    "by the form of an accent": tar(member("é"), member("e\u0301")),
    "a line break": tar(member("a\nb")),
    "an escape code": tar(member("a\x1b[31mb")),
    "turned around": tar(member("a\u202eb")),
    "no text": tar(member(b"a\xff")),
    "a long part": tar(gnu_long("x" * 300), member("x")),
    "a long path": tar(gnu_long("/".join(["x" * 100] * 12)), member("x")),
    "deep": tar(gnu_long("x/" * 101 + "x"), member("x")),
    "no name": tar(header("")),
    "only a dot": tar(member(".")),
    "a file that ends as a folder": tar(header("a/")),
    "a file that ends in a dot": tar(header("a/.")),
    "a target with a line break": tar(link("a", "b\nc")),
    "a long target": tar(gnu_long("x/" * 600, kind=b"K"), link("a", "b")),
}


@pytest.mark.faults(58)
@pytest.mark.parametrize("data", BAD_NAMES.values(), ids=BAD_NAMES)
def test_names_that_cannot_stand_everywhere_are_refused(data, unpacked):
    assert unpacked.refusal(data)[0] == "archive/bad-name"


@pytest.mark.faults(58)
def test_a_bad_name_is_shown_escaped(unpacked):
    with pytest.raises(Exception, match=r"toy\.tar has a file with the name `a\\x1b\[31m\\nb`"):
        unpacked(tar(member("a\x1b[31m\nb")))


@pytest.mark.faults(58)
def test_what_is_no_archive_says_what_it_looks_like(unpacked):
    assert unpacked.refusal(b"") == ("archive/unreadable", "it is empty")
    assert unpacked.refusal(b"  <!DOCTYPE html><p>Log in") == ("archive/unreadable", "it looks like an HTML page")
    assert unpacked.refusal(b"\x7fELF" + bytes(600)) == (
        "archive/unreadable",
        r"it begins with b'\x7fELF\x00\x00\x00\x00'",
    )


@pytest.mark.faults(59)
def test_two_archives_never_share_a_folder(tmp_path, unpacked):
    # the first plants a link, the second would write through it
    assert unpacked(tar(link("a", "b"))) == {"a": "-> b"}
    first = unpacked.path
    assert unpacked(tar(member("a/x", b"1"))) == {"a/x": b"1"}
    assert unpacked.path != first


@pytest.mark.faults(53)
def test_what_stands_in_the_folder_already_is_never_written_to(tmp_path, unpacked):
    (tmp_path / "1/in/side").mkdir(parents=True)
    os.symlink(tmp_path / "victim", tmp_path / "1/in/side/a")
    data = tmp_path / "toy.tar"
    data.write_bytes(tar(member("a", b"x")))

    from devboot.unpack import unpack

    with pytest.raises(Exception, match=r"would be unpacked outside|File exists"):
        unpack(str(data), str(tmp_path / "1/in/side"))
    assert not (tmp_path / "victim").exists()


@pytest.mark.faults(13)
def test_what_the_machine_refuses_is_no_fault_of_the_archive(unpacked, monkeypatch):
    monkeypatch.setenv("DEVBOOT_TEST", "1")
    monkeypatch.setenv("DEVBOOT_FAIL_POINT", "unpack/written=enospc")
    with pytest.raises(OSError, match="No space left"):
        unpacked(tar(member("a", b"x")))
