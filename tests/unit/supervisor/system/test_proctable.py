"""The table of processes, and who descends from whom."""

from __future__ import annotations

import contextlib
import os
import resource
import socket
import subprocess
import sys

import pytest

from devboot.supervisor.event_loop import Loop
from devboot.supervisor.probes import accept, listen
from devboot.supervisor.system import proctable
from devboot.supervisor.system.membership import Watcher
from devboot.supervisor.system.proctable import Seen


def seen(pid, parent, session=1, state="S"):
    return Seen(pid, parent, session, state, "1")


TABLE = {each.pid: each for each in (seen(1, 0), seen(2, 1), seen(3, 2, session=3), seen(4, 3, state="Z"), seen(9, 1))}


def test_descendants_are_all_below_but_those_that_have_ended():
    assert [each.pid for each in proctable.descendants(TABLE, 2)] == [3]
    assert [each.pid for each in proctable.descendants(TABLE, 1)] == [2, 9, 3]


def test_members_of_sessions_are_found():
    assert [each.pid for each in proctable.in_sessions(TABLE, [3])] == [3]


def test_a_name_with_blanks_and_parentheses_is_no_obstacle():
    line = b"12 (a ) S 1 (b) R 7 12 13 0 -1 0 1 2 3 4 5 6 7 8 20 0 1 0 777 1 2\n"

    assert proctable.parse_stat(12, line) == Seen(12, 7, 13, "R", "777")
    assert proctable.parse_stat(12, line.replace(b"-1 0 1", b"-1 4 1")) == Seen(12, 7, 13, "R", "777", is_exiting=True)


def test_threads_of_the_kernel_are_told_by_their_flag_and_no_process_by_its_session():
    """In a container that was entered from outside, the session of every process is 0."""
    thread = proctable.parse_stat(2, b"2 (kthreadd) S 0 0 0 0 -1 2129984 0 0 0 0 0 1 0 0 20 0 1 0 24 0 0\n")
    process = proctable.parse_stat(7, b"7 (bash) S 1 0 0 0 -1 4194304 0 0 0 0 0 1 0 0 20 0 1 0 24 0 0\n")

    assert [proctable.may_be_marked(each) for each in (thread, process)] == [False, True]


def test_this_process_is_in_the_table_and_one_that_has_gone_is_not():
    child = subprocess.Popen(["true"])
    child.wait()

    assert proctable.look(os.getpid()).parent == os.getppid()
    assert proctable.processes()[os.getpid()].session == os.getsid(0)
    assert proctable.look(child.pid) is None


def test_marked_processes_are_found_by_the_start_of_an_entry():
    child = subprocess.Popen(["sleep", "100"], env={"DEVBOOT_X": "run:web", "PATH": os.environ["PATH"]})
    try:
        found = [(each.pid, rest) for each, rest in proctable.marked(proctable.processes(), "DEVBOOT_X=run:")]
    finally:
        child.kill()
        child.wait()

    assert found == [(child.pid, "web")]


def test_processes_in_the_middle_of_their_exec_are_found_too():
    """Python goes on as soon as descriptors are closed, before the kernel shows the new environment."""
    marker = f"DEVBOOT_X=at-{os.getpid()}:"
    missed = []
    for number in range(40):
        child = subprocess.Popen(
            ["sleep", "100"], env={"DEVBOOT_X": f"at-{os.getpid()}:{number}", "PATH": "/bin:/usr/bin"}
        )
        try:
            found = proctable.marked({child.pid: seen(child.pid, 1)}, marker)
        finally:
            child.kill()
            child.wait()
        if [rest for _, rest in found] != [str(number)]:
            missed.append(number)

    assert missed == []


def test_a_process_without_any_environment_is_not_waited_for():
    child = subprocess.Popen(["sleep", "100"], env={}, executable="/bin/sleep")
    try:
        assert proctable.settled_environment(child.pid) == b""
    finally:
        child.kill()
        child.wait()


@pytest.mark.skipif(not os.path.exists("/bin/ps"), reason="it is what other systems are asked by")
def test_ps_tells_the_same_as_the_kernel():
    seen = proctable.ask_ps()[os.getpid()]

    assert (seen.parent, seen.session, seen.is_alive) == (os.getppid(), os.getsid(0), True)


@pytest.mark.skipif(not os.path.exists("/proc/self/stat"), reason="only Linux tells the state of a process")
def test_who_works_right_now_is_told_from_who_has_worked():
    child = subprocess.Popen(
        [sys.executable, "-c", "print(flush=True); input()"], stdin=subprocess.PIPE, stdout=subprocess.PIPE
    )
    try:
        child.stdout.readline()
        while proctable.look(child.pid).state != "S":
            continue
        assert proctable.worked([child.pid]) >= 0.0
        assert proctable.worked([child.pid, os.getpid()]) is None
    finally:
        child.kill()
        child.communicate()


@pytest.fixture
def no_descriptors(monkeypatch):
    """Only the reserve is left to this process."""
    monkeypatch.setattr(proctable, "reserve", [])
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    taken = []
    proctable.hold_reserve()
    used = max(int(name) for name in os.listdir("/dev/fd"))
    resource.setrlimit(resource.RLIMIT_NOFILE, (min(soft, used + 64), hard))
    try:
        with contextlib.suppress(OSError):
            while True:
                taken.append(os.open(os.devnull, os.O_RDONLY))
        yield
    finally:
        for descriptor in taken:
            os.close(descriptor)
        resource.setrlimit(resource.RLIMIT_NOFILE, (soft, hard))
        os.close(proctable.reserve.pop())


@pytest.mark.faults(132)
@pytest.mark.usefixtures("no_descriptors")
def test_without_descriptors_the_living_are_not_taken_for_dead():
    assert proctable.look(os.getpid()).is_alive
    assert os.getpid() in proctable.processes()
    assert proctable.own_children() is not None


@pytest.fixture
def watcher():
    """A watcher of a loop of its own."""
    loop = Loop()
    yield Watcher(loop, set(), adopts=False)
    loop.close()


@pytest.fixture
def listening_port():
    """A port on which this process listens."""
    with socket.create_server(("127.0.0.1", 0)) as server:
        yield server.getsockname()[1]


@pytest.mark.faults(225)
def test_without_descriptors_it_is_still_seen_who_listens(watcher, listening_port, no_descriptors):
    assert listen.is_taken(listening_port, watcher)
    assert listening_port in listen.ports(watcher, os.getpid(), "")
    assert listen.look(listening_port, watcher, os.getpid(), "") == (True, "")
    assert accept.connection_to(listening_port) is None


def test_a_server_that_listens_itself_is_found_without_reading_every_process(watcher, listening_port, monkeypatch):
    monkeypatch.setattr(watcher, "census", lambda: pytest.fail("all processes were read"))

    assert listen.look(listening_port, watcher, os.getpid(), "mark") == (True, "")
