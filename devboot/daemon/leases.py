"""Files that identify a running daemon and its children, for later commands, also after the daemon was killed.

`<state>/run/daemon` identifies the daemon; `<state>/run/children` has a line per started child. Pids are reused, so an
entry counts only together with the start time of its process and the boot.
"""

from __future__ import annotations

import os
from errno import ENOSPC

from devboot.files import fail_point
from devboot.record import Record
from devboot.supervisor.system import proctable

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

RUN = "run"
SERVICES = "services"  # folder in the data folder for servers' data: `<service>/<format>-<version>`
DAEMON, CHILDREN, STRAYS, LOCK, RECLAIMED = "daemon", "children", "strays", "daemon.lock", "reclaimed"
REGISTERED = ".lease"
_FORMAT = "1"
_LIMIT = 64 * 1024
_DIGITS = 9  # most digits of a pid; longer ones are damaged, and neither Python nor the kernel accepts them
_REQUIRED = 12  # fields of a lease in the first version; later fields have defaults
GUARDIAN = "guardian"  # name of a guardian among leftover processes
DEFAULT_GRACE = 5.0
_LONGEST_GRACE = 24 * 3600.0
_SOON = 30.0  # most seconds between a daemon's crash file and the end of its processes
_LONG_BOOK = 1000  # lines after which the list of children is rewritten


class DaemonLease(Record):
    """Identity of a project's daemon: pid, start time, boot, socket and folders, as stored in its file.

    `since` is wall-clock seconds; `marker` is how an environment entry of each child begins.
    """

    pid: int
    started: str
    boot: str
    socket: str
    marker: str
    version: str
    project: str
    root: str
    since: str
    guardian: int
    guardian_started: str
    grace: str  # longest stop timeout of its processes in seconds
    group: str = ""  # control group of all its processes, if one could be created
    state: str = ""  # the project's state folder, which can't be derived under another HOME
    data: str = ""  # the project's data folder, which has a copy of the lease

    @property
    def is_alive(self) -> bool:
        """True if the daemon of this lease exists (same pid, start time and boot) and isn't exiting."""
        seen = proctable.look(self.pid)
        is_there = seen is not None and seen.is_alive and not seen.is_exiting and seen.started == self.started
        return is_there and self.boot == proctable.boot_id()

    def is_same(self, other: DaemonLease | None) -> bool:
        """Return whether both leases are of the same daemon."""
        return other is not None and (self.pid, self.started, self.boot) == (other.pid, other.started, other.boot)

    @property
    def grace_seconds(self) -> float:
        """Grace period of the project's slowest process in seconds, at most a day.

        The default if the lease is damaged.
        """
        try:
            return min(max(float(self.grace), 0.0), _LONGEST_GRACE)
        except ValueError:
            return DEFAULT_GRACE

    @property
    def has_group(self) -> bool:
        """True if the control group was created by this daemon's guardian; only then may all its members be ended."""
        return os.path.basename(self.group) == f"devboot-{self.guardian}-{self.guardian_started}"

    def find_guardian(self, table: Mapping[int, proctable.Seen]) -> proctable.Seen | None:
        """Return the daemon's guardian from a process table; None if it has ended."""
        seen = table.get(self.guardian) if proctable.is_endable(self.guardian) else None
        return seen if seen is not None and seen.is_alive and seen.started == self.guardian_started else None

    @property
    def is_frozen(self) -> bool:
        """True if the daemon is stopped (SIGSTOP, a debugger) and so can't answer."""
        seen = proctable.look(self.pid)
        return seen is not None and seen.state in "Tt"


class SuddenEnd(Record):
    """End of a daemon that crashed or was killed while its project was up. `at` is wall-clock seconds, 0 if unknown.

    `trace` is the path of the crash file; "" if the daemon was killed.
    """

    pid: int
    at: float = 0.0
    has_rebooted: bool = False  # the machine has been rebooted since
    trace: str = ""

    def describe(self) -> str:
        """Return what happened to the daemon, as the second half of a sentence for the user."""
        from time import localtime, strftime

        if self.has_rebooted:
            return "the machine was restarted while it ran"
        when = strftime(" at %H:%M", localtime(self.at)) if self.at else ""
        return f"its daemon (pid {self.pid}) {'failed' if self.trace else 'was killed'}{when}"


class ChildLease(Record):
    """A child started by a daemon, as listed in `run/children`; its pid is also its session id."""

    pid: int
    started: str
    name: str

    def is_in(self, table: Mapping[int, proctable.Seen]) -> bool:
        """Return whether this child is alive in a process table; a later process with its pid doesn't count."""
        seen = table.get(self.pid)
        return seen is not None and seen.is_alive and seen.started.replace(" ", "_") == self.started


def run_directory(state: str) -> str:
    """Return the folder of a project's leases."""
    return f"{state}/{RUN}"


def daemon_path(state: str) -> str:
    """Return the path of the daemon's lease."""
    return f"{state}/{RUN}/{DAEMON}"


def data_path(data: str) -> str:
    """Return the path of the lease's copy in the data folder, for when the state folder was deleted."""
    return f"{data}/{DAEMON}"


def served_folders(data: str) -> list[str]:
    """Return the folders below `data` that servers are using now, by their locks."""
    from devboot.locks import is_folder_held

    found = []
    try:
        for service in os.scandir(f"{data}/{SERVICES}") if data else ():
            if service.is_dir():
                found += [entry.path for entry in os.scandir(service.path) if entry.is_dir()]
    except OSError:
        return []
    return list(filter(is_folder_held, found))


def children_path(state: str) -> str:
    """Return the path of the file that lists the children started by the daemon."""
    return f"{state}/{RUN}/{CHILDREN}"


def strays_path(state: str) -> str:
    """Return the path of the file that lists processes outside of the children's sessions."""
    return f"{state}/{RUN}/{STRAYS}"


WRITTEN = (daemon_path, children_path, strays_path)  # files that `Ownership.forget` removes


def format_children(children: Iterable[ChildLease]) -> str:
    """Return the content of the file that lists these children; see `read_children`."""
    lines = [f"boot {proctable.boot_id()}", *(f"{each.pid} {each.started} {each.name}" for each in children)]
    return "\n".join(lines) + "\n"


def lock_path(state: str) -> str:
    """Return the path of the lock that the daemon holds while it lives."""
    return f"{state}/{RUN}/{LOCK}"


def crash_path(state: str) -> str:
    """Return the path of the file with the traceback of a daemon that failed because of a bug."""
    return f"{state}/{RUN}/crash"


def dump_path(state: str) -> str:
    """Return the path of the status report that a daemon writes on SIGQUIT."""
    return f"{state}/{RUN}/dump"


def reclaimed_path(state: str) -> str:
    """Return the path of the file in which a guardian records how many processes it has ended."""
    return f"{state}/{RUN}/{RECLAIMED}"


def format_daemon(lease: DaemonLease) -> str:
    """Return the text of the lease's file: the format's number, then a line per field; line ends become blanks."""
    return "\n".join([_FORMAT, *(str(value).replace("\n", " ") for value in lease)]) + "\n"


def read_daemon(path: str) -> DaemonLease | None:
    """Return the lease at `path`; None if there is none, or it is damaged."""
    lines = _read(path).decode("utf-8", "surrogateescape").split("\n")
    if lines[0] != _FORMAT or len(lines) < 2 + _REQUIRED:
        return None
    values = dict(zip(DaemonLease._fields, lines[1:-1], strict=False))
    if not all(values[name].isdecimal() and len(values[name]) <= _DIGITS for name in ("pid", "guardian")):
        return None
    return DaemonLease(**(values | {"pid": int(values["pid"]), "guardian": int(values["guardian"])}))  # type: ignore[arg-type]


def is_daemon_alive(path: str) -> bool:
    """Return whether the lease at `path` belongs to a live daemon."""
    lease = read_daemon(path)
    return lease is not None and lease.is_alive


class ChildrenBook:
    """The file that lists a daemon's children, with one write per child: a killed daemon loses at most the last line.

    A long list is rewritten with the live children only: a crash loop starts many children per minute.
    """

    def __init__(self, path: str) -> None:
        self._path = path
        self._head = f"boot {proctable.boot_id()}\n".encode()
        self._living: dict[str, tuple[int, bytes]] = {}  # name → pid and line
        self._lines = 0
        self.is_behind = False  # a line could not be written, because the disk was full
        self._descriptor = self._begun(path)

    def add(self, pid: int, name: str) -> None:
        """Record that the child `pid` runs as process `name`; repeated calls write one line.

        A full disk is no error: the child can also be found by its marker, and its line is written later.
        """
        known = self._living.get(name)
        if known is not None and known[0] == pid:
            return
        seen = proctable.look(pid)
        line = b"" if seen is None else f"{pid} {seen.started.replace(' ', '_')} {name}\n".encode()
        self._living[name] = (pid, line)
        if (self._lines < _LONG_BOOK and not self.is_behind) or not self._is_shortened():
            self.is_behind = not self._is_written(line) or self.is_behind  # only a rewritten list contains lost lines
            self._lines += 1

    def ended(self, name: str) -> None:
        """Drop a reaped child from memory.

        Its line stays in the file, since its start time identifies no other process.
        """
        self._living.pop(name, None)

    def _is_written(self, line: bytes) -> bool:
        data = b"\n" * self.is_behind + line  # end an incomplete line first
        try:
            fail_point("children/add")
            return os.write(self._descriptor, data) == len(data)
        except OSError:
            return False

    def write_again(self) -> None:
        """Rewrite the file, for instance after it was deleted."""
        self.is_behind = not self._is_shortened()

    def close(self) -> None:
        """Close the file."""
        os.close(self._descriptor)

    def _begun(self, path: str) -> int:
        flags = os.O_WRONLY | os.O_CREAT | os.O_TRUNC | os.O_APPEND | os.O_CLOEXEC | os.O_NOFOLLOW | os.O_NONBLOCK
        descriptor = os.open(path, flags, 0o600)
        data = self._head + b"".join([line for _, line in self._living.values()])
        try:
            fail_point("children/begin")
            size = os.write(descriptor, data)
        except OSError:
            os.close(descriptor)
            raise
        if size < len(data):
            os.close(descriptor)
            raise OSError(ENOSPC, os.strerror(ENOSPC), path)
        return descriptor

    def _is_shortened(self) -> bool:
        """Replace the file atomically by one with live children only; return False if the disk has no room for it."""
        beside, descriptor = f"{self._path}.new", -1
        try:
            descriptor = self._begun(beside)
            fail_point("children/replace")
            os.rename(beside, self._path)
        except OSError:
            if descriptor >= 0:
                os.close(descriptor)
            _unlink_quietly(beside)
            return False
        os.close(self._descriptor)
        self._descriptor, self._lines, self.is_behind = descriptor, 0, False
        return True


def _unlink_quietly(path: str) -> None:
    try:  # noqa: SIM105  contextlib costs an import
        os.unlink(path)
    except OSError:
        pass


def handoff(state: str, grace: float) -> bytes:
    """Return the message that a daemon writes to its guardian before it starts anything: state folder, grace period.

    A newline follows after the first spawns.
    """
    return f"{state}\0{grace}".encode("utf-8", "surrogateescape")


def parse_handoff(data: bytes) -> tuple[str, float] | None:
    """Parse the message of `handoff` into state folder and grace period (seconds); None if it is empty."""
    state, found, grace = data.decode("utf-8", "surrogateescape").partition("\0")
    return (state, float(grace)) if found else None


def read_children(path: str) -> list[ChildLease]:
    """Return the children listed at `path`; empty if the list is missing, or from before a reboot."""
    lines = _read(path).decode("utf-8", "replace").splitlines()
    if not lines or lines[0] != f"boot {proctable.boot_id()}":
        return []
    return [lease for lease in map(_parse_child, lines[1:]) if lease is not None]


def _parse_child(line: str) -> ChildLease | None:
    words = line.split(" ", 2)
    if len(words) < 3 or not words[0].isdecimal() or len(words[0]) > _DIGITS:  # the last line may be incomplete
        return None
    return ChildLease(int(words[0]), words[1], words[2])


def orphans_of(
    state: str, table: dict[int, proctable.Seen] | None = None, known: DaemonLease | None = None
) -> list[tuple[proctable.Seen, str]]:
    """Return processes that an earlier daemon of this project left running, as (process, name).

    They are found by the lists of children and strays, the children's sessions, the control group, the marker in
    environments, the locks of data folders, and as descendants of a live guardian. The guardian itself is returned only
    when no other process is left. `known` is the lease to use if the state folder has none.
    """
    children, strays = read_children(children_path(state)), read_children(strays_path(state))
    lease = read_daemon(daemon_path(state)) or known
    if not children and not strays and lease is None:
        return []
    table = proctable.processes() if table is None else table
    names = _names_of_leased(table, children)
    found = {child.pid: (table[child.pid], child.name) for child in (*strays, *children) if child.is_in(table)}
    found |= {seen.pid: (seen, names[seen.session]) for seen in proctable.in_sessions(table, names)}
    guardian = None
    if lease is not None and lease.boot == proctable.boot_id():
        if lease.marker:
            found |= {seen.pid: (seen, name) for seen, name in proctable.marked(table, lease.marker)}
        guardian = None if lease.is_alive else lease.find_guardian(table)
        if lease.has_group and not lease.is_alive:
            from devboot.daemon import cgroup

            found = _named(table, cgroup.members(lease.group)) | found
        if not lease.is_alive and (served := served_folders(lease.data)):
            found = _named(table, proctable.lock_holders(served, orphaned=True)) | found
    if guardian is not None:
        found = {seen.pid: (seen, "") for seen in proctable.descendants(table, guardian.pid)} | found
    found.pop(os.getpid(), None)  # this command may have been run inside of one of the processes
    found = {pid: each for pid, each in found.items() if proctable.is_endable(pid)}
    if not found and guardian is not None and guardian.pid != os.getpid():
        return [(guardian, GUARDIAN)]
    return list(found.values())


def _named(table: Mapping[int, proctable.Seen], pids: Iterable[int]) -> dict[int, tuple[proctable.Seen, str]]:
    alive = [table[pid] for pid in pids if pid in table and table[pid].is_alive]
    return {seen.pid: (seen, proctable.name_of(seen.pid)) for seen in alive}


def abandoned(state: str, table: dict[int, proctable.Seen]) -> list[tuple[proctable.Seen, str]]:
    """Return the processes of `orphans_of`, or none if a new daemon has started, since the lists are then its own.

    For the guardian, which doesn't hold the daemon's lock meanwhile, so that the next daemon need not wait for it. A
    daemon writes its lease before it starts anything, so checking for it last is safe.
    """
    found = orphans_of(state, table)
    lease = read_daemon(daemon_path(state))
    return [] if lease is not None and lease.is_alive else found


def live_daemons(runtime: str) -> list[DaemonLease]:
    """Return the leases of this user's live daemons, read from the copies in the runtime folder, sorted by root."""
    return sorted((lease for lease in registered_daemons(runtime) if lease.is_alive), key=lambda lease: lease.root)


def registered_daemons(runtime: str) -> list[DaemonLease]:
    """Return the leases whose copies are next to sockets in the runtime folder, including those of dead daemons."""
    try:
        names = [name for name in os.listdir(runtime) if name.endswith(REGISTERED)]
    except OSError:
        return []
    return [lease for name in names if (lease := read_daemon(f"{runtime}/{name}")) is not None]


def register_path(socket: str) -> str:
    """Return the path of the lease's copy next to the daemon's socket."""
    return socket.removesuffix(".sock") + REGISTERED


def read_reclaimed(state: str, daemon: int) -> tuple[int, int] | None:
    """Return how many processes the guardian of `daemon` (a pid) has stopped and killed; None without a record."""
    words = _read(reclaimed_path(state)).split()
    if len(words) != 3 or words[0] != str(daemon).encode():
        return None
    return int(words[1]), int(words[2])


def sudden_end(state: str) -> SuddenEnd | None:
    """Return the end of the project's last daemon if it crashed or was killed.

    None otherwise, or while a daemon runs.
    """
    lease = read_daemon(daemon_path(state))
    if lease is not None:
        has_rebooted = lease.boot != proctable.boot_id()
        return None if lease.is_alive else SuddenEnd(lease.pid, has_rebooted=has_rebooted)
    words = _read(reclaimed_path(state)).split()
    if len(words) != 3 or not words[0].isdigit():
        return None
    return SuddenEnd(int(words[0][:_DIGITS]), _time_of(reclaimed_path(state)), trace=_trace(state))


def forget_sudden_end(state: str) -> None:
    """Delete the record of a crashed or killed daemon, because the project was started or stopped since."""
    try:
        os.unlink(reclaimed_path(state))
    except OSError:
        return


def _trace(state: str) -> str:
    """Return the path of the crash file if it was written just before the last daemon's end; "" otherwise."""
    path = crash_path(state)
    return path if 0 <= _time_of(reclaimed_path(state)) - _time_of(path) < _SOON else ""


def _time_of(path: str) -> float:
    try:
        return os.stat(path).st_mtime
    except OSError:
        return 0.0


def _names_of_leased(table: dict[int, proctable.Seen], children: Iterable[ChildLease]) -> dict[int, str]:
    """Return process names by session id, for sessions whose leader is a listed child or has ended already."""
    names = {}
    for child in children:
        seen = table.get(child.pid)
        # While a session has members its id isn't reused.
        if seen is None or seen.started.replace(" ", "_") == child.started:
            names[child.pid] = child.name
    return names


def _read(path: str) -> bytes:
    try:
        descriptor = os.open(path, os.O_RDONLY | os.O_CLOEXEC | os.O_NOFOLLOW | os.O_NONBLOCK)  # a pipe: empty
    except OSError:
        return b""
    try:
        pieces = []
        while piece := os.read(descriptor, _LIMIT):
            pieces.append(piece)
        return b"".join(pieces)
    except OSError:  # a folder in its place
        return b""
    finally:
        os.close(descriptor)
