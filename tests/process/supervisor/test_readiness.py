"""When a process counts as ready: each kind of probe, and answers that are somebody else's."""

from __future__ import annotations

import os
import socket
import subprocess
import sys

import pytest

from devboot.model.process import Probe
from tests.fakes.ports import free_ports
from tests.fakes.stage import SERVER


@pytest.mark.faults(78)
def test_a_port_that_is_open_is_not_ready_until_it_answers_well(stage, port):
    stage.add(
        "web", python=SERVER, gates=True, ready=Probe("http", port=port, path="/health"),
        env=(("PORT", str(port)), ("STATUS", "503")),
    )  # fmt: skip

    stage.up()
    stage.until(lambda: stage.status("web").note == "HTTP 503")
    assert stage.status("web").phase == "starting"
    verdict = stage.supervisor.verdict(final=True)

    assert not stage.supervisor.verdict().settled
    assert [each.error.what for each in verdict.failures] == ["web is not ready: HTTP 503"]


def test_a_process_that_keeps_failing_is_reported_by_its_exit_and_not_by_its_probe(stage, port):
    command = r"printf '\033[31mno queue\033[0m\n'; test ! -e failed || exec sleep 100; touch failed; exit 3"
    stage.add("worker", command, gates=True, ready=Probe("http", port=port, path="/"))

    stage.up()
    stage.until(lambda: stage.status("worker").restarts == 1 and stage.status("worker").pid is not None)
    (failure,) = stage.supervisor.verdict(final=True).failures

    assert failure.error.what == "worker failed, with code 3"
    assert "| no queue" in failure.error.details


LOGGING = SERVER.replace("    def log_message(self, *arguments): pass\n", "")


def test_the_requests_of_a_probe_are_not_in_the_log_and_those_of_others_are(stage, port):
    probe = Probe("http", port=port, path="/health", period=0.05)
    stage.add("web", python=LOGGING, gates=True, ready=probe, alive=probe, env=(("PORT", str(port)),))

    stage.up()
    stage.until_settled()
    stage.until(lambda: stage.output["web"].count(b"asked /health") > 5)
    with socket.create_connection(("127.0.0.1", port)) as client:
        client.sendall(b"GET /mine HTTP/1.0\r\n\r\n")
        stage.until_output("web", b'"GET /mine HTTP/1.0" 200')

    assert stage.output["web"].count(b'"GET /health') == 0


@pytest.mark.faults(78)
def test_dies_before_ready_and_the_probe_stops_at_once(stage, port):
    stage.add("web", "sleep 0.1; exit 4", gates=True, ready=Probe("tcp", port=port), restart="never")
    stage.add("worker", "sleep 100", needs=["web"])

    stage.up()
    stage.until_settled()

    web = stage.status("web")
    assert (web.phase, web.last_exit.code, web.note[:3]) == ("exited", 4, "at ")
    assert stage.status("worker").note == "web failed"


@pytest.mark.faults(78)
def test_a_probe_command_that_hangs_is_killed_with_all_its_children(stage):
    stage.add("db", "sleep 100", gates=True, ready=Probe("exec", command="sleep 301 | sleep 302", timeout=0.2))

    stage.up()
    stage.until(lambda: stage.status("db").note == "took too long")
    stage.down()


def test_an_exec_probe_passes_with_exit_0_and_shows_its_output_until_then(stage):
    stage.add(
        "db", "sleep 0.5; touch up; sleep 100", gates=True,
        ready=Probe("exec", command="echo not yet; test -e up", timeout=5.0),
    )  # fmt: skip

    stage.up()
    stage.until(lambda: stage.status("db").note == "not yet")
    stage.until_phase("db", "ready")


def test_a_log_probe_sees_through_colours(stage):
    stage.add(
        "web", r"printf 'boot\n\033[32mready\033[0m on 80\n'; sleep 100", gates=True,
        ready=Probe("log", expect="^ready on [0-9]+$"),
    )  # fmt: skip

    stage.up()
    stage.until_phase("web", "ready")


def test_a_process_may_say_itself_that_it_is_ready(stage):
    program = """
import os, socket, sys, time
def tell(text):
    address = os.environ["NOTIFY_SOCKET"]
    address = "\\0" + address[1:] if address[0] == "@" else address
    with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as notify: notify.sendto(text, address)
tell(b"STATUS=warming up")
while not os.path.exists("warm"): time.sleep(0.01)
tell(b"MAINPID=1\\nREADY=1")
time.sleep(100)
"""
    stage.add("web", python=program, gates=True, ready=Probe("notify"))

    stage.up()
    stage.until(lambda: stage.status("web").note == "warming up")
    assert stage.status("web").phase == "starting"
    stage.script("warm", "")
    stage.until_phase("web", "ready")


@pytest.mark.parametrize("shell", [False, True])
def test_a_process_is_ready_once_it_or_a_child_of_it_listens_on_its_port(stage, port, shell):
    path = stage.script("serve.py", SERVER)
    command = f"{sys.executable} -u {path}"
    stage.add(
        "web", f"{command}; true" if shell else command, ready=Probe("listen", port=port),
        env=(("PORT", str(port)), ("SLOW", "0.3")), gates=True, port=port,
    )  # fmt: skip

    stage.up()
    stage.until(lambda: stage.status("web").note == f"nothing listens on port {port} yet")
    stage.until_phase("web", "ready")


FORKS = """
import os, socket, time
server = socket.create_server(("127.0.0.1", int(os.environ["PORT"])))
if os.fork() == 0:
    print("loading", flush=True)
    while not os.path.exists("loaded"): time.sleep(0.01)
    while True:
        taken, _ = server.accept()
        print("took", taken.recv(10), flush=True)
        taken.close()
os.wait()
"""


def test_a_server_that_forks_is_ready_when_a_worker_takes_connections_and_nothing_is_sent(stage, port):
    stage.add("web", python=FORKS, ready=Probe("accept", port=port), env=(("PORT", str(port)),), gates=True, port=port)

    stage.up()
    stage.until(lambda: stage.status("web").note == f"no connection was accepted on port {port} yet")
    stage.until_output("web", b"loading")
    assert stage.status("web").phase == "starting"
    stage.script("loaded", "")
    stage.until_phase("web", "ready")

    stage.until_output("web", b"took b''")
    assert b"loading\ntook b''\n" == stage.output["web"]


def test_a_server_whose_workers_never_come_up_is_not_ready_and_its_end_is_seen(stage, port):
    broken = FORKS.replace('print("loading", flush=True)', "time.sleep(0.2); os._exit(3)").replace(
        "os.wait()", "os._exit(os.wait()[1] >> 8)"
    )
    stage.add(
        "web", python=broken, ready=Probe("accept", port=port), env=(("PORT", str(port)),), gates=True, port=port,
        restart="never",
    )  # fmt: skip

    stage.up()
    stage.until_phase("web", "exited")

    assert "ready" not in stage.phases["web"]


def test_a_worker_that_never_listens_counts_as_up_and_is_left_in_peace(stage, port):
    stage.add("worker", "exec sleep 100", ready=Probe("listen", port=port))

    stage.up()
    stage.until_settled()

    assert stage.supervisor.verdict().ok
    assert stage.phases["worker"] == ["running"]


def test_a_process_that_need_not_listen_is_ready_once_it_does(stage, port):
    stage.add("web", python=SERVER, ready=Probe("listen", port=port), env=(("PORT", str(port)),))

    stage.up()
    stage.until(lambda: stage.phases.get("web") == ["running", "ready"])


def test_a_stranger_on_the_port_does_not_make_it_ready(stage, port):
    stage.add("web", "sleep 100", ready=Probe("listen", port=port), gates=True)

    with socket.create_server(("127.0.0.1", port)):
        stage.up()
        stage.until(lambda: stage.status("web").note == f"another program listens on port {port}")
        assert stage.status("web").phase == "starting"


@pytest.mark.faults(89)
@pytest.mark.parametrize("kind", ["service", "process"])
def test_a_strangers_answer_on_its_port_does_not_make_it_ready(stage, port, kind):
    with socket.create_server(("127.0.0.1", port)):
        stage.add("web", "sleep 100", kind=kind, port=port, gates=True, ready=Probe("tcp", port=port))
        stage.up()
        stage.until(lambda: "another program" in stage.status("web").note)

    assert stage.status("web").phase == "starting"


@pytest.mark.faults(89)
def test_what_a_process_has_others_listen_for_it_counts(stage, port):
    """A container listens through a daemon that was there before."""
    with socket.socket() as stand_in:
        stand_in.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)  # the port may have served another test
        stand_in.bind(("127.0.0.1", port))
        stage.add("web", "sleep 100", port=port, gates=True, ready=Probe("tcp", port=port))
        stage.up()
        stage.until(lambda: stage.status("web").phase == "starting")
        stand_in.listen()
        stage.until(lambda: stage.status("web").phase == "ready")


@pytest.mark.faults(89)
def test_a_process_of_another_run_that_took_the_port_in_the_same_moment_does_not_make_it_ready(stage, port):
    """Two projects may find one port free and start at once; the loser's server fails, the winner's page answers."""
    stage.add("web", "sleep 100", port=port, gates=True, ready=Probe("tcp", port=port))
    stage.up()
    stage.until(lambda: stage.status("web").phase == "starting")
    code = (
        f"import socket, time; s = socket.create_server(('127.0.0.1', {port})); print(1, flush=True); time.sleep(100)"
    )
    winner = subprocess.Popen(
        [sys.executable, "-c", code], env={**os.environ, "DEVBOOT_PROCESS": "another:web"}, stdout=subprocess.PIPE
    )
    try:
        assert winner.stdout.readline() == b"1\n"
        stage.until(lambda: stage.status("web").note == f"another program listens on port {port}")
        assert stage.phases["web"] == ["starting"]
    finally:
        winner.kill()
        winner.communicate()


@pytest.mark.faults(96)
def test_redis_is_ready_only_on_a_literal_pong_and_shows_that_it_loads(stage, port):
    fake = """
import os, socket, threading
answers = [b"-LOADING Redis is loading the dataset in memory\\r\\n"] * 3 + [b"-ERR no\\r\\n"] * 2 + [b"+PONG\\r\\n"] * 9
server = socket.create_server(("127.0.0.1", int(os.environ["PORT"])))
while True:
    connection, _ = server.accept()
    assert connection.recv(100) == b"*1\\r\\n$4\\r\\nPING\\r\\n"
    answer = answers.pop(0)
    print("answering", answer[:4])
    connection.sendall(answer[:2])
    connection.sendall(answer[2:])
    connection.close()
"""
    probe = Probe("tcp", port=port, send="*1\r\n$4\r\nPING\r\n", expect="+PONG", loading="-LOADING")
    stage.add("redis", python=fake, kind="service", gates=True, ready=probe, env=(("PORT", str(port)),))
    notes = set()

    def is_ready():
        notes.add(stage.status("redis").note)
        return stage.status("redis").phase == "ready"

    stage.up()
    stage.until(is_ready)

    assert {"loading data", "answered '-ERR no'"} <= notes
    stage.until(lambda: stage.output["redis"].count(b"answering") == 6)


@pytest.mark.faults(78)
def test_ready_then_unready_then_ready(stage, port):
    server = """
import contextlib, os, socket, time
while True:
    with socket.create_server(("127.0.0.1", int(os.environ["PORT"]))) as server:
        server.settimeout(0.01)
        while not os.path.exists("closed"):
            with contextlib.suppress(TimeoutError): server.accept()[0].close()
    while os.path.exists("closed"): time.sleep(0.01)
"""
    probe = Probe("tcp", port=port, period=0.05, failure_threshold=2)
    stage.add("web", python=server, gates=True, ready=probe, env=(("PORT", str(port)),))

    stage.up()
    stage.until_phase("web", "ready")
    closed = stage.script("closed", "")
    stage.until_phase("web", "unready")
    os.unlink(closed)
    stage.until_phase("web", "ready")


def test_a_worker_is_up_as_soon_as_it_writes_its_known_line_and_without_one_when_it_is_quiet(stage):
    line = Probe("line", expect=r" ready\.\s*$")
    stage.add("worker", "echo 'celery@host ready.'; exec sleep 100", ready=line)
    stage.add("silent", "exec sleep 100", ready=line)

    stage.up()
    stage.until_settled()

    assert [stage.status(name).phase for name in ("worker", "silent")] == ["ready", "running"]
    assert stage.supervisor.verdict().ok


@pytest.mark.faults(177)
@pytest.mark.parametrize("does", ["sys.exit('no')", "time.sleep(1000)", "print('Error: in use'); time.sleep(1000)"])
def test_what_cannot_have_its_port_since_another_program_has_it_says_so(stage, does):
    with socket.create_server(("127.0.0.1", 0)) as stranger:
        port = stranger.getsockname()[1]
        web = {"ready": Probe("listen", port=port), "port": port, "gates": True, "max_restarts": 1}
        stage.add("web", python=f"import sys, time; {does}", **web)
        stage.add("worker", python=f"import sys, time; {does}", **{**web, "ready": None, "gates": False})
        stage.up()
        stage.until(lambda: stage.status("web").port_taken)

    assert not stage.status("worker").port_taken  # which need not listen where it was told to


@pytest.mark.faults(177)
def test_a_port_that_a_sibling_has_is_not_taken_by_another_program(stage):
    port = free_ports()
    listens = f"import socket, time; s = socket.create_server(('127.0.0.1', {port})); time.sleep(1000)"
    common = {"ready": Probe("listen", port=port), "port": port, "gates": True}
    stage.add("first", python=listens, **common)
    stage.add("second", python=listens, **common, max_restarts=1, needs=("first",))
    stage.up()
    stage.until_phase("second", "gave-up")

    assert not stage.status("second").port_taken


@pytest.mark.parametrize("kind", ["listen", "accept"])
def test_a_server_that_listens_elsewhere_than_it_was_told_to_is_ready_there(stage, port, kind):
    told = port + 1 if port < 65535 else port - 1
    stage.add(
        "web", python=SERVER, gates=True, ready=Probe(kind, port=told), port=told, address=f"127.0.0.1:{told}",
        env=(("PORT", str(port)),),
    )  # fmt: skip

    stage.up()
    stage.until_phase("web", "ready")

    assert (port, f"127.0.0.1:{port}") == (stage.status("web").port, stage.status("web").address)
    assert [f"web: listens on {port}, not on {told} as set in PORT"] == stage.notes


def test_a_port_that_is_open_while_the_code_is_still_loaded_is_not_taken_for_the_address(stage, port):
    program = f"""
import os, socket, time
early = socket.create_server(("127.0.0.1", 0))
until = time.monotonic() + 4
while time.monotonic() < until: pass
server = socket.create_server(("127.0.0.1", {port}))
time.sleep(1000)
"""
    stage.add("web", python=program, gates=True, ready=Probe("listen", port=port), port=port)

    stage.up()
    stage.until_phase("web", "ready")

    assert ([], port) == (stage.notes, stage.status("web").port)


@pytest.mark.parametrize("kind", ["listen", "accept"])
def test_a_server_that_opens_another_port_first_is_ready_on_its_own_in_the_end(stage, port, kind):
    program = f"""
import os, socket, threading, time
other = socket.create_server(("127.0.0.1", 0))
def serve(server):
    while True: server.accept()
threading.Thread(target=serve, args=(other,), daemon=True).start()
while not os.path.exists("database"): time.sleep(0.2)
serve(socket.create_server(("127.0.0.1", {port})))
"""
    stage.add("web", python=program, gates=True, ready=Probe(kind, port=port), port=port, address=f"127.0.0.1:{port}")

    stage.up()
    stage.until_phase("web", "ready")
    assert port != stage.status("web").port
    stage.script("database", "")
    stage.until(lambda: stage.status("web").port == port)

    assert ("ready", f"127.0.0.1:{port}") == (stage.status("web").phase, stage.status("web").address)
    assert stage.notes[1:] == [f"web: listens on {port}, as set in PORT"]
