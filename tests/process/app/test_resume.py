"""A foreground `up` that has prepared the project continues in a fresh interpreter, and nobody notices."""

from __future__ import annotations

import json
import os
import socket
import subprocess
import sys

import pytest

from devboot import __version__
from devboot.app.fast.call import Call
from devboot.app.screen.resume import KEPT
from devboot.wire import frames
from devboot.wire.frames import frame

# Runs twice: before and after the process was replaced.
PROGRAM = """
import os, sys
if "DEVBOOT_RESUME" in os.environ:
    if "interrupted" in sys.argv:
        os.kill(os.getpid(), 2)  # held back until it is handled
    from devboot.__main__ import main
    sys.exit(main())
import _socket, json
from devboot.app.fast.call import Call, look_at_streams
from devboot.app.screen.resume import attach_afresh
from devboot.daemon.client import Client
from devboot.text.modes import OutputOptions
call = Call("up", ("web",), {"no-menu": True}, root="/r", state="/s", environ=dict(os.environ), began=1.0,
            streams=look_at_streams(os.environ), output=OutputOptions(quiet=True), is_grown=True)
client = Client(_socket.socket(fileno=int(sys.argv[1])))
client.put_back(client.next())
sys.stderr.write(f"{os.getpid()} ")
print("before", flush=True)
sys.exit(attach_afresh(call, client, owner=True))
"""


@pytest.fixture
def daemon():
    """The daemon's end of a connection, and the client's."""
    ours, theirs = socket.socketpair()
    ours.settimeout(30)
    with ours, theirs:
        yield ours, theirs


def start(theirs, *words):
    environ = {name: value for name, value in os.environ.items() if not name.startswith("PYTHON")}
    child = subprocess.Popen(
        [sys.executable, "-c", PROGRAM, str(theirs.fileno()), *words],
        pass_fds=[theirs.fileno()],
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        env=environ,
    )
    theirs.close()
    return child


def test_what_had_arrived_before_and_what_arrives_later_is_shown_in_order(daemon):
    ours, theirs = daemon
    later = frame(frames.ERR, b"two\n") + frame(frames.ERR, b"three\n") + frame(frames.EXIT, b"3")
    ours.sendall(frame(frames.ERR, b"one\n") + later[:7])
    child = start(theirs)
    assert child.stdout.readline() == "before\n"

    ours.sendall(later[7:])
    _, said = child.communicate(timeout=60)

    assert said == f"{child.pid} one\ntwo\nthree\n"
    assert child.returncode == 3


def test_a_signal_in_between_stops_the_run_as_always(daemon):
    ours, theirs = daemon
    ours.sendall(frame(frames.ERR, b"one\n"))
    child = start(theirs, "interrupted")

    reader, messages = frames.FrameReader(), []
    while not messages:
        messages = [json.loads(payload) for _, payload in reader.feed(ours.recv(4096))]
    ours.sendall(frame(frames.EXIT, b"0"))
    child.communicate(timeout=60)

    assert messages[0]["command"] == "stop-all"
    assert child.returncode == 130


@pytest.mark.parametrize("value", ["", "3 4", "1 3 4", "by hand"])
def test_the_variable_is_ignored_unless_the_same_process_has_set_it(value, tmp_path):
    done = subprocess.run(
        [sys.executable, "-m", "devboot", "--version"],
        cwd=tmp_path,
        env={**os.environ, "DEVBOOT_RESUME": value},
        capture_output=True,
        text=True,
        check=False,
    )

    assert (done.returncode, done.stderr) == (0, "")
    assert done.stdout == f"devboot {__version__}\n"


def test_each_part_of_a_call_is_handed_on_or_found_anew():
    found_anew = {"environ", "stdin", "stdout", "stderr", "is_grown"}
    assert set(Call.__slots__) == {"command", "args", "values", "output", *KEPT, *found_anew}
