"""Stopping: who gets which signal, what happens to those who don't listen, and to those who hide."""

from __future__ import annotations

import os

import pytest

from devboot.model.process import Dependency, FailureHint
from tests.fakes.processes import freeze
from tests.process.conftest import marked

# A signal that comes right before a sleep is handled after it, so programs with handlers in Python sleep shortly.
POLITE = """
import signal, sys, time
def stop(number, frame):
    print("got", signal.Signals(number).name, flush=True)
    sys.exit(0)
for number in (signal.SIGTERM, signal.SIGINT, signal.SIGQUIT, signal.SIGUSR1): signal.signal(number, stop)
print("up")
while True: time.sleep(0.05)
"""
DEAF = """
import signal, time
signal.signal(signal.SIGTERM, signal.SIG_IGN)
signal.signal(signal.SIGINT, signal.SIG_IGN)
signal.signal(signal.SIGHUP, signal.SIG_IGN)
print("up")
while True: time.sleep(100)
"""
# A leader that goes at once, while its child ignores it.
LEAVES_A_CHILD = """
import os, signal, sys, time
signal.signal(signal.SIGTERM, signal.SIG_IGN)
signal.signal(signal.SIGHUP, signal.SIG_IGN)
if os.fork() == 0:
    if {close}:
        for fd in (0, 1, 2): os.close(fd)
    while True: time.sleep(100)
signal.signal(signal.SIGTERM, signal.SIG_DFL)
print("up")
while True: time.sleep(100)
"""
# A grandchild in a session of its own, with parent and output gone, its environment cleared by exec or not.
HIDES = """
import os, sys, time
if os.fork() == 0:
    os.setsid()
    if os.fork() == 0:
        null = os.open(os.devnull, os.O_RDWR)
        for fd in (0, 1, 2): os.dup2(null, fd)
        os.execvp("sleep", ["sleep", "100"])
    os._exit(0)
os.wait()
print("up")
while True: time.sleep(100)
"""


def test_processes_stop_in_reverse_order_and_in_parallel_within_a_level(stage):
    stage.add("redis", python=POLITE, kind="service")
    stage.add("web", python=POLITE, needs=["redis"])
    stage.add("worker", python=POLITE, needs=["redis"])
    stage.add("proxy", python=POLITE, needs=["web"])

    stage.up()
    stage.until_settled()
    stage.down()

    assert stage.stopped[-1] == "redis"
    assert stage.stopped.index("proxy") < stage.stopped.index("web")
    assert stage.output == dict.fromkeys(["redis", "web", "worker", "proxy"], b"up\ngot SIGTERM\n")
    assert {each.phase for each in stage.supervisor.statuses()} == {"stopped"}


def test_stopping_one_leaves_the_others_alone(stage):
    stage.add("redis", python=POLITE, kind="service")
    stage.add("web", python=POLITE, needs=["redis"])

    stage.up()
    stage.until_settled()
    stage.supervisor.stop(["redis"])
    stage.until_phase("redis", "stopped")

    assert stage.status("web").phase == "running"


@pytest.mark.parametrize(("number", "name"), [(2, "SIGINT"), (3, "SIGQUIT"), (10, "SIGUSR1")])
def test_the_stop_signal_is_the_one_that_was_asked_for(stage, number, name):
    stage.add("web", python=POLITE, stop_signal=number)

    stage.up()
    stage.until_output("web", b"up")
    stage.down()

    assert stage.output["web"] == f"up\ngot {name}\n".encode()


@pytest.mark.faults(69)
def test_the_stop_signal_goes_to_the_leader_alone(stage):
    # As a pool does it: the children would lose their work if they got the signal too.
    pool = """
import os, signal, sys, time
child = os.fork()
if child == 0:
    signal.signal(signal.SIGTERM, lambda *_: print("child was signalled", flush=True))
    signal.signal(signal.SIGUSR1, lambda *_: sys.exit(0))
    while True: time.sleep(0.05)
def stop(*_):
    time.sleep(0.2)
    os.kill(child, signal.SIGUSR1)
    os.waitpid(child, 0)
    print("warm shutdown", flush=True)
    sys.exit(0)
signal.signal(signal.SIGTERM, stop)
print("up", flush=True)
while True: time.sleep(0.05)
"""
    stage.add("worker", python=pool)

    stage.up()
    stage.until_output("worker", b"up")
    stage.down()

    assert stage.output["worker"] == b"up\nwarm shutdown\n"


@pytest.mark.faults(69)
@pytest.mark.parametrize("tail", ["", " || true", " | cat", " && true", " & wait"])
def test_a_shell_around_the_program_does_not_keep_the_signal_from_it(stage, tail):
    import sys

    stage.add("web", f"{sys.executable} -u {stage.script('polite.py', POLITE)}{tail}")

    stage.up()
    stage.until_output("web", b"up")
    stage.down()

    # In a pipe the reader gets the signal as well, and may be gone before it could pass the last words on.
    assert tail == " | cat" or stage.output["web"] == b"up\ngot SIGTERM\n"
    assert stage.notes == []


@pytest.mark.faults(69)
@pytest.mark.parametrize("command", ["sh start.sh", "bash start.sh", "./start.sh"])
@pytest.mark.parametrize("pty", [True, False])
def test_a_script_that_only_waits_for_the_program_does_not_go_before_it(stage, command, pty):
    import sys

    program = stage.script(
        "server.py", POLITE.replace('print("up")', 'signal.signal(signal.SIGHUP, stop)\nprint("up")')
    )
    script = stage.script("start.sh", f"#!/bin/sh\ntrue\n{sys.executable} -u {program}\necho behind it\n")
    os.chmod(script, 0o755)
    stage.add("web", command, pty=pty)

    stage.up()
    stage.until_output("web", b"up")
    stage.down()

    assert stage.output["web"] == b"up\ngot SIGTERM\nbehind it\n"
    assert stage.notes == []


@pytest.mark.faults(69)
def test_a_script_that_traps_the_signal_ends_its_program_itself(stage):
    import sys

    program = stage.script("server.py", POLITE)
    lines = [
        "trap 'echo trapped; kill -INT $child; wait $child; exit 0' TERM",
        f"{sys.executable} -u {program} & child=$!",
    ]
    stage.script("start.sh", "\n".join([*lines, "wait $child", ""]))
    stage.add("web", "bash start.sh")

    stage.up()
    stage.until_output("web", b"up")
    stage.down()

    assert stage.output["web"] == b"up\ntrapped\ngot SIGINT\n"
    assert stage.notes == []


def test_a_shell_that_outlives_its_children_gets_the_signal_itself(stage):
    stage.add("loop", "while true; do sleep 0.2; echo again; done")

    stage.up()
    stage.until_output("loop", b"again")
    stage.down()

    assert stage.notes == []


def test_a_shell_may_clean_up_after_its_program(stage):
    import sys

    stage.add("web", f"{sys.executable} -u {stage.script('polite.py', POLITE)} | cat; touch cleaned")

    stage.up()
    stage.until_output("web", b"up")
    stage.down()

    assert os.path.exists(f"{stage.root}/cleaned")


@pytest.mark.faults(69)
def test_what_ignores_the_stop_signal_is_killed_at_the_grace_limit(stage):
    stage.add("deaf", python=DEAF, stop_timeout=0.3)
    stage.add("web", python=POLITE)

    stage.up()
    stage.until_output("deaf", b"up")
    stage.until_output("web", b"up")
    stage.down()

    assert stage.notes == ["deaf did not stop in 0.3 s, killed"]


def test_a_suspended_process_can_be_stopped(stage):
    stage.add("web", python=POLITE)

    stage.up()
    stage.until_output("web", b"up")
    freeze(stage.status("web").pid)
    stage.down()

    assert stage.output["web"] == b"up\ngot SIGTERM\n"
    assert stage.notes == []


@pytest.mark.faults(70)
@pytest.mark.parametrize("close", [False, True])
def test_down_returns_only_when_the_children_of_a_leader_that_has_gone_are_gone(stage, close, orphan_mark):
    stage.add("web", python=LEAVES_A_CHILD.format(close=close), stop_timeout=0.3)

    stage.up()
    stage.until_output("web", b"up")
    stage.down()

    assert marked(orphan_mark) == {}
    assert stage.notes == ["web did not stop in 0.3 s, killed"]


@pytest.mark.faults(71)
def test_what_left_the_session_and_its_parent_is_stopped_too(stage, orphan_mark):
    stage.add("web", python=HIDES)

    stage.up()
    stage.until_output("web", b"up")
    stage.until(lambda: len(marked(orphan_mark)) == 2)
    stage.down()

    assert marked(orphan_mark) == {}
    assert stage.notes == []


@pytest.mark.faults(71)
def test_a_service_that_puts_itself_into_the_background_is_named_and_ended(stage, orphan_mark):
    stage.add("nginx", python=HIDES.replace("while True: time.sleep(100)", ""), kind="service")

    stage.up()
    stage.until_phase("nginx", "exited")
    error = stage.errors["process/daemonised"]

    assert error.what == "nginx ended at once and left 1 process in the background"
    assert marked(orphan_mark) == {}


@pytest.mark.faults(72)
def test_an_exit_is_noticed_at_once_though_a_descendant_keeps_the_output_open(stage):
    stage.add("web", "setsid sleep 100 & echo last words; exit 3", restart="never", pty=False)

    stage.up()
    stage.until_phase("web", "exited")

    assert (stage.status("web").last_exit.code, stage.status("web").note[:3]) == (3, "at ")
    assert stage.output["web"] == b"last words\n"


def test_last_words_after_the_signal_are_kept(stage):
    chatty = POLITE.replace("sys.exit(0)", "sys.stdout.write('x' * 200_000 + '\\nbye'); sys.exit(0)")
    stage.add("web", python=chatty)

    stage.up()
    stage.until_output("web", b"up")
    stage.down()

    assert stage.output["web"] == b"up\ngot SIGTERM\n" + b"x" * 200_000 + b"\nbye"


def test_a_stop_command_does_the_stopping(stage):
    stage.add("web", python=POLITE, stop_command="echo $MODE > stopped; kill -USR1 $(cat pid)", env=(("MODE", "m"),))
    stage.specs[0] = stage.specs[0]._replace(command=f"echo $$ > pid; exec {stage.specs[0].command}")

    stage.up()
    stage.until_output("web", b"up")
    stage.down()

    assert stage.output["web"] == b"up\ngot SIGUSR1\n"
    assert os.path.exists(f"{stage.root}/stopped")


def test_a_stop_command_that_fails_is_told_and_the_signal_follows(stage):
    stage.add("web", python=POLITE, stop_command="echo no such server; false")

    stage.up()
    stage.until_output("web", b"up")
    stage.down()

    assert stage.notes == ["web: stop command failed: no such server"]
    assert stage.output["web"] == b"up\ngot SIGTERM\n"


@pytest.mark.faults(116)
def test_force_kills_every_session_at_once(stage, orphan_mark):
    stage.add("deaf", python=DEAF, stop_timeout=100.0)
    stage.add("family", python=LEAVES_A_CHILD.format(close=False), stop_timeout=100.0, needs=["deaf"])

    stage.up()
    stage.until_output("family", b"up")
    stage.until_output("deaf", b"up")
    pid = stage.status("deaf").pid
    stage.supervisor.shutdown()
    stage.run_for(0.05)
    stage.supervisor.force()
    stage.supervisor.force()
    stage.until(lambda: stage.finished == 1)

    assert marked(orphan_mark) == {}
    assert f"deaf: killed (pid {pid})" in stage.notes


@pytest.mark.faults(93)
def test_redis_that_cannot_save_says_so_before_the_grace_limit_ends_it(stage):
    stubborn = """
import signal, time
def stop(*_):
    print("1:M # Error moving temp DB file dump.rdb on the final destination: No space left on device", flush=True)
    print("1:M # Error trying to save the DB, can't exit.", flush=True)
signal.signal(signal.SIGTERM, stop)
print("up", flush=True)
while True: time.sleep(0.05)
"""
    stage.add(
        "redis", python=stubborn, kind="service", stop_timeout=100.0, data="/p/data/redis",
        failure_hints=(
            FailureHint("Error trying to save the DB", "redis/save-failed", "redis could not save its data",
                        "free some space, then `redis-cli save`"),
        ),
    )  # fmt: skip

    stage.up()
    stage.until_output("redis", b"up")
    stage.supervisor.shutdown()
    stage.until(lambda: "redis/save-failed" in stage.errors)
    stage.skip(100.0)
    stage.until(lambda: stage.finished == 1)
    error = stage.errors["redis/save-failed"]

    assert stage.notes == ["redis could not save its data", "redis did not stop in 100 s, killed"]
    assert error.details == ("| 1:M # Error trying to save the DB, can't exit.",)
    assert error.help == ("free some space, then `redis-cli save`",)
    assert error.kept == ("its data is in /p/data/redis",)


@pytest.mark.faults(79)
def test_exit_ends_all_stops_the_rest_and_is_remembered(stage):
    stage.add("redis", python=POLITE, kind="service")
    stage.add("test", "exit 7", exit_ends_all=True, restart="never", needs=[Dependency("redis", "started")])

    stage.up()
    stage.until(lambda: stage.finished == 1)

    assert stage.supervisor.ended_by.last_exit.code == 7
    assert stage.notes == ["test has ended, so everything stops (`exit_ends_all`)"]
    assert stage.status("redis").phase == "stopped"


def test_a_run_has_ended_when_no_procfile_process_is_alive_or_will_start(stage):
    stage.add("redis", python=POLITE, kind="service")
    stage.add("job", "sleep 0.3", needs=[Dependency("redis", "started")])

    stage.up()
    assert not stage.supervisor.has_ended
    stage.until(lambda: stage.supervisor.has_ended)

    assert stage.status("redis").phase == "running"
    assert stage.finished == 0
