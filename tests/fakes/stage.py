"""A stage for real processes: a supervisor on a real loop, whose listener remembers everything it is told."""

from __future__ import annotations

import os
import sys
import time

from devboot.model.process import Dependency, Plan, ProcessSpec
from devboot.supervisor.core.supervisor import Supervisor
from devboot.supervisor.event_loop import Loop

PATIENCE = 60.0  # seconds until a test gives up waiting; nothing is ever asserted about how long it took


# An HTTP server on PORT that tells who asked; it may be SLOW to begin (seconds), and answer with another STATUS.
SERVER = """
import http.server, os, sys, threading, time
time.sleep(float(os.environ.get("SLOW", "0")))
class Handler(http.server.BaseHTTPRequestHandler):
    def do_GET(self):
        print("asked", self.path, self.headers["Host"])
        self.send_response(int(os.environ.get("STATUS", "200")))
        self.end_headers()
        self.wfile.write(b"all is well")
    def log_message(self, *arguments): pass
server = http.server.HTTPServer(("127.0.0.1", int(os.environ["PORT"])), Handler)
print("serving")
server.serve_forever()
"""


class Stage:
    """Builds a plan out of small programs in a folder, runs it, and waits for what should happen."""

    def __init__(self, root, *, adopts: bool = False) -> None:
        self.root = str(root)
        self.adopts = adopts
        self._skipped = 0.0
        self.loop = Loop(lambda: time.monotonic() + self._skipped)
        self.specs: list[ProcessSpec] = []
        self.output: dict[str, bytes] = {}
        self.blocks: list[tuple[str, bytes]] = []
        self.phases: dict[str, list[str]] = {}
        self.spawned: list[str] = []  # names, in the order of their first pid
        self.stopped: list[str] = []  # names, in the order in which they were told to stop
        self.notes: list[str] = []
        self.errors: dict[str, object] = {}
        self.settled = self.finished = 0
        self._supervisor: Supervisor | None = None

    def script(self, name: str, text: str) -> str:
        """Write a Python program; its path."""
        path = os.path.join(self.root, name)
        with open(path, "w", encoding="utf-8") as file:
            file.write(text)
        return path

    def add(self, name: str, command: str = "", *, python: str = "", needs=(), **fields) -> None:
        """Add a process: a shell command, or the text of a Python program."""
        if python:
            command = f"{sys.executable} -u {self.script(f'{name}.py', python)}"
        fields.setdefault("kind", "process")
        fields.setdefault("cwd", self.root)
        fields.setdefault("stop_timeout", 10.0)
        needs = tuple(each if isinstance(each, Dependency) else Dependency(each, "ready") for each in needs)
        self.specs.append(ProcessSpec(name, command=command, depends_on=needs, **fields))

    @property
    def plan(self) -> Plan:
        """The plan of all that was added."""
        return Plan("stage", self.root, f"{self.root}/state", tuple(os.environ.items()), tuple(self.specs))

    @property
    def supervisor(self) -> Supervisor:
        """The supervisor, made when it is first asked for."""
        if self._supervisor is None:
            self._supervisor = Supervisor(self.loop, self.plan, self, wall_clock=time.time, adopts=self.adopts)
        return self._supervisor

    def up(self, *names: str, **options) -> Supervisor:
        """Start, without waiting for anything."""
        self.supervisor.up(names, **options)
        return self.supervisor

    def until(self, condition, *, seconds: float = PATIENCE) -> None:
        """Turn the loop until `condition()` holds."""
        deadline = time.monotonic() + seconds
        while not condition():
            assert time.monotonic() < deadline, f"waited in vain: {self.describe()}"
            self.turn(0.05)

    def until_settled(self) -> None:
        """Turn until all is up or has failed."""
        count = self.settled
        self.until(lambda: self.settled > count or self.supervisor.verdict().settled)

    def until_phase(self, name: str, phase: str) -> None:
        """Turn until `name` is in `phase`."""
        self.until(lambda: self.status(name).phase == phase)

    def until_output(self, name: str, part: bytes) -> None:
        """Turn until `name` has written `part`."""
        self.until(lambda: part in self.output.get(name, b""))

    def turn(self, limit: float) -> None:
        """One turn of the loop, as a daemon does it."""
        self.loop.turn(limit)
        if self._supervisor is not None:
            self._supervisor.reap_orphans()

    def run_for(self, seconds: float) -> None:
        """Turn for a while: only to give something that must not happen the time to happen."""
        deadline = time.monotonic() + seconds
        while time.monotonic() < deadline:
            self.turn(0.01)

    def skip(self, seconds: float) -> None:
        """Let so many seconds of the loop's clock pass at once: for limits that a slow machine must not reach."""
        self._skipped += seconds

    def down(self) -> None:
        """Shut down and wait for the end."""
        if self._supervisor is None:
            return
        count = self.finished
        self.supervisor.shutdown()
        self.until(lambda: self.finished > count)

    def close(self) -> None:
        """End what the test has left, by force."""
        if self._supervisor is not None:
            if any(each.pid for each in self._supervisor.statuses()):
                self._supervisor.force()
                self.until(lambda: not any(each.pid for each in self._supervisor.statuses()))
            self._supervisor.close()
        self.loop.close()

    def status(self, name: str):
        """The line of `ps` for `name`."""
        return next(each for each in self.supervisor.statuses() if each.name == name)

    def describe(self) -> str:
        """What a failing test wants to know."""
        lines = [f"{each.name} {each.phase} {each.note}" for each in self.supervisor.statuses()]
        return "\n".join([*lines, f"notes: {self.notes}", f"output: {self.output}"])

    # -- Listener ------------------------------------------------------------------------------------------------

    def on_output(self, name: str, data: bytes) -> None:
        """Keep it."""
        self.output[name] = self.output.get(name, b"") + data
        self.blocks.append((name, data))

    def on_change(self, status) -> None:
        """Keep the way through the phases."""
        way = self.phases.setdefault(status.name, [])
        if not way or way[-1] != status.phase:
            way.append(status.phase)
            if status.phase == "stopping":
                self.stopped.append(status.name)
        if status.pid and status.name not in self.spawned:
            self.spawned.append(status.name)

    def on_note(self, text: str, *, error=None) -> None:
        """Keep it."""
        self.notes.append(text)
        if error is not None:
            self.errors[error.slug] = error

    def on_settled(self) -> None:
        """Count it."""
        self.settled += 1

    def on_finished(self) -> None:
        """Count it."""
        self.finished += 1
