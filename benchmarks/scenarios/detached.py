"""`up -d`: from a server that listens to its return, and with a process without a probe; what an `up` leaves behind."""

from __future__ import annotations

import json
import shlex
import tempfile
import time
from functools import partial
from pathlib import Path

import processes
from contenders import bells
from measuring import interleave
from table import Row, Section, at_most
from workload import Bell, silent, spawned
from workshop import DEVBOOT, PYTHON, Running, environment, project, run

from devboot.state.projects import Projects

TITLE = "Returning from `up -d`, and what stays"
_MANY = 300
_SETTLE = 3.0  # seconds in which an attached `up` has shown that everything is up


def measure(quick: bool) -> Section:
    """Three projects: a server, a process without a probe, and 300 processes."""
    with tempfile.TemporaryDirectory() as place, bells(Path(place), "bell") as (bell,):
        many = {f"p{number}": spawned(bell) for number in range(1, _MANY + 1)}
        with project({"web": _server(bell)}) as web, project({"p1": silent()}) as idle, project(many) as crowd:
            for folder in (web, idle, crowd):
                run([*DEVBOOT, "sync"], folder)
            results = interleave(
                {
                    "server": partial(_to_return, web, bell),
                    "no probe": partial(_whole, idle),
                    "attached": _attached,
                    "many": partial(_many, crowd, bell),
                },
                3 if quick else 7,
            )

    def row(what: str, unit: str, metric: str, limit: float, text: str = "") -> Row:
        return Row(
            what, unit, dict.fromkeys(["devboot"], next(iter(results.of(metric).values()))), (at_most(limit, text),)
        )

    rows = (
        row("server listens to `up -d` returned", "ms", "server", 50),
        row("`up -d` of a process without a probe", "ms", "idle", 1150, "1000 of idleness + 150"),
        row("first `up` of a folder, attached: client", "MB (PSS)", "client", 15),
        row("first `up` of a folder, attached: daemon and guardian", "MB (PSS)", "daemon", 15),
        row(f"{_MANY} processes: snapshot", "KB", "snapshot", 100),
        row(f"{_MANY} processes: `run -- true`", "ms", "run", 20),
        row(f"{_MANY} processes: spawned by `up -d`", "ms", "spawned", 380),
        row(f"{_MANY} processes: daemon and guardian", "MB (PSS)", "many", 16),
    )
    return Section(TITLE, rows, results.skipped)


def _server(bell: Bell) -> str:
    """A server that tells when it listens, and answers at once."""
    program = (
        "import os; from http.server import HTTPServer, SimpleHTTPRequestHandler as Handler; "
        'server = HTTPServer(("127.0.0.1", int(os.environ["PORT"])), Handler); '
        f'open("{bell.path}", "w").write("listening\\n"); server.serve_forever()'
    )
    return f"exec {shlex.quote(PYTHON)} -c {shlex.quote(program)} # $PORT"


def _to_return(folder: Path, bell: Bell) -> dict[str, float]:
    bell.silence()
    running = Running([*DEVBOOT, "up", "-d"], folder)
    at, _ = bell.wait(1)
    running.output.read()
    took = (time.monotonic() - at) * 1000
    running.kill()
    run([*DEVBOOT, "down"], folder)
    return {"server": took}


def _whole(folder: Path) -> dict[str, float]:
    took = run([*DEVBOOT, "up", "-d"], folder).wall
    run([*DEVBOOT, "down"], folder)
    return {"idle": took}


def _attached() -> dict[str, float]:
    with project({"p1": silent()}) as folder:
        running = Running([*DEVBOOT, "up"], folder, terminal=True)
        try:
            deadline = time.monotonic() + 30
            while not (daemon := _daemon(folder)) and time.monotonic() < deadline:
                time.sleep(0.1)
            time.sleep(_SETTLE)
            return {"client": processes.pss_mb([running.pid]), "daemon": processes.pss_mb(daemon)}
        finally:
            running.kill()
            processes.end_leftovers(1.0)


def _daemon(folder: Path) -> list[int]:
    """The pids of the daemon and its guardian; none while it isn't there."""
    text = run([*DEVBOOT, "ps", "--json"], folder, read=True).output
    pid = json.loads(text).get("pid") if text.startswith("{") else None
    return [pid, *(seen.parent for seen in processes.descendants() if seen.pid == pid)] if pid else []


def _many(folder: Path, bell: Bell) -> dict[str, float]:
    state = Projects.from_environ(environment()).state_of(str(folder.resolve()))
    bell.silence()
    running = Running([*DEVBOOT, "up", "-d"], folder)
    at, _ = bell.wait(_MANY)
    running.output.read()
    spawned_in = (at - running.began) * 1000
    running.kill()
    memory = processes.pss_mb(_daemon(folder))
    run([*DEVBOOT, "down"], folder)
    return {
        "spawned": spawned_in,
        "many": memory,
        "snapshot": (Path(state) / "snapshot").stat().st_size / 1000,
        "run": run([*DEVBOOT, "run", "--", "true"], folder).wall,
    }
