"""Locks between processes: who holds one, who waits, in which order, and what is left of a killed holder."""

import errno
import fcntl
import os
import subprocess
import sys
import threading

import pytest

from devboot.errors import BusyError, MachineError
from devboot.locks import BUILD, PROJECT, TABLE, FileLock, Holder, hold_folder, read_holder
from tests.fakes.processes import freeze


def test_a_lock_excludes_a_second_holder_and_names_the_first(tmp_path):
    told = []
    with FileLock(f"{tmp_path}/lock", "up"), pytest.raises(BusyError) as caught:
        FileLock(f"{tmp_path}/lock", "sync").acquire(timeout=0, waiting=told.append)

    assert [(os.getpid(), "up")] == [holder[:2] for holder in told]
    assert ("busy/locked", 7, f"another devboot command has locked `{tmp_path}/lock`") == (
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
        from devboot.locks import FileLock
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
    code = (
        "import sys; from devboot.files import fail_point; from devboot.locks import FileLock\n"
        "FileLock(sys.argv[1], 'up').acquire(); fail_point('x')"
    )
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
        assert fcntl.fcntl(lock.descriptor, fcntl.F_GETFL) & os.O_ACCMODE == os.O_RDWR


@pytest.mark.faults(25)
def test_a_holder_that_is_stopped_is_named_to_who_waits_and_the_wait_ends(tmp_path):
    program = "import sys, time; from devboot.locks import FileLock\n"
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
        freeze(holder.pid)
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


@pytest.mark.faults(12)
def test_a_lock_that_the_disk_has_no_room_to_sign_is_held_all_the_same(tmp_path):
    """`gc` takes one, to make room."""
    code = (
        "import resource, sys\n"
        "from devboot.locks import FileLock, read_holder\n"
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


PROBE = """
import sys
from devboot.locks import is_folder_held
taken = []
sys.addaudithook(lambda event, arguments: taken.append(event) if event == "fcntl.flock" else None)
print(is_folder_held(sys.argv[1]), taken)
"""


@pytest.mark.skipif(sys.platform != "linux", reason="only Linux tells of a folder's lock without taking it")
def test_a_probe_of_a_folder_takes_no_lock_that_a_starting_server_could_meet(tmp_path):
    def probed():
        done = subprocess.run([sys.executable, "-c", PROBE, str(tmp_path)], capture_output=True, text=True, check=True)
        return done.stdout

    assert probed() == "False []\n"
    held = hold_folder(str(tmp_path))
    inherited = os.dup(held)
    os.close(held)
    assert probed() == "True []\n"
    assert hold_folder(str(tmp_path)) is None
    os.close(inherited)
    assert probed() == "False []\n"
