"""Whole or absent: atomic writes, locks, fail-points."""

import errno
import fcntl
import os
import signal
import subprocess
import sys
import threading
import time

import pytest

from devboot.errors import BusyError, MachineError
from devboot.files import (
    BUILD,
    PROJECT,
    TABLE,
    FileLock,
    Holder,
    atomic_write,
    fail_point,
    machine_error,
    make_directories,
    move_aside,
    plain,
    read_holder,
)


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
        ("/{}/shop/.devboot/run/daemon.lock", "cp -R /{}/shop /a/path/that/can/be/written   # and work there"),
        ("/{}/shop/devboot.lock", "cp -R /{}/shop /a/path/that/can/be/written   # and work there"),
        ("/{}/data/store/redis", "export DEVBOOT_HOME=/a/path/that/can/be/written"),
    ],
)
def test_the_way_off_a_read_only_filesystem_is_one_that_helps(path, way):
    path = path.format("nowhere")
    error = machine_error(OSError(errno.EROFS, "Read-only file system", path), path)

    assert error.help == (way.format("nowhere"),)


def test_moving_aside_dates_the_name_and_overwrites_nothing(tmp_path):
    at = time.mktime((2026, 3, 1, 9, 30, 5, 0, 0, -1))
    names = []
    for content in ("first", "second"):
        (tmp_path / "db").write_text(content)
        names.append(os.path.basename(move_aside(f"{tmp_path}/db", at)))

    assert names == ["db.2026-03-01T093005", "db.2026-03-01T093005-2"]
    assert (tmp_path / names[0]).read_text() == "first"


def test_a_lock_excludes_a_second_holder_and_names_the_first(tmp_path):
    told = []
    with FileLock(f"{tmp_path}/lock", "up"), pytest.raises(BusyError) as caught:
        FileLock(f"{tmp_path}/lock", "sync").acquire(timeout=0, waiting=told.append)

    assert [(os.getpid(), "up")] == [holder[:2] for holder in told]
    assert ("busy/locked", 7, f"another devboot holds `{tmp_path}/lock`") == (
        caught.value.slug,
        caught.value.exit_code,
        caught.value.what,
    )
    assert FileLock(f"{tmp_path}/lock", "sync").try_acquire()


def test_a_holder_is_described_by_what_it_does():
    assert Holder(4711, "up", 100.0).describe(112.2) == "pid 4711 (up, 12 s)"
    assert Holder(0, "", 0.0).describe(112.2) == "another process"


def test_a_lock_file_without_a_signature_has_an_unknown_holder(tmp_path):
    (tmp_path / "lock").write_text("x")

    assert Holder(0, "", 0.0) == read_holder(f"{tmp_path}/lock")


@pytest.mark.faults(26)
def test_a_lock_file_that_is_removed_while_held_never_gives_two_holders_of_one_file(tmp_path):
    first = FileLock(f"{tmp_path}/lock", "up")
    first.acquire()
    os.unlink(f"{tmp_path}/lock")
    second = FileLock(f"{tmp_path}/lock", "up")
    second.acquire()
    first.release()

    assert not FileLock(f"{tmp_path}/lock", "up").try_acquire()
    second.release()


@pytest.mark.faults(26)
def test_a_forked_daemon_does_not_keep_what_its_provisioner_held(tmp_path):
    code = """if True:
        import os, sys
        from devboot.files import FileLock
        FileLock(sys.argv[1], "up").acquire()
        if os.fork() == 0:  # the daemon: says that it runs, and lives until its input ends
            print("forked", flush=True)
            sys.stdin.read()
        else:
            os._exit(0)  # without a release
    """
    environ = {**os.environ, "PYTHONPATH": os.getcwd()}
    with subprocess.Popen(
        [sys.executable, "-c", code, f"{tmp_path}/lock"], env=environ, stdin=subprocess.PIPE, stdout=subprocess.PIPE
    ) as child:
        assert child.stdout.readline() == b"forked\n"
        assert child.wait() == 0

        assert FileLock(f"{tmp_path}/lock", "up").try_acquire()


@pytest.mark.faults(29)
def test_a_killed_holder_leaves_the_lock_free(tmp_path):
    code = "import sys; from devboot.files import *; FileLock(sys.argv[1], 'up').acquire(); fail_point('x')"
    environ = {**os.environ, "DEVBOOT_TEST": "1", "DEVBOOT_FAIL_POINT": "x=kill", "PYTHONPATH": os.getcwd()}
    ended = subprocess.run([sys.executable, "-c", code, f"{tmp_path}/lock"], env=environ, check=False)

    assert ended.returncode == -9
    assert FileLock(f"{tmp_path}/lock", "up").try_acquire()


@pytest.mark.faults(27)
@pytest.mark.parametrize("number", [errno.ENOLCK, errno.EOPNOTSUPP, errno.EBADF])
def test_a_filesystem_without_locks_is_named(number, tmp_path, monkeypatch):
    def refuse(descriptor, operation):
        raise OSError(number, os.strerror(number))

    monkeypatch.setattr(fcntl, "flock", refuse)
    with pytest.raises(MachineError) as caught:
        FileLock(f"{tmp_path}/lock", "up").try_acquire()

    assert (caught.value.slug, caught.value.exit_code) == ("machine/locks-unsupported", 6)
    assert caught.value.what == f"the filesystem of `{tmp_path}/lock` has no file locks"
    assert caught.value.help == ("export DEVBOOT_HOME=/a/path/on/a/local/disk",)


@pytest.mark.faults(27)
def test_a_lock_file_is_opened_for_writing(tmp_path):
    """Where locks are those of POSIX (NFS), an exclusive one on a descriptor for reading alone is refused."""
    with FileLock(f"{tmp_path}/lock", "up") as lock:
        assert fcntl.fcntl(lock._descriptor, fcntl.F_GETFL) & os.O_ACCMODE == os.O_RDWR


@pytest.mark.faults(25)
def test_a_holder_that_is_stopped_is_named_to_who_waits_and_the_wait_ends(tmp_path):
    program = "import sys, time; from devboot.files import FileLock\n"
    program += "lock = FileLock(sys.argv[1], 'up'); lock.acquire(); print('held', flush=True); time.sleep(600)"
    holder = subprocess.Popen(
        [sys.executable, "-c", program, f"{tmp_path}/lock"],
        stdout=subprocess.PIPE,
        text=True,
        env={**os.environ, "PYTHONPATH": os.getcwd()},
    )
    heard = []
    try:
        assert holder.stdout.readline() == "held\n"
        holder.send_signal(signal.SIGSTOP)
        with pytest.raises(BusyError) as caught:
            FileLock(f"{tmp_path}/lock", "sync").acquire(timeout=0.0, waiting=heard.append)
    finally:
        holder.kill()
        holder.communicate()

    assert [(each.pid, each.command) for each in heard] == [(holder.pid, "up")]
    assert (caught.value.slug, caught.value.exit_code) == ("busy/locked", 7)
    assert caught.value.help == (f"ps -fp {holder.pid}",)
    with FileLock(f"{tmp_path}/lock", "sync") as lock:
        assert lock.is_held


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


@pytest.mark.faults(12)
def test_a_lock_that_the_disk_has_no_room_to_sign_is_held_all_the_same(tmp_path):
    """`gc` takes one, to make room."""
    code = (
        "import resource, sys\n"
        "from devboot.files import FileLock, read_holder\n"
        "resource.setrlimit(resource.RLIMIT_FSIZE, (0, 0))\n"
        "lock, other = FileLock(sys.argv[1], 'gc'), FileLock(sys.argv[1], 'up')\n"
        "print(lock.try_acquire(), other.try_acquire(), read_holder(sys.argv[1]).describe(0))\n"
        "lock.release()\n"
        "print(other.try_acquire())\n"
    )
    done = subprocess.run(
        [sys.executable, "-c", code, str(tmp_path / "lock")], capture_output=True, text=True, timeout=90, check=False
    )

    assert ("True False another process\nTrue\n", "") == (done.stdout, done.stderr)


@pytest.mark.faults(28)
def test_locks_are_waited_for_in_one_order_which_tests_are_held_to(tmp_path, monkeypatch):
    monkeypatch.setenv("DEVBOOT_TEST", "1")
    project, build, table = (FileLock(f"{tmp_path}/{rank}", "up", rank) for rank in (PROJECT, BUILD, TABLE))
    with project, build, table:
        pass
    with build:
        with pytest.raises(AssertionError, match=f"waits for `{project.path}` while it holds `{build.path}`"):
            project.acquire()
        with pytest.raises(AssertionError):
            FileLock(f"{tmp_path}/another", "up", BUILD).acquire()
        assert project.try_acquire()  # which waits for nobody
        project.release()
        with FileLock(f"{tmp_path}/free", "up") as unranked:
            assert unranked.is_held


def test_outside_of_tests_the_order_is_nobodys_error(tmp_path, monkeypatch):
    monkeypatch.delenv("DEVBOOT_TEST", raising=False)
    with FileLock(f"{tmp_path}/build", "up", BUILD), FileLock(f"{tmp_path}/project", "up", PROJECT) as lock:
        assert lock.is_held


def test_other_threads_hold_what_they_like(tmp_path, monkeypatch):
    monkeypatch.setenv("DEVBOOT_TEST", "1")
    table = FileLock(f"{tmp_path}/table", "up", TABLE)
    thread = threading.Thread(target=table.acquire)
    thread.start()
    thread.join()
    with FileLock(f"{tmp_path}/project", "up", PROJECT) as lock:
        assert lock.is_held
    table.release()
