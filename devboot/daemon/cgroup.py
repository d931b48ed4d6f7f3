"""Creates the control group in which a daemon and all processes that it starts run, so that none can escape cleanup.

A process can leave its session, its parent and its environment, but not its control group. The group is below that of
the command line if that is writable (cgroup v2, as root or delegated by systemd); everything works without one, too.
"""

from __future__ import annotations

import os

from devboot.supervisor.system import proctable

_MOUNTS = ("/sys/fs/cgroup", "/sys/fs/cgroup/unified")
_PROCESSES = "cgroup.procs"
_DEEPEST = 32


def create(pid: int) -> str:
    """Move the process `pid`, which has no children yet, into a new control group.

    Return the group's path, "" if impossible. The group is named after the caller, the guardian.
    """
    parent = _own()
    me = proctable.look(os.getpid())
    if not parent or me is None:
        return ""
    path = f"{parent}/devboot-{me.pid}-{me.started}"  # see `DaemonLease.has_group`
    try:
        os.mkdir(path)
    except OSError:
        return ""
    try:
        with open(f"{path}/{_PROCESSES}", "wb", buffering=0) as file:
            file.write(b"%d" % pid)
    except OSError:
        remove(path)
        return ""
    _sweep(parent)
    return path


def _sweep(parent: str) -> None:
    """Remove empty control groups below `parent` whose guardians were killed."""
    try:
        names = [name for name in os.listdir(parent) if name.startswith("devboot-")]
    except OSError:
        return
    for name in names:
        pid, _, started = name.removeprefix("devboot-").partition("-")
        seen = proctable.look(int(pid)) if pid.isdecimal() else None
        if seen is None or not seen.is_alive or seen.started != started:
            remove(f"{parent}/{name}")


def members(path: str) -> frozenset[int]:
    """Return pids of all processes in a control group and in groups below it."""
    found: set[int] = set()
    for group in _groups(path):
        try:
            with open(f"{group}/{_PROCESSES}", "rb", buffering=0) as file:
                found.update(map(int, (file.readall() or b"").split()))
        except OSError:  # removed meanwhile, or a threaded group
            continue
    return frozenset(found)


def remove(path: str) -> None:
    """Remove a control group and those below it, except for groups that still contain processes."""
    for group in reversed(_groups(path)):
        try:
            os.rmdir(group)
        except OSError:
            continue


def _groups(path: str) -> list[str]:
    """Return the paths of a control group and all groups below it, parents first."""
    found = [path]
    for group in found:
        try:
            names = [entry.name for entry in os.scandir(group) if entry.is_dir(follow_symlinks=False)]
        except OSError:
            continue
        if group.count("/") - path.count("/") < _DEEPEST:
            found += [f"{group}/{name}" for name in names]
    return found


def _own() -> str:
    """Return the folder of this process' control group; "" if it isn't writable."""
    path = path_of("self")
    return path if path and os.access(f"{path}/{_PROCESSES}", os.W_OK) else ""


def path_of(process: str) -> str:
    """Return the folder of a process' control group; "" if unknown. `process` is "self" or a pid."""
    try:
        with open(f"/proc/{process}/cgroup", "rb", buffering=0) as file:
            lines = (file.readall() or b"").decode("utf-8", "surrogateescape").splitlines()
    except OSError:
        return ""
    within = next((line[3:] for line in lines if line.startswith("0::/")), "")
    found = (f"{mount}{within}".rstrip("/") for mount in _MOUNTS if within and os.path.exists(f"{mount}/{_PROCESSES}"))
    return next((path for path in found if os.path.exists(f"{path}/{_PROCESSES}")), "")
