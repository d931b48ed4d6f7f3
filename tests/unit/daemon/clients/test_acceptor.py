"""Clients are accepted one by one, and nothing spins where no descriptor is left."""

from __future__ import annotations

import errno
import os
import resource

import pytest

from devboot.daemon.clients.acceptor import Acceptor
from devboot.supervisor.event_loop import Loop
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
        return self.sock._accept()  # noqa: SLF001  as `sockets.accept` does


class Scene(list):
    """A clock, a loop, its listener, clients and who was accepted; `acceptor` beside them."""


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
    scene = Scene([clock, loop, listener, clients, accepted])
    scene.acceptor = acceptor
    yield scene
    loop.close()
    for sock in (listener, *clients, *accepted):
        sock.close()
    if acceptor.reserve >= 0:
        os.close(acceptor.reserve)


@pytest.fixture
def no_descriptors():
    """Functions that use up all descriptors but `free`, and give them back."""
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    taken = []

    def take(free=0):
        used = max(int(name) for name in os.listdir("/dev/fd"))
        resource.setrlimit(resource.RLIMIT_NOFILE, (min(soft, used + 64), hard))
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


class Refusing:
    """A poll that refuses to watch the next `left` descriptors, as epoll_ctl does with ENOMEM or ENOSPC."""

    def __init__(self, poll, number):
        self.poll, self.number, self.left = poll, number, 0
        self.change, self.remove, self.wait, self.close = poll.change, poll.remove, poll.wait, poll.close

    def add(self, fd, events):
        if self.left:
            self.left -= 1
            raise OSError(self.number, os.strerror(self.number))
        self.poll.add(fd, events)


@pytest.fixture
def refusing(scene):
    """The poll of the scene's loop, which refuses when told; errors of callbacks are collected in `errors`."""
    loop = scene[1]
    loop.poll = Refusing(loop.poll, errno.ENOMEM)
    loop.poll.errors = []
    loop.on_error = lambda error, _fail: loop.poll.errors.append(error)
    return loop.poll


@pytest.mark.faults(132)
@pytest.mark.parametrize("error", [MemoryError(), OSError(errno.ENOSPC, "no space")])
def test_a_last_client_that_cannot_be_taken_does_not_end_accepting(scene, no_descriptors, refusing, error):
    clock, loop, _, clients, accepted = scene
    take, give_back = no_descriptors
    failures = [error]

    def take_client(sock):
        if failures:
            sock.close()
            raise failures.pop()
        accepted.append(sock)

    scene.acceptor.on_client = take_client
    clients += [sockets.connect("s", 1.0) for _ in range(2)]
    take()
    loop.turn(0)
    give_back()
    for _ in range(5):
        clock.advance(1.0)
        loop.turn(0)

    assert (len(accepted), failures) == (1, [])


@pytest.mark.faults(132)
@pytest.mark.parametrize("times", [1, 3])
def test_a_listener_that_cannot_be_watched_again_is_watched_later(scene, no_descriptors, refusing, times):
    clock, loop, _, clients, accepted = scene
    take, give_back = no_descriptors
    clients += [sockets.connect("s", 1.0) for _ in range(2)]
    take()
    loop.turn(0)
    give_back()
    refusing.left = times
    for _ in range(8):
        clock.advance(1.0)
        loop.turn(0)

    assert (len(accepted), refusing.errors) == (2, [])


def test_clients_that_wait_at_a_replaced_listener_are_accepted(scene):
    _, loop, _, clients, accepted = scene
    other = sockets.listen("t")
    clients += [sockets.connect("s", 1.0) for _ in range(3)]
    scene.acceptor.listen(other)

    assert len(accepted) == 3
    loop.unwatch(other.fileno())
    other.close()


def test_a_new_listener_replaces_an_open_one(scene):
    _, loop, listener, clients, accepted = scene
    other = sockets.listen("t")
    scene.acceptor.listen(other)
    listener.calls = 0
    clients += [sockets.connect("s", 1.0), sockets.connect("t", 1.0)]
    for _ in range(5):
        loop.turn(0)
    assert (listener.calls, len(accepted)) == (0, 1)
    loop.unwatch(other.fileno())
    other.close()
