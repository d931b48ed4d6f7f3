"""Creates the state and data folders of a project, unless that would rename them under a running process."""

from __future__ import annotations

import os
import time

from devboot.daemon.client import lease_of
from devboot.daemon.leases import served_folders
from devboot.locks import FileLock, is_folder_held, read_holder
from devboot.state.claiming import Patience, claim
from devboot.state.project import prepare_lock
from devboot.state.projects import Projects
from devboot.supervisor.system.proctable import lock_holders

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable, Mapping


def claim_folders(root: str, environ: Mapping[str, str], patience: Patience | None = None) -> tuple[str, ...]:
    """Create the state and data folders of the project at `root`; return notes to print.

    Raises BusyError `state/in-use`, `busy/locked` after `patience`, and MachineError.
    """
    return claim(Projects.from_environ(environ), root, holder_in(environ), time.time, environ, patience)


def holder_in(environ: Mapping[str, str]) -> Callable[[str, str], str]:
    """Return a function (state folder, project's path) that describes the process using the folder; "" for none."""

    def holder(state: str, path: str) -> str:
        data = os.path.join(Projects.from_environ(environ).data, os.path.basename(state))
        lease = lease_of(state, path, environ, data)
        if lease is not None and lease.is_alive:
            return f"daemon (pid {lease.pid})"
        if held := [folder for folder in (data, *served_folders(data)) if is_folder_held(folder)]:
            pids = ", ".join(map(str, sorted(lock_holders(held))))
            return f"process (pid {pids})" if pids else "process"
        lock = FileLock(prepare_lock(state), "state")
        if not os.path.exists(lock.path) or lock.try_acquire():
            lock.release()
            return ""
        return f"command ({read_holder(lock.path).describe(time.time())})"

    return holder
