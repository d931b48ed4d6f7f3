"""Sockets by the small module: found or not, replaced in one step, with the peer's user id."""

from __future__ import annotations

import os

import pytest

from devboot.wire import sockets


def test_nobody_listens_is_none(tmp_path):
    assert sockets.connect(str(tmp_path / "none"), 1.0) is None


@pytest.mark.faults(80)
def test_a_stale_socket_is_nobody_and_is_replaced(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    sockets.listen("a.sock").close()
    assert sockets.connect("a.sock", 1.0) is None

    listener = sockets.listen("a.sock")
    client = sockets.connect("a.sock", 1.0)

    assert client is not None
    assert os.listdir() == ["a.sock"]
    client.close()
    listener.close()


@pytest.mark.faults(66)
def test_the_socket_is_private_and_the_peer_is_known(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    os.umask(os.umask(0))  # whatever it is
    listener = sockets.listen("a.sock")
    client = sockets.connect("a.sock", 1.0)
    served = sockets.accept(listener)

    assert os.stat("a.sock").st_mode & 0o777 == 0o600
    assert sockets.peer_uid(served) == os.getuid()
    for sock in (client, served, listener):
        sock.close()
