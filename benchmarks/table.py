"""Rows of figures with the budget beside each, as text and as Markdown."""

# ruff: noqa: RUF001, RUF002  a times sign between figures and a dash in a range are what they look like

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Mapping

    from measuring import Samples

    Medians = Mapping[str, float]

OURS = "devboot"


class Budget(NamedTuple):
    """What devboot may take: `limit` works it out of everybody's medians, None where the peer wasn't measured."""

    text: str
    limit: Callable[[Medians], float | None]
    at_least: bool = False

    def is_kept(self, ours: float, limit: float) -> bool:
        """Whether devboot stays within it."""
        return ours >= limit if self.at_least else ours <= limit


def at_most(value: float, text: str = "") -> Budget:
    """No more than `value`, in the row's unit."""
    return Budget(text or f"{number(value)}", lambda _: value)


def at_least(value: float, text: str = "") -> Budget:
    """No less than `value`, in the row's unit."""
    return Budget(text or f"≥ {number(value)}", lambda _: value, at_least=True)


def times(factor: float, other: str) -> Budget:
    """No more than `factor` times what `other` takes."""
    return Budget(f"{number(factor)} × {other}", lambda medians: _scaled(medians, other, factor))


def plus(value: float, other: str) -> Budget:
    """No more than what `other` takes and `value` on top."""
    return Budget(f"{other} + {number(value)}", lambda medians: medians[other] + value if other in medians else None)


def share(factor: float, other: str) -> Budget:
    """At least `factor` of what `other` achieves."""
    return Budget(f"≥ {number(factor)} × {other}", lambda medians: _scaled(medians, other, factor), at_least=True)


def ahead_of_peers(peers: Iterable[str], *, at_least: bool = False) -> Budget:
    """Never behind the best peer."""
    names = tuple(peers)

    def limit(medians: Medians) -> float | None:
        found = [medians[name] for name in names if name in medians]
        return (max(found) if at_least else min(found)) if found else None

    return Budget("best peer", limit, at_least)


def _scaled(medians: Medians, other: str, factor: float) -> float | None:
    return factor * medians[other] if other in medians else None


class Row(NamedTuple):
    """One thing measured: contender → samples, and the budgets that devboot's median has to keep."""

    what: str
    unit: str
    samples: Mapping[str, Samples]
    budgets: tuple[Budget, ...] = ()

    @property
    def medians(self) -> dict[str, float]:
        """Contender → median."""
        return {name: samples.median for name, samples in self.samples.items()}

    def verdicts(self) -> list[tuple[str, str]]:
        """Each budget with its value, and whether it is kept: `("2 × floor-py = 38", "OK")`."""
        medians = self.medians
        told = []
        for budget in self.budgets:
            limit = budget.limit(medians)
            if limit is None or OURS not in medians:
                continue
            value = "" if budget.text == number(limit) else f" = {number(limit)}"
            told.append((budget.text + value, "OK" if budget.is_kept(medians[OURS], limit) else "over"))
        return told

    def others(self) -> list[str]:
        """Every other contender with its median and devboot's ratio to it: `honcho 91 (0.31)`."""
        medians = self.medians
        ours = medians.get(OURS)
        return [
            f"{name} {number(median)}" + (f" ({ours / median:.2f})" if ours is not None and median else "")
            for name, median in medians.items()
            if name != OURS
        ]


class Section(NamedTuple):
    """The rows of one scenario, and who could not be measured."""

    title: str
    rows: tuple[Row, ...]
    skipped: Mapping[str, str]

    @property
    def kept(self) -> bool:
        """Whether every budget is."""
        return all(verdict == "OK" for row in self.rows for _, verdict in row.verdicts())


def render(section: Section) -> str:
    """One section as a Markdown table that reads as text, too."""
    cells = [("what", "devboot (spread)", "budget", "", "others (devboot ÷ other)")]
    cells += [_cells(row) for row in section.rows]
    widths = [max(len(line[column]) for line in cells) for column in range(len(cells[0]))]
    lines = [
        "| " + " | ".join(cell.ljust(width) for cell, width in zip(line, widths, strict=True)).rstrip() + " |"
        for line in cells
    ]
    lines.insert(1, "|" + "|".join("-" * (width + 2) for width in widths) + "|")
    left_out = [f"Not measured: {name}: {reason}." for name, reason in section.skipped.items()]
    return "\n".join([f"### {section.title}", "", *lines, *([""] if left_out else []), *left_out]) + "\n"


def _cells(row: Row) -> tuple[str, str, str, str, str]:
    ours = row.samples.get(OURS)
    told = row.verdicts()
    return (
        f"{row.what}, {row.unit}" if row.unit else row.what,
        "–" if ours is None else f"{number(ours.median)} ({number(ours.spread[0])}–{number(ours.spread[1])})",
        "; ".join(text for text, _ in told),
        "; ".join(verdict for _, verdict in told),
        ", ".join(row.others()),
    )


def number(value: float) -> str:
    """Three digits that mean something: 0.012, 1.52, 38.4, 1170."""
    if value == 0:
        return "0"
    size = abs(value)
    decimals = 0 if size >= 100 else 1 if size >= 10 else 2 if size >= 0.1 else 4
    text = f"{value:.{decimals}f}"
    return text.rstrip("0").rstrip(".") if "." in text else text
