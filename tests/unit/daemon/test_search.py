"""Who is taken for the guardian of a daemon that only the table of processes shows."""

import pytest

from devboot.daemon import search
from devboot.supervisor.system.proctable import Seen

DAEMON = Seen(60, 50, 40, "S", "3")


@pytest.mark.faults(202)
@pytest.mark.parametrize(
    ("parent", "guardian"),
    [
        (Seen(50, 1, 40, "S", "2"), (50, "2")),
        (Seen(1, 0, 1, "S", "1"), (0, "")),
        (Seen(50, 1, 50, "S", "1"), (0, "")),
        (None, (0, "")),
    ],
    ids=["its guardian", "process 1", "a subreaper", "unseen"],
)
def test_only_the_process_that_has_forked_a_daemon_is_its_guardian(parent, guardian):
    daemon = DAEMON if parent is None else DAEMON._replace(parent=parent.pid)
    table = {each.pid: each for each in (daemon, parent) if each is not None}

    lease = search.lease_of(60, "3", "DEVBOOT=60:", "/shop", table, member=0)

    assert (lease.guardian, lease.guardian_started) == guardian
