"""Decides whether what isn't up when the time is over gets more of it: a first import may take minutes of work."""

from __future__ import annotations

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

_MOST = 4  # times in a row
_SHARE = 0.1  # of one processor, over the whole time: what polls for changes, or tries to connect, needs less


class MoreTime:
    """Watches the work of all that is still starting. `worked` returns seconds of a processor so far, by pid.

    What has become ready or has ended meanwhile doesn't count.
    """

    def __init__(self, worked: Callable[[], Mapping[int, float]]) -> None:
        self._worked_by = worked
        self._began = 0.0
        self._worked: Mapping[int, float] = {}
        self._given = 0

    def begin(self, now: float, *, is_anew: bool = True) -> None:
        """A time to wait begins; `is_anew`: something else was started or has ended since."""
        self._began = now
        self._worked = self._worked_by()
        self._given = 0 if is_anew else self._given

    def is_due(self, now: float) -> bool:
        """Whether the next time to wait is given, too: most of it was spent at work."""
        worked = sum(seconds - self._worked.get(pid, 0.0) for pid, seconds in self._worked_by().items())
        has_worked = worked > _SHARE * (now - self._began)
        self._given += has_worked
        return has_worked and self._given <= _MOST
