"""The process that a probe checks, as seen by the probe."""

from __future__ import annotations

from devboot.record import Record

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Mapping

    from devboot.supervisor.system.host import Host


class Target(Record):
    """Folder and environment for the probe's command, and the leader and mark that identify the process."""

    host: Host
    leader: int
    mark: str
    cwd: str
    env: Mapping[str, str]
