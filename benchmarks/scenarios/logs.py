"""Past lines from kept logs of 27 processes, of 9, 91 and 906 MB, beside grep."""

from __future__ import annotations

import time
from datetime import datetime
from functools import partial
from pathlib import Path

from measuring import Results, Samples, interleave
from table import Row, Section, at_least, at_most, times
from workload import silent
from workshop import DEVBOOT, environment, project, run

from devboot.state.projects import Projects
from devboot.supervisor.output.log_writer import LIMIT, LogFile, log_path

TITLE = "Logs"
_PROCESSES = 27
_GROWTH = (1, 10, 100)  # of the logs; the largest have all that is kept
_LINES = 20  # of a block of 1600 bytes, which has a time of its own
_PAUSE = 0.02  # seconds between blocks
_RARE = 100  # blocks from one with the searched word to the next
_WORD = "needle"
_MEMORY = 30


def measure(quick: bool) -> Section:
    """Wall time and memory of each question, for logs of each size."""
    rows: list[Row] = []
    found = {growth: _measure(growth, 3 if quick else 7) for growth in _GROWTH}
    smallest = found[_GROWTH[0]]
    for growth, (size, results) in found.items():
        rows += _rows(growth, size, results, smallest[1])
    return Section(TITLE, tuple(rows), {})


def _rows(growth: int, size: float, results: Results, smallest: Results) -> list[Row]:
    where = f"{size:.0f} MB"
    largest = growth == _GROWTH[-1]
    rows = []
    for what in ("-n 100", "--json -n 10", "--since"):
        name = f"devboot, {what}"
        first = {"the smallest logs": smallest.of("wall")[name]}
        samples = {"devboot": results.of("wall")[name], **first}
        rows.append(Row(f"{where}: {what}", "ms", samples, (times(2, "the smallest logs"),) if largest else ()))
    speeds = {name: _speed(size, samples) for name, samples in results.of("wall").items()}
    found = {"devboot": speeds["devboot, --grep"], "grep": speeds["grep"]}
    rows.append(Row(f"{where}: --grep", "MB/s", found, (at_least(300),) if largest else ()))
    rows.append(Row(f"{where}: everything", "MB/s", {"devboot": speeds["devboot, everything"]}))
    memory = {name: samples for name, samples in results.of("memory").items() if name.startswith("devboot")}
    worst = max(memory.values(), key=lambda samples: samples.median)
    rows.append(Row(f"{where}: memory", "MB, the most of these", {"devboot": worst}, (at_most(_MEMORY),)))
    return rows


def _speed(size: float, wall: Samples) -> Samples:
    return Samples(tuple(size / value * 1000 for value in wall.values))


def _measure(growth: int, rounds: int) -> tuple[float, Results]:
    names = [f"p{number}" for number in range(1, _PROCESSES + 1)]
    with project({name: silent() for name in names}) as folder:
        state = Path(Projects.from_environ(environment()).state_of(str(folder.resolve())))
        (state / "logs").mkdir(parents=True)
        now = time.time()
        for number, name in enumerate(names):
            _write(log_path(str(state), name), number, growth * LIMIT // _GROWTH[-1], now)
        files = [str(path) for path in sorted((state / "logs").glob("*.log*")) if path.suffix != ".index"]
        since = datetime.fromtimestamp(now - 5).astimezone().isoformat()
        logs = [*DEVBOOT, "logs", "--no-pager"]
        asked = {
            "devboot, -n 100": [*logs, "-n", "100"],
            "devboot, --json -n 10": [*logs, "--json", "-n", "10"],
            "devboot, --since": [*logs, "--since", since],
            "devboot, --grep": [*logs, "--grep", _WORD],
            "devboot, everything": [*logs, "-n", "1000000000"],
            "grep": ["grep", "-h", _WORD, *files],
        }
        size = sum(Path(file).stat().st_size for file in files) / 1e6
        return size, interleave({name: partial(_timed, argv, folder) for name, argv in asked.items()}, rounds)


def _write(path: str, process: int, limit: int, end: float) -> None:
    """Write a log and its rotated part, each as long as `limit`; the last block at `end`."""
    line = f"{process:02d} %08d GET /api/items 200 in 13 ms, user 42, cache hit".ljust(78) + "\n"
    size = _LINES * len(line % 0)
    count = 2 * (limit // size)
    clock = [end - count * _PAUSE + process / 1000]
    log = LogFile(path, lambda: clock[0], print, limit=limit)
    for number in range(count):
        clock[0] += _PAUSE
        first = f"the {_WORD} of {number}\n" if number % _RARE == _RARE // 2 else ""
        log.write((first + "".join(line % (number * _LINES + each) for each in range(_LINES))).encode())
    log.close()


def _timed(argv: list[str], folder: Path) -> dict[str, float]:
    done = run(argv, folder, read=argv[0] == "grep")  # which would stop at the first line if nobody read them
    return {"wall": done.wall, "cpu": done.cpu, "memory": done.memory}
