"""Strangers, garbage, other versions, slow and many clients: the daemon lives, and its processes don't notice."""

from __future__ import annotations

import contextlib
import os
import re
import signal
import socket
import sys
import time

import pytest

from devboot.model.process import Probe
from devboot.wire import frames
from devboot.wire.frames import FrameReader, frame
from devboot.wire.greeting import PROTOCOL
from tests.fakes.processes import are_alive, freeze, is_alive, state_of, wait_until

FLOOD = f"exec {sys.executable} -c \"import os\nline = b'x' * 99 + b'\\n'\nwhile True: os.write(1, line * 600)\""


def talk(project, *sent, patience=10.0):
    """Send bytes to the daemon; all frames of its answer."""
    with socket.socket(socket.AF_UNIX) as sock:
        sock.settimeout(patience)
        sock.connect(project.lease().socket)
        for data in sent:
            try:
                sock.sendall(data)
            except OSError:
                break
        reader, answer = FrameReader(), []
        try:
            while data := sock.recv(65536):
                answer += reader.feed(data)
        except ConnectionError:
            pass
        return answer


def request(text, protocol=PROTOCOL, version="9.9.9"):
    return frame(frames.HELLO, f"devboot {protocol} {version}".encode()) + frame(frames.MESSAGE, text.encode())


@pytest.mark.faults(66)
@pytest.mark.parametrize(
    "sent",
    [
        b"GET / HTTP/1.1\r\nHost: localhost\r\n\r\n",
        b"\x00" * 5000,
        b"J" + (2**31).to_bytes(4, "big") + b"x",
        frame(frames.MESSAGE, b'{"command": "down"}'),  # without a greeting
        request("[1, 2"),
        request("[]"),
        request("[" * 100_000),
        frame(frames.HELLO, b"\xff" * 100) + frame(frames.LAUNCH, b"x"),
    ],
)
def test_garbage_ends_that_conversation_and_nothing_else(shop, sent):
    shop.devboot("up", "-d")
    before = shop.pids(), shop.lease()

    answer = talk(shop, sent)

    assert [kind for kind, _ in answer] in ([], [frames.HELLO])
    assert (shop.pids(), shop.lease()) == before
    assert shop.devboot("ps").stdout.count("running") == 2
    shop.devboot("down")


@pytest.mark.faults(66)
def test_a_client_that_says_nothing_costs_nothing(shop):
    shop.devboot("up", "-d")
    with socket.socket(socket.AF_UNIX) as silent, socket.socket(socket.AF_UNIX) as half:
        silent.connect(shop.lease().socket)
        half.connect(shop.lease().socket)
        half.sendall(frame(frames.HELLO, b"devboot 1 1")[:3])

        assert shop.devboot("ps").stdout.count("running") == 2
        shop.devboot("down")
    assert shop.is_down()


@pytest.mark.faults(66)
def test_the_daemon_listens_on_no_network_address(shop):
    shop.devboot("up", "-d")

    inodes = set()
    for table in ("tcp", "tcp6", "udp", "udp6"):
        with open(f"/proc/{shop.lease().pid}/net/{table}") as file:
            inodes |= {f"socket:[{line.split()[9]}]" for line in file.readlines()[1:]}
    folder = f"/proc/{shop.lease().pid}/fd"
    held = {os.readlink(f"{folder}/{name}") for name in os.listdir(folder)}

    assert not held & inodes
    shop.devboot("down")


@pytest.mark.faults(83)
@pytest.mark.parametrize(
    ("protocol", "advice"),
    [
        (PROTOCOL + 1, "help: devboot down, then devboot up -d: the project then runs under the newer one"),
        (PROTOCOL - 1, "help: uv tool install devboot==0.1.0, or use the devboot that started the project"),
    ],
)
def test_another_version_is_told_by_direction_and_can_still_look_and_stop(shop, protocol, advice):
    shop.devboot("up", "-d")

    refused = talk(shop, request('{"command": "restart", "names": ["web"]}', protocol))
    looked = talk(shop, request('{"command": "ps", "unknown": 1}', protocol))

    text = b"".join(payload for kind, payload in refused if kind == frames.ERR).decode().splitlines()
    assert text[0] == (
        "error[daemon/version]: devboot 9.9.9 can't talk to the daemon of this project, which is devboot 0.1.0"
    )
    assert text[1] == advice
    assert refused[-1] == (frames.EXIT, b"7")
    assert looked[-1] == (frames.EXIT, b"0")
    assert talk(shop, request('{"command": "down"}', protocol))[-1] == (frames.EXIT, b"0")
    wait_until(shop.is_down)


@pytest.mark.faults(83)
def test_a_request_that_nobody_knows_is_refused_by_name(shop):
    shop.devboot("up", "-d")

    answer = talk(shop, request('{"command": "dance"}'))

    said = (
        b"error[usage/unknown-request]: the daemon knows no request `dance`\n"
        b"cause: the command comes from another version of devboot than the daemon\n"
        b"help: devboot down\n"
        b"help: devboot up -d\n"
    )
    assert answer[1:] == [(frames.ERR, said), (frames.EXIT, b"2")]
    shop.devboot("down")


@pytest.mark.timeout(400)
@pytest.mark.faults(75, 85)
def test_a_stopped_client_loses_lines_with_a_count_while_the_flood_goes_on(project):
    project.spec("flood", FLOOD, pty=False).spec("calm", "echo calm; exec sleep 1000").write()
    project.devboot("up", "-d")
    client = project.start("logs", "-f", "flood", errors=None)
    client.stdout.read(1000)
    freeze(client.pid)
    path = f"{project.state}/logs/flood.log"

    files = set()  # each log holds 16 MB
    wait_until(lambda: files.add(inode(path)) or len(files) > 3, "more output", 240)
    assert project.devboot("ps").stdout.count("running") == 2
    client.send_signal(signal.SIGCONT)
    deadline = time.monotonic() + 90
    text = b""
    while b"not shown (in the log)" not in text and time.monotonic() < deadline:
        text = text[-200:] + client.stdout.read(65536)

    assert re.search(rb"[\d ]+ lines not shown \(in the log\)", text)
    assert memory_of(project.lease().pid) < 60_000_000
    client.kill()
    project.devboot("down")


@pytest.mark.faults(75, 85)
def test_a_client_that_goes_on_after_the_end_is_told_what_it_has_lost(project):
    project.spec("flood", FLOOD, pty=False).write()
    project.devboot("up", "-d")
    client = project.start("logs", "-f", "flood", errors=None)
    client.stdout.read(1000)
    freeze(client.pid)
    path = f"{project.state}/logs/flood.log"
    files = set()
    wait_until(lambda: files.add(inode(path)) or len(files) > 1, "more output")
    flood = project.pids()["flood"]

    down = project.start("down")
    wait_until(lambda: not is_alive(flood))
    client.send_signal(signal.SIGCONT)

    text = client.communicate(timeout=60)[0]
    assert b"not shown (in the log)" in text[-100_000:]
    assert client.returncode == 0
    down.communicate(timeout=60)


@pytest.mark.faults(75)
def test_a_reader_that_is_only_slower_than_the_flood_loses_and_tears_nothing(project):
    code = "import os\nfor i in range(200): os.write(1, b''.join(b'{} %6d\\n' % (i * 1000 + k) for k in range(1000)))"
    for name in ("one", "two", "six"):
        project.spec(name, argv=(sys.executable, "-c", code.format(name)), command="", pty=False, restart="never")
    client = project.write().start("up", errors=None)
    lines = {"one": 0, "two": 0, "six": 0}

    for number, line in enumerate(client.stdout):
        prefix, _, text = line.partition("│ ".encode())
        name = prefix.split()[1].decode()
        assert text == b"%s %6d\n" % (name.encode(), lines[name])
        lines[name] += 1
        if number % 20_000 == 0:
            pause = time.monotonic() + 0.05  # a slow reader
            while time.monotonic() < pause:
                os.sched_yield()

    assert lines == {"one": 200_000, "two": 200_000, "six": 200_000}
    assert client.wait() == 0


@pytest.mark.faults(75)
def test_many_that_flood_at_the_same_moment_lose_nothing_of_a_reader_that_is_slower(project):
    with open(f"{project.root}/text", "w") as file:
        file.writelines(f"{number:6} {'x' * 72}\n" for number in range(4000))
    names = [f"p{number:02}" for number in range(24)]
    for name in names:
        project.spec(name, "exec cat text", pty=False, restart="never")
    client = project.write().start("up", errors=None)

    shown = dict.fromkeys(names, 0)
    for line in client.stdout:
        shown[line.split()[1].decode()] += line.endswith(b" " + b"x" * 72 + b"\n")

    assert shown == dict.fromkeys(names, 4000)
    assert client.wait() == 0


def inode(path):
    try:
        return os.stat(path).st_ino
    except FileNotFoundError:  # between the old log and the new one
        return 0


def memory_of(pid):
    with open(f"/proc/{pid}/statm") as file:
        return int(file.read().split()[1]) * os.sysconf("SC_PAGE_SIZE")


@pytest.mark.faults(79)
@pytest.mark.parametrize(
    ("first", "then", "said", "code"),
    [
        ("stop", "start", b"web stopped", b"0"),
        ("restart", "stop", b"web could not be started: stopped\n", b"1"),
    ],
)
def test_whoever_waits_for_what_somebody_else_has_undone_gets_an_answer(project, first, then, said, code):
    slow = "trap 'while ! test -e go; do sleep 0.01; done; exit 0' TERM; echo up; while :; do sleep 0.01; done"
    project.spec("web", slow, ready=Probe("log", expect="up"), gates=True, stop_timeout=60.0).write()
    project.devboot("up", "-d")
    with asking(project, first, "web") as waiting:
        wait_until(lambda: "stopping" in project.devboot("ps").stdout)
        with asking(project, then, "web"):
            assert "stopping" in project.devboot("ps").stdout
            open(f"{project.root}/go", "w").close()

            answer = answer_of(waiting)

    assert answer[1][1].startswith(said)
    assert answer[-1] == (frames.EXIT, code)
    project.devboot("down")


@contextlib.contextmanager
def asking(project, command, name):
    """A client that has asked and waits."""
    with socket.socket(socket.AF_UNIX) as sock:
        sock.settimeout(60)
        sock.connect(project.lease().socket)
        sock.sendall(request(f'{{"command": "{command}", "names": ["{name}"]}}'))
        yield sock


def answer_of(sock):
    """All frames until the other side ends the conversation."""
    reader, answer = FrameReader(), []
    while data := sock.recv(65536):
        answer += reader.feed(data)
    return answer


def test_logs_follow_shows_each_line_once_from_the_file_on(project):
    project.spec("count", "i=0; while :; do i=$((i+1)); echo number $i; sleep 0.01; done").write()
    project.devboot("up", "-d")
    client = project.start("logs", "-f", "--no-prefix", "-n", "1000")

    numbers = [int(client.stdout.readline().split()[1]) for _ in range(200)]

    assert numbers == list(range(numbers[0], numbers[0] + 200))
    assert numbers[0] == 1
    client.send_signal(signal.SIGINT)
    assert client.wait(60) == 130
    project.devboot("down")


def test_logs_follow_ends_with_the_project(shop):
    shop.devboot("up", "-d")
    client = shop.start("logs", "-f")
    client.stdout.readline()

    shop.devboot("down")

    assert client.wait(60) == 0


@pytest.mark.faults(112)
def test_logs_into_a_closed_pipe_end_quietly_with_141(project):
    project.spec("web", "while :; do echo line; sleep 0.01; done").write()
    project.devboot("up", "-d")
    client = project.start("logs", "-f")
    client.stdout.readline()

    client.stdout.close()

    assert (client.wait(60), client.stderr.read()) == (141, "")
    project.devboot("down")


@pytest.mark.faults(34)
def test_orphans_of_processes_are_adopted_reaped_and_ended(project):
    double = "for i in 1 2 3 4 5 6 7 8 9 10; do ( true & ); done; (setsid sleep 1000 &); echo done; exec sleep 1000"
    project.spec("web", double, pty=False).write()
    project.devboot("up", "-d")
    wait_until(lambda: "done" in project.devboot("logs").stdout)

    wait_until(lambda: not zombies_of(project.lease().pid), "no zombies")
    project.devboot("down")


def zombies_of(parent):
    from devboot.supervisor.system import proctable

    return [seen for seen in proctable.processes().values() if seen.parent == parent and seen.state == "Z"]


@pytest.mark.faults(118)
def test_ctrl_z_and_fg_keep_the_run_and_put_the_terminal_back_each_time(shop):
    terminal = shop.terminal("up")
    terminal.expect("shop is up in")
    raw = terminal.modes()

    terminal.type("\x1a")
    wait_until(lambda: state_of(terminal.pid) == "T", "the stop")
    cooked = terminal.modes()
    os.kill(terminal.pid, signal.SIGCONT)
    wait_until(lambda: terminal.modes() == raw, "the modes for keys")

    assert cooked[3] != raw[3]
    assert are_alive(shop.pids().values())
    terminal.type("\x03")
    assert terminal.wait() == 130
