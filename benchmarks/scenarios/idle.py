"""A hundred processes that say nothing: what their runner costs while it waits. All runners wait at the same time."""

from __future__ import annotations

import json
import tempfile
import time
from contextlib import ExitStack
from pathlib import Path

import processes
from contenders import Contender, bells, gathered
from measuring import Samples, UnmeasurableError
from peers import FLOOR, PEERS
from table import Row, Section, at_most
from workload import Bell, spawned
from workshop import DEVBOOT, run

TITLE = "Idle with 100 processes"
_COUNT = 100
_SETTLE = 8.0  # seconds: first looks at readiness and the like are over then


def measure(quick: bool) -> Section:
    """CPU and memory of everything that isn't a child, over 30 or 60 seconds."""
    seconds = 30 if quick else 60
    skipped: dict[str, str] = {}
    with ExitStack() as stack:
        place = stack.enter_context(tempfile.TemporaryDirectory())
        (bell,) = stack.enter_context(bells(Path(place), "bell"))
        commands = {f"p{number}": spawned(bell) for number in range(1, _COUNT + 1)}
        everybody = stack.enter_context(gathered(commands, (FLOOR, *PEERS)))
        pids: dict[str, list[int]] = {}
        for name, who in everybody.items():
            try:
                pids[name] = _started(who, bell)
            except UnmeasurableError as error:
                skipped[name] = str(error)
        time.sleep(_SETTLE)
        before = {name: processes.cpu_ms(found) for name, found in pids.items()}
        time.sleep(seconds)
        used = {name: (processes.cpu_ms(found) - before[name]) / seconds for name, found in pids.items()}
        memory = {name: processes.pss_mb(found) for name, found in pids.items()}
    rows = (
        Row("CPU", "ms per s", _single(used), (at_most(0.1),)),
        Row("memory (PSS)", "MB", _single(memory), (at_most(15),)),
    )
    return Section(TITLE, rows, skipped)


def _started(who: Contender, bell: Bell) -> list[int]:
    """Start it; the pids that belong to the runner."""
    bell.silence()
    if who.peer.name == "devboot":
        run([*DEVBOOT, "up", "-d"], who.folder)
        bell.wait(_COUNT)
        daemon = json.loads(run([*DEVBOOT, "ps", "--json"], who.folder, read=True).output)["pid"]
        guardian = next(seen.parent for seen in processes.descendants() if seen.pid == daemon)
        return [daemon, guardian]
    running = who.start()
    bell.wait(_COUNT)
    return [running.pid, *processes.overhead(running.pid)]


def _single(values: dict[str, float]) -> dict[str, Samples]:
    return {name: Samples((value,)) for name, value in values.items()}
