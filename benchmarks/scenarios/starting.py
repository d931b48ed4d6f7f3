"""From the command to the last of 1, 10 or 100 trivial processes running; and ctrl-c to the end of 1, 10 or 100."""

from __future__ import annotations

import tempfile
import time
from functools import partial
from pathlib import Path

import processes
from contenders import Contender, bells, gathered
from measuring import Results, interleave
from peers import FLOOR, NAMES, PEERS
from table import Row, Section, ahead_of_peers, at_most, times
from workload import Bell, spawned
from workshop import DEVBOOT, Running, run

TITLE = "Start and stop of trivial processes"


def measure(quick: bool) -> Section:
    """All three sizes, everybody."""
    started: list[Row] = []
    stopped: list[Row] = []
    skipped: dict[str, str] = {}
    for count in (1, 10, 100):
        results = _measure(count, 3 if quick and count > 10 else 5 if quick else 9, skipped)
        skipped = results.skipped
        budgets = [times(2, "floor-py"), ahead_of_peers(NAMES)]
        if count < 100:
            budgets.append(at_most(60, "60 (warm `up -d`)"))
        started.append(Row(f"{count} spawned", "ms", results.of("start"), tuple(budgets)))
        limits = (at_most(20),) if count == 10 else ()
        stopped.append(Row(f"stop {count}, well-behaved", "ms", results.of("stop"), limits))
    return Section(TITLE, (*started, *stopped), skipped)


def _measure(count: int, rounds: int, skipped: dict[str, str]) -> Results:
    with tempfile.TemporaryDirectory() as place, bells(Path(place), "bell") as (bell,):
        commands = {f"p{number}": spawned(bell) for number in range(1, count + 1)}
        with gathered(commands, (FLOOR, *PEERS)) as everybody:
            contenders = {name: partial(_foreground, who, bell, count) for name, who in everybody.items()}
            contenders["devboot up -d"] = partial(_detached, everybody["devboot"].folder, bell, count)
            return interleave(contenders, rounds, skipped)


def _foreground(who: Contender, bell: Bell, count: int) -> dict[str, float]:
    bell.silence()
    running = who.start()
    try:
        at, _ = bell.wait(count)
        took = (at - running.began) * 1000
        settle()
        return {"start": took, **_stop(running, who)}
    finally:
        running.kill()
        processes.end_leftovers()


def _stop(running: Running, who: Contender) -> dict[str, float]:
    """A full-screen program reads ctrl-c as a key, which isn't how one leaves it."""
    return {} if who.peer.terminal else {"stop": running.interrupt()}


def _detached(folder: Path, bell: Bell, count: int) -> dict[str, float]:
    bell.silence()
    try:
        running = Running([*DEVBOOT, "up", "-d"], folder)
        at, _ = bell.wait(count)
        running.output.read()  # it returns when they have been alive for a while
        running.kill()
        return {"start": (at - running.began) * 1000, "stop": run([*DEVBOOT, "down"], folder).wall}
    finally:
        processes.end_leftovers(1.0)


def settle() -> None:
    """Let runners finish what they do after a start; nobody presses ctrl-c earlier."""
    time.sleep(0.2)
