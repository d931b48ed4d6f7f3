"""1, 4 and 16 processes that flood lines of 80 bytes, through pipes and through terminals, to every kind of reader.

They are `cat` with blocks of a file; through pipes also a C program that writes line by line.
"""

from __future__ import annotations

import os
import re
import select
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from functools import partial
from pathlib import Path
from typing import NamedTuple

import processes
from contenders import Contender, bells, gathered
from measuring import Results, UnmeasurableError, interleave
from peers import FLOOR, FLOOR_TERMINALS, PEERS
from table import Row, Section, ahead_of_peers, at_least, at_most, share
from workload import LINE, Bell, flood_program, flooding, flooding_lines, write_flood
from workshop import DEVBOOT, Running, run

TITLE = "Output"
_MB = 1_000_000
_READ = 1024 * 1024
_QUIET = 0.6  # seconds without output after the last process is done: nothing more will come
_LIMIT = 90.0
_NOT_COMPARED = ("supervisor", "circus", "mprocs")  # they write to files or to a screen of their own
_FLOODED = re.compile(rb"(?:^|[^\n]*[^\nx0-9])(\d\d) (\d{8}) x{67}[^\nx]*\n", re.MULTILINE)


class Flood(NamedTuple):
    """What is flooded: `processes` with `lines` each, which wait at the gate and tell when they are done."""

    processes: int
    lines: int
    gate: Bell
    done: Bell

    @property
    def megabytes(self) -> float:
        """Of all processes together."""
        return self.processes * self.lines * LINE / _MB


def measure(quick: bool) -> Section:
    """Pipes with everybody, terminals with those that give some; then devboot alone with other readers."""
    rows: list[Row] = []
    skipped: dict[str, str] = {}
    for terminals in (False, True):
        for count in (1, 4, 16):
            results = _measure(count, skipped, terminals=terminals, quick=quick)
            rows += _rows(results, count, terminals=terminals)
            skipped = results.skipped
    try:
        for count in (1, 4, 16):
            rows += _rows_of_lines(_measure_lines(count, quick=quick), count)
    except UnmeasurableError as error:
        skipped = {**skipped, "line by line": str(error)}
    return Section(TITLE, tuple(rows), skipped)


def _rows(results: Results, count: int, *, terminals: bool) -> Iterator[Row]:
    where = f"{count} through {'terminals' if terminals else 'pipes'}"
    floor = share(0.8 if terminals else 0.6, "floor-py")
    cpu = 7 if terminals else 5
    seen = results.of("speed")
    yield Row(where, "MB/s", seen, (floor, ahead_of_peers((peer.name for peer in PEERS), at_least=True)))
    yield Row(f"{where}: CPU", "ms per MB", results.of("cpu"), (at_most(cpu),))
    yield Row(f"{where}: lines lost or torn", "", results.of("damaged"), (at_most(0),))
    yield Row(f"{where}: memory", "MB, highest PSS", results.of("memory"), (at_most(25),))
    for reader in ("nobody attached", "one client stalled"):
        name = f"devboot, {reader}"
        if name in seen:
            yield Row(f"{where}, {reader}", "MB/s", {"devboot": seen[name], "floor-py": seen["floor-py"]}, (floor,))


def _rows_of_lines(results: Results, count: int) -> Iterator[Row]:
    where = f"{count} line by line"
    speed = results.of("lines")
    for name, what in (("devboot", where), ("devboot, nobody attached", f"{where}, nobody attached")):
        budgets = (at_least(1.2),) if count == 16 else ()
        yield Row(what, "million lines/s", {"devboot": speed[name], "floor-py": speed["floor-py"]}, budgets)
        cpu = results.of("cpu")
        yield Row(f"{what}: CPU", "ms per MB", {"devboot": cpu[name], "floor-py": cpu["floor-py"]}, (at_most(5),))
    yield Row(f"{where}: lines lost or torn", "", results.of("damaged"), (at_most(0),))


def _measure_lines(count: int, *, quick: bool) -> Results:
    with (
        _flood(count, 32 if quick else 64, by_line=True) as (flood, commands),
        gathered(commands, (FLOOR,), _without_terminals(count)) as everybody,
    ):
        contenders = {name: partial(_shown, who, flood) for name, who in everybody.items()}
        folder = everybody["devboot"].folder
        contenders["devboot, nobody attached"] = partial(_detached, folder, flood, stalled=False)
        return interleave(contenders, 3 if quick else 5)


def _without_terminals(count: int) -> str:
    return "".join(f"[processes.p{n}]\npty = false\n" for n in range(1, count + 1))


def _measure(count: int, skipped: dict[str, str], *, terminals: bool, quick: bool) -> Results:
    peers = [peer for peer in PEERS if peer.gives_terminals == terminals and peer.name not in _NOT_COMPARED]
    manifest = "" if terminals else _without_terminals(count)
    with _flood(count, 32 if quick else 64) as (flood, commands):
        floor = FLOOR_TERMINALS if terminals else FLOOR
        with gathered(commands, (floor, *peers), manifest) as everybody:
            contenders = {name: partial(_shown, who, flood) for name, who in everybody.items()}
            folder = everybody["devboot"].folder
            contenders["devboot, nobody attached"] = partial(_detached, folder, flood, stalled=False)
            contenders["devboot, one client stalled"] = partial(_detached, folder, flood, stalled=True)
            return interleave(contenders, 3 if quick else 5, skipped)


@contextmanager
def _flood(count: int, total: int, *, by_line: bool = False) -> Iterator[tuple[Flood, dict[str, str]]]:
    with tempfile.TemporaryDirectory() as place, bells(Path(place), "gate", "done") as (gate, done):
        flood = Flood(count, total * _MB // LINE // count, gate, done)
        commands = {}
        program = flood_program(Path(place)) if by_line else None
        for number in range(1, count + 1):
            if program is not None:
                commands[f"p{number}"] = flooding_lines(program, number, flood.lines, gate, done)
                continue
            text = Path(place) / f"{number}.txt"
            write_flood(text, number, flood.lines)
            commands[f"p{number}"] = flooding(text, gate, done)
        yield flood, commands


def _shown(who: Contender, flood: Flood) -> dict[str, float]:
    """Everything shown in a pipe that is read as fast as it can be."""
    flood.done.silence()
    running = who.start()
    try:
        pids = _wait_for_gate(flood)
        before = processes.cpu_ms(pids)
        started = time.monotonic()
        flood.gate.ring(flood.processes)
        ended, memory, chunks = _read_all(running, flood, pids)
        used = processes.cpu_ms(pids) - before
    finally:
        running.kill()
        processes.end_leftovers()
    found = {**_figures(flood, ended - started, used), "memory": memory}
    if who.peer.prefixed:  # the floor shows no names, and mixes what it reads
        found["damaged"] = damaged(b"".join(chunks), flood)
    return found


def _figures(flood: Flood, seconds: float, cpu: float) -> dict[str, float]:
    speed = flood.megabytes / seconds
    return {"speed": speed, "lines": speed / LINE, "cpu": cpu / flood.megabytes}


def damaged(shown: bytes, flood: Flood) -> float:
    """How many lines didn't arrive whole and in order."""
    following = dict.fromkeys(range(1, flood.processes + 1), 0)
    whole = 0
    for found in _FLOODED.finditer(shown):
        process, line = int(found[1]), int(found[2])
        if process in following and line >= following[process]:
            following[process] = line + 1
            whole += 1
    return flood.processes * flood.lines - whole


def _detached(folder: Path, flood: Flood, *, stalled: bool) -> dict[str, float]:
    """Nobody reads, or somebody who has asked for it and then doesn't."""
    flood.done.silence()
    reader: Running | None = None
    try:
        run([*DEVBOOT, "up", "-d"], folder)
        if stalled:
            reader = Running([*DEVBOOT, "logs", "-f"], folder)
        pids = _wait_for_gate(flood)
        if stalled:  # by this the daemon learns of it, which costs half a second once
            flood.gate.ring(flood.processes)
            flood.done.wait(flood.processes)
            _wait_for_gate(flood)
        before = processes.cpu_ms(pids)
        started = time.monotonic()
        flood.gate.ring(flood.processes)
        ended, _ = flood.done.wait(flood.processes)
        used = processes.cpu_ms(pids) - before
    finally:
        if reader is not None:
            reader.kill()
        processes.end_leftovers()
    return _figures(flood, ended - started, used)


def _wait_for_gate(flood: Flood) -> list[int]:
    """Until every shell waits for its line: then none of the start is measured. The pids of the runner."""
    deadline = time.monotonic() + 30
    while time.monotonic() < deadline:
        seen = processes.descendants()
        if sum(_waits_at(one.pid, flood.gate) for one in seen if one.name in processes.WORKLOAD) >= flood.processes:
            time.sleep(0.3)  # what the runner still does after a start isn't measured either
            return processes.overhead()
        time.sleep(0.02)
    raise UnmeasurableError(f"did not start {flood.processes} processes in 30 s")


def _waits_at(pid: int, gate: Bell) -> bool:
    try:
        return Path(f"/proc/{pid}/fd/0").resolve() == gate.path.resolve()
    except OSError:
        return False


def _read_all(running: Running, flood: Flood, pids: list[int]) -> tuple[float, float, list[bytes]]:
    """When the last byte arrived, the highest memory seen on the way, and all that was read."""
    fd = running.output.fileno()
    chunks: list[bytes] = []
    lines = done = 0
    memory = 0.0
    begun = ended = looked = time.monotonic()
    while True:
        if not select.select([fd], [], [], _QUIET)[0]:
            if done >= flood.processes or time.monotonic() - ended > 5:
                return ended, memory, chunks
            done += flood.done.take()
            continue
        chunk = os.read(fd, _READ)
        ended = time.monotonic()
        chunks.append(chunk)
        lines += chunk.count(b"\n")
        if not chunk or ended - begun > _LIMIT:
            raise UnmeasurableError(f"had shown {lines} of {flood.processes * flood.lines} lines after {_LIMIT:.0f} s")
        if ended - looked > 0.2:
            looked, memory = ended, max(memory, processes.pss_mb(pids))
        if lines >= flood.processes * flood.lines:
            return ended, max(memory, processes.pss_mb(pids)), chunks
