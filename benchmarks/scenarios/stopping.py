"""Ten processes of which two ignore every polite signal: how long beyond the grace time it takes, and who is left."""

from __future__ import annotations

import tempfile
from functools import partial
from pathlib import Path

import processes
from contenders import Contender, bells, gathered
from measuring import interleave
from peers import PEERS, STOP_GRACE
from table import Row, Section, at_most
from workload import Bell, deaf, spawned

from scenarios.starting import settle

TITLE = "Stop of deaf processes"
_COUNT = 10
_MANIFEST = "".join(f'[processes.p{number}]\nstop_timeout = "{STOP_GRACE}s"\n' for number in range(1, _COUNT + 1))


def measure(quick: bool) -> Section:
    """Those whose grace time can be set are compared beyond it; the others with their own."""
    with tempfile.TemporaryDirectory() as place, bells(Path(place), "bell") as (bell,):
        commands = {f"p{number}": deaf(bell) if number < 3 else spawned(bell) for number in range(1, _COUNT + 1)}
        everyone = [peer for peer in PEERS if not peer.terminal]
        with gathered(commands, everyone, _MANIFEST) as everybody:
            contenders = {name: partial(_stopped, who, bell) for name, who in everybody.items()}
            results = interleave(contenders, 2 if quick else 3)  # some take half a minute each
    total = STOP_GRACE * 1000
    rows = (
        Row(f"stop 10, 2 of them deaf, grace {total}", "ms", results.of("stop"), (at_most(total + 50),)),
        Row("left behind", "processes", results.of("left"), (at_most(0),)),
    )
    return Section(TITLE, rows, results.skipped)


def _stopped(who: Contender, bell: Bell) -> dict[str, float]:
    bell.silence()
    running = who.start()
    try:
        bell.wait(_COUNT)
        settle()
        took = running.interrupt()
        return {"stop": took, "left": processes.end_leftovers(0.05)}
    finally:
        running.kill()
        processes.end_leftovers()
