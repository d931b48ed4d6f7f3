"""Finds daemons and their processes in the process table, for projects whose files were deleted.

Each process started by a daemon has the daemon's pid and start time, and the project, in its environment.
"""

from __future__ import annotations

import os

from devboot.daemon.leases import DEFAULT_GRACE, DaemonLease, served_folders
from devboot.supervisor.system import proctable
from devboot.supervisor.system.process_tree import INSIDE, MARKER

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Mapping

_GROUP = "devboot-"  # see `cgroup.create`
_HOME = "DEVBOOT_HOME"  # projects under a different value don't count


def new_run_id() -> str:
    """Return a new run id of this daemon: its pid, its start time and a random part."""
    me = proctable.look(os.getpid())
    started = "" if me is None else me.started.replace(" ", "_").replace("-", "_")
    return f"{os.getpid()}-{started}-{os.urandom(8).hex()}"


def find_run(root: str, environ: Mapping[str, str], state: str, data: str) -> DaemonLease | None:
    """Find a daemon of the project at `root`, alive or dead, by its processes.

    Return what is known of its lease, or None. A server that uses a folder below `data` shows that there was a daemon,
    whatever its environment.
    """
    found = [lease for lease in find_runs(environ) if lease.root == root]
    lease = next((lease for lease in found if lease.is_alive), found[0] if found else None)
    if lease is None and served_folders(data):
        lease = DaemonLease(0, "", proctable.boot_id(), "", "", "", "", root, "0", 0, "", str(DEFAULT_GRACE))
    return lease and lease._replace(state=state, data=data)


def find_runs(environ: Mapping[str, str]) -> list[DaemonLease]:
    """Return a lease for each daemon, alive or dead, of which processes of this user run; sorted by root.

    Processes of other containers, or with another DEVBOOT_HOME, don't count.
    """
    table = proctable.processes()
    mine = _facts("self")
    runs: dict[str, DaemonLease] = {}
    for seen, mark in proctable.marked(table, f"{MARKER}="):
        run = mark.partition(":")[0]
        pid, _, rest = run.partition("-")
        started, _, unique = rest.partition("-")
        content = proctable.environment(seen.pid) or b""
        root = proctable.entry_after(content, f"{INSIDE}=")
        home = proctable.entry_after(content, f"{_HOME}=") or ""
        if run in runs or not pid.isdecimal() or not unique or not root or home != environ.get(_HOME, ""):
            continue
        if _facts(str(seen.pid)) == mine:
            runs[run] = lease_of(int(pid), started, f"{MARKER}={run}:", root, table, seen.pid)
    return sorted(runs.values(), key=lambda lease: lease.root)


def lease_of(
    pid: int, started: str, marker: str, root: str, table: Mapping[int, proctable.Seen], member: int
) -> DaemonLease:
    """Return a lease rebuilt from the process table.

    `pid` is the daemon, alive or not, `member` any of its children.
    """
    group = _group_of(member)
    guardian, _, guardian_started = os.path.basename(group).removeprefix(_GROUP).partition("-")
    if not group and (seen := table.get(pid)) is not None and seen.started == started:
        parent = proctable.forked_from(seen, table.get(seen.parent))
        guardian, guardian_started = (str(parent.pid), parent.started) if parent is not None else ("", "")
    return DaemonLease(
        pid=pid,
        started=started,
        boot=proctable.boot_id(),
        socket="",
        marker=marker,
        version="",
        project=os.path.basename(root),
        root=root,
        since="0",
        guardian=int(guardian) if guardian.isdecimal() else 0,
        guardian_started=guardian_started,
        grace=str(DEFAULT_GRACE),
        group=group,
    )


def _group_of(pid: int) -> str:
    """Return the path of the control group that a guardian created around this process; "" for none."""
    from devboot.daemon import cgroup

    path = cgroup.path_of(str(pid))
    while path and not os.path.basename(path).startswith(_GROUP):
        path = os.path.dirname(path) if path != "/" else ""
    return path


def _facts(process: str) -> tuple[int, str] | None:
    """Return the user id and the pid namespace of a process (a pid or `self`); None if unknown."""
    try:
        return os.stat(f"/proc/{process}").st_uid, os.readlink(f"/proc/{process}/ns/pid")
    except OSError:
        return None
