"""Durations of a start: the critical chain of processes, and a comparison with earlier starts.

The last starts are kept in the state folder (`starts.json`), so that a clearly slower start can name the cause.
"""

from __future__ import annotations

import os

from devboot.errors import DevbootError
from devboot.files import atomic_write, plain
from devboot.model import process as model
from devboot.record import Record
from devboot.text.columns import cells, pad, printable
from devboot.text.units import duration
from devboot.wire.jsontext import from_json, to_json

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence

    from devboot.wire.jsontext import Plain

NAME = "starts.json"
KEPT = 20
BEFORE = "before"  # stands for everything before the daemon had its plan, in place of a process
_ENOUGH = 3  # fewest starts to compare with
_FACTOR, _LEAST = 1.5, 0.5  # a slower start takes at least so many times, and so many seconds more than, the median
_SPAWNED = (model.STARTING, model.RUNNING)


class Start(Record):
    """One successful start: when it ended (`at`, seconds since the epoch), and its duration in seconds (`total`).

    `is_warm`: nothing had to be installed. `took` is the duration of each process.
    """

    at: float
    is_warm: bool
    total: float
    took: Mapping[str, float]


class Stopwatch:
    """When each process of a start was spawned and was up, in seconds of the loop's clock."""

    def __init__(self) -> None:
        self.spawned: dict[str, float] = {}
        self.up: dict[str, float] = {}

    def changed(self, status: model.ProcessStatus, now: float) -> None:
        """Record the time `now` for a process that was spawned or is up; only the first run of each process counts."""
        if status.phase in _SPAWNED:
            self.spawned.setdefault(status.name, now)
        elif status.phase in (model.READY, model.EXITED) and status.name in self.spawned:
            self.up.setdefault(status.name, now)

    def took(self) -> dict[str, float]:
        """Return the seconds from spawn to up, by name, for processes that have become ready or exited."""
        return {name: at - self.spawned[name] for name, at in self.up.items()}

    def chain(self, specs: Iterable[model.ProcessSpec]) -> list[str]:
        """Return the critical chain of the start: process names in order, each of which waited for the one before."""
        by_name = {spec.name: spec for spec in specs}
        name = max(self.up.keys() & by_name.keys(), key=lambda each: self.up[each], default="")
        found: list[str] = []
        while name and name not in found:
            found.insert(0, name)
            needed = [each.name for each in by_name[name].depends_on if each.name in self.up]
            name = max((each for each in needed if each in by_name), key=lambda each: self.up[each], default="")
        return found


def describe(watch: Stopwatch, specs: Sequence[model.ProcessSpec], before: float, total: float) -> list[str]:
    """Return the lines of `up --timings`: when each process of the critical chain started, and how long it took."""
    chain = watch.chain(specs)
    begin = min(watch.spawned.values(), default=0.0)
    rows = [("0 ms", "until the first process", duration(before))]
    rows += [
        (
            duration(before + watch.spawned[name] - begin),
            printable(name),
            duration(watch.up[name] - watch.spawned[name]),
        )
        for name in chain
    ]
    width = max(cells(name) for _, name, _ in rows)
    lines = [f"  {'after ' + at:<16} {pad(name, width)}  {took:>8}" for at, name, took in rows]
    return ["what the start waited for:", *lines, f"  {'in all':<16} {pad('', width)}  {duration(total):>8}"]


def slower(start: Start, earlier: Sequence[Start]) -> str:
    """Return `slower than usual (1.4 s): web took 2.9 s, usually 1.1 s`; "" for a usual start."""
    alike = [each for each in earlier if each.is_warm and start.is_warm and each.took.keys() == start.took.keys()]
    if len(alike) < _ENOUGH:
        return ""
    usual = _median(each.total for each in alike)
    if start.total < usual * _FACTOR or start.total - usual < _LEAST:
        return ""
    usually = {name: _median(each.took[name] for each in alike) for name in start.took}
    name = max(start.took, key=lambda each: start.took[each] - usually[each])
    what = "what comes before the processes" if name == BEFORE else printable(name)
    return (
        f"slower than usual ({duration(usual)}): "
        f"{what} took {duration(start.took[name])}, usually {duration(usually[name])}"
    )


def _median(values: Iterable[float]) -> float:
    ordered = sorted(values)
    return ordered[len(ordered) // 2]


def read_starts(state: str) -> list[Start]:
    """Return the stored starts, oldest first; empty if the file is missing or unreadable."""
    try:
        with open(os.path.join(state, NAME), "rb", buffering=0, opener=plain) as file:
            kept = from_json((file.read() or b"").decode())
        return [Start(float(at), bool(warm), float(total), dict(took)) for at, warm, total, took in kept]
    except (OSError, ValueError, TypeError):
        return []


def keep(state: str, start: Start, earlier: Sequence[Start]) -> None:
    """Store a start together with `earlier` ones, the oldest dropped; a full disk is ignored."""
    last = [*earlier, start][-KEPT:]
    kept: list[Plain] = [(each.at, each.is_warm, each.total, {**each.took}) for each in last]
    try:
        atomic_write(os.path.join(state, NAME), to_json(kept) + "\n", mode=0o600, sync=False)
    except DevbootError:
        return
