"""What is asked."""

from __future__ import annotations

from devboot.record import Record

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Mapping

    from devboot.supervisor.host import Host


class Target(Record):
    """What a probe has to know of the process: how its commands run, and which pids are its own."""

    host: Host
    leader: int
    mark: str
    cwd: str
    env: Mapping[str, str]
