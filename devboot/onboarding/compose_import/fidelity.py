"""The fidelity report: for each entry of a compose file, how it is carried over into the manifest."""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

NATIVE, APPROXIMATED = "native", "approximated"
IN_DOCKER, NO_EQUIVALENT = "left in Docker", "no equivalent"
VERDICTS = (NATIVE, APPROXIMATED, IN_DOCKER, NO_EQUIVALENT)


class Fidelity(NamedTuple):
    """What became of one entry of a compose file; `line` is 0 for an entry that no line has by itself."""

    path: str
    line: int
    key: str
    verdict: str
    text: str

    @property
    def place(self) -> str:
        """The entry's file and line."""
        return f"{self.path}:{self.line}" if self.line else self.path


def percentage(report: Sequence[Fidelity]) -> int:
    """Return the share of entries that are carried over, natively or approximately; rounded down, 100 for none."""
    carried = sum(each.verdict in (NATIVE, APPROXIMATED) for each in report)
    return carried * 100 // len(report) if report else 100
