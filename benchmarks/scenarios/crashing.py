"""A process is killed: how long until the runner has put another in its place."""

from __future__ import annotations

import os
import signal
import tempfile
import time
from functools import partial
from pathlib import Path

import processes
from contenders import Contender, bells, gathered
from measuring import interleave
from peers import PEERS
from table import Row, Section, at_most
from workload import Bell, spawned

from scenarios.starting import settle

TITLE = "Crash to restart"
_COUNT = 5
_MANIFEST = "".join(f'[processes.p{number}]\nrestart = "always"\n' for number in range(1, _COUNT + 1))
_RESTARTING = ("supervisor", "circus", "pm2")
_FIRST_LIMIT = 10.0


def measure(quick: bool) -> Section:
    """Each process crashes once, since a second crash may rightly wait longer."""
    with tempfile.TemporaryDirectory() as place, bells(Path(place), "bell") as (bell,):
        commands = {f"p{number}": spawned(bell) for number in range(1, _COUNT + 1)}
        everyone = [peer for peer in PEERS if peer.name in _RESTARTING]
        with gathered(commands, everyone, _MANIFEST) as everybody:
            contenders = {name: partial(_median_of_crashes, who, bell) for name, who in everybody.items()}
            results = interleave(contenders, 2 if quick else 5)
    row = Row("first crash to restarted", "ms", results.of("restart"), (at_most(_FIRST_LIMIT),))
    return Section(TITLE, (row,), results.skipped)


def _median_of_crashes(who: Contender, bell: Bell) -> dict[str, float]:
    bell.silence()
    running = who.start()
    try:
        _, pids = bell.wait(_COUNT)
        settle()
        took = sorted(_crash(int(pid), bell) for pid in pids)
        return {"restart": took[_COUNT // 2]}
    finally:
        running.kill()
        processes.end_leftovers()


def _crash(pid: int, bell: Bell) -> float:
    started = time.monotonic()
    os.kill(pid, signal.SIGKILL)
    at, _ = bell.wait(1, 10.0)
    return (at - started) * 1000
