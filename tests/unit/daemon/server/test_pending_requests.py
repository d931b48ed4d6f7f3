"""Requests to start, stop and restart: whatever happens meanwhile, each has an end, and goes with its client."""

from __future__ import annotations

import os

import pytest
from hypothesis import given, settings, strategies

from devboot.model.process import PROCESS, SERVICE, TASK, Dependency, Probe, ProcessSpec, plan_to_plain
from devboot.supervisor.state_machine import End
from tests.fakes.puppets import Client, Daemon

ON_DB = (Dependency("db", "ready"),)
DB = ProcessSpec("db", SERVICE, "/", "db", pty=False, ready=Probe("log", expect="x"), gates=True)
MIGRATE = ProcessSpec("migrate", TASK, "/", "migrate", depends_on=ON_DB)
SKIPPED = ProcessSpec("skipped", TASK, "/", "skipped", skip="nothing has changed")
WEB = ProcessSpec(
    "web",
    PROCESS,
    "/",
    "web",
    depends_on=(*ON_DB, Dependency("migrate", "succeeded"), Dependency("skipped", "succeeded")),
)
WORKER = ProcessSpec("worker", PROCESS, "/", "worker", depends_on=(Dependency("web", "started"),), max_restarts=1)
CRON = ProcessSpec("cron", PROCESS, "/", "cron", schedule="0 0 * * *")
ONCE = ProcessSpec("once", PROCESS, "/", "once", restart="never", cascade=True)
SPECS = (DB, MIGRATE, SKIPPED, WEB, WORKER, CRON, ONCE)
NAMES = tuple(spec.name for spec in SPECS)
VERBS = ("start", "stop", "restart", "have")


@pytest.fixture
def daemon(tmp_path):
    made = Daemon(tmp_path, SPECS)
    yield made
    made.close()


def ask(daemon, verb, *names, **more):
    return Client(daemon, command=verb, names=list(names), **more)


def up(daemon):
    """Start everything; all is ready."""
    daemon.supervisor.up()
    for _ in range(4):
        daemon.turn()
        for run in tuple(daemon.runs.values()):
            run.get_ready() if run.spec.kind != TASK else run.end(End(0))
            run.go()
    daemon.turn()


@pytest.mark.faults(122)
@pytest.mark.parametrize(
    ("verb", "names"), [("restart", ["*"]), ("restart", ["skipped"]), ("start", ["*"]), ("start", ["skipped"])]
)
def test_tasks_that_need_not_run_are_run_for_whoever_asks_for_them(daemon, verb, names):
    up(daemon)
    assert "exited" == {each.name: each.phase for each in daemon.supervisor.statuses()}["skipped"]
    client = ask(daemon, verb, *names)
    settle(daemon)
    assert 0 == client.read()
    assert "skipped done, " in client.text
    assert not daemon.supervisor.process("skipped").was_skipped


@pytest.mark.faults(122)
@pytest.mark.parametrize("verb", ["start", "restart", "have"])
def test_what_ended_by_itself_is_started_again_once_its_children_have_gone(daemon, verb):
    up(daemon)
    run = daemon.runs["web"]
    run.end(End(0))
    client = ask(daemon, verb, "web")
    assert client.read() is None
    run.go()
    settle(daemon)
    assert 0 == client.read()
    assert daemon.runs["web"].pid > run.pid


def test_a_scheduled_process_that_is_restarted_while_it_runs_does_not_wait_for_its_time(daemon):
    up(daemon)
    ask(daemon, "start", "cron")
    client = ask(daemon, "restart", "cron")
    run = daemon.runs["cron"]
    run.end(End(0))
    run.go()
    settle(daemon)
    assert 0 == client.read()
    assert daemon.runs["cron"].pid > run.pid


def test_whoever_waits_for_a_process_that_leaves_the_project_is_told(daemon):
    up(daemon)
    stops, restarts = ask(daemon, "stop", "worker"), ask(daemon, "restart", "web")
    ask(daemon, "up", detach=True, **edited(daemon, [DB]))
    settle(daemon)
    assert (0, 1) == (stops.read(), restarts.read())
    assert "web could not be started: stopped\n" == restarts.text


def test_a_start_that_waits_for_what_cannot_come_fails_with_the_reason(daemon):
    up(daemon)
    stops, client = ask(daemon, "stop", "db"), ask(daemon, "restart", "web")
    for name in ("web", "db"):
        run = daemon.runs[name]
        run.end(End(0))
        run.go()
    daemon.unspawnable.add("db")
    daemon.turn()
    assert (1, 1) == (stops.read() or 1, client.read())
    assert client.text.startswith("error[process/waiting]: web was not started: db could not be started")


def test_a_failed_start_is_reported_while_others_are_still_on_their_way(daemon):
    up(daemon)
    daemon.unspawnable.add("once")
    run = daemon.runs["once"]
    for client in (ask(daemon, "restart", "db", "once"), ask(daemon, "start", "once")):
        run.end(End(0))
        run.go()
        daemon.turn()
        client.read()
        assert "error[process/spawn]: `once` could not be started: " in client.text


@pytest.mark.parametrize("verb", ["start", "restart"])
def test_a_process_that_crashes_after_its_start_makes_the_request_fail_with_its_error(daemon, verb):
    up(daemon)
    if verb == "start":
        ask(daemon, "stop", "worker")
        daemon.runs["worker"].end(End(0))
        daemon.runs["worker"].go()
    client = ask(daemon, verb, "worker")
    for _ in range(50):  # its budget is one restart
        if "worker" in daemon.runs:
            daemon.runs["worker"].end(End(1))
            daemon.runs["worker"].go()
        daemon.pass_time(0.5)
    assert 1 == client.read()
    assert "error[process/crash-loop]: worker exited 2 times" in client.text
    assert "worker restarted" not in client.text


def test_a_request_without_patience_is_answered_when_its_process_was_spawned(daemon):
    up(daemon)
    run = daemon.runs["web"]
    client = ask(daemon, "restart", "web", wait=0.0)
    run.end(End(0))
    run.go()
    daemon.turn()
    assert 0 == client.read()
    assert "web restarted (pid" in client.text


def test_a_process_that_is_not_up_in_time_makes_a_restart_fail(daemon):
    up(daemon)
    run = daemon.runs["db"]
    client = ask(daemon, "restart", "db", wait=20.0)
    run.end(End(0))
    run.go()
    daemon.pass_time(10.0)
    assert client.read() is None
    daemon.pass_time(10.0)
    assert 1 == client.read()
    assert "error[process/not-ready]: db is not ready" in client.text


@pytest.mark.parametrize("verb", ["start", "restart"])
def test_a_start_that_is_worked_on_gets_more_time_and_one_that_only_waits_gets_none(daemon, verb):
    worked = [0.0]
    daemon.supervisor.worked_on_start = lambda: {1: worked[0]}
    client = begin_slowly(daemon, verb)
    worked[0] += 50.0
    daemon.pass_time(60.0)
    assert client.read() is None
    daemon.pass_time(60.0)
    assert 1 == client.read()
    assert "error[process/not-ready]: db is not ready" in client.text


def test_whoever_has_said_how_long_to_wait_waits_no_longer(daemon):
    worked = [0.0]
    daemon.supervisor.worked_on_start = lambda: {1: worked[0]}
    client = begin_slowly(daemon, "restart", wait=60.0, is_wait_given=True)
    worked[0] += 50.0
    daemon.pass_time(60.0)
    assert 1 == client.read()


def test_the_work_of_what_is_being_stopped_is_none_on_its_start(daemon):
    up(daemon)
    daemon.runs["db"].pid = os.getpid()
    ask(daemon, "restart", "db")
    assert "stopping" == daemon.supervisor.process("db").state.phase
    assert {} == daemon.supervisor.worked_on_start()


def begin_slowly(daemon, verb, **more):
    """Ask for a start of `db`, which is spawned and doesn't get ready."""
    up(daemon)
    run = daemon.runs["db"]
    if verb == "start":
        ask(daemon, "stop", "db")
        run.end(End(0))
        run.go()
    client = ask(daemon, verb, "db", **more)
    run.end(End(0))
    run.go()
    daemon.turn()
    return client


def test_after_a_second_it_is_said_what_a_request_waits_for(daemon):
    up(daemon)
    client = ask(daemon, "stop", "web", "worker")
    daemon.pass_time(1.0)
    daemon.pass_time(3.0)
    assert client.read() is None
    assert "web is stopping, killed after 5 s, worker is stopping, killed after 5 s, 1.0 s so far\n" == client.text


@pytest.mark.faults(125)
def test_after_a_second_it_is_said_what_a_detached_start_waits_for(daemon):
    client = ask(daemon, "up", detach=True, fingerprint=daemon.server.project.plan.fingerprint)
    daemon.pass_time(2.0)
    assert client.read() is None
    (line,) = [line for line in client.text.splitlines() if " waits " in line]
    assert "processes  waits   db (waits for its log line), migrate (waits for db), web (waits for db)" in line


@pytest.mark.faults(122)
def test_a_request_goes_with_its_client(daemon):
    up(daemon)
    clients = [ask(daemon, verb, "web") for verb in VERBS] + [ask(daemon, "ps", watch=True)]
    assert daemon.server.pending
    assert daemon.server.ps.is_watched
    for client in clients:
        client.leave()
    daemon.turn()
    assert (0, False) == (len(daemon.server.pending), daemon.server.ps.is_watched)


def test_nothing_is_promised_while_everything_is_being_stopped(daemon):
    up(daemon)
    down = ask(daemon, "down")
    refused = [ask(daemon, verb, "web") for verb in ("start", "restart", "have")]
    assert [7, 7, 7] == [client.read() for client in refused]
    settle(daemon)
    assert 0 == down.read()


# -- any sequence at all ---------------------------------------------------------------------------------------------


def edited(daemon, specs):
    plan = daemon.plan(specs)
    return {"plan": plan_to_plain(plan), "fingerprint": plan.fingerprint}


def settle(daemon):
    """Let everything come to its end: what stops goes, what starts gets ready, what has to wait need not."""
    for _ in range(30):
        daemon.turn()
        for run in tuple(daemon.runs.values()):
            phase = daemon.supervisor.process(run.spec.name).state.phase
            if phase == "stopping" or run.spec.kind == TASK:
                run.end(End(0))
                run.go()
            elif phase == "starting":
                run.get_ready()
        daemon.pass_time(2.0)


one_name = strategies.sampled_from(NAMES)
asking = strategies.tuples(
    strategies.sampled_from(VERBS),
    strategies.lists(one_name, min_size=1, max_size=3).map(tuple) | strategies.just(("*",)),
)
ending = strategies.tuples(
    strategies.just("end"), one_name, strategies.sampled_from([End(0), End(1), End(127), End(None, 9)])
)
happening = strategies.tuples(strategies.sampled_from(["ready", "go", "hang", "spawnable", "unspawnable"]), one_name)
rare = strategies.sampled_from([("up",), ("edit",), ("leave",), ("down",), ("wait", 0.5), ("wait", 3.0), ("watch",)])
STEPS = strategies.lists(asking | ending | happening | rare, max_size=25)


def ask_something(daemon, clients, kind, name):
    if kind == "up":
        clients.append(ask(daemon, "up", detach=True, fingerprint=daemon.server.project.plan.fingerprint))
    elif kind == "edit":
        others = [DB, MIGRATE, WEB] if len(daemon.server.project.plan.processes) == len(SPECS) else SPECS
        clients.append(ask(daemon, "up", detach=True, **edited(daemon, others)))
    elif kind == "watch":
        ask(daemon, "ps", watch=True).leave()
    elif kind == "leave":
        clients.pop().leave() if clients else None
    else:
        clients.append(ask(daemon, kind, *name))


def let_happen(daemon, kind, name, *arguments):
    run = daemon.runs.get(name)
    if kind == "wait":
        daemon.pass_time(name)
    elif kind == "spawnable":
        daemon.unspawnable.discard(name)
    elif kind == "unspawnable":
        daemon.unspawnable.add(name)
    elif run is not None and kind == "hang":
        daemon.supervisor.process(name).on_not_alive("no answer")
    elif run is not None:
        {"end": run.end, "go": run.go, "ready": run.get_ready}[kind](*arguments)


def step(daemon, clients, kind, name="", *arguments):
    if kind in (*VERBS, "up", "edit", "watch", "leave", "down"):
        ask_something(daemon, clients, kind, name)
    else:
        let_happen(daemon, kind, name, *arguments)


@pytest.mark.faults(122)
@settings(max_examples=100, deadline=None)
@given(steps=STEPS, turns=strategies.booleans())
def test_whatever_is_asked_and_whatever_happens_every_request_has_an_end(tmp_path_factory, steps, turns):
    daemon = Daemon(tmp_path_factory.mktemp("shop"), SPECS)
    try:
        clients = []
        daemon.supervisor.up()
        for each in steps:
            if not daemon.is_released:  # nobody finds it any more
                step(daemon, clients, *each)
            if turns:
                daemon.turn()
        settle(daemon)
        assert not [client.request for client in clients if client.read() is None]
        assert not daemon.server.pending
        for client in clients:
            client.leave()
        daemon.turn()
        assert not daemon.server.ps.is_watched
    finally:
        daemon.close()
