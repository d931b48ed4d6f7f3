"""Finds daemons, and what they left behind, in the table of processes: for projects whose files somebody has deleted.

Each process that a daemon starts has the number and the start of its daemon, and the project, in its environment.
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
_HOME = "DEVBOOT_HOME"  # projects of another one are out of reach


def new_run_id() -> str:
    """Return a random name for a run of this daemon, from which the daemon can be told."""
    me = proctable.look(os.getpid())
    started = "" if me is None else me.started.replace(" ", "_").replace("-", "_")
    return f"{os.getpid()}-{started}-{os.urandom(8).hex()}"


def find_run(root: str, environ: Mapping[str, str], state: str, data: str) -> DaemonLease | None:
    """Return what processes show of the daemon of the project at `root`, living or dead; None where there are none.

    A server that works on a folder below `data` shows that there was one, whatever its environment is.
    """
    found = [lease for lease in find_runs(environ) if lease.root == root]
    lease = next((lease for lease in found if lease.is_alive), found[0] if found else None)
    if lease is None and served_folders(data):
        lease = DaemonLease(0, "", proctable.boot_id(), "", "", "", "", root, "0", 0, "", str(DEFAULT_GRACE))
    return lease and lease._replace(state=state, data=data)


def find_runs(environ: Mapping[str, str]) -> list[DaemonLease]:
    """Return a lease for each run of which processes of this user are left, as far as they show it; sorted by root.

    Processes of other containers and of other values of DEVBOOT_HOME don't count.
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
            runs[run] = _lease(int(pid), started, f"{MARKER}={run}:", root, table, seen.pid)
    return sorted(runs.values(), key=lambda lease: lease.root)


def _lease(
    pid: int, started: str, marker: str, root: str, table: Mapping[int, proctable.Seen], member: int
) -> DaemonLease:
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
    """Return the path of the control group that a guardian has made for this process; "" for none."""
    from devboot.daemon import cgroup

    path = cgroup.path_of(str(pid))
    while path and not os.path.basename(path).startswith(_GROUP):
        path = os.path.dirname(path) if path != "/" else ""
    return path


def _facts(process: str) -> tuple[int, str] | None:
    """Return whose process it is, and in which namespace its number counts; None where that can't be told."""
    try:
        return os.stat(f"/proc/{process}").st_uid, os.readlink(f"/proc/{process}/ns/pid")
    except OSError:
        return None
