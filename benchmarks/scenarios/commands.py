"""Commands against a running daemon, and `run`, beside an interpreter that does nothing at all."""

from __future__ import annotations

from functools import partial
from pathlib import Path

from contenders import warm
from measuring import interleave
from table import Row, Section, times
from workload import silent
from workshop import DEVBOOT, PYTHON, project, run

TITLE = "Commands"
_ASKED = {
    "run -- true": (("run", "--", "true"), 1.5),
    "ps": (("ps",), 2.5),
    "logs -n 1": (("logs", "-n", "1"), 2.5),
    "restart p1": (("restart", "p1"), 2.5),
}


def measure(quick: bool) -> Section:
    """Wall time and CPU of each command."""
    with project({f"p{number}": silent() for number in (1, 2, 3)}) as folder:
        warm(folder)
        run([*DEVBOOT, "up", "-d"], folder)
        contenders = {"python": partial(_timed, [PYTHON, "-c", "pass"], folder)}
        contenders |= {what: partial(_timed, [*DEVBOOT, *words], folder) for what, (words, _) in _ASKED.items()}
        results = interleave(contenders, 15 if quick else 40)
        run([*DEVBOOT, "down"], folder)
    rows = []
    for metric, unit in (("wall", "ms"), ("cpu", "ms of CPU")):
        found = results.of(metric)
        for what, (_, factor) in _ASKED.items():
            if what in found:
                samples = {"devboot": found[what], "python": found["python"]}
                rows.append(Row(f"`{what}`", unit, samples, (times(factor, "python"),)))
    return Section(TITLE, tuple(rows), results.skipped)


def _timed(argv: list[str], folder: Path) -> dict[str, float]:
    done = run(argv, folder)
    return {"wall": done.wall, "cpu": done.cpu}
