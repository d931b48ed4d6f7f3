"""The report of an import: for each entry of a compose file, whether and how the manifest has it."""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

NATIVE, APPROXIMATED = "native", "approximated"
IN_DOCKER, NO_EQUIVALENT = "left in Docker", "no equivalent"
VERDICTS = (NATIVE, APPROXIMATED, IN_DOCKER, NO_EQUIVALENT)


class Fidelity(NamedTuple):
    """The verdict on one entry of a compose file; `line` is 0 for an entry without a line of its own."""

    path: str
    line: int
    key: str
    verdict: str
    text: str

    @property
    def place(self) -> str:
        """The entry's place, as `compose.yaml:12`."""
        return f"{self.path}:{self.line}" if self.line else self.path


def percentage(report: Sequence[Fidelity]) -> int:
    """Return the percentage of entries that the manifest has, exactly or approximately; rounded down, 100 for none."""
    carried = sum(each.verdict in (NATIVE, APPROXIMATED) for each in report)
    return carried * 100 // len(report) if report else 100
