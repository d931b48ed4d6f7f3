"""What holds when daemon, guardian, sockets or files go away, or several commands come at once."""

from __future__ import annotations

import os
import re
import resource
import shutil
import signal
import subprocess
import sys
import time

import pytest

from devboot.daemon import leases
from devboot.supervisor.system import proctable
from devboot.wire import sockets
from tests.fakes.processes import are_gone, freeze, is_alive, wait_until
from tests.process.daemon.conftest import ANNOUNCED, DEADLINE, DEAF

LEAVER = f"{sys.executable} -c 'import os,time; os.fork() or (os.setsid(), time.sleep(1000))'; exec sleep 1000"
# Attaches to a process, which stops it, and never lets it go on.
REASONS = ("no file descriptors are left", "no file descriptors left")  # of a start; of the daemon itself
TRACER = (
    "import ctypes, os, sys, time; libc = ctypes.CDLL(None, use_errno=True); "
    "os.write(1, b'1' if libc.ptrace(16, int(sys.argv[1]), 0, 0) == 0 else b'0'); time.sleep(1000)"
)


def write_lease(state, lease):
    with open(leases.daemon_path(state), "w") as file:
        file.write(leases.format_daemon(lease))


def three_services(project, grace=0.5):
    project.spec("redis", kind="service", pty=False, stop_timeout=grace)
    project.spec("deaf", DEAF, kind="service", pty=False, stop_timeout=grace, **ANNOUNCED)
    project.spec("leaver", LEAVER, kind="service", pty=False, stop_timeout=grace)
    project.write().devboot("up", "-d")
    return everything_of(project)


def everything_of(project):
    """Pids of all that the daemon has started, whatever session it is in."""
    wait_until(lambda: len(leases.orphans_of(project.state)) >= len(project.specs) + 1)
    return [seen.pid for seen, _ in leases.orphans_of(project.state)]


@pytest.mark.faults(34)
def test_the_guardian_ends_what_a_killed_daemon_leaves(project):
    pids = three_services(project)

    os.kill(project.lease().pid, signal.SIGKILL)

    wait_until(lambda: not any(map(is_alive, pids)), "the guardian's work")
    wait_until(project.is_down)
    assert "was killed at" in project.devboot("ps").stderr


@pytest.mark.faults(34)
def test_down_ends_what_is_left_when_the_guardian_died_too(project):
    pids = three_services(project)
    lease = project.lease()

    os.kill(lease.guardian, signal.SIGKILL)
    os.kill(lease.pid, signal.SIGKILL)
    wait_until(lambda: not is_alive(lease.pid))
    assert any(map(is_alive, pids))
    done = project.devboot("down")

    assert done.stderr.startswith("stopped processes that an earlier run had left: ")
    assert all(name in done.stderr for name in ("redis", "deaf", "leaver"))
    assert are_gone(pids)


@pytest.mark.faults(34)
def test_the_next_up_ends_what_is_left_and_says_so(project):
    pids = three_services(project)
    lease = project.lease()
    os.kill(lease.guardian, signal.SIGKILL)
    os.kill(lease.pid, signal.SIGKILL)
    wait_until(lambda: not is_alive(lease.pid))

    done = project.devboot("up", "-d")

    assert done.stderr.startswith("stopped processes that an earlier run had left: ")
    assert are_gone(pids)
    project.devboot("down")


@pytest.mark.faults(34)
def test_a_killed_guardian_changes_nothing_for_a_living_daemon(shop):
    shop.devboot("up", "-d")
    pids = shop.pids()

    os.kill(shop.lease().guardian, signal.SIGKILL)

    assert shop.devboot("ps").stdout.count("running") == 2
    shop.devboot("down")
    assert are_gone(pids.values())


@pytest.mark.faults(20)
def test_four_cold_ups_at_once_make_one_daemon_and_all_succeed(shop):
    children = [shop.start("up", "-d") for _ in range(4)]

    outcomes = [(child.wait(DEADLINE), child.stderr.read()) for child in children]

    assert [code for code, _ in outcomes] == [0, 0, 0, 0], outcomes
    daemons = [seen for seen in proctable.processes().values() if _is_daemon_of(shop, seen.pid)]
    assert [seen.pid for seen in daemons] == [shop.lease().pid]
    shop.devboot("down")


def _is_daemon_of(project, pid):
    """Whether a process holds the project's lock open."""
    try:
        names = os.listdir(f"/proc/{pid}/fd")
        return any(os.readlink(f"/proc/{pid}/fd/{name}").endswith(leases.lock_path(project.state)) for name in names)
    except OSError:
        return False


@pytest.mark.faults(80)
def test_a_socket_that_nobody_listens_on_heals_by_itself(shop):
    shop.devboot("up", "-d")
    lease = shop.lease()
    shop.devboot("down")
    _leave_stale_socket(lease.socket)
    write_lease(shop.state, lease)

    assert shop.devboot("ps").stderr == f"shop is not running, its daemon (pid {lease.pid}) was killed: devboot up -d\n"
    assert "socket" not in shop.devboot("up", "-d").stderr
    assert shop.lease().pid != lease.pid
    shop.devboot("down")


def _leave_stale_socket(path):
    import socket

    with socket.socket(socket.AF_UNIX) as sock:
        sock.bind(path)


@pytest.mark.faults(81)
def test_a_number_that_belongs_to_another_process_now_is_never_signalled(shop):
    shop.devboot("up", "-d")
    lease = shop.lease()
    shop.devboot("down")
    stranger = subprocess.Popen(["sleep", "1000"], start_new_session=True)
    try:
        write_lease(shop.state, lease._replace(pid=stranger.pid))
        with open(leases.children_path(shop.state), "w") as file:
            file.write(f"boot {proctable.boot_id()}\n{stranger.pid} 12345 web\n")

        shop.devboot("down")
        shop.devboot("up", "-d")
        shop.devboot("down")

        assert stranger.poll() is None
    finally:
        stranger.kill()
        stranger.wait()


@pytest.mark.faults(35)
def test_leases_of_an_earlier_boot_mean_nothing(shop):
    shop.devboot("up", "-d")
    lease = shop.lease()
    shop.devboot("down")
    stranger = subprocess.Popen(["sleep", "1000"], start_new_session=True)
    try:
        seen = proctable.look(stranger.pid)
        old = lease._replace(pid=stranger.pid, started=seen.started, boot="another")
        write_lease(shop.state, old)
        with open(leases.children_path(shop.state), "w") as file:
            file.write(f"boot another\n{stranger.pid} {seen.started} web\n")

        assert shop.devboot("down").stderr == "shop is not running\n"
        assert stranger.poll() is None
    finally:
        stranger.kill()
        stranger.wait()


@pytest.mark.faults(82)
def test_a_daemon_whose_socket_was_deleted_is_found_and_makes_it_anew(shop):
    shop.devboot("up", "-d")
    os.unlink(shop.lease().socket)

    assert shop.devboot("ps").stdout.count("running") == 2
    assert os.path.exists(shop.lease().socket)
    shutil.rmtree(os.path.dirname(shop.lease().socket))
    shop.devboot("down")


@pytest.mark.faults(82)
def test_tmpdir_does_not_decide_where_the_daemon_is_found(shop):
    shop.devboot("up", "-d")
    shop.env["TMPDIR"] = shop.home

    assert shop.devboot("ps").stdout.count("running") == 2
    shop.devboot("down")


@pytest.mark.faults(86)
def test_a_project_whose_state_folder_was_deleted_can_still_be_stopped(shop):
    shop.devboot("up", "-d")
    pids = shop.pids()
    shutil.rmtree(shop.state)

    assert "web" in shop.devboot("ps").stdout
    shop.devboot("down")
    assert are_gone(pids.values())


@pytest.mark.faults(86)
def test_a_project_that_was_moved_is_listed_and_stopped_from_elsewhere(shop):
    shop.devboot("up", "-d")
    pids = shop.pids()
    os.rename(shop.root, f"{shop.root}-moved")
    os.mkdir(shop.root)
    open(f"{shop.root}/devboot.toml", "w").close()

    assert shop.root in shop.devboot("ps", "-a").stdout
    assert shop.devboot("down", "--all").stderr.startswith(f"{shop.root}\nstopping ")
    assert are_gone(pids.values())


@pytest.mark.faults(87)
def test_down_ends_a_frozen_daemon_and_all_that_it_runs(project):
    project.spec("redis", kind="service", pty=False, stop_timeout=4.0)
    project.spec("deaf", DEAF, pty=False, stop_timeout=4.0, **ANNOUNCED).write().devboot("up", "-d")
    pids = project.pids()
    freeze(project.lease().pid)

    assert project.devboot("ps", code=7).stderr.startswith("error[daemon/no-answer]: ")
    done = project.devboot("down")

    assert "does not answer; ending it and what it runs" in done.stderr
    assert re.search(r"stopped 1, killed \d\n", done.stderr)
    assert are_gone(pids.values())


@pytest.mark.faults(87)
@pytest.mark.parametrize("guardian", [signal.SIGSTOP, signal.SIGKILL])
def test_down_all_ends_what_a_frozen_daemon_runs_whatever_became_of_its_guardian(project, guardian):
    slow = "trap 'sleep 6; exit 0' TERM; echo ignored; while :; do sleep 0.05; done"
    project.spec("slow", slow, pty=False, stop_timeout=20.0, **ANNOUNCED)
    project.spec("web").write().devboot("up", "-d")
    lease, pids = project.lease(), project.pids().values()
    freeze(lease.pid)
    if guardian == signal.SIGSTOP:
        freeze(lease.guardian)
    else:
        os.kill(lease.guardian, guardian)

    done = project.devboot("down", "--all")

    assert "does not answer; ending it and what it runs" in done.stderr
    assert [] == [pid for pid in (lease.pid, lease.guardian, *pids) if is_alive(pid)]
    assert ", killed" not in done.stderr
    assert project.is_down()


@pytest.mark.faults(28, 34, 130)
@pytest.mark.parametrize("command", [["up", "-d"], ["down"]])
def test_a_stopped_guardian_of_a_killed_daemon_is_ended_by_the_next_command(shop, command):
    shop.devboot("up", "-d")
    before, pids = shop.lease(), shop.pids().values()
    freeze(before.guardian)
    os.kill(before.pid, signal.SIGKILL)

    done = shop.devboot(*command)

    assert "stopped processes that an earlier run had left: " in done.stderr
    assert [] == [pid for pid in (before.guardian, *pids) if is_alive(pid)]
    shop.devboot("down")


@pytest.mark.faults(130)
def test_a_guardian_that_is_traced_does_not_stay_after_down(shop):
    shop.devboot("up", "-d")
    lease = shop.lease()
    tracer = subprocess.Popen([sys.executable, "-c", TRACER, str(lease.guardian)], stdout=subprocess.PIPE)
    try:
        if tracer.stdout.read(1) != b"1":
            pytest.skip("nothing may be traced here")
        shop.devboot("down")
        assert not is_alive(lease.guardian)
    finally:
        tracer.kill()
        tracer.communicate()


@pytest.mark.faults(87)
@pytest.mark.parametrize("is_daemon_frozen", [False, True])
def test_down_wakes_and_ends_a_frozen_guardian(shop, is_daemon_frozen):
    shop.devboot("up", "-d")
    lease, pids = shop.lease(), shop.pids().values()
    freeze(lease.guardian)
    if is_daemon_frozen:
        freeze(lease.pid)

    shop.devboot("down")

    assert [] == [pid for pid in (lease.pid, lease.guardian, *pids) if is_alive(pid)]


@pytest.mark.faults(26)
def test_a_lock_file_that_was_deleted_does_not_make_two_daemons(shop):
    shop.devboot("up", "-d")
    before = shop.lease()
    os.unlink(leases.lock_path(shop.state))

    shop.devboot("up", "-d")

    assert shop.lease() == before
    shop.devboot("down")


@pytest.mark.faults(84)
@pytest.mark.parametrize(
    "line",
    ['x=$({}); test -z "$x"', "{} | cat", "timeout 20 {}", "{} < /dev/null > {{}}/out 2>&1", "( {} & wait $! )"],
)
def test_up_detached_returns_in_any_surroundings_and_keeps_nothing_open(shop, line):
    command = line.format(" ".join(shop.argv("up", "-d"))).format(shop.home)

    done = subprocess.run(
        ["/bin/sh", "-c", command], env=shop.env, cwd=shop.root, capture_output=True, timeout=90, check=False
    )

    assert done.returncode == 0, done.stderr
    lease = shop.lease()
    for pid in (lease.pid, lease.guardian):
        targets = {os.readlink(f"/proc/{pid}/fd/{number}") for number in (0, 1, 2)}
        assert targets == {"/dev/null"}
    assert os.readlink(f"/proc/{lease.pid}/cwd") == "/"
    shop.devboot("down")


@pytest.mark.faults(84)
def test_inherited_descriptors_are_closed_in_daemon_and_guardian(shop):
    reading, writing = os.pipe()
    os.set_inheritable(writing, True)

    shop.devboot("up", "-d", close_fds=False)
    os.close(writing)

    assert os.read(reading, 1) == b""
    os.close(reading)
    shop.devboot("down")


@pytest.mark.faults(84)
def test_a_start_that_fails_is_told_by_the_caller_with_the_log(project):
    project.spec("web", "echo last words; exit 1", restart="never").write()

    done = project.devboot("up", "-d", code=1)

    assert "| last words" in done.stderr
    project.devboot("down")


@pytest.mark.faults(65)
def test_a_runtime_directory_that_is_open_to_others_is_not_used(shop):
    os.mkdir(f"{shop.home}/run", 0o700)
    os.chmod(f"{shop.home}/run", 0o777)

    shop.devboot("up", "-d")

    assert not shop.lease().socket.startswith(f"{shop.home}/run")
    assert os.stat(shop.lease().socket).st_mode & 0o777 == 0o600
    shop.devboot("down")


@pytest.mark.faults(79)
def test_a_stop_during_back_off_wins_and_a_restart_is_no_failure(project):
    project.spec("web", "exit 1", max_restarts=100).spec("calm").write()
    project.start("up", "-d")
    wait_until(lambda: "backoff" in project.devboot("ps").stdout)

    project.devboot("stop", "web")

    assert "stopped" in project.devboot("ps").stdout
    project.devboot("restart", "calm")
    assert [row.split()[4] for row in project.devboot("ps").stdout.splitlines() if row.startswith("calm")] == ["0"]
    project.devboot("down")


@pytest.mark.faults(79)
def test_down_during_start_wins(project):
    project.spec("slow", "sleep 1000", ready=None, gates=False).spec("web", port=1, gates=True).write()
    waiting = project.start("up", "-d")
    wait_until(lambda: project.lease() and "slow" in project.pids())

    project.devboot("down")

    assert waiting.wait(60) == 1
    assert waiting.stderr.read() == "shop was stopped before it was up\n"
    assert project.is_down()


@pytest.mark.faults(132)
def test_a_daemon_without_descriptors_goes_on_as_soon_as_clients_have_gone(shop):
    shop.devboot("up", "-d")
    pid, pids = shop.lease().pid, shop.pids()
    limits = resource.prlimit(pid, resource.RLIMIT_NOFILE)
    used = max(map(int, os.listdir(f"/proc/{pid}/fd"))) + 1
    gaps = used - len(os.listdir(f"/proc/{pid}/fd"))
    resource.prlimit(pid, resource.RLIMIT_NOFILE, (used, limits[1]))
    held = [sockets.connect(shop.lease().socket, 10.0) for _ in range(gaps + 2)]

    wait_until(lambda: len(os.listdir(f"/proc/{pid}/fd")) == used, "the last descriptor")
    for sock in held:
        sock.close()
    assert shop.devboot("ps").stdout.count("running") == 2
    resource.prlimit(pid, resource.RLIMIT_NOFILE, limits)
    shop.devboot("down")
    assert are_gone(pids.values())


def leave_descriptors(lease, limit, spare, held):
    """Connect to a daemon until it can open `spare` more descriptors, and its reserves."""
    asked = 0.0

    def is_enough():
        nonlocal asked
        taken = len(os.listdir(f"/proc/{lease.pid}/fd"))
        if taken < limit - spare and time.monotonic() > asked + 5.0:  # what it had open for earlier requests is closed
            held.extend(sockets.connect(lease.socket, 10.0) for _ in range(limit - spare - taken))
            asked = time.monotonic()
        return taken >= limit - spare

    wait_until(is_enough, "the last descriptor")


@pytest.mark.faults(225)
@pytest.mark.parametrize("spare", [0, 1, 2, 3])
def test_a_request_to_a_daemon_without_descriptors_is_carried_out_or_refused_with_a_reason(shop, spare):
    shop.devboot("up", "-d")
    lease, pids, held = shop.lease(), shop.pids(), []
    limit = max(map(int, os.listdir(f"/proc/{lease.pid}/fd"))) + 4
    resource.prlimit(lease.pid, resource.RLIMIT_NOFILE, (limit, limit))
    for command in ("restart", "stop", "start", "restart", "logs", "ps"):
        leave_descriptors(lease, limit, spare, held)
        done = shop.devboot(command, *(() if command == "ps" else ("web",)), code=None)

        assert done.stderr + done.stdout
        assert done.returncode == 0 or any(reason in done.stderr for reason in REASONS), (command, done.stderr)
        assert all(is_alive(pids[name]) for name in ("redis", "worker")), done.stderr
    pids |= shop.pids()
    leave_descriptors(lease, limit, spare, held)
    shop.devboot("down")
    for sock in held:
        sock.close()

    assert are_gone([lease.pid, *pids.values()])
