"""Whatever a client sends, in whatever order: the daemon answers the next one, and all processes live."""

from __future__ import annotations

import contextlib
import json
import os
import socket
import time
import traceback

import pytest
from hypothesis import HealthCheck, given, settings, strategies

from devboot.daemon.leases import ChildrenBook
from devboot.daemon.server import handlers
from devboot.daemon.server.server import Server
from devboot.errors import DevbootError
from devboot.model.process import plan_to_plain
from devboot.wire import frames, greeting
from tests.fakes.odd_requests import ODD, conversations
from tests.fakes.stage import Stage

SLEEP = "echo up; exec sleep 1000"
HELLO = frames.frame(frames.HELLO, greeting.greeting("0.1.0"))


class Hall:
    """A real Server with real processes in this very process, on whose loop clients are let in by hand."""

    def __init__(self, folder) -> None:
        self.stage = Stage(folder)
        self.stage.add("witness", SLEEP)
        self.stage.add(ODD, SLEEP)
        self.errors = []
        self.stage.loop.on_error = self._report
        supervisor = self.stage.supervisor
        book = ChildrenBook(os.path.join(folder, "children"))
        self.server = Server(
            supervisor, carry_out=handlers.carry_out, version="0.1.0", wall_clock=time.time, since=time.time(),
            book=book, release=lambda: None, uid=os.getuid(),
        )  # fmt: skip
        supervisor.report_to(self.server)
        supervisor.up()
        self.until(lambda: all(each.pid for each in supervisor.statuses()))

    @property
    def plain(self):
        """The plan as a client sends it."""
        return plan_to_plain(self.stage.plan)

    @property
    def witness(self):
        """The pid of the process that no request is about."""
        return next(each.pid for each in self.stage.supervisor.statuses() if each.name == "witness")

    def _report(self, error, fail):
        self.errors.append("".join(traceback.format_exception(error)))
        told = DevbootError("bug", "a mistake")
        told.exit_code = 70
        if fail is not None:
            fail(told)

    def until(self, condition):
        """Turn the loop."""
        self.stage.until(condition)

    def client(self):
        """A client and the server's end of its conversation."""
        ours, theirs = socket.socketpair()
        ours.setblocking(False)
        return ours, self.server.adopt(theirs)

    def say(self, sock, connection, data, pieces=(1 << 20,)):
        """Send bytes in pieces while the loop turns, and read what comes."""
        answer = b""
        position = turn = 0
        while position < len(data) and connection.is_open:
            size = pieces[turn % len(pieces)]
            with contextlib.suppress(OSError):
                position += sock.send(data[position : position + size])
            turn += 1
            self.stage.loop.turn(0)
            answer += received(sock)
        self.stage.loop.turn(0)
        return answer + received(sock)

    def ps(self):
        """What a well-behaved client is told."""
        sock, connection = self.client()
        message = json.dumps({"command": "ps", "view": {"json": True}}).encode()
        answer = self.say(sock, connection, HELLO + frames.frame(frames.MESSAGE, message))
        while connection.is_open:
            self.stage.loop.turn(0)
            answer += received(sock)
        answer += received(sock)
        sock.close()
        told = dict(frames.FrameReader().feed(answer))
        assert told[frames.EXIT] == b"0"
        return {each["name"]: each["pid"] for each in json.loads(told[frames.OUT])["processes"]}

    def close(self):
        """End all."""
        self.server.shut_down()
        self.stage.close()


def received(sock):
    """What is there to be read."""
    data = b""
    with contextlib.suppress(OSError):
        while block := sock.recv(1 << 20):
            data += block
    return data


@pytest.fixture(scope="module")
def hall(tmp_path_factory):
    """One for all examples: what an earlier one has broken, the next one finds."""
    hall = Hall(tmp_path_factory.mktemp("hall"))
    yield hall
    hall.close()


@pytest.mark.slow
@pytest.mark.faults(141)
@settings(max_examples=300, deadline=None, suppress_health_check=list(HealthCheck))
@given(data=strategies.data())
def test_any_frames_in_any_order_leave_the_daemon_and_all_processes_well(hall, data):
    witness = hall.witness
    sent = data.draw(strategies.lists(conversations(hall.plain), min_size=1, max_size=3))
    pieces = data.draw(strategies.lists(strategies.sampled_from([1, 3, 64, 1 << 20]), min_size=1, max_size=3))
    with contextlib.ExitStack() as stack:
        for each in sent:
            sock, connection = hall.client()
            stack.enter_context(sock)
            hall.say(sock, connection, each, pieces)

    found = hall.ps()
    errors, hall.errors = hall.errors, []
    assert errors == []
    assert found["witness"] == hall.witness == witness


@pytest.mark.faults(140)
def test_an_error_in_a_request_is_told_to_its_client_and_ends_nothing_else(hall, monkeypatch):
    def broken(server, connection, request):
        raise KeyError("odd")

    monkeypatch.setitem(handlers.HANDLERS, "dance", broken)
    witness = hall.witness
    other, stays = hall.client()
    hall.say(other, stays, HELLO + frames.frame(frames.MESSAGE, b'{"command": "logs"}'))
    sock, connection = hall.client()

    answer = hall.say(sock, connection, HELLO + frames.frame(frames.MESSAGE, b'{"command": "dance"}'))

    told = list(frames.FrameReader().feed(answer))
    assert told[1:] == [(frames.ERR, b"error[bug]: a mistake\n"), (frames.EXIT, b"70")]
    assert stays.is_open
    assert hall.witness == witness
    assert len(hall.errors) == 1
    assert "KeyError: 'odd'" in hall.errors.pop()
    sock.close()
    other.close()


@pytest.mark.faults(141, 142)
@pytest.mark.parametrize(
    ("message", "code"),
    [
        ({"command": "compare", "plan": [1, 2]}, b"7"),
        ({"command": "scale", "names": [ODD], "plan": [["shop"]]}, b"7"),
        ({"command": "up", "detach": True, "fingerprint": "other", "plan": [None] * 9}, b"7"),
        ({"command": "resize", "view": {"rows": 70_000, "columns": 70_000}}, None),
        ({"command": "up", "view": {"live": True, "rows": 24, "columns": 100_000}}, None),
        ({"command": "have", "names": [ODD], "wait": 10**400}, b"0"),
        ({"command": "ps", "view": {"columns": 10**30, "terminal": True}}, b"0"),
    ],
)
def test_what_was_seen_to_end_a_daemon_ends_a_request_at_most(hall, message, code):
    witness = hall.witness
    sock, connection = hall.client()
    answer = hall.say(sock, connection, HELLO + frames.frame(frames.MESSAGE, json.dumps(message).encode()))
    if code is not None:
        while connection.is_open:
            hall.stage.loop.turn(0.01)
            answer += received(sock)
        assert list(frames.FrameReader().feed(answer + received(sock)))[-1] == (frames.EXIT, code)
    sock.close()

    assert hall.ps()["witness"] == hall.witness == witness
    assert hall.errors == []


@pytest.mark.faults(141)
def test_a_real_daemon_takes_the_same(project):
    project.spec("witness", SLEEP).spec(ODD, SLEEP).write().devboot("up", "-d")
    lease, witness = project.lease(), project.pids()["witness"]
    plain = plan_to_plain_of(project)

    @settings(max_examples=60, deadline=None, database=None, suppress_health_check=list(HealthCheck))
    @given(data=conversations(plain))
    def send(data):
        with socket.socket(socket.AF_UNIX) as sock:
            sock.settimeout(10)
            sock.connect(lease.socket)
            with contextlib.suppress(OSError):
                sock.sendall(data)
                sock.shutdown(socket.SHUT_WR)
                while sock.recv(1 << 20):
                    pass

    send()

    assert json.loads(project.devboot("ps", "--json").stdout)["pid"] == lease.pid
    assert project.pids()["witness"] == witness
    assert not os.path.exists(os.path.join(project.state, "run", "crash"))
    project.devboot("down")


def plan_to_plain_of(project):
    """The plan that the project runs."""
    from devboot import snapshot

    return snapshot.read(f"{project.state}/{snapshot.NAME}").plan_plain
