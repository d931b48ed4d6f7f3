"""Decides whether processes that aren't up within the time limit get more time, because they use the CPU."""

from __future__ import annotations

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

_MOST = 4  # most extensions in a row
_SHARE = 0.1  # CPU share that counts as busy; polling for changes and retried connections need less


class MoreTime:
    """Measures the CPU time of starting processes during a time limit of `up`.

    `worked` returns the CPU seconds used so far, by pid, of processes that are neither ready nor ended.
    """

    def __init__(self, worked: Callable[[], Mapping[int, float]]) -> None:
        self._worked_by = worked
        self._began = 0.0
        self._worked: Mapping[int, float] = {}
        self._given = 0

    def begin(self, now: float, *, is_anew: bool = True) -> None:
        """Begin a time limit.

        `is_anew`: a process has started or ended since the last limit, so extensions are counted anew.
        """
        self._began = now
        self._worked = self._worked_by()
        self._given = 0 if is_anew else self._given

    def is_due(self, now: float) -> bool:
        """Return True if the start's time limit is to be extended, because the processes used the CPU during it."""
        worked = sum(seconds - self._worked.get(pid, 0.0) for pid, seconds in self._worked_by().items())
        has_worked = worked > _SHARE * (now - self._began)
        self._given += has_worked
        return has_worked and self._given <= _MOST
