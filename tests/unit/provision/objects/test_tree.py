"""Staged trees: cleaned, normalised, hostile ones refused."""

import errno
import os
import socket

import pytest

from devboot.errors import IntegrityError
from devboot.provision.host import parse_floor
from devboot.provision.objects.elf import glibc_floor, tree_glibc_floor
from devboot.provision.objects.tree import (
    clean_wheel_tree,
    drop_files,
    files_below,
    link_or_copy,
    list_tree,
    normalise,
    put_where_nothing_is,
    remove_tree,
    tree_digest,
)


def make(directory, *names):
    for name in names:
        path = directory / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text("#!/usr/bin/python3\n" if name.startswith("bin/script") else "x")


def below(directory):
    return [entry.path for entry in list_tree(str(directory))]


def test_dropping_takes_empty_folders_along(tmp_path):
    make(tmp_path, "a/b/c.so", "a/d", "e.so")
    drop_files(str(tmp_path), ["*.so"])

    assert below(tmp_path) == ["a/d"]
    assert not (tmp_path / "a/b").exists()


def test_a_wheels_tree_is_left_without_traces_of_its_installation(tmp_path):
    make(tmp_path, ".lock", "bin/script", "bin/program", "x/__pycache__/a.pyc", "x/a.py")
    make(tmp_path, "x-1.dist-info/RECORD", "x-1.dist-info/INSTALLER", "x-1.dist-info/licenses/LICENSE")
    make(tmp_path, "x-1.dist-info/uv_cache.json", "x-1.dist-info/direct_url.json")
    clean_wheel_tree(str(tmp_path))

    assert below(tmp_path) == ["bin/program", "x-1.dist-info/licenses/LICENSE", "x/a.py"]


@pytest.mark.faults(55)
def test_only_the_executable_bit_survives(tmp_path):
    make(tmp_path, "setuid", "secret", "folder/file")
    os.chmod(tmp_path / "setuid", 0o4777)
    os.chmod(tmp_path / "secret", 0o000)
    os.chmod(tmp_path / "folder", 0o700)
    normalise(str(tmp_path))

    modes = {name: os.stat(tmp_path / name).st_mode & 0o7777 for name in ("setuid", "secret", "folder")}
    assert modes == {"setuid": 0o755, "secret": 0o644, "folder": 0o755}


@pytest.mark.faults(53)
@pytest.mark.parametrize("target", ["/etc/passwd", "../../outside", ".."])
def test_a_link_that_leads_outside_is_refused(target, tmp_path):
    (tmp_path / "tree/a").mkdir(parents=True)
    (tmp_path / "tree/a/link").symlink_to(f"../{target}" if target == ".." else target)
    with pytest.raises(IntegrityError) as caught:
        normalise(str(tmp_path / "tree"))

    assert (caught.value.slug, caught.value.what) == (
        "archive/escapes",
        "`a/link` in a downloaded package is a link that leads out of it",
    )


@pytest.mark.faults(55)
def test_a_special_file_is_refused(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    with socket.socket(socket.AF_UNIX) as listener:
        listener.bind("so\ncket")
        with pytest.raises(IntegrityError) as caught:
            normalise(str(tmp_path))

    assert caught.value.what == "`so\\ncket` in a downloaded package is neither file, folder nor link"


def test_the_digest_sees_content_names_and_the_executable_bit(tmp_path):
    make(tmp_path, "a")
    digests = {tree_digest(list_tree(str(tmp_path)))}
    os.chmod(tmp_path / "a", 0o755)
    digests.add(tree_digest(list_tree(str(tmp_path))))
    (tmp_path / "a").rename(tmp_path / "b")
    digests.add(tree_digest(list_tree(str(tmp_path))))
    (tmp_path / "c").symlink_to("b")
    digests.add(tree_digest(list_tree(str(tmp_path))))

    assert len(digests) == 4


def test_a_read_only_tree_is_removed(tmp_path):
    make(tmp_path, "tree/a/b")
    os.chmod(tmp_path / "tree/a", 0o555)
    remove_tree(str(tmp_path / "tree"))
    remove_tree(str(tmp_path / "tree"))

    assert os.listdir(tmp_path) == []


def test_the_highest_symbol_version_is_the_floor(tmp_path):
    (tmp_path / "server").write_bytes(b"\x7fELF\0GLIBC_2.4\0GLIBC_2.28\0GLIBC_2.3.4\0GLIBC_PRIVATE\0")
    (tmp_path / "static").write_bytes(b"\x7fELF\0nothing")
    (tmp_path / "text").write_bytes(b"GLIBC_2.99\0")

    assert [glibc_floor(f"{tmp_path}/{name}") for name in ("server", "static", "text")] == [(2, 28), None, None]
    assert tree_glibc_floor(str(tmp_path)) == (2, 28)


def test_versions_compare_as_numbers():
    assert parse_floor("2.9") < parse_floor("2.28")


def test_files_below_are_sorted_and_hold_links(tmp_path):
    (tmp_path / "b/c").mkdir(parents=True)
    (tmp_path / "b/c/file").touch()
    (tmp_path / "a").symlink_to("b")

    assert list(files_below(str(tmp_path))) == ["a", "b/c/file"]


def no_links(_path, _target):
    """The filesystem of a memory stick."""
    raise PermissionError(errno.EPERM, "Operation not permitted")


@pytest.mark.faults(19)
@pytest.mark.parametrize("put", [link_or_copy, put_where_nothing_is])
@pytest.mark.parametrize("has_links", [True, False])
def test_a_file_gets_its_place_on_a_filesystem_without_links_too_and_replaces_nothing(
    put, has_links, tmp_path, monkeypatch
):
    if not has_links:
        monkeypatch.setattr(os, "link", no_links)
    for name in ("one", "two"):
        (tmp_path / name).write_text(name)
    put(str(tmp_path / "one"), str(tmp_path / "there"))
    assert "one" == (tmp_path / "there").read_text()

    if put is put_where_nothing_is or has_links:
        with pytest.raises(FileExistsError):
            put(str(tmp_path / "two"), str(tmp_path / "there"))
        assert "one" == (tmp_path / "there").read_text()
