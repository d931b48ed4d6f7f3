"""Who listens: the kernel's answer and the one of its tables are the same."""

from __future__ import annotations

import os
import socket
import sys

import pytest

from devboot.supervisor.system.listening_sockets import ask_kernel, listeners, queued, read_tables
from tests.fakes.processes import wait_until

pytestmark = pytest.mark.skipif(sys.platform != "linux", reason="netlink is a thing of Linux")


@pytest.fixture(params=[socket.AF_INET, socket.AF_INET6])
def server(request):
    with socket.socket(request.param) as server:
        server.bind(("", 0))
        server.listen()
        yield server


def test_a_listening_socket_is_found_both_ways(server):
    port = server.getsockname()[1]
    inode = os.fstat(server.fileno()).st_ino

    assert listeners()[port] == {inode}
    assert (port, inode, 0) in read_tables()
    assert (port, inode, 0) in ask_kernel()


def test_what_nobody_has_accepted_yet_is_counted_both_ways(server):
    port = server.getsockname()[1]
    host = "127.0.0.1" if server.family == socket.AF_INET else "::1"
    try:
        first = socket.create_connection((host, port))
    except OSError:
        if server.family == socket.AF_INET:
            raise
        pytest.skip("no address of IPv6 here")
    with first, socket.create_connection((host, port)):
        wait_until(lambda: queued(port) == 2)  # they come to stand there a moment after they are made
        assert 2 in [waiting for number, _, waiting in read_tables() if number == port]
        for _ in range(2):
            server.accept()[0].close()

        assert queued(port) == 0


def test_a_connection_is_no_listener(server):
    if server.family == socket.AF_INET:
        with socket.create_connection(("127.0.0.1", server.getsockname()[1])) as client:
            assert client.getsockname()[1] not in listeners()
