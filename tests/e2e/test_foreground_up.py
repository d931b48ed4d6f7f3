"""`devboot up` in the foreground: its ways to end leave nothing behind, and what can't start is said by name."""

from __future__ import annotations

import os
import shlex
import signal
import socket

import pytest

from tests.e2e.conftest import eventually, fetch
from tests.e2e.test_projects import is_up
from tests.fakes.ports import free_ports

pytestmark = [pytest.mark.own_ports, pytest.mark.smoke]

WAITS = "python3 -c 'import time; print(\"at work\", flush=True); time.sleep(1000)'"
DEAF = "trap '' HUP INT TERM; echo deaf; while :; do sleep 1; done"


@pytest.fixture
def site(machine, tmp_path):
    """Make a project that needs nothing but a Procfile: `site({"web": "command"}, "manifest")`."""

    def make(processes, manifest=""):
        folder = tmp_path / "plan/site"
        folder.mkdir(parents=True)
        (folder / "Procfile").write_text("".join(f"{name}: {command}\n" for name, command in processes.items()))
        (folder / "devboot.toml").write_text(manifest)
        (folder / ".env").write_text(f"PORT={free_ports(6, step=100)}\n")
        return machine(folder)

    return make


@pytest.mark.network
@pytest.mark.faults(116)
def test_ctrl_c_stops_everything_and_restores_the_terminal(counter):
    counter.devboot("sync")
    window = counter.terminal("up")
    before = window.modes()
    window.expect("counter is up in")
    is_up(counter, "redis", "web")
    fetch(counter.url("web", "/add?kept"))

    window.type("\x03")
    window.expect("stopping web, then redis; ctrl-c again to force")

    assert 130 == window.wait()
    assert before == window.modes()
    eventually(lambda: [] == counter.processes())
    counter.devboot("up", "-d")
    assert "kept" == fetch(counter.url("web", "/words"))


@pytest.mark.faults(69, 116)
def test_a_second_ctrl_c_forces(site):
    here = site({"deaf": DEAF, "web": WAITS}, "[processes.deaf]\nstop_timeout = '60s'\n")
    window = here.terminal("up")
    window.expect("deaf *│? *.*deaf")

    window.type("\x03")
    window.expect("ctrl-c again to force")
    window.type("\x03")

    assert 130 == window.wait()
    eventually(lambda: [] == here.processes())


@pytest.mark.faults(117)
@pytest.mark.parametrize(("number", "code"), [(signal.SIGTERM, 143), (signal.SIGHUP, 129), (signal.SIGINT, 130)])
def test_a_signal_to_up_without_a_terminal_stops_everything(site, number, code):
    here = site({"web": WAITS, "worker": WAITS})
    child = here.start("up")
    eventually(lambda: 2 == here.devboot("logs", code=None).stdout.count("at work"))

    child.send_signal(number)
    child.communicate(timeout=90)

    assert code == child.returncode
    eventually(lambda: [] == here.processes())


@pytest.mark.faults(117)
@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGHUP])
def test_a_signal_to_up_on_a_terminal_restores_it(site, number):
    here = site({"web": WAITS})
    window = here.terminal("up")
    before = window.modes()
    window.expect("at work")

    os.kill(window.pid, number)

    assert 128 + number == window.wait()
    assert before == window.modes()
    eventually(lambda: [] == here.processes())


@pytest.mark.faults(117)
def test_closing_the_terminal_ends_everything(site):
    here = site({"web": WAITS, "worker": WAITS})
    window = here.terminal("up")
    window.expect("at work")

    window.close()

    assert window.wait() in (129, 1)
    eventually(lambda: [] == here.processes())


@pytest.mark.faults(34)
def test_killing_the_foreground_client_ends_everything(site):
    here = site({"web": WAITS, "deaf": DEAF}, "[processes.deaf]\nstop_timeout = '1s'\n")
    child = here.start("up")
    eventually(lambda: "deaf" in here.devboot("logs", code=None).stdout)

    child.kill()
    child.communicate()

    eventually(lambda: [] == here.processes())
    assert "is not running" in here.devboot("down").stderr


@pytest.mark.faults(74)
def test_up_inside_a_process_of_the_project_is_refused(site):
    here = site({"again": "sh again.sh", "web": WAITS}, "[processes.again]\nrestart = 'never'\n")
    (here.root / "again.sh").write_text(f"exec {shlex.join(here.command('up'))}\n")

    failed = here.devboot("up", "-d", code=1)

    assert "again failed" in failed.stderr
    assert "error[busy/nested]" in here.devboot("logs", "again").stdout
    assert "running" == here.ps()["web"]["phase"]


@pytest.mark.faults(77)
def test_a_command_that_is_not_there_is_named_and_the_others_run(site):
    here = site({"web": WAITS, "worker": "selery worker"})

    failed = here.devboot("up", "-d", code=1)

    assert "worker" in failed.stderr
    assert "selery" in failed.stderr
    phases = {name: entry["phase"] for name, entry in here.ps().items()}
    assert "running" == phases["web"]
    assert phases["worker"] in ("failed", "gave-up")


@pytest.mark.faults(77)
def test_a_directory_that_is_not_there_is_named(site):
    here = site({"web": WAITS}, "[processes.web]\ncwd = 'frontend'\n")

    failed = here.devboot("up", "-d", code=None)

    assert failed.returncode in (1, 3)
    assert "frontend" in failed.stderr


@pytest.mark.faults(78)
def test_a_process_that_never_gets_ready_is_named_after_the_wait(site):
    here = site(
        {"web": WAITS, "worker": WAITS},
        "[processes.web]\nready = { tcp = '127.0.0.1:9' }\n[processes.worker]\ndepends_on = ['web']\n",
    )

    failed = here.devboot("up", "-d", "--wait-timeout", "2", code=1)

    assert "error[process/not-ready]" in failed.stderr
    assert "web" in failed.stderr
    assert "waiting" == here.ps()["worker"]["phase"]
    assert "web" in here.ps()["worker"]["note"]
    here.devboot("down")
    assert [] == here.left()


@pytest.mark.faults(68)
def test_a_process_that_keeps_ending_is_given_up_with_its_last_words(site):
    here = site({"web": "echo cannot go on; exit 9"}, "[processes.web]\nmax_restarts = 2\nrestart = 'always'\n")

    failed = here.devboot("up", "-d", code=1)

    assert "error[process/crash-loop]" in failed.stderr
    assert "cannot go on" in failed.stderr
    assert "gave-up" == here.ps()["web"]["phase"]


@pytest.fixture
def stranger():
    """A port of the loopback address on which someone else listens."""
    listening = socket.create_server(("127.0.0.1", 0))
    yield listening.getsockname()[1]
    listening.close()


@pytest.mark.faults(88)
def test_an_explicit_port_that_is_taken_is_refused_before_anything_is_made(site, stranger):
    here = site({"web": WAITS}, f"[processes.web]\nport = {stranger}\n[databases.default]\npath = 'db.sqlite3'\n")

    refused = here.devboot("up", "-d", code=7)

    assert f"error[port/in-use]: web can't listen on 127.0.0.1:{stranger}" in refused.stderr
    assert f"(pid {os.getpid()})" in refused.stderr
    assert "help: devboot up --port web=auto" in refused.stderr
    assert [] == here.left()
    assert not (here.state / "logs").exists()


@pytest.mark.faults(88)
def test_a_port_that_a_command_names_and_another_program_has_is_refused_before_the_start(site, stranger):
    free = "python3 -m http.server -b 127.0.0.1 $PORT"
    here = site({"web": f"python3 -m http.server -b 127.0.0.1 {stranger}", "api": free})

    refused = here.devboot("up", "-d", code=7)

    assert f"error[port/in-use]: web can't listen on 127.0.0.1:{stranger}" in refused.stderr
    assert f"(pid {os.getpid()})" in refused.stderr
    assert f"help: write `$PORT` for {stranger} in Procfile:1, then `devboot up -d`" in refused.stderr
    assert [] == here.left()
    here.devboot("up", "-d", "api")  # whatever doesn't need that port starts


@pytest.mark.faults(88)
def test_a_taken_port_can_be_replaced_for_one_run(site, stranger):
    here = site({"web": "python3 -m http.server -b 127.0.0.1 $PORT"}, f"[processes.web]\nport = {stranger}\n")

    here.devboot("up", "-d", "--port", "web=auto")

    address = here.ps()["web"]["address"]
    assert not address.endswith(f":{stranger}")
    assert "Directory listing" in fetch(f"http://{address}/")


@pytest.mark.faults(88)
def test_a_warm_up_finds_a_port_that_was_taken_meanwhile(site):
    listening = socket.create_server(("127.0.0.1", 0))
    port = listening.getsockname()[1]
    listening.close()
    here = site({"web": "python3 -m http.server -b 127.0.0.1 $PORT"}, f"[processes.web]\nport = {port}\n")
    here.devboot("up", "-d")
    here.devboot("down")

    with socket.create_server(("127.0.0.1", port)):
        refused = here.devboot("up", "-d", code=7)

    assert f"error[port/in-use]: web can't listen on 127.0.0.1:{port}" in refused.stderr
    assert [] == here.left()


@pytest.mark.faults(88, 90)
def test_an_automatic_port_that_was_taken_meanwhile_is_replaced(site):
    here = site({"web": "python3 -m http.server -b 127.0.0.1 $PORT"})
    here.devboot("up", "-d")
    port = int(here.ps()["web"]["address"].rpartition(":")[2])
    here.devboot("down")

    with socket.create_server(("127.0.0.1", port)):
        done = here.devboot("up", "-d")
        assert f"web moves from port {port}" in done.stderr
        assert "Directory listing" in fetch(here.url("web"))
