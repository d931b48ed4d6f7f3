"""Which port a process can't have, by what it has written: languages and servers say it in their own ways."""

from __future__ import annotations

import os
import socket

import pytest

from devboot.model.process import ProcessSpec
from devboot.supervisor.explain.port_conflict import port_conflict

PORT = 8123
SAID = {
    "python": ["    self.socket.bind(self.server_address)", "OSError: [Errno 98] Address already in use"],
    "asyncio": [
        "OSError: [Errno 98] error while attempting to bind on address ('127.0.0.1', 8123): address already in use"
    ],
    "uvicorn": ["ERROR:    [Errno 98] error while attempting to bind on address ('127.0.0.1', 8123)"],
    "gunicorn": ["[2026-01-01 10:00:00 +0000] [77] [ERROR] Connection in use: ('127.0.0.1', 8123)"],
    "flask": ["Address already in use", "Port 8123 is in use by another program. Either identify and stop it"],
    "django": ["Error: That port is already in use."],
    "streamlit": ["Port 8123 is not available"],
    "node": ["Error: listen EADDRINUSE: address already in use 127.0.0.1:8123", "  errno: -98,", "  port: 8123"],
    "vite": ["error when starting dev server:", "Error: Port 8123 is already in use"],
    "go": ["listen tcp 127.0.0.1:8123: bind: address already in use"],
    "rust": ['called `Result::unwrap()`: Os { code: 98, kind: AddrInUse, message: "Address already in use" }'],
    "nginx": ["nginx: [emerg] bind() to 127.0.0.1:8123 failed (98: Address already in use)"],
    "macos": ["OSError: [Errno 48] Address already in use"],
}


def spec(command, name="web"):
    return ProcessSpec(name, "process", "/shop", command=command, origin="Procfile:1", env=(("PORT", "5000"),))


def found(lines, command="serve --port 8123", taken=(PORT,)):
    return port_conflict(spec(command), lines, lambda port: port in taken)


@pytest.mark.parametrize("lines", SAID.values(), ids=SAID)
def test_every_server_says_that_its_port_is_taken(lines):
    conflict = found(["starting", *lines])

    assert conflict is not None
    assert (conflict.port, conflict.what) == (PORT, "web can't listen on 127.0.0.1:8123")


@pytest.mark.parametrize("lines", [["connection refused on port 8123"], ["listening on 8123"], []])
def test_nothing_else_is_taken_for_it(lines):
    assert found(lines) is None


@pytest.mark.parametrize("lines", SAID.values(), ids=SAID)
def test_no_port_is_named_on_which_nobody_listens(lines):
    assert found(lines, taken=()) is None


TRACE = ["Traceback (most recent call last):", '  File "/shop/worker.py", line 9, in <module>']
OTHERS = {
    "python": [*TRACE, "    main()", "redis.exceptions.ConnectionError: Error 111 connecting to localhost:6379"],
    "import": ["ModuleNotFoundError: No module named 'cart'"],
    "node": ["/shop/cart.js:3", "TypeError: Cannot read properties of undefined", "    at /shop/cart.js:3:9"],
}


@pytest.mark.parametrize("lines", OTHERS.values(), ids=OTHERS)
def test_a_program_that_ends_by_something_else_could_do_without_the_port(lines):
    said = ["metrics: port 9100 is already in use, going on without", *lines]

    assert found(said, taken=(PORT, 9100)) is None
    assert found(["OSError: [Errno 98] Address already in use", *lines]).port == PORT
    assert found([*lines, "metrics: port 9100 is already in use"], taken=(9100,)).port == 9100


@pytest.mark.parametrize(
    "lines",
    [
        [
            "",
            "During handling of the above exception, another exception occurred:",
            "",
            *TRACE,
            "RuntimeError: no start",
        ],
        ["Exception ignored in: <function Loop.__del__ at 0x7f>", *TRACE, "RuntimeError: Event loop is closed"],
        ["npm error Lifecycle script `start` failed with error:", "Error: the server has not started"],
    ],
)
def test_what_follows_from_a_taken_port_is_nothing_else(lines):
    said = ["OSError: [Errno 98] cannot bind 127.0.0.1:9100: address already in use", *lines]

    assert found(said, taken=(PORT, 9100)).port == 9100


def test_the_port_of_the_message_counts_more_than_that_of_the_command():
    said = ["admin on 127.0.0.1:9001: address already in use"]

    assert found(said, taken=(PORT, 9001)).port == 9001


def test_the_holder_and_both_ways_out_are_named():
    with socket.create_server(("127.0.0.1", 0)) as listener:
        port = listener.getsockname()[1]
        conflict = found(SAID["python"], f"serve --port {port}", (port,))

    assert f"(pid {os.getpid()})" in conflict.cause
    assert conflict.helps == (
        f"kill {os.getpid()} && devboot up -d",
        f"write `$PORT` for {port} in Procfile:1, then `devboot up -d`: devboot chooses a free port",
    )


def test_where_the_command_does_not_name_the_port_its_code_does():
    conflict = found(["listen tcp :8123: bind: address already in use"], "./server")

    assert conflict.helps[-1] == "change the port in its code or settings, then `devboot up -d`"
