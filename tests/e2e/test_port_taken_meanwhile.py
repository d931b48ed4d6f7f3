"""A port that another program binds after it was chosen and before the process listens: `up` takes another one."""

from __future__ import annotations

import json
import os
import socket
import subprocess
from contextlib import contextmanager

import pytest

from tests.e2e.conftest import eventually, fetch
from tests.fakes.ports import free_ports
from tests.fakes.toyproject import ToyProject

WEB = "python3 -m http.server -b 127.0.0.1 $PORT"
KNOWS = "echo sibling at $OVERMIND_PROCESS_web_PORT, $ADDRESS; exec sleep 1000"
# The task ends when the test has bound the port; the server starts after it.
GATE = "[tasks.gate]\nrun = 'touch waiting; while [ ! -e go ]; do sleep 0.02; done'\nbefore = ['web']\n"
ADDRESS = "[env]\nADDRESS = 'http://127.0.0.1:${processes.web.port}/'\n"


@pytest.fixture
def site(machine, tmp_path):
    """Make a project whose `web` starts when the test lets it: `site("manifest")`."""

    def make(manifest=ADDRESS, web=WEB):
        folder = tmp_path / "plan/site"
        folder.mkdir(parents=True)
        (folder / "Procfile").write_text(f"web: {web}\nworker: {KNOWS}\n")
        (folder / "devboot.toml").write_text(manifest + GATE)
        (folder / ".env").write_text(f"PORT={free_ports(6, step=100)}\n")
        return machine(folder)

    return make


@contextmanager
def lost_port(here, killed=None):
    """The port that was chosen for `web`, which this process binds while `up` waits; `killed` ends then."""
    eventually((here.root / "waiting").exists)
    port = here.ps()["web"]["port"]
    with socket.create_server(("127.0.0.1", port)):
        if killed is not None:
            killed.kill()
            killed.communicate()
        (here.root / "go").touch()
        yield port


def goes_on_elsewhere(here, port):
    """Whether `web` answers on another port, which its sibling knows; that port."""
    new = here.ps()["web"]["port"]
    assert new != port
    assert "Directory listing" in fetch(here.url("web"))
    told = f"sibling at {new}, http://127.0.0.1:{new}/"
    eventually(lambda: told in here.devboot("logs", "worker", "--no-prefix").stdout)
    return new


@pytest.mark.faults(177)
def test_a_detached_up_takes_another_port_and_tells_everybody(site):
    here = site()
    child = here.start("up", "-d")

    with lost_port(here) as port:
        said = child.communicate(timeout=120)[1]

        assert 0 == child.returncode, said
        new = goes_on_elsewhere(here, port)
        assert 1 == said.count(f"web moves from port {port}, which was taken in the meantime, to {new}: held by `"), (
            said
        )
        assert "error" not in said
    here.devboot("down")
    here.devboot("up", "-d")
    assert new == here.ps()["web"]["port"]


@pytest.mark.faults(177)
def test_a_warm_up_takes_another_port(site):
    here = site()
    (here.root / "go").touch()
    here.devboot("up", "-d")
    here.devboot("down")
    for name in ("go", "waiting"):
        (here.root / name).unlink()

    child = here.start("up", "-d")
    with lost_port(here) as port:
        said = child.communicate(timeout=120)[1]

        assert 0 == child.returncode, said
        new = goes_on_elsewhere(here, port)
        assert f"web moves from port {port}, which was taken in the meantime, to {new}: held by `" in said


@pytest.mark.faults(177)
def test_a_foreground_up_takes_another_port_and_goes_on(site):
    here = site()
    child = here.start("up", "worker", "web")

    with lost_port(here) as port:
        eventually(lambda: here.ps()["web"]["phase"] == "ready")
        new = goes_on_elsewhere(here, port)
        child.terminate()
        said = child.communicate(timeout=120)[1]

    assert 1 == said.count(f"web moves from port {port}, which was taken in the meantime, to {new}: held by `"), said
    assert 143 == child.returncode
    eventually(lambda: [] == here.processes())


@pytest.mark.faults(177)
def test_a_foreground_up_on_a_terminal_takes_another_port(site):
    here = site()
    window = here.terminal("up")

    with lost_port(here) as port:
        window.expect(f"web moves from port {port}, which was taken in the meantime, to \\d+")
        window.expect("site is up in")
        goes_on_elsewhere(here, port)
    window.type("\x03")

    assert 130 == window.wait()


@pytest.mark.faults(177)
def test_a_second_up_takes_another_port_for_what_gave_up(site):
    here = site("[processes.web]\nmax_restarts = 1\n" + ADDRESS)
    with lost_port(here, killed=here.start("up", "-d")) as port:  # so nobody can prepare another port
        eventually(lambda: here.ps()["web"]["phase"] == "gave-up")
        assert here.ps()["web"]["port_taken"]

        said = here.devboot("up", "-d").stderr

        new = goes_on_elsewhere(here, port)
        assert f"web moves from port {port}, which was taken in the meantime, to {new}: held by `" in said
        assert not here.ps()["web"]["port_taken"]


@pytest.mark.faults(177)
@pytest.mark.parametrize("words", [("-d",), ("-d", "--port", "PORT")])
def test_an_exact_port_is_refused_with_who_holds_it(site, words):
    port = free_ports()
    by_flag = len(words) > 1
    here = site("" if by_flag else f"[processes.web]\nport = {port}\n")
    child = here.start("up", *(f"web={port}" if word == "PORT" else word for word in words))

    with lost_port(here) as lost:
        said = child.communicate(timeout=120)[1]

        assert lost == port
        assert 7 == child.returncode, said
        assert f"error[port/in-use]: web can't listen on 127.0.0.1:{port}" in said
        assert f"(pid {os.getpid()})" in said
        assert "running processes continue" in said
        assert port == here.ps()["web"]["port"]
        assert here.ps()["worker"]["pid"]
        if not by_flag:
            refused = here.devboot("up", "-d", code=7).stderr
            assert f"(pid {os.getpid()})" in refused


@pytest.mark.faults(177)
def test_a_foreground_up_says_why_an_exact_port_is_not_replaced(site):
    port = free_ports()
    here = site(f"[processes.web]\nport = {port}\nmax_restarts = 1\n")
    child = here.start("up", "web")

    with lost_port(here):
        said = child.communicate(timeout=120)[1]

    assert 1 == child.returncode, said
    assert 1 == said.count(f"error[port/in-use]: web can't listen on 127.0.0.1:{port}")
    assert f"(pid {os.getpid()})" in said
    eventually(lambda: [] == here.processes())


@pytest.mark.faults(177)
def test_a_holder_that_has_gone_again_moves_nothing(site):
    here = site()
    child = here.start("up", "-d")
    with lost_port(here) as port:
        eventually(lambda: "in use" in here.devboot("logs", "web").stdout)
    said = child.communicate(timeout=120)[1]

    assert 0 == child.returncode, said
    assert here.ps()["web"]["port"] == port or f"moves from port {port}" in said


RECIPE = """
[package]
name = "toy"
description = "a toy"
[[source]]
kind = "wheel"
name = "toy"
bin = { toy-server = "toy/toy-server" }
[service]
command = ["toy-server", "{port}", "{port_page}"]
port = 23999
ports = { page = 23998 }
[service.ready]
tcp = "{port}"
[[service.failure]]
log = "Address already in use"
slug = "port/in-use"
what = "toy can't listen: one of its ports was taken in the meantime"
help = "devboot up"
passes = true
[provides]
url = "toy://127.0.0.1:{port}/"
[provides.env]
"*" = { TOY_URL = "{url}", TOY_PAGE = "http://127.0.0.1:{port_page}/" }
[test]
"""
SERVER = """\
import http.server, os, sys, threading, time
open("waiting", "w").close()
while not os.path.exists("go"):
    time.sleep(0.02)
page = http.server.SimpleHTTPRequestHandler
servers = [http.server.HTTPServer(("127.0.0.1", int(port)), page) for port in sys.argv[1:]]
threading.Thread(target=servers[1].serve_forever, daemon=True).start()
servers[0].serve_forever()
"""


@pytest.mark.faults(177)
@pytest.mark.parametrize("lost", ["toy", "toy.page"])
def test_a_service_takes_another_port_for_each_that_it_lost(tmp_path, lost):
    (tmp_path / "server.py").write_text(SERVER)
    program = f'case "$1" in [0-9]*) cd {tmp_path} && exec python3 server.py "$@";; esac'  # not when it is tried
    shop = ToyProject(
        tmp_path / "toys",
        also=program,
        manifest="[services.toy]\n[processes.web]\ncommand = 'echo $TOY_URL $TOY_PAGE; exec sleep 1000'\n",
    )
    (shop.root / "recipes/toy/recipe.toml").write_text(RECIPE)
    child = subprocess.Popen(
        shop.command("up", "-d"), cwd=shop.root, env=shop.environ, stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True,
    )  # fmt: skip
    try:
        eventually((tmp_path / "waiting").exists)
        before = recorded(shop)
        with socket.create_server(("127.0.0.1", before[lost])):
            (tmp_path / "go").touch()
            said = child.communicate(timeout=120)[1]

            assert 0 == child.returncode, said
            after = recorded(shop)
            assert {lost} == {name for name in before if before[name] != after[name]}
            line = f"{lost} moves from port {before[lost]}, which was taken in the meantime, to {after[lost]}"
            assert 1 == said.count(line), said
            known = f"toy://127.0.0.1:{after['toy']}/ http://127.0.0.1:{after['toy.page']}/"
            eventually(lambda: known in shop.devboot("logs", "web").stdout)
    finally:
        child.kill()
        child.communicate()
        shop.devboot("down")


def recorded(shop):
    """The ports that devboot has chosen for a project."""
    lines = (shop.state / "ports.toml").read_text().splitlines()[1:]
    rows = (line.partition(" = ") for line in lines)
    return {json.loads(key) if key[0] == '"' else key: int(port) for key, _, port in rows}
