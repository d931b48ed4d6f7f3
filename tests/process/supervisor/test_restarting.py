"""Restarting: the budget, what counts against it, and who wins when things happen at once."""

from __future__ import annotations

import os
import socket

import pytest

from devboot.model.process import Dependency, FailureHint, Probe
from tests.fakes.ports import free_ports

CRASHES = "echo crash; sleep 0.05; exit 3"


@pytest.mark.faults(68)
def test_a_crash_loop_ends_when_its_budget_is_spent(stage):
    stage.add("worker", CRASHES, max_restarts=3, window=60.0, origin="Procfile:2")

    stage.up()
    stage.until_settled()
    (failure,) = stage.supervisor.verdict().failures

    assert (stage.status("worker").phase, stage.status("worker").restarts) == ("gave-up", 3)
    assert stage.output["worker"] == b"crash\n" * 4
    assert failure.error.slug == "process/crash-loop"
    assert failure.error.what.startswith("worker exited 4 times in ")
    assert failure.error.what.endswith(" s, last with code 3")
    assert f"worker {stage.status('worker').note}" == failure.error.what
    assert failure.error.details == (f"{CRASHES}     (Procfile:2)", "| crash")
    assert failure.error.help == ("after a fix: `devboot up -d`", "all output: `devboot logs worker`")


@pytest.mark.faults(68)
def test_a_run_that_lasts_longer_than_the_window_resets_the_budget(stage):
    stage.add("worker", "sleep 0.3; exit 1", max_restarts=1, window=0.2)

    stage.up()
    stage.until(lambda: stage.status("worker").restarts >= 4)

    assert "gave-up" not in stage.phases["worker"]


def test_the_first_restart_follows_at_once_and_the_note_keeps_the_last_exit(stage):
    stage.add("web", "test -e once && exec sleep 100; touch once; kill -SEGV $$")

    stage.up()
    stage.until_settled()

    assert stage.phases["web"] == ["running", "backoff", "running"]
    assert stage.status("web").note == "last killed by SIGSEGV"


@pytest.mark.faults(210)
def test_after_an_intended_restart_nothing_is_said_of_failures_before_it_nor_of_its_own_signal(stage):
    stage.add("web", "test -e once && exec sleep 100; touch once; kill -SEGV $$")
    stage.up()
    stage.until_settled()
    pid = stage.status("web").pid

    stage.supervisor.restart(["web"])
    stage.until(lambda: stage.status("web").phase == "running" and stage.status("web").pid != pid)

    assert (stage.status("web").restarts, stage.status("web").note) == (0, "")


@pytest.mark.parametrize(
    ("policy", "command", "phase"),
    [
        ("never", "exit 1", "exited"),
        ("on-failure", "exit 0", "exited"),
        ("on-failure", "exit 1", "gave-up"),
        ("on-failure", "exit 4", "exited"),
        ("always", "exit 0", "gave-up"),
    ],
)
def test_policies(stage, policy, command, phase):
    stage.add("job", command, restart=policy, max_restarts=1, window=1.0, expected_exit=(0, 4))

    stage.up()
    stage.until_phase("job", phase)


@pytest.mark.faults(79)
def test_an_intended_restart_is_never_counted(stage):
    stage.add("web", "echo up; exec sleep 100", max_restarts=0)

    stage.up()
    pids = set()
    for number in range(1, 5):
        stage.until(lambda number=number: stage.output.get("web", b"").count(b"up") == number)
        pids.add(stage.status("web").pid)
        stage.supervisor.restart(["web"])
    stage.until(lambda: stage.output["web"].count(b"up") == 5)

    assert len(pids) == 4
    assert stage.status("web").restarts == 0


@pytest.mark.faults(79)
def test_a_stop_wins_over_backoff(stage):
    stage.add("web", CRASHES, max_restarts=5)

    stage.up()
    stage.until(lambda: stage.output.get("web", b"").count(b"crash") == 2)
    stage.until_phase("web", "backoff")
    stage.supervisor.stop(["web"])
    stage.run_for(0.8)

    assert stage.phases["web"][-1] == "stopped"
    assert stage.output["web"] == b"crash\n" * 2


@pytest.mark.faults(79)
def test_a_stop_wins_over_a_restart_under_way(stage):
    stage.add("web", "trap 'sleep 0.3; exit 0' TERM; echo up; sleep 100 & wait")

    stage.up()
    stage.until_output("web", b"up")
    stage.supervisor.restart(["web"])
    stage.supervisor.stop(["web"])
    stage.until_phase("web", "stopped")
    stage.run_for(0.2)

    assert stage.output["web"] == b"up\n"


@pytest.mark.faults(79)
def test_a_stop_wins_over_waiting_and_starting(stage):
    stage.add("api", "exec sleep 100", gates=True, ready=Probe("exec", command="false"))
    stage.add("web", "exec sleep 100", needs=["api"])

    stage.up()
    stage.until_phase("api", "starting")
    stage.down()

    assert stage.phases == {"api": ["starting", "stopping", "stopped"], "web": ["waiting", "stopped"]}


def test_a_restart_during_backoff_starts_at_once_with_a_fresh_budget(stage):
    stage.add("web", "test -e fixed && exec sleep 100; exit 1", max_restarts=5)

    stage.up()
    stage.until(lambda: stage.status("web").restarts == 2 and stage.status("web").phase == "backoff")
    stage.script("fixed", "")
    stage.supervisor.restart(["web"])
    stage.until_settled()

    assert stage.status("web").phase == "running"


def test_a_restart_of_what_waits_for_a_failed_task_runs_the_task_again(stage):
    stage.add("migrate", "test -e fixed", kind="task")
    stage.add("web", "exec sleep 100", needs=[Dependency("migrate", "succeeded")])

    stage.up()
    stage.until_settled()
    assert stage.status("web").note == "migrate failed"
    stage.script("fixed", "")
    stage.supervisor.restart(["web"])
    stage.until_settled()

    assert stage.supervisor.verdict().ok


def test_up_starts_again_what_gave_up(stage):
    stage.add("web", "test -e fixed && exec sleep 100; exit 1", max_restarts=0)

    stage.up()
    stage.until_phase("web", "gave-up")
    stage.script("fixed", "")
    stage.up()
    stage.until_settled()

    assert stage.supervisor.verdict().ok


@pytest.mark.faults(92)
def test_a_service_that_was_killed_is_restarted_and_its_dependents_go_on(stage):
    stage.add("redis", "exec sleep 100", kind="service")
    stage.add("web", "exec sleep 100", needs=["redis"])

    stage.up()
    stage.until_settled()
    web, before = stage.status("web").pid, stage.status("redis").pid
    os.kill(before, 9)
    stage.until(lambda: stage.status("redis").pid not in (None, before))

    assert stage.status("redis").note == "last killed by SIGKILL"
    assert stage.status("web").pid == web


def test_what_a_crashed_leader_left_is_ended_before_it_starts_again(stage):
    forks = """
import os, socket, sys, time
server = socket.socket()
server.bind(("127.0.0.1", int(open("port").read()) if os.path.exists("port") else 0))
server.listen()
open("port", "w").write(str(server.getsockname()[1]))
print("bound", flush=True)
if os.fork() == 0: time.sleep(100)
if not os.path.exists("again"):
    open("again", "w")
    sys.exit(1)
time.sleep(100)
"""
    stage.add("web", python=forks)

    stage.up()
    stage.until(lambda: stage.output.get("web") == b"bound\nbound\n")


def test_what_a_crashed_leader_left_is_killed_when_it_does_not_stop(stage):
    stage.add("web", "trap '' TERM HUP; sleep 100 & echo $! >> pids; echo up; exit 1", max_restarts=1, stop_timeout=0.2)

    stage.up()
    stage.until_phase("web", "gave-up")
    with open(f"{stage.root}/pids", encoding="ascii") as file:
        pids = file.read().split()

    notes = [f"web: left processes that did not stop in 0.2 s, killed (pid {pid})" for pid in pids]
    assert stage.notes[:-1] == notes
    assert len(pids) == 2


def test_a_process_that_does_not_live_any_more_is_restarted(stage):
    stage.add(
        "web", "rm -f hung; echo up; exec sleep 100",
        alive=Probe("exec", command="test ! -e hung", period=0.05, failure_threshold=2),
    )  # fmt: skip

    stage.up()
    stage.until_output("web", b"up")
    stage.script("hung", "")
    stage.until(lambda: stage.output["web"].count(b"up") == 2)

    assert stage.notes == ["web: liveness probe failed: exit 1"]
    stage.until(lambda: stage.status("web").note == "it hung: exit 1")
    assert stage.status("web").restarts == 1


def test_a_worker_that_never_listens_is_asked_whether_it_lives_all_the_same(stage):
    stage.add(
        "worker", "echo up; exec sleep 100", ready=Probe("listen", port=1),
        alive=Probe("exec", command="test ! -e hung", period=0.05, failure_threshold=2),
    )  # fmt: skip

    stage.up()
    stage.until_output("worker", b"up")
    stage.script("hung", "")
    stage.until(lambda: "worker: liveness probe failed: exit 1" in stage.notes)


def test_what_a_restart_cannot_heal_gives_up_at_once_and_says_why(stage):
    hints = (
        FailureHint("can't read", "redis/data-unreadable", "redis can't read its dump", "mv it away"),
        FailureHint("in use", "port/in-use", "the port is taken", passes=True),
    )
    stage.add("redis", "echo can\\'t read the dump; exit 1", kind="service", failure_hints=hints)
    stage.add("other", "echo the port is in use; exit 1", kind="service", failure_hints=hints, max_restarts=1)

    stage.up()
    stage.until_phase("redis", "gave-up")
    stage.until_phase("other", "gave-up")

    assert [0, 1] == [stage.status(name).restarts for name in ("redis", "other")]
    assert "redis can't read its dump" == stage.status("redis").note
    assert ["redis can't read its dump", "other exited 2 times"] == [each.partition(" in ")[0] for each in stage.notes]
    stage.supervisor.restart(["redis"])
    stage.until(lambda: stage.notes.count("redis can't read its dump") == 2)


LISTENS = """
import socket, sys, time
taken = socket.create_server(("127.0.0.1", int(sys.argv[1])))
print("listening", flush=True)
time.sleep(1000)
"""


def add_listening(stage, name, number, **fields):
    """Add a process whose command names the port on which it listens."""
    stage.add(name, python=LISTENS, env=(("PORT", "5000"),), **fields)
    stage.specs[-1] = stage.specs[-1]._replace(command=f"{stage.specs[-1].command} {number}")


def test_a_process_whose_own_port_another_program_has_gives_up_at_once_and_names_it(stage):
    with socket.create_server(("127.0.0.1", 0)) as stranger:
        port = stranger.getsockname()[1]
        add_listening(stage, "web", port)
        stage.up()
        stage.until_phase("web", "gave-up")

    assert stage.status("web").restarts == 0
    assert stage.notes == [f"web can't listen on 127.0.0.1:{port}"]
    (error,) = (failure.error for failure in stage.supervisor.verdict().failures)
    assert (error.slug, error.causes[0].endswith(f"(pid {os.getpid()})")) == ("port/in-use", True)
    stage.supervisor.up(["web"])
    stage.until_output("web", b"listening")


def test_a_port_that_another_process_of_the_project_has_may_be_left_at_once(stage):
    port = free_ports()
    add_listening(stage, "api", port, ready=Probe("listen", port=port), port=port)
    add_listening(stage, "web", port, needs=["api"])
    stage.up()
    stage.until_phase("web", "gave-up")

    assert stage.status("web").restarts == 1
    assert stage.status("web").note == f"web can't listen on 127.0.0.1:{port}"


SIGNS = """
import os, socket, time
address = os.environ["NOTIFY_SOCKET"]
address = "\\0" + address[1:] if address[0] == "@" else address
def tell(text):
    with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as notify: notify.sendto(text, address)
print("limit", os.environ["WATCHDOG_USEC"], flush=True)
"""


def test_a_process_that_gives_no_sign_of_life_is_restarted(stage):
    stage.add("web", python=f"{SIGNS}time.sleep(1000)", alive=Probe("notify", period=0.5, failure_threshold=3))

    stage.up()
    stage.until(lambda: stage.status("web").restarts == 1)

    assert stage.notes[0] == "web: liveness probe failed: no sign of life for 1.5 s"
    stage.until(lambda: b"limit 1500000\n" in stage.output.get("web", b""))
    stage.until(lambda: stage.status("web").note == "it hung: no sign of life for 1.5 s")


def test_a_process_may_say_how_long_it_may_be_silent_and_that_it_hangs(stage):
    says = 'tell(b"WATCHDOG=1"); tell(b"WATCHDOG_USEC=900000000"); tell(b"WATCHDOG=trigger"); time.sleep(1000)'
    stage.add("web", python=f"{SIGNS}{says}", alive=Probe("notify", period=100.0))

    stage.up()
    stage.until(lambda: stage.status("web").restarts == 1)

    assert stage.notes[0] == "web: liveness probe failed: it reported WATCHDOG=trigger"


@pytest.mark.faults(142)
@pytest.mark.parametrize("digits", [401, 4000])
def test_a_silence_of_any_length_may_be_announced(stage, digits):
    says = f'tell(b"WATCHDOG_USEC=" + b"9" * {digits}); tell(b"WATCHDOG=trigger"); time.sleep(1000)'
    stage.add("web", python=f"{SIGNS}{says}", alive=Probe("notify", period=100.0))

    stage.up()
    stage.until(lambda: stage.status("web").restarts == 1)

    assert stage.notes[0] == "web: liveness probe failed: it reported WATCHDOG=trigger"


def test_apply_restarts_what_has_changed_and_never_a_service(stage):
    stage.add("redis", "exec sleep 100", kind="service")
    stage.add("web", "exec sleep 100", needs=["redis"])
    stage.add("worker", "exec sleep 100", needs=["redis"])
    stage.add("old", "exec sleep 100")
    stage.up()
    stage.until_settled()
    pids = {each.name: each.pid for each in stage.supervisor.statuses()}

    redis, web, worker, _ = stage.specs
    stage.specs = [
        redis._replace(command="exec sleep 200"),
        web._replace(env=(("A", "b"),)),
        worker._replace(notes=("a note",)),
        web._replace(name="new", depends_on=(Dependency("web", "started"),)),
    ]
    changes = stage.supervisor.apply(stage.plan)
    stage.until(
        lambda: stage.supervisor.verdict().settled and stage.supervisor.names == ("redis", "web", "worker", "new")
    )
    after = {each.name: each.pid for each in stage.supervisor.statuses()}

    assert changes[:4] == (("new",), ("web",), ("old",), ("redis",))
    assert changes[4:] == ((), (), ())
    assert [name for name in after if pids.get(name) == after[name]] == ["redis", "worker"]
    assert not any(stage.supervisor.apply(stage.plan))


def test_a_process_that_comes_back_while_it_is_leaving_is_started_again(stage):
    stage.add("web", "trap 'sleep 0.3; exit 0' TERM; echo up; sleep 100 & wait")
    stage.up()
    stage.until_output("web", b"up")
    plan = stage.plan

    assert stage.supervisor.apply(plan._replace(processes=())).stopped == ("web",)
    assert stage.supervisor.apply(plan).started == ("web",)
    stage.until(lambda: stage.output["web"] == b"up\nup\n")


def test_apply_restarts_for_a_composed_variable_but_not_for_an_inherited_one(stage):
    stage.add("web", "exec sleep 100")
    stage.up()
    stage.until_settled()
    pid = stage.status("web").pid
    plan = stage.plan

    assert not stage.supervisor.apply(plan._replace(env=(*plan.env, ("INHERITED", "1")))).restarted
    assert stage.supervisor.apply(plan._replace(composed=(("DEBUG", "1"),))).restarted == ("web",)
    stage.until(lambda: stage.status("web").pid not in (None, pid))


def test_apply_runs_a_task_that_is_due_again_before_what_restarts(stage):
    stage.add("migrate", "echo migrating", kind="task", stamp=(f"{stage.root}/stamp", "1"))
    stage.add("web", "exec sleep 100", needs=[Dependency("migrate", "succeeded")])
    stage.up()
    stage.until_settled()

    stage.specs = [stage.specs[0]._replace(stamp=(f"{stage.root}/stamp", "2")), stage.specs[1]._replace(pty=False)]
    stage.supervisor.apply(stage.plan)
    stage.until(lambda: stage.output["migrate"] == b"migrating\n" * 2 and stage.supervisor.verdict().settled)

    assert stage.supervisor.verdict().ok


def test_apply_runs_a_task_whose_stamp_holds_no_longer_beside_what_goes_on(stage):
    stage.add("migrate", "echo migrating", kind="task", stamp=(f"{stage.root}/stamp", "1"))
    stage.add("seed", "echo seeding", kind="task")
    stage.add("web", "exec sleep 100", needs=[Dependency(name, "succeeded") for name in ("migrate", "seed")])
    stage.up()
    stage.until_settled()
    pid = stage.status("web").pid

    stage.specs[0] = stage.specs[0]._replace(stamp=(f"{stage.root}/stamp", "2"))
    stage.supervisor.apply(stage.plan)
    stage.until(lambda: stage.output["migrate"] == b"migrating\n" * 2 and stage.supervisor.verdict().settled)

    assert (stage.output["seed"], stage.status("web").pid) == (b"seeding\n", pid)


@pytest.mark.faults(161)
@pytest.mark.parametrize("code", [0, 1])
def test_a_start_goes_on_until_a_task_has_ended_that_nothing_waits_for(stage, code):
    stage.add("migrate", "true", kind="task", stamp=(f"{stage.root}/stamp", "1"))
    stage.add("web", "exec sleep 100", needs=[Dependency("migrate", "succeeded")])
    stage.up()
    stage.until_settled()

    command = f"sleep 2.5; echo migrated; exit {code}"
    stage.specs[0] = stage.specs[0]._replace(command=command, stamp=(f"{stage.root}/stamp", "2"))
    stage.supervisor.apply(stage.plan)
    stage.until_settled()

    assert stage.output["migrate"] == b"migrated\n"
    assert stage.supervisor.verdict().ok == (code == 0)


def test_up_runs_a_task_again_that_failed_beside_what_goes_on(stage):
    stage.add("migrate", "test -f fixed && echo migrated", kind="task", stamp=(f"{stage.root}/stamp", "2"))
    stage.add("web", "exec sleep 100", needs=[Dependency("migrate", "succeeded")])
    with open(f"{stage.root}/fixed", "w", encoding="utf-8"):
        stage.up()
        stage.until_settled()
    os.unlink(f"{stage.root}/fixed")
    stage.specs[0] = stage.specs[0]._replace(stamp=(f"{stage.root}/stamp", "3"))
    stage.supervisor.apply(stage.plan)
    stage.until(lambda: stage.supervisor.verdict().settled and not stage.supervisor.verdict().ok)

    with open(f"{stage.root}/fixed", "w", encoding="utf-8"):
        stage.up()
        stage.until(lambda: stage.output["migrate"] == b"migrated\n" * 2 and stage.supervisor.verdict().settled)

    assert stage.supervisor.verdict().ok


@pytest.mark.faults(68)
def test_what_has_crashed_counts_as_up_only_when_it_outlives_that(stage):
    stage.add(
        "worker", "test -e once || { touch once; sleep 4; exit 1; }; sleep 1.5; exit 1", max_restarts=1, window=60.0
    )

    stage.up()
    stage.until(lambda: stage.status("worker").restarts == 1)  # it was up after a second, as far as anyone could tell
    stage.until_settled()

    assert [failure.error.slug for failure in stage.supervisor.verdict().failures] == ["process/crash-loop"]
