"""The process that a probe asks, as far as the probe has to know it."""

from __future__ import annotations

from devboot.record import Record

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Mapping

    from devboot.supervisor.system.host import Host


class Target(Record):
    """How its commands run, and which pids are its own."""

    host: Host
    leader: int
    mark: str
    cwd: str
    env: Mapping[str, str]
