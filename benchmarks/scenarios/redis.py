"""Redis: from its own first words to the first PONG and to devboot saying so, beside the same server by hand."""

from __future__ import annotations

import json
import os
import re
import socket
import subprocess
import tempfile
import time
from datetime import datetime
from functools import partial
from pathlib import Path

import processes
from contenders import bells
from measuring import UnmeasurableError, interleave
from table import Row, Section, at_most, plus
from workload import Bell, spawned
from workshop import DEVBOOT, Running, environment, project, run

from devboot.state.projects import Projects

TITLE = "Redis"
_FIRST_WORDS = re.compile(r"\d+:C (\d+ \w+ \d+ [\d:.]+) \* oO0OoO")
_LIMIT = 20.0


def measure(quick: bool) -> Section:
    """`up -d` of a project with Redis and one process, warm."""
    with tempfile.TemporaryDirectory() as place, bells(Path(place), "bell") as (bell,):
        # As by hand: without a password, and with all lines in its log
        manifest = '[services.redis]\naccess = "open"\nsettings = { loglevel = "notice" }\n'
        with project({"p1": spawned(bell)}, manifest) as folder, project({}, manifest) as alone:
            server = _warmed(folder)
            _warmed(alone)
            contenders = {
                "devboot": partial(_by_devboot, folder, alone, bell),
                "by hand": partial(_by_hand, server, bell),
            }
            results = interleave(contenders, 5 if quick else 15)
    pong = results.of("pong")
    rows = (
        Row("process start to PONG", "ms", pong, (plus(10, "by hand"),)),
        Row("PONG to reported ready (`up -d` of Redis alone)", "ms", results.of("report"), (at_most(10),)),
        Row("warm `up -d` to process spawned", "ms", results.of("spawned"), (plus(60, "by hand"),)),
        Row("`down`, stop", "ms", results.of("stop"), (plus(15, "by hand"),)),
    )
    return Section(TITLE, rows, results.skipped)


def _warmed(folder: Path) -> str:
    """Bring it up and down once; the path of the server that ran."""
    run([*DEVBOOT, "up", "-d"], folder)
    known = json.loads(run([*DEVBOOT, "ps", "--json"], folder, read=True).output)["processes"]
    pid = next(process["pid"] for process in known if process["name"] == "redis")
    server = os.readlink(f"/proc/{pid}/exe")
    run([*DEVBOOT, "down"], folder)
    return server


def _by_devboot(folder: Path, alone: Path, bell: Bell) -> dict[str, float]:
    """Once with a process that needs Redis, once with nothing else that `up -d` would wait for."""
    bell.silence()
    try:
        running = Running([*DEVBOOT, "up", "-d"], folder)
        at, _ = bell.wait(1)
        running.output.read()
        running.kill()
        run([*DEVBOOT, "down"], folder)
        found = {"spawned": (at - running.began) * 1000}
        port = _port(alone)
        running = Running([*DEVBOOT, "up", "-d"], alone)
        pong = wait_for_pong(port)
        running.output.read()
        ready = time.time()
        running.kill()
        started = _first_words(Path(_state(alone), "logs/redis.log"))
        found |= {"pong": (pong - started) * 1000, "report": (ready - pong) * 1000}
        return {**found, "stop": run([*DEVBOOT, "down"], alone).wall}
    finally:
        processes.end_leftovers(0.5)


def _by_hand(server: str, bell: Bell) -> dict[str, float]:
    """Start the server, ask until it answers, then start the process, as a script would."""
    bell.silence()
    with tempfile.TemporaryDirectory() as place, socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
        free.close()
        log = Path(place) / "redis.log"
        began = time.monotonic()
        with log.open("wb") as words:
            redis = subprocess.Popen(
                [server, "--port", str(port), "--dir", place], stdout=words, env=environment(), stdin=subprocess.DEVNULL
            )
        pong = wait_for_pong(port)
        child = subprocess.Popen(["/bin/sh", "-c", spawned(bell)])
        at, _ = bell.wait(1)
        child.kill()
        child.wait()
        stopped = time.monotonic()
        redis.terminate()
        redis.wait()
        took = (time.monotonic() - stopped) * 1000
        return {"pong": (pong - _first_words(log)) * 1000, "spawned": (at - began) * 1000, "stop": took}


def wait_for_pong(port: int) -> float:
    """The wall-clock time at which the server on this port first answered a PING."""
    deadline = time.monotonic() + _LIMIT
    while time.monotonic() < deadline:
        try:
            with socket.create_connection(("127.0.0.1", port), 1) as connection:
                connection.sendall(b"PING\r\n")
                if connection.recv(64).startswith(b"+PONG"):
                    return time.time()
        except OSError:
            pass
        time.sleep(0.0005)
    raise UnmeasurableError(f"no PONG in {_LIMIT:.0f} s")


def _state(folder: Path) -> str:
    return Projects.from_environ(environment()).state_of(str(folder.resolve()))


def _port(folder: Path) -> int:
    text = Path(_state(folder), "ports.toml").read_text()
    found = re.search(r"^redis\s*=.*?(\d{4,5})", text, re.MULTILINE)
    if found is None:
        raise UnmeasurableError("no port recorded for redis")
    return int(found[1])


def _first_words(log: Path) -> float:
    """When the server said first that it is starting: the last time in the log, by the wall clock."""
    found = _FIRST_WORDS.findall(log.read_text(errors="replace"))
    if not found:
        raise UnmeasurableError("the server's log has no start")
    return datetime.strptime(found[-1], "%d %b %Y %H:%M:%S.%f").astimezone().timestamp()
