"""Clients are accepted one by one, and nothing spins where no descriptor is left."""

from __future__ import annotations

import os
import resource

import pytest

from devboot.daemon.acceptor import Acceptor
from devboot.supervisor.loop import Loop
from devboot.wire import sockets


class Clock:
    """A clock that is set by hand."""

    now = 0.0

    def __call__(self):
        return self.now

    def advance(self, seconds):
        self.now += seconds


class Counted:
    """A listening socket that counts how often it was asked for a client."""

    def __init__(self, sock):
        self.sock, self.calls = sock, 0
        self.fileno, self.close = sock.fileno, sock.close

    def _accept(self):
        self.calls += 1
        return self.sock._accept()


@pytest.fixture
def scene(tmp_path, monkeypatch):
    """A loop whose time is told by hand, its listener, and who was accepted."""
    monkeypatch.chdir(tmp_path)
    clock = Clock()
    loop = Loop(clock)
    listener = Counted(sockets.listen("s"))
    clients, accepted = [], []
    acceptor = Acceptor(loop, os.getuid(), accepted.append)
    acceptor.listen(listener)
    yield clock, loop, listener, clients, accepted
    loop.close()
    for sock in (listener, *clients, *accepted):
        sock.close()
    if acceptor._reserve >= 0:
        os.close(acceptor._reserve)


@pytest.fixture
def no_descriptors():
    """Functions that use up all descriptors but `free`, and give them back."""
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    taken = []

    def take(free=0):
        resource.setrlimit(resource.RLIMIT_NOFILE, (min(soft, 256), hard))
        while True:
            try:
                taken.append(os.open(os.devnull, os.O_RDONLY))
            except OSError:
                break
        for _ in range(free):
            os.close(taken.pop())

    def give_back():
        while taken:
            os.close(taken.pop())

    yield take, give_back
    give_back()
    resource.setrlimit(resource.RLIMIT_NOFILE, (soft, hard))


@pytest.mark.faults(132)
def test_without_descriptors_one_more_client_is_served_and_accept_does_not_spin(scene, no_descriptors):
    clock, loop, listener, clients, accepted = scene
    take, give_back = no_descriptors
    clients += [sockets.connect("s", 1.0) for _ in range(3)]
    take()

    for _ in range(1000):
        loop.turn(0)
    assert len(accepted) == 1
    assert listener.calls == 2
    for _ in range(20):
        clock.advance(1.0)
        loop.turn(0)
    assert listener.calls == 2

    give_back()
    for _ in range(5):
        clock.advance(1.0)
        loop.turn(0)
    assert len(accepted) == 3


@pytest.mark.faults(132)
def test_the_reserve_is_opened_again_before_anybody_else_is_accepted(scene, no_descriptors):
    clock, loop, _, clients, accepted = scene
    take, _ = no_descriptors
    clients += [sockets.connect("s", 1.0) for _ in range(3)]
    take()
    for _ in range(10):
        loop.turn(0)
    accepted.pop().close()  # the one that was served has gone: its descriptor is the reserve now

    for _ in range(5):
        clock.advance(1.0)
        loop.turn(0)

    assert len(accepted) == 1
