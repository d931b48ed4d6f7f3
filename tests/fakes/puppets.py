"""A daemon whose processes are puppets: nothing is spawned, a test says when a run gets ready, ends, and is gone."""

from __future__ import annotations

import json
import os
import socket

from devboot.daemon.server import handlers
from devboot.daemon.server.server import Server
from devboot.model.process import Plan
from devboot.supervisor.core.settling import QUIET
from devboot.supervisor.core.supervisor import Supervisor
from devboot.supervisor.event_loop import Loop
from devboot.supervisor.state_machine import End
from devboot.wire import frames
from devboot.wire.frames import frame


class Puppet:
    """A run of a process: takes the place of `supervisor.core.run.Run`."""

    terminal = -1
    probe_text = alive_text = ""
    probed_port = 0

    def __init__(self, stage, host, spec, owner):
        stage.pids += 1
        if spec.name in stage.unspawnable:
            raise FileNotFoundError(2, "No such file or directory", spec.name)
        self.pid = stage.pids
        self.spec = spec
        self.started = host.wall_clock()
        self._host = host
        self._owner = owner
        self._end = None
        self._begun = host.loop.now()
        self._settle = None
        stage.runs[spec.name] = self
        self._stage = stage

    @property
    def age(self):
        return self._host.loop.now() - self._begun

    def begin(self):
        self._settle = self._host.loop.call_later(QUIET, self._owner.on_settled)

    def stop(self):
        self._settle.cancel()

    def force(self):
        self.end(End(None, 9))
        self.go()

    def hold_output(self, on):
        """Nothing is written."""

    def resize(self, rows, columns):
        """There is no terminal."""

    def get_ready(self):
        if self._end is None:
            self._owner.on_probed(True)

    def end(self, end):
        """The leader ends; what it has left is there until `go`."""
        if self._end is None:
            self._settle.cancel()
            self._end = end
            self._owner.on_exited(end)

    def go(self):
        """Nothing of it is left."""
        if self._end is not None and self._stage.runs.get(self.spec.name) is self:
            del self._stage.runs[self.spec.name]
            self._owner.on_gone(self._end, frozenset())


class Client:
    """One client, on a real socket."""

    def __init__(self, daemon, **message):
        self._ours, theirs = socket.socketpair()
        self._ours.setblocking(False)
        self.request = message
        self.code = None
        self.text = self.word = ""
        self._reader = frames.FrameReader(1 << 20)
        self.connection = daemon.server.adopt(theirs, greeted=True)
        daemon.clients.append(self)
        self._ours.sendall(frame(frames.MESSAGE, json.dumps(message).encode()))
        daemon.turn()

    def read(self):
        """Take in what has come; the exit code, None while there is none."""
        data = b""
        try:
            while more := self._ours.recv(1 << 20):
                data += more
            is_closed = True
        except BlockingIOError:
            is_closed = False
        for kind, payload in self._reader.feed(data):
            if kind == frames.EXIT:
                self.code = int(payload)
            elif kind in (frames.OUT, frames.ERR):
                self.text += payload.decode()
            elif kind == frames.WORD:
                self.word = payload.decode()
        if is_closed and self.word == "stopping":  # it asks the next daemon once this one has gone
            self.code = 7
        return self.code

    def leave(self):
        self._ours.close()


class Book:
    """Where a daemon notes its children."""

    def add(self, pid, name):
        """Nothing survives a test."""

    def ended(self, name):
        """Nothing survives a test."""


class Daemon:
    """A server and a supervisor on a loop whose clock a test moves."""

    def __init__(self, root, specs):
        self.now = 1000.0
        self.pids = 100
        self.runs = {}
        self.unspawnable = set()
        self.clients = []
        self.is_released = False
        self.loop = Loop(lambda: self.now)
        self._root = str(root)
        os.makedirs(f"{root}/state", exist_ok=True)
        self.supervisor = Supervisor(
            self.loop, self.plan(specs), self, wall_clock=lambda: self.now, make_run=self._make_run
        )
        self.server = Server(
            self.supervisor,
            carry_out=handlers.carry_out,
            version="0",
            wall_clock=lambda: self.now,
            since=self.now,
            book=Book(),
            release=self._release,
            uid=os.getuid(),
        )
        self.supervisor.report_to(self.server)

    def plan(self, specs):
        """A plan of these processes."""
        names = ",".join(spec.name for spec in specs)
        return Plan("shop", self._root, f"{self._root}/state", (), tuple(specs), "0", f"{names}")

    def on_output(self, name, data):
        """Only the server listens."""

    def _release(self):
        self.is_released = True

    def _make_run(self, host, spec, _launch, owner, **_more):
        return Puppet(self, host, spec, owner)

    def turn(self):
        """Do all that is due."""
        for _ in range(6):
            self.loop.turn(0)

    def pass_time(self, seconds):
        """Let time pass, in steps, so that one timer's work comes before the next is due."""
        for _ in range(4):
            self.now += seconds / 4
            self.turn()

    def close(self):
        for client in self.clients:
            client.leave()
            client.connection.close()
        self.supervisor.close()
        self.loop.close()
