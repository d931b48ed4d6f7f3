"""The process that a probe checks, as seen by the probe."""

from __future__ import annotations

from devboot.record import Record

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Mapping

    from devboot.supervisor.system.host import Host


class Target(Record):
    """The process that a probe checks: `leader` (pid) and `mark` identify it.

    `cwd` and `env` are for a probe's command.
    """

    host: Host
    leader: int
    mark: str
    cwd: str
    env: Mapping[str, str]
