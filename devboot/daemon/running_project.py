"""State of the project that this daemon runs: supervisor, plan, clocks, and the client that owns a foreground run.

Every part of the daemon gets it as an argument, so it imports none of them.
"""

from __future__ import annotations

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable

    from devboot.daemon.clients.connection import Connection
    from devboot.model.process import Plan
    from devboot.supervisor.core.supervisor import Supervisor


class Owner:
    """The client of a foreground run, whose end ends the run. `moves`: it can prepare a plan with other ports."""

    def __init__(self, connection: Connection, *, moves: bool) -> None:
        self.connection = connection
        self.moves = moves
        self.is_moving = False  # it is preparing such a plan; until then the run's result is open


class RunningProject:
    """Supervisor, clocks and owner of the running project; `since` is the wall-clock time when the plan arrived."""

    def __init__(self, supervisor: Supervisor, *, version: str, wall_clock: Callable[[], float], since: float) -> None:
        self.supervisor = supervisor
        self.loop = supervisor.loop
        self.version = version
        self.wall_clock = wall_clock
        self.since = self.planned_at = since
        self.owner: Owner | None = None
        self.is_stopping = False  # the daemon is shutting down

    @property
    def plan(self) -> Plan:
        """The plan that the supervisor runs now."""
        return self.supervisor.plan

    @property
    def age(self) -> float:
        """Seconds since this daemon received its plan."""
        return self.wall_clock() - self.since

    @property
    def mover(self) -> Connection | None:
        """The owner's connection while the owner prepares a plan with other ports; else None."""
        return self.owner.connection if self.owner is not None and self.owner.is_moving else None
