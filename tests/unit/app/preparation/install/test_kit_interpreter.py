"""Interpreters that travel in a kit: the same bytes from wherever they lie, and at home where they arrive."""

import os
import sys
import tarfile
from pathlib import Path

import pytest

from devboot.app.preparation.install.kit_interpreter import install_python, is_python_name, pack_python
from devboot.errors import IntegrityError

NAME = "cpython-3.12.4-linux-x86_64-gnu"
DESCRIPTION = "lib/python3.12/_sysconfigdata__linux_x86_64-linux-gnu.py"


def managed(folder):
    """A folder as uv keeps one, with an interpreter that names its own place."""
    root = folder / NAME
    (root / "bin").mkdir(parents=True)
    (root / "lib/python3.12/__pycache__").mkdir(parents=True)
    (root / "bin/python3.12").write_text("#!/bin/sh\n")
    (root / "bin/python3.12").chmod(0o755)
    (root / "bin/python").symlink_to("python3.12")
    (root / DESCRIPTION).write_text(f"build_time_vars = {{'prefix': '{root}'}}\n")
    (root / "lib/python3.12/os.py").write_text(f"# {root} is only a remark\n")
    (root / "lib/python3.12/__pycache__/os.cpython-312.pyc").write_bytes(b"made here")
    for name in ("E/Eterm", "e/eterm") if sys.platform == "linux" else ():
        (root / "share/terminfo" / name).parent.mkdir(parents=True)
        (root / "share/terminfo" / name).write_bytes(b"a terminal")
    return root


def test_it_is_at_home_where_it_arrives(tmp_path):
    root = managed(tmp_path / "here")
    packed = pack_python(str(root / "bin/python"), str(tmp_path / "here"), str(tmp_path))

    found = install_python(packed, str(tmp_path / "there"))

    there = tmp_path / "there" / NAME
    assert str(there) == found
    assert [NAME] == os.listdir(tmp_path / "there")
    assert f"build_time_vars = {{'prefix': '{there}'}}\n" == (there / DESCRIPTION).read_text()
    assert os.access(there / "bin/python", os.X_OK)
    assert "python3.12" == os.readlink(there / "bin/python")
    assert not (there / "lib/python3.12/__pycache__").exists()
    if sys.platform == "linux":
        assert ["E", "e"] == sorted(os.listdir(there / "share/terminfo"))


def test_its_place_and_its_age_leave_no_trace(tmp_path):
    packed = []
    for place in ("one", "another/place/of/it"):
        root = managed(tmp_path / place)
        (root / "lib/python3.12/os.py").write_text("import sys\n")
        os.utime(root / "bin/python3.12", (len(packed), len(packed)))
        (tmp_path / place / "out").mkdir()
        packed.append(pack_python(str(root / "bin/python3.12"), str(tmp_path / place), str(tmp_path / place / "out")))

    one, other = (Path(path).read_bytes() for path in packed)
    assert one == other


def test_one_that_uv_does_not_manage_stays_where_it_is(tmp_path):
    (tmp_path / "uv").mkdir()
    (tmp_path / "uv/other-tool/bin").mkdir(parents=True)
    (tmp_path / "uv/other-tool/bin/python").write_text("")

    assert "" == pack_python("/usr/bin/env", str(tmp_path / "uv"), str(tmp_path))
    assert "" == pack_python(str(tmp_path / "uv/other-tool/bin/python"), str(tmp_path / "uv"), str(tmp_path))


def test_one_that_is_there_already_is_not_touched(tmp_path):
    packed = pack_python(str(managed(tmp_path / "here") / "bin/python"), str(tmp_path / "here"), str(tmp_path))
    (tmp_path / "there" / NAME).mkdir(parents=True)

    install_python(packed, str(tmp_path / "there"))

    assert [] == os.listdir(tmp_path / "there" / NAME)


@pytest.mark.faults(53)
def test_a_hostile_one_leaves_nothing_behind(tmp_path):
    path = tmp_path / f"{NAME}.tar"
    with tarfile.open(path, "w") as archive:
        entry = tarfile.TarInfo("bin/python")
        entry.type, entry.linkname = tarfile.SYMTYPE, "../../../victim"
        archive.addfile(entry)

    with pytest.raises(IntegrityError):
        install_python(str(path), str(tmp_path / "there"))

    assert [] == os.listdir(tmp_path / "there")


@pytest.mark.parametrize(
    ("name", "is_one"),
    [
        (f"{NAME}.tar", True),
        (NAME, False),
        ("cpython-3.12.4-x/../y.tar", False),
        ("pypy-3.10.tar", False),
        (".tar", False),
    ],
)
def test_only_a_name_that_uv_gives_is_taken(name, is_one):
    assert is_one == is_python_name(name)
