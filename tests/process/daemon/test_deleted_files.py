"""Somebody deletes what devboot has written about a running project: there is never a second daemon or server."""

from __future__ import annotations

import itertools
import os
import shlex
import shutil
import signal
import stat
import subprocess
import sys
import time

import pytest

from devboot import snapshot
from devboot.app.commands import fast_up
from devboot.app.fast.call import Call
from devboot.app.fast.data_check import MADE
from devboot.daemon import cgroup, client, leases
from devboot.doctor.checks import processes as checks
from devboot.doctor.checks.processes import find_lease
from devboot.doctor.subject import Subject
from devboot.locks import hold_folder, is_folder_held
from devboot.model.process import Probe
from devboot.supervisor.system import proctable
from devboot.supervisor.system.process_tree import MARKER
from devboot.text.modes import OutputOptions, StreamFacts
from tests.fakes.folders import project_of
from tests.fakes.processes import are_gone, freeze, is_alive, wait_until

from .conftest import SERVICE, SLEEP

SERVER = """
import os, time
with open("starts", "a") as file:
    file.write(f"{os.getpid()}\\n")
time.sleep(1000)
"""
# Leaves the session and forgets whose it is, as a server that daemonises; nothing but its lock shows it.
HIDDEN = """
import os, sys, time
if os.fork() == 0:
    os.setsid()
    if os.fork() == 0:
        os.execve(sys.executable, [sys.executable, "-I", "-S", "-c", "import time; time.sleep(1000)"], {})
    os._exit(0)
os.wait()
time.sleep(1000)
"""


def serving(project, program=SERVER):
    """A running project with a server whose data folder is one of devboot's."""
    folder = f"{project.data}/services/redis/redis-8"
    os.makedirs(folder)
    command = shlex.join((sys.executable, "-I", "-S", "-c", program))
    project.spec("redis", f"cd {folder} && exec {command}", SERVICE, data=folder, pty=False, stop_timeout=1.0)
    project.spec("web").write().devboot("up", "-d")
    return folder


def delete(project, *what):
    """Delete folders; the snapshot stays, as after an `up` that has prepared the project again."""
    runtime = os.path.dirname(project.lease().socket)
    for name in what:
        folder = {"state": f"{project.state}/run", "runtime": runtime, "data": project.data}[name]
        shutil.rmtree(folder)


def marked(project):
    """Pids of everything that carries this project's marker."""
    table = proctable.processes()
    found = [seen.pid for seen, _ in proctable.marked(table, f"{MARKER}=")]
    return {
        pid
        for pid in found
        if proctable.entry_after(proctable.environment(pid) or b"", "DEVBOOT_INSIDE=") == project.root
    }


def starts(folder):
    with open(f"{folder}/starts") as file:
        return file.read().split()


def kill(*processes):
    for pid in processes:
        os.kill(pid, signal.SIGKILL)
    wait_until(lambda: not any(map(is_alive, processes)), "their end")


DELETED = [names for count in (1, 2, 3) for names in itertools.combinations(("state", "runtime", "data"), count)]


@pytest.mark.faults(200)
@pytest.mark.parametrize("what", DELETED, ids="-".join)
@pytest.mark.parametrize("command", [("up", "-d"), ("ps",), ("down",)], ids="-".join)
def test_a_daemon_whose_files_were_deleted_is_found_by_each_command(project, command, what):
    folder = serving(project)
    lease, before = project.lease(), marked(project)

    delete(project, *what)
    done = project.devboot(*command)

    if command == ("down",):
        assert are_gone([lease.pid, lease.guardian, *before])
        return
    assert "not running" not in done.stderr
    assert wait_until(project.lease, "the lease").is_same(lease)
    assert marked(project) == before
    if "data" not in what:
        assert len(starts(folder)) == 1
    project.devboot("down")
    assert are_gone([lease.pid, lease.guardian, *before])


@pytest.mark.faults(201)
def test_a_daemon_makes_its_files_again_by_itself(project):
    serving(project)
    lease = project.lease()

    delete(project, "state", "runtime")

    wait_until(lambda: (found := project.lease()) is not None and found.is_same(lease), "the lease")
    wait_until(lambda: os.path.exists(lease.socket), "the socket")
    wait_until(lambda: [lease] == leases.live_daemons(os.path.dirname(lease.socket)), "its copy beside the socket")
    assert leases.read_daemon(leases.data_path(project.data)) == lease
    wait_until(project.pids, "the list of children")
    assert set(project.pids().values()) <= marked(project)
    project.devboot("down")


@pytest.mark.faults(202)
@pytest.mark.parametrize("program", [SERVER, HIDDEN], ids=["plain", "hidden"])
@pytest.mark.parametrize("command", [("up", "-d"), ("down",)], ids="-".join)
def test_a_server_that_has_outlived_daemon_and_guardian_is_ended_before_another_starts(project, command, program):
    folder = serving(project, program)
    lease = project.lease()
    wait_until(lambda: len(proctable.lock_holders([folder])) == (2 if program is HIDDEN else 1), "the server")
    servers = proctable.lock_holders([folder])

    freeze(lease.guardian)
    kill(lease.pid)
    kill(lease.guardian)
    delete_after_death(project, lease)
    assert is_folder_held(folder)
    project.devboot(*command)

    assert are_gone(servers)
    if command == ("down",):
        assert not is_folder_held(folder)
    else:
        assert len(starts(folder) if program is SERVER else [1, 2]) == 2
        project.devboot("down")


@pytest.mark.faults(223)
@pytest.mark.parametrize("command", [("up", "-d"), ("down",)], ids="-".join)
def test_a_server_that_has_outlived_both_is_ended_though_its_data_was_deleted_too(project, command):
    folder = serving(project)
    lease = project.lease()
    wait_until(lambda: proctable.lock_holders([folder]), "the server")
    servers = proctable.lock_holders([folder])

    freeze(lease.guardian)
    kill(lease.pid)
    kill(lease.guardian)
    delete_after_death(project, lease)
    shutil.rmtree(project.data)
    os.makedirs(folder)  # as preparing does
    project.devboot(*command)

    assert are_gone(servers)
    if command != ("down",):
        project.devboot("down")


def delete_after_death(project, lease):
    for folder in (f"{project.state}/run", os.path.dirname(lease.socket)):
        shutil.rmtree(folder)
    os.unlink(leases.data_path(project.data))


LISTENING = """
import socket, sys, time
server = socket.socket(socket.AF_UNIX)
server.bind(sys.argv[1])
server.listen()
print("listens", flush=True)
time.sleep(1000)
"""


@pytest.mark.faults(230)
def test_a_server_is_started_again_although_the_folders_of_its_socket_were_deleted(project):
    folder, runtime = f"{project.data}/services/db/db-1", f"{project.home}/run"
    own = f"{runtime}/1234.d"
    os.makedirs(folder)
    argv = (sys.executable, "-I", "-S", "-c", LISTENING, f"{own}/s")
    listens = Probe("log", expect="listens")
    project.spec("db", "", SERVICE, argv=argv, data=folder, pty=False, ready=listens, socket_folders=(runtime, own))
    project.write().devboot("up", "-d")
    first = project.pids()["db"]

    shutil.rmtree(runtime)
    os.kill(first, signal.SIGKILL)

    wait_until(lambda: project.pids()["db"] != first and os.path.exists(f"{own}/s"), "another server")
    assert [0o700, 0o700] == [stat.S_IMODE(os.stat(each).st_mode) for each in (runtime, own)]
    project.devboot("down")


@pytest.mark.faults(230)
@pytest.mark.parametrize("theirs", ["link", "open", "file"])
def test_a_server_is_not_started_in_a_folder_for_sockets_that_others_reach(project, theirs):
    runtime = f"{project.home}/sockets"
    if theirs == "link":
        os.mkdir(f"{project.home}/elsewhere", 0o700)
        os.symlink(f"{project.home}/elsewhere", runtime)
    elif theirs == "open":
        os.mkdir(runtime)
        os.chmod(runtime, 0o777)
    else:
        open(runtime, "w").close()
    argv = (sys.executable, "-I", "-S", "-c", "import time; time.sleep(1000)")
    project.spec("db", "", SERVICE, argv=argv, pty=False, socket_folders=(runtime,)).write()

    refused = project.devboot("up", "-d", code=1)

    assert f"the folder of its socket, `{runtime}`, is" in refused.stderr
    assert project.pids() == {}
    project.devboot("down")


@pytest.mark.faults(203)
def test_no_server_is_started_on_a_folder_that_another_one_has_locked(project):
    folder = f"{project.data}/services/redis/redis-8"
    os.makedirs(folder)
    held = hold_folder(folder)
    command = shlex.join((sys.executable, "-I", "-S", "-c", SERVER))
    project.spec("redis", f"cd {folder} && exec {command}", SERVICE, data=folder, pty=False).write()

    done = project.devboot("up", "-d", code=1)

    os.close(held)
    assert "error[service/data-in-use]: `redis` was not started: another server works on its data" in done.stderr
    assert f"pid {os.getpid()} (" in done.stderr
    assert not os.path.exists(f"{folder}/starts")
    project.devboot("start", "redis")
    wait_until(lambda: os.path.exists(f"{folder}/starts"), "the server")
    project.devboot("down")


@pytest.mark.slow
@pytest.mark.faults(203)
def test_what_locks_the_project_s_data_and_is_no_daemon_is_named(project):
    os.makedirs(project.data)
    held = hold_folder(project.data)
    project.spec("web").write()

    done = project.devboot("up", "-d", code=7, timeout=60)

    os.close(held)
    assert done.stderr.startswith("error[state/data-in-use]: another process uses the project's data folder\n")
    assert f"help: ps -fp {os.getpid()}\n" in done.stderr
    assert marked(project) == set()


@pytest.mark.faults(200, 201)
def test_doctor_names_a_frozen_daemon_whose_files_were_deleted(project):
    serving(project)
    lease = project.lease()
    freeze(lease.pid)  # else it makes them again meanwhile

    delete(project, "state", "runtime", "data")
    found = checks.daemon(subject_of(project))
    os.kill(lease.pid, signal.SIGCONT)

    assert [finding.slug for finding in found.findings] == ["daemon/no-answer"]
    assert f"(pid {lease.pid})" in found.findings[0].what
    project.devboot("down")


@pytest.mark.faults(202)
def test_doctor_names_what_is_left_of_a_daemon_whose_files_were_deleted(project):
    folder = serving(project)
    lease = project.lease()
    wait_until(lambda: proctable.lock_holders([folder]), "the server")
    (server,) = proctable.lock_holders([folder])

    freeze(lease.guardian)
    kill(lease.pid)
    kill(lease.guardian)
    delete_after_death(project, lease)

    assert f"(pid {server})" in checks.left_behind(subject_of(project)).findings[0].evidence[0]
    project.devboot("down")
    assert checks.left_behind(subject_of(project)).findings == ()


def subject_of(project):
    """What doctor examines."""
    return Subject(
        version="0.1.0",
        environ=project.env,
        uid=os.getuid(),
        home=project.home,
        now=0.0,
        terminal=StreamFacts(),
        project=project_of(project.root, project.home),
        lease=lambda: find_lease(project_of(project.root, project.home), project.env),
    )


def call_of(project):
    """The call of `devboot up -d`."""
    return Call(
        "up",
        (),
        {"detach": True},
        root=project.root,
        state=project.state,
        data=project.data,
        environ=project.env,
        streams=(StreamFacts(),) * 3,
        output=OutputOptions(),
        began=0.0,
    )


@pytest.fixture
def stopped(project):
    """The lease of a daemon that was stopped after its files were deleted, but for those in the data folder."""
    serving(project)
    lease = project.lease()
    delete(project, "state", "runtime")
    freeze(lease.pid)
    yield lease
    os.kill(lease.pid, signal.SIGCONT)
    wait_until(project.lease, "the lease", 20)
    project.devboot("down")


@pytest.mark.faults(228)
@pytest.mark.parametrize("command", [("ps",), ("up", "-d"), ("restart", "web"), ("logs", "-f")], ids="-".join)
def test_a_stopped_daemon_is_named_whatever_shows_it(project, stopped, command):
    done = project.devboot(*command, code=7)

    assert done.stderr == (
        f"error[daemon/no-answer]: the daemon of shop (pid {stopped.pid}) does not answer\n"
        "cause: it is stopped, as by SIGSTOP or a debugger\n"
        "help: devboot down\n"
    )


@pytest.mark.faults(227)
def test_nothing_is_prepared_for_a_daemon_that_is_stopped(project, stopped):
    done = project.devboot("up", "-d", "--json", code=7)  # the long way

    assert "daemon/no-answer" in done.stdout
    assert done.stdout.count("\n") == 1


@pytest.mark.faults(227)
def test_a_daemon_that_is_stopped_while_another_up_waits_for_it_is_waited_for_no_longer(project, stopped, capfd):
    call = call_of(project)
    known = snapshot.read(f"{project.state}/snapshot")

    deadline = time.monotonic() + 3600.0
    code = fast_up.join_winner(call, known.plan_plain, project.env, "pid 1 (up, 2 s)", deadline, moves=False)

    said = capfd.readouterr().err
    assert (code, said.count("waiting for pid 1 (up, 2 s)\n")) == (7, 1)
    assert "it is stopped" in said


@pytest.mark.faults(229)
@pytest.mark.parametrize("fails", [False, True])
def test_a_running_daemon_is_joined_without_preparing_only_where_the_data_is_there(project, fails):
    made = f"{project.data}/made"
    os.makedirs(made)
    project.spec("web", "exit 3" if fails else SLEEP, pty=False, restart="never")
    project.write(data=((MADE, made, 0),)).devboot("up", "-d", code=int(fails))
    call = call_of(project)

    joined = fast_up.join_known(call, client.connect(project.lease()))
    os.rmdir(made)
    left = fast_up.join_known(call, client.connect(project.lease()))

    assert (joined, left) == (int(fails), None)


ADOPTER = """
import subprocess, sys
from devboot.supervisor.system.proctable import become_subreaper
assert become_subreaper()
stranger = subprocess.Popen(["sleep", "1000"])
subprocess.run(sys.argv[1:], stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL, check=True)
print(stranger.pid, flush=True)
sys.stdin.read()
stranger.kill()
"""


def leave_group(lease):
    """Move a run out of its control group, as on a machine where none could be made."""
    for pid in cgroup.members(lease.group) if lease.group else ():
        with open(f"{os.path.dirname(lease.group)}/cgroup.procs", "w") as file:
            file.write(str(pid))


@pytest.mark.faults(202)
@pytest.mark.skipif(sys.platform != "linux", reason="subreapers are a thing of Linux")
@pytest.mark.parametrize("more", [(), ("--force",)], ids=["plain", "force"])
def test_who_adopted_a_daemon_without_guardian_is_not_ended_with_it(project, more):
    project.spec("web").write()
    command = [sys.executable, "-c", ADOPTER, *project.argv("up", "-d")]
    pipes = {"stdin": subprocess.PIPE, "stdout": subprocess.PIPE}
    with subprocess.Popen(command, cwd=project.root, env=project.env, **pipes) as adopter:
        stranger = int(adopter.stdout.readline())
        lease, left = project.lease(), marked(project)
        freeze(lease.pid)  # else it makes its files again
        leave_group(lease)
        os.kill(lease.guardian, signal.SIGKILL)
        wait_until(lambda: proctable.look(lease.pid).parent == adopter.pid, "the adoption")
        delete(project, "state", "runtime")
        if os.path.exists(leases.data_path(project.data)):
            os.unlink(leases.data_path(project.data))

        project.devboot("down", *more)

        assert are_gone([lease.pid, *left])
        assert is_alive(adopter.pid)
        assert is_alive(stranger)
