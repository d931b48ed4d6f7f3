"""Whole or absent: atomic writes, what is in their way, fail-points."""

import errno
import os
import re
import shutil
import subprocess
import sys
import time

import pytest

from devboot.errors import MachineError
from devboot.files import atomic_write, exchange, fail_point, machine_error, make_directories, move_aside, plain
from devboot.locks import FileLock, Holder, read_holder


def test_a_write_replaces_the_file_and_leaves_nothing_else(tmp_path):
    atomic_write(f"{tmp_path}/a", "one")
    atomic_write(f"{tmp_path}/a", b"two")

    assert os.listdir(tmp_path) == ["a"]
    assert (tmp_path / "a").read_text() == "two"


def test_a_write_keeps_the_mode_that_the_file_has(tmp_path):
    (tmp_path / "a").touch(mode=0o640)
    atomic_write(f"{tmp_path}/a", "one")

    assert (tmp_path / "a").stat().st_mode & 0o777 == 0o640


@pytest.mark.faults(19)
def test_a_mode_that_is_asked_for_holds_under_any_umask(tmp_path):
    old = os.umask(0)
    try:
        atomic_write(f"{tmp_path}/secret", "one", mode=0o600)
    finally:
        os.umask(old)

    assert (tmp_path / "secret").stat().st_mode & 0o777 == 0o600


def test_a_write_goes_through_a_symbolic_link(tmp_path):
    (tmp_path / "real").mkdir()
    (tmp_path / "link").symlink_to("real/file")
    atomic_write(f"{tmp_path}/link", "text")

    assert (tmp_path / "link").is_symlink()
    assert (tmp_path / "real/file").read_text() == "text"


@pytest.mark.faults(19)
def test_directories_are_made_for_this_user_alone(tmp_path):
    old = os.umask(0)
    try:
        make_directories(f"{tmp_path}/a/b")
        make_directories(f"{tmp_path}/a/b")
    finally:
        os.umask(old)

    assert [os.stat(tmp_path / name).st_mode & 0o777 for name in ("a", "a/b")] == [0o700, 0o700]


@pytest.mark.faults(43)
def test_a_write_removes_what_a_killed_one_left(tmp_path):
    for name in ("a.4194304.0f.tmp", f"a.{os.getpid()}.0f.tmp", "ab.4194304.0f.tmp", "a.x.tmp"):
        (tmp_path / name).touch()
    atomic_write(f"{tmp_path}/a", "text")

    assert sorted(os.listdir(tmp_path)) == sorted(["a", f"a.{os.getpid()}.0f.tmp", "ab.4194304.0f.tmp", "a.x.tmp"])


@pytest.mark.faults(14)
@pytest.mark.parametrize(("action", "slug"), [("enospc", "machine/disk-full"), ("eio", "machine/io")])
@pytest.mark.parametrize("point", ["write/created", "write/before-rename"])
def test_a_failing_write_leaves_the_old_file_as_it_was(point, action, slug, tmp_path, monkeypatch):
    atomic_write(f"{tmp_path}/lock", "old")
    monkeypatch.setenv("DEVBOOT_TEST", "1")
    monkeypatch.setenv("DEVBOOT_FAIL_POINT", f"{point}={action}")

    with pytest.raises(MachineError) as caught:
        atomic_write(f"{tmp_path}/lock", "new")

    assert (slug, 6) == (caught.value.slug, caught.value.exit_code)
    assert os.listdir(tmp_path) == ["lock"]
    assert (tmp_path / "lock").read_text() == "old"


def test_a_fail_point_does_nothing_outside_of_tests(monkeypatch):
    monkeypatch.delenv("DEVBOOT_TEST", raising=False)
    monkeypatch.setenv("DEVBOOT_FAIL_POINT", "here=kill")

    fail_point("here")


@pytest.mark.faults(17)
def test_a_path_that_cannot_be_written_is_told_with_its_owner(tmp_path):
    error = machine_error(PermissionError(errno.EACCES, "Permission denied", f"{tmp_path}/x/y"), f"{tmp_path}/x")
    tmp_path.chmod(0o755)

    assert error.slug == "machine/not-writable"
    assert f"can't write `{tmp_path}/x`" == error.what
    assert (
        f"permission denied: `{tmp_path}/x/y`",
        f"`{tmp_path}` belongs to user {os.getuid()} (mode 0700)",
    ) == error.causes
    assert (f"chmod u+rwX {tmp_path}",) == error.help


@pytest.mark.faults(14, 17)
@pytest.mark.parametrize(
    ("path", "way"),
    [
        ("/{}/shop/.venv/lib/x", "cp -R /{}/shop /a/path/that/can/be/written   # and work there"),
        ("/{}/shop/devboot.lock", "cp -R /{}/shop /a/path/that/can/be/written   # and work there"),
        ("/{}/data/store/redis", "export DEVBOOT_HOME=/a/path/that/can/be/written"),
    ],
)
def test_the_way_off_a_read_only_filesystem_is_one_that_helps(path, way):
    path = path.format("nowhere")
    error = machine_error(OSError(errno.EROFS, "Read-only file system", path), path)

    assert error.help == (way.format("nowhere"),)


@pytest.mark.faults(150)
def test_a_file_that_is_too_large_is_no_bug_but_named_with_its_limit():
    error = machine_error(OSError(errno.EFBIG, "it is larger than 16 MB", "/clone/file"), "/clone/file", "read")

    assert ("machine/too-large", "can't read `/clone/file`, which is too large") == (error.slug, error.what)
    assert ("it is larger than 16 MB: `/clone/file`",) == error.causes


def test_moving_aside_dates_the_name_and_overwrites_nothing(tmp_path):
    at = time.mktime((2026, 3, 1, 9, 30, 5, 0, 0, -1))
    names = []
    for content in ("first", "second"):
        (tmp_path / "db").write_text(content)
        names.append(os.path.basename(move_aside(f"{tmp_path}/db", at)))

    assert names == ["db.2026-03-01T093005", "db.2026-03-01T093005-2"]
    assert (tmp_path / names[0]).read_text() == "first"


@pytest.mark.faults(42)
def test_something_else_in_its_place_is_named_with_the_way_to_move_it_aside(tmp_path):
    (tmp_path / "a file").write_text("")
    os.symlink("loop", tmp_path / "loop")
    errors = []
    for path in (tmp_path, tmp_path / "a file/below", tmp_path / "loop"):
        with pytest.raises(OSError, match=str(path)) as caught:
            path.open("w")
        errors.append(machine_error(caught.value, str(path)))

    assert ["machine/in-the-way"] * 3 == [error.slug for error in errors]
    assert [
        (f"mv {tmp_path} {tmp_path}.aside",),
        (f"mv '{tmp_path}/a file' '{tmp_path}/a file.aside'",),
        (f"mv {tmp_path}/loop {tmp_path}/loop.aside",),
    ] == [error.help for error in errors]


@pytest.mark.faults(42)
def test_a_link_that_leads_nowhere_is_named_with_where_it_leads(tmp_path):
    os.symlink("/nowhere/data", tmp_path / "data")

    for write in (atomic_write, lambda path, _: FileLock(path, "up").acquire()):
        with pytest.raises(MachineError) as caught:
            write(f"{tmp_path}/data/secrets", "text")

        assert caught.value.slug == "machine/in-the-way"
        assert caught.value.causes[-1] == f"`{tmp_path}/data` is a link to `/nowhere/data`, which isn't there"
        assert caught.value.help == (f"mv {tmp_path}/data {tmp_path}/data.aside",)


@pytest.mark.faults(42)
def test_a_pipe_in_place_of_a_file_is_never_waited_for(tmp_path):
    path = f"{tmp_path}/pipe"
    os.mkfifo(path)

    with pytest.raises(OSError, match="not a plain file") as caught, open(path, opener=plain):
        pass
    with pytest.raises(MachineError) as refused:
        FileLock(path, "up").acquire()

    assert {machine_error(caught.value, path).slug, refused.value.slug} == {"machine/in-the-way"}
    assert read_holder(path) == Holder(0, "", 0.0)
    atomic_write(path, "text")
    with open(path, opener=plain) as stream:
        assert stream.read() == "text"


# Exchanged paths


@pytest.fixture
def pair(tmp_path):
    """Two folders with a file each, of which the second one is to be replaced."""
    for name in ("new", "place"):
        (tmp_path / name).mkdir()
        (tmp_path / name / "file").write_text(name)
    return tmp_path / "new", tmp_path / "place"


def held(*folders):
    """The content of each folder; None for a missing one."""
    return [(folder / "file").read_text() if folder.exists() else None for folder in folders]


@pytest.mark.parametrize("lacking", [None, errno.ENOSYS, errno.EINVAL, errno.ENOTSUP])
def test_two_folders_are_exchanged_also_where_the_system_has_no_call_for_it(lacking, pair, tmp_path):
    exchange(*map(str, pair), swap=lacking and (lambda _one, _other: lacking))

    assert held(*pair) == ["place", "new"]
    assert sorted(os.listdir(tmp_path)) == ["new", "place"]


@pytest.mark.parametrize("number", [errno.ENOENT, errno.EACCES, errno.EXDEV, errno.EIO, errno.ENOSPC])
def test_no_other_error_of_the_call_moves_anything(number, pair, tmp_path):
    with pytest.raises(OSError, match=re.escape(os.strerror(number))) as caught:
        exchange(*map(str, pair), swap=lambda _one, _other: number)

    assert caught.value.errno == number
    assert held(*pair) == ["new", "place"]
    assert sorted(os.listdir(tmp_path)) == ["new", "place"]


@pytest.mark.parametrize("swap", [None, lambda _one, _other: errno.ENOSYS])
def test_what_was_in_place_stays_there_when_its_successor_is_missing(swap, pair, tmp_path):
    shutil.rmtree(pair[0])

    with pytest.raises(FileNotFoundError):
        exchange(*map(str, pair), swap=swap)

    assert held(*pair) == [None, "place"]
    assert os.listdir(tmp_path) == ["place"]


def test_an_older_exchange_that_was_killed_is_not_overwritten(pair):
    (pair[0].parent / "new.old").write_text("data")

    with pytest.raises(FileExistsError):
        exchange(*map(str, pair), swap=lambda _one, _other: errno.ENOSYS)

    assert held(*pair) == ["new", "place"]
    assert (pair[0].parent / "new.old").read_text() == "data"


EXCHANGE = """if True:
    import errno
    import sys
    from devboot.files import exchange
    exchange(*sys.argv[1:], swap=lambda _one, _other: errno.ENOSYS)
"""


@pytest.mark.parametrize(
    ("point", "new", "place", "old"),
    [("exchange/aside", "new", None, "place"), ("exchange/in-place", None, "new", "place")],
)
def test_an_exchange_without_a_system_call_loses_nothing_when_it_is_killed(point, new, place, old, pair):
    environ = {**os.environ, "DEVBOOT_TEST": "1", "DEVBOOT_FAIL_POINT": f"{point}=kill"}

    subprocess.run([sys.executable, "-c", EXCHANGE, *map(str, pair)], check=False, env=environ)

    assert held(*pair, pair[0].parent / "new.old") == [new, place, old]
