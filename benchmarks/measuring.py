"""Repeats measurements side by side: one round asks every contender once, so that a busy machine is unfair to all."""

from __future__ import annotations

import statistics
from typing import TYPE_CHECKING, NamedTuple

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence

    Measurement = Callable[[], Mapping[str, float]]


class UnmeasurableError(Exception):
    """A contender that can't be measured here; the text says why."""


class Samples(NamedTuple):
    """Values of one contender for one metric, in the order of the rounds."""

    values: tuple[float, ...]

    @property
    def median(self) -> float:
        """What is compared."""
        return statistics.median(self.values)

    @property
    def spread(self) -> tuple[float, float]:
        """The quartiles; for up to three values the smallest and the largest."""
        if len(self.values) < 4:
            return min(self.values), max(self.values)
        low, _, high = statistics.quantiles(self.values, n=4, method="inclusive")
        return low, high


class Results(NamedTuple):
    """Metric → contender → samples, and contender → why it has none."""

    metrics: dict[str, dict[str, Samples]]
    skipped: dict[str, str]

    def of(self, metric: str) -> dict[str, Samples]:
        """All contenders that have this metric."""
        return self.metrics.get(metric, {})


def interleave(contenders: Mapping[str, Measurement], rounds: int, already: Mapping[str, str] | None = None) -> Results:
    """Measure each contender `rounds` times, in turns; one that fails is left out with its reason.

    `already` are those that failed before, and why.
    """
    raw: dict[str, dict[str, list[float]]] = {}
    skipped = dict(already or {})
    for _ in range(rounds):
        for name, measure in contenders.items():
            if name in skipped:
                continue
            try:
                found = measure()
            except UnmeasurableError as error:
                skipped[name] = str(error)
                continue
            for metric, value in found.items():
                raw.setdefault(metric, {}).setdefault(name, []).append(value)
    return Results(
        {metric: {name: Samples(tuple(values)) for name, values in by_name.items()} for metric, by_name in raw.items()},
        skipped,
    )


def without_devboot(names: Sequence[str]) -> list[str]:
    """The contenders that devboot is compared with."""
    return [name for name in names if not name.startswith("devboot")]
