"""The main way: up, look, down; what is printed where."""

from __future__ import annotations

import os
import re

import pytest

from devboot.model.process import SERVICE, FailureHint, Probe
from tests.fakes.processes import are_gone, is_alive, wait_until

from .conftest import SLEEP


def times_hidden(text):
    return re.sub(r"\b\d+(\.\d)? m?s\b", "T", text)


def test_up_detached_returns_when_all_is_ready_and_says_where(shop):
    done = shop.devboot("up", "-d")

    assert times_hidden(done.stderr) == (
        "shop is up in T, nothing to install\n"
        "  web     http://127.0.0.1:8000  nothing listens there\n"
        "  idle    web, worker: no probe, so they count as up once idle for a second\n"
        "  next    devboot logs -f   devboot ps   devboot down\n"
    )
    assert done.stdout == ""
    shop.devboot("down")


def test_up_detached_of_what_is_up_says_that_nothing_changed(shop):
    shop.devboot("up", "-d")

    assert times_hidden(shop.devboot("up", "-d").stderr) == (
        "shop is up already, for T; nothing changed\n"
        "  web     http://127.0.0.1:8000\n"
        "  next    devboot logs -f   devboot ps   devboot down\n"
    )
    shop.devboot("stop", "web")
    assert shop.devboot("up", "-d").stderr.startswith("shop is up in ")
    shop.devboot("down")


def test_a_restart_says_that_an_edit_is_not_applied_by_it(shop):
    shop.devboot("up", "-d")
    assert "changed" not in shop.devboot("restart", "web").stderr
    with open(f"{shop.root}/devboot.toml", "a", encoding="utf-8") as file:
        file.write("# edited\n")

    told = "devboot.toml has changed since the last `up`; to apply the change: devboot up -d\n"
    assert shop.devboot("restart", "web").stderr.endswith(told)
    assert shop.devboot("start", "web").stderr.endswith(told)
    assert told not in shop.devboot("stop", "web").stderr
    assert told not in shop.devboot("restart", "-q", "web").stderr
    shop.devboot("down")


def test_quiet_up_detached_prints_nothing(shop):
    done = shop.devboot("up", "-d", "-q")

    assert (done.stdout, done.stderr) == ("", "")
    assert shop.devboot("down", "-q").stderr == ""


def test_up_detached_again_converges_and_exits_with_zero(shop):
    shop.devboot("up", "-d")
    before = shop.pids()
    shop.devboot("stop", "web")

    shop.devboot("up", "-d")

    after = shop.pids()
    assert (before["redis"], before["worker"]) == (after["redis"], after["worker"])
    assert is_alive(after["web"])
    shop.devboot("down")


def test_down_stops_in_reverse_order_and_leaves_nothing(shop):
    shop.devboot("up", "-d")
    pids = shop.pids()

    done = shop.devboot("down")

    lines = times_hidden(done.stderr).splitlines()
    assert lines[0] == "stopping worker, web, then redis"
    assert sorted(line.split()[1] for line in lines[1:3]) == ["web", "worker"]
    assert lines[3].split()[:2] == ["✓", "redis"]
    assert lines[4:] == ["shop is down, T"]
    assert are_gone(pids.values())
    assert shop.is_down()


IN_ORDER = "trap 'exit 0' TERM; echo up; while :; do sleep 0.05; done"
BY_THE_SIGNAL = f"echo up; {SLEEP}"


@pytest.mark.parametrize(
    ("command", "file", "said"),
    [
        (IN_ORDER, "dump", "✓ redis  saved to DATA"),
        (IN_ORDER, "", "✓ redis"),
        (BY_THE_SIGNAL, "dump", "✓ redis"),
    ],
    ids=["in-order", "keeps-nothing", "by-the-signal"],
)
def test_a_server_that_stops_in_order_says_where_its_data_is(project, command, file, said):
    data = f"{project.root}/data/redis"
    os.makedirs(f"{data}/{file}")
    ready = Probe("log", expect="up")
    project.spec("redis", command, kind=SERVICE, pty=False, ready=ready, data=data, gates=True).write()
    project.devboot("up", "-d")

    line = project.devboot("down").stderr.splitlines()[1]

    assert times_hidden(line).strip().removesuffix("T").rstrip() == said.replace("DATA", data)


@pytest.mark.faults(87)
def test_a_second_down_while_the_first_waits_ends_with_it(project):
    project.spec("stubborn", "trap '' TERM; while :; do sleep 0.1; done", stop_timeout=1.0).write()
    project.devboot("up", "-d")

    first, second = project.start("down"), project.start("down")

    assert (first.wait(60), second.wait(60)) == (0, 0)


STUBBORN = """
trap 'echo "can not save, so it stays"; sleep 0.2; exit 0' TERM
echo up
while :; do sleep 0.1; done
"""


@pytest.mark.faults(93)
@pytest.mark.parametrize("command", ["stop", "restart"])
def test_what_can_not_stop_cleanly_says_why(project, command):
    hint = FailureHint("can not save", "redis/save-failed", "it could not save its data", "free some space")
    project.spec(
        "redis", STUBBORN, SERVICE, pty=False, stop_timeout=60.0, ready=Probe("log", expect="up"), failure_hints=(hint,)
    )
    project.spec("web").write()
    project.devboot("up", "-d")

    told = project.devboot(command, "redis", code=1).stderr

    assert times_hidden(re.sub(r" \(pid \d+\)", "", told)) == (
        "error[redis/save-failed]: it could not save its data\n"
        "  | can not save, so it stays\n"
        "help: free some space\n"
        f"redis {'stopped' if command == 'stop' else 'restarted'}, T\n"
    )
    assert project.devboot("stop", "web").returncode == 0
    project.devboot("down", code=None)


def test_down_and_ps_where_nothing_runs_say_so_and_succeed(shop):
    assert shop.devboot("down").stderr == "shop is not running\n"
    assert shop.devboot("ps").stderr == "shop is not running: devboot up\n"


def test_ps_in_a_pipe_has_words_only_and_its_title_on_stderr(shop):
    shop.devboot("up", "-d")

    done = shop.devboot("ps")

    header, *rows = done.stdout.splitlines()
    assert header.split() == ["NAME", "PHASE", "UP", "ADDRESS", "RESTARTS", "MEM", "NOTE"]
    assert [row.split()[:2] for row in rows] == [["redis", "ready"], ["web", "running"], ["worker", "running"]]
    assert re.fullmatch(rf"shop, up for T \(pid {shop.lease().pid}\)\n\n", times_hidden(done.stderr))
    shop.devboot("down")


def test_a_process_that_fails_makes_up_detached_fail_with_its_last_output(project):
    project.spec("web", "echo no such module; exit 3", restart="never").spec("worker").write()

    done = project.devboot("up", "-d", code=1)

    assert "no such module" in done.stderr
    assert done.stderr.startswith("error[process/")
    assert is_alive(project.pids()["worker"])
    project.devboot("down")


def test_what_is_not_ready_in_time_is_named(project):
    project.spec("web", ready=Probe("tcp", port=1), port=1, gates=True).write()

    done = project.devboot("up", "-d", "--wait-timeout", "0.3", code=1)

    assert done.stderr.startswith("error[process/not-ready]: web is not ready")
    project.devboot("down")


def test_restart_stop_and_start_act_on_names_and_wildcards(shop):
    shop.devboot("up", "-d")
    before = shop.pids()

    assert re.fullmatch(r"web restarted \(pid \d+\), T\n", times_hidden(shop.devboot("restart", "web").stderr))
    assert shop.pids()["web"] != before["web"]
    stopped = shop.devboot("stop", "w*").stderr
    assert sorted(line.split()[0] for line in stopped.splitlines()) == ["web", "worker"]
    assert not is_alive(shop.pids()["web"])
    shop.devboot("start", "worker")
    assert is_alive(shop.pids()["worker"])
    shop.devboot("down")


def test_an_unknown_name_is_refused_with_the_nearest_one(shop):
    shop.devboot("up", "-d")

    done = shop.devboot("restart", "wrker", code=2)

    assert done.stderr.splitlines()[:2] == [
        "error[usage/unknown-name]: no process matches `wrker`",
        "help: did you mean `worker`?",
    ]
    shop.devboot("down")


def test_logs_work_while_it_runs_and_afterwards(shop):
    shop.devboot("up", "-d")
    wait_until(lambda: "at work" in shop.devboot("logs", "worker").stdout)

    assert re.fullmatch(r"\d\d:\d\d:\d\d worker │ at work\n", shop.devboot("logs", "-n", "1", "worker").stdout)
    shop.devboot("down")
    assert sorted(line[9:] for line in shop.devboot("logs").stdout.splitlines()) == [
        "redis  │ ready",
        "web    │ hello",
        "worker │ at work",
    ]


def test_json_of_ps_has_the_facts(shop):
    import json

    shop.devboot("up", "-d")

    document = json.loads(shop.devboot("ps", "--json").stdout)

    assert [(each["name"], each["kind"], each["phase"]) for each in document["processes"]] == [
        ("redis", "service", "ready"),
        ("web", "process", "running"),
        ("worker", "process", "running"),
    ]
    assert document["pid"] == shop.lease().pid
    shop.devboot("down")
    assert json.loads(shop.devboot("ps", "--json").stdout)["processes"] == []


def test_logs_of_a_process_that_could_not_be_started_say_so_with_the_reason(project):
    project.spec("web", SLEEP)
    project.spec("mailer", "no-such-mailer --now", origin="Procfile:2")
    project.write()

    refused = project.devboot("up", "-d", code=1).stderr
    told = project.devboot("logs", "mailer").stderr

    reason = "`mailer` could not be started: `no-such-mailer` was not found"
    assert f"error[process/spawn]: {reason}\n" in refused
    assert "no-such-mailer --now     (Procfile:2)" in refused
    assert f"mailer has no log, it was never started ({reason})\n" == told
    project.devboot("down", code=None)


def test_timings_say_what_the_start_waited_for(shop):
    done = shop.devboot("up", "-d", "--timings")

    assert "what the start waited for:\n  after 0 ms       until the first process  " in done.stderr
    assert re.search(r"^  after .* redis .* m?s$", done.stderr, re.MULTILINE)
    shop.devboot("down")
