"""The project that this daemon runs: its processes and plan, clocks, and the client that a foreground run ends with.

Small enough to be handed to each part of the daemon; what clients are shown and asked stands above it.
"""

from __future__ import annotations

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable

    from devboot.daemon.clients.connection import Connection
    from devboot.model.process import Plan
    from devboot.supervisor.core.supervisor import Supervisor


class Owner:
    """The client of a foreground run, which ends with it. `moves`: it prepares a plan with other ports when asked."""

    def __init__(self, connection: Connection, *, moves: bool) -> None:
        self.connection = connection
        self.moves = moves
        self.is_moving = False  # it prepares such a plan now: until then nothing of the run is judged


class RunningProject:
    """A supervisor, its clock and the clock of the wall; `since` is when this daemon was given its plan."""

    def __init__(self, supervisor: Supervisor, *, version: str, wall_clock: Callable[[], float], since: float) -> None:
        self.supervisor = supervisor
        self.loop = supervisor.loop
        self.version = version
        self.wall_clock = wall_clock
        self.since = self.planned_at = since
        self.owner: Owner | None = None
        self.is_stopping = False  # the daemon is on its way to its end

    @property
    def plan(self) -> Plan:
        """The plan that the supervisor runs."""
        return self.supervisor.plan

    @property
    def age(self) -> float:
        """Seconds since this daemon was given its plan."""
        return self.wall_clock() - self.since

    @property
    def mover(self) -> Connection | None:
        """The owner, while it prepares a plan with other ports."""
        return self.owner.connection if self.owner is not None and self.owner.is_moving else None
