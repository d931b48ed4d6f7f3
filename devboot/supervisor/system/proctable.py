"""Reads the kernel's process table: parents, sessions, states and start times.

Imports little, since the daemon's guardian uses it. Reads /proc on Linux and runs `ps` elsewhere.
"""

from __future__ import annotations

import os
import sys
import time
from errno import EMFILE, ENFILE

from devboot.record import Record

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable, Iterable
    from typing import TypeVar

    T = TypeVar("T")

_LINUX = sys.platform == "linux"
_BLOCK = 256 * 1024
_STATUS_LIMIT = 16 * 1024
_SHELLS = frozenset(("sh", "bash", "dash", "ash", "ksh", "mksh", "zsh"))
_LOOKS = 3
_SETTLING_LOOKS = 20
_SETTLING_PAUSE = 0.001  # seconds; an exec shows nothing for some microseconds, more on a busy machine
_PF_KTHREAD, _PF_EXITING = 0x00200000, 0x00000004
PR_SET_CHILD_SUBREAPER = 36
reserve: list[int] = []  # a descriptor kept in reserve for reading the process table


class Seen(Record):
    """A row of the process table. `pid` and `started` together identify a process; `state` is a letter such as `S`.

    `session` is 0 if the session's leader is invisible here, as in a container that was entered from outside.
    """

    pid: int
    parent: int
    session: int
    state: str
    started: str
    is_kernels: bool = False
    is_exiting: bool = False  # its program has ended, but its descriptors may still be open

    @property
    def is_alive(self) -> bool:
        """True unless it is a zombie or dead."""
        return self.state not in "ZXx"

    @property
    def age_order(self) -> int:
        """Start time in clock ticks since boot; 0 where the system reports a date instead."""
        return int(self.started) if self.started.isdigit() else 0


def is_there() -> bool:
    """Return whether the process table can be read. A bare `chroot` on Linux lacks /proc, and nothing works then."""
    return not _LINUX or os.path.exists("/proc/self/stat")


def look(pid: int) -> Seen | None:
    """Return the row of one process; None if there is no such pid."""
    if not _LINUX:
        return processes().get(pid)
    data = _content(f"/proc/{pid}/stat", 4096)
    return None if data is None else parse_stat(pid, data)


def worked(pids: Iterable[int]) -> float | None:
    """Return the CPU seconds used so far by these processes together, 0 if unknown.

    Return None if one of them is busy right now: on a processor, or waiting for a disk.
    """
    ticks = 0
    for pid in pids:
        state, *fields = _fields_of(pid)
        if state in (b"R", b"D"):
            return None
        ticks += sum(map(int, fields[10:12]))
    return ticks / os.sysconf("SC_CLK_TCK")


def used(pids: Iterable[int]) -> float:
    """Return the CPU seconds used so far by these processes together; 0 if unknown."""
    ticks = sum(sum(map(int, _fields_of(pid)[11:13])) for pid in pids)
    return ticks / os.sysconf("SC_CLK_TCK")


def _fields_of(pid: int) -> list[bytes]:
    """Return the fields of /proc/PID/stat from the state letter on; one empty field for an ended process."""
    data = _content(f"/proc/{pid}/stat", 4096) or b""
    return data[data.rfind(b")") + 2 :].split() or [b""]


def parse_stat(pid: int, data: bytes) -> Seen | None:
    """Parse the content of /proc/PID/stat; return None if it is cut off."""
    # The name is in parentheses and may contain blanks and parentheses.
    fields = data[data.rfind(b")") + 2 :].split(None, 20)
    if len(fields) < 20:
        return None
    flags = int(fields[6])
    kinds = bool(flags & _PF_KTHREAD), bool(flags & _PF_EXITING)
    return Seen(pid, int(fields[1]), int(fields[3]), fields[0].decode(), fields[19].decode(), *kinds)


def processes() -> dict[int, Seen]:
    """Return all processes by pid."""
    if not _LINUX:
        return ask_ps()
    found: list[Seen | None] = []
    for _ in range(_LOOKS):
        found = [look(int(name)) for name in with_reserve(os.listdir, "/proc") if name.isdecimal()]
        # A process that ended meanwhile may have left a child that wasn't listed yet.
        if None not in found:
            break
    return {seen.pid: seen for seen in found if seen is not None}


def ask_ps() -> dict[int, Seen]:
    """Return the processes that `ps` lists, by pid, for systems without /proc."""
    import subprocess

    output = subprocess.run(
        ["/bin/ps", "-axo", "pid=,ppid=,state=,lstart="], stdout=subprocess.PIPE, check=False, env={"LC_ALL": "C"}
    ).stdout.decode("ascii", "replace")
    table = {}
    for line in output.splitlines():
        pid, parent, state, started = line.split(None, 3)
        try:
            session = os.getsid(int(pid))
        except OSError:
            session = 0
        table[int(pid)] = Seen(int(pid), int(parent), session, state[0], started.strip())
    return table


def forked_from(seen: Seen, parent: Seen | None) -> Seen | None:
    """Return `parent` if it really forked the process and is alive; None if it has adopted the process.

    The proof is a common session: a guardian starts one before it forks its daemon, and no process can join from
    outside.
    """
    is_proven = parent is not None and is_endable(parent.pid) and seen.session and parent.session == seen.session
    return parent if is_proven else None


def is_endable(pid: int) -> bool:
    """Return whether this pid may be signalled; pid 1 and the kernel never are."""
    return pid > 1


def own_children() -> frozenset[int] | None:
    """Return pids of this process' children, including zombies; None if the system doesn't list them."""
    pids = _content(f"/proc/{os.getpid()}/task/{os.getpid()}/children")
    return None if pids is None else frozenset(map(int, pids.split()))


def _children(pid: int) -> list[int]:
    """Return pids of the children of all threads of `pid`."""
    folder = f"/proc/{pid}/task"
    try:
        # A folder's link count is two plus its number of subfolders, which are threads here.
        threads = [str(pid)] if os.stat(folder).st_nlink <= 3 else with_reserve(os.listdir, folder)
    except OSError:
        return []
    return [int(child) for each in threads for child in (_content(f"{folder}/{each}/children") or b"").split()]


def own_descendants() -> list[Seen]:
    """Return all live descendants of this program; reads only their rows if the system lists children."""
    left = own_children()
    if left is None:
        return descendants(processes(), os.getpid())
    found: list[Seen] = []
    below = list(left)
    while below:
        pid = below.pop()
        seen = look(pid)
        if seen is not None:
            found += [seen] if seen.is_alive else []
            below += _children(pid)
    return found


def descendants(table: dict[int, Seen], ancestor: int) -> list[Seen]:
    """Return all live descendants of `ancestor` in `table`, children before grandchildren."""
    children: dict[int, list[Seen]] = {}
    for seen in table.values():
        children.setdefault(seen.parent, []).append(seen)
    found: list[Seen] = []
    left = [ancestor]
    while left:
        below = children.get(left.pop(0), [])
        found += below
        left += [seen.pid for seen in below]
    return [seen for seen in found if seen.is_alive]


def marked(table: dict[int, Seen], marker: str) -> list[tuple[Seen, str]]:
    """Return live processes with an environment entry that begins with `marker`, each with the rest of that entry."""
    if not _LINUX:
        return []
    found = (
        (seen, entry_after(settled_environment(seen.pid), marker)) for seen in table.values() if may_be_marked(seen)
    )
    return [(seen, rest) for seen, rest in found if rest is not None]


def may_be_marked(seen: Seen) -> bool:
    """Return whether a process can have an environment: not a kernel thread, and not ended."""
    return seen.is_alive and not seen.is_kernels


def name_of(pid: int) -> str:
    """Return the short program name, as `ps` shows it; "" if unknown."""
    name = (_content(f"/proc/{pid}/comm", 64) or b"").decode("utf-8", "replace").strip()
    return "".join(letter if letter.isprintable() else "?" for letter in name)


def environment(pid: int) -> bytes | None:
    """Return the initial environment of a process, entries ended by zero bytes.

    None if it has ended or isn't readable.
    """
    return _content(f"/proc/{pid}/environ")


def _content(path: str, limit: int = 0) -> bytes | None:
    """Return the first `limit` bytes of a file (0: all); None if it can't be read, as for an ended process."""
    try:
        return with_reserve(_read, path, limit)
    except OSError:
        return None


def _read(path: str, limit: int) -> bytes:
    descriptor = os.open(path, os.O_RDONLY | os.O_CLOEXEC)
    try:
        data = os.read(descriptor, limit or _BLOCK)
        while not limit and (more := os.read(descriptor, _BLOCK)):
            data += more
        return data
    finally:
        os.close(descriptor)


def hold_reserve() -> None:
    """Reserve a descriptor for reading the process table.

    A daemon that runs out of descriptors must not take live processes for dead.
    """
    if not reserve:
        reserve.append(os.open(os.devnull, os.O_RDONLY | os.O_CLOEXEC))


def with_reserve(look_up: Callable[..., T], *arguments: object) -> T:
    """Call `look_up`, which opens one descriptor at a time; if none is left, free the reserved one for it."""
    try:
        return look_up(*arguments)
    except OSError as error:
        if error.errno not in (EMFILE, ENFILE) or not reserve:
            raise
    os.close(reserve.pop())
    try:
        return look_up(*arguments)
    finally:
        try:  # noqa: SIM105  contextlib costs an import
            hold_reserve()
        except OSError:  # another program took the system's last one meanwhile
            pass


def settled_environment(pid: int) -> bytes:
    """Return the initial environment of a process; if it is in the middle of an exec, wait a moment and read again."""
    # During an exec the kernel shows neither arguments nor environment, then the arguments first: an
    # environment counts as empty only if it still is a moment after the arguments have appeared.
    found = environment(pid)
    for _ in range(_SETTLING_LOOKS):
        if found != b"":
            break
        has_arguments = _arguments(pid) != b""
        time.sleep(_SETTLING_PAUSE)
        found = environment(pid)
        if has_arguments:
            break
    return found or b""


def command_line(pid: int) -> bytes | None:
    """Return the first 512 bytes of a process' arguments, each ended by a zero byte.

    None if it has ended, or not on Linux.
    """
    return _content(f"/proc/{pid}/cmdline", 512)


def _arguments(pid: int) -> bytes | None:
    return _content(f"/proc/{pid}/cmdline", 1)


def is_shell_without_trap(pid: int, signal: int) -> bool:
    """Return whether `pid` is a shell that `signal` would end while the command it runs continues.

    False if not on Linux.

    An example is `bash start.sh` without a trap, if the script doesn't `exec` its last command.
    """
    if not _LINUX:
        return False
    try:
        program = os.path.basename(os.readlink(f"/proc/{pid}/exe"))
    except OSError:
        return False
    if program not in _SHELLS:
        return False
    _, found, rest = (_content(f"/proc/{pid}/status", _STATUS_LIMIT) or b"").partition(b"\nSigCgt:\t")
    return bool(found) and not int(rest.split(b"\n", 1)[0], 16) >> (signal - 1) & 1


def entry_after(environ: bytes, wanted: str) -> str | None:
    """Return the rest of the entry in a raw environment that begins with `wanted`, such as `PATH=`.

    None if there is none.
    """
    _, found, rest = (b"\0" + environ).partition(b"\0" + wanted.encode())
    return rest.partition(b"\0")[0].decode("utf-8", "surrogateescape") if found else None


def in_sessions(table: dict[int, Seen], sessions: Iterable[int]) -> list[Seen]:
    """Return live processes of these sessions."""
    wanted = frozenset(sessions)
    return [seen for seen in table.values() if seen.session in wanted and seen.is_alive]


def lock_holders(folders: Iterable[str], *, orphaned: bool = False) -> frozenset[int]:
    """Return pids of processes that hold a flock on one of these folders, including inherited ones.

    None if not on Linux. `orphaned`: only those that inherited the lock from an ended process. Processes of other users
    can't be seen.
    """
    wanted = frozenset(os.path.realpath(folder) for folder in folders)
    found = set()
    for pid in os.listdir("/proc") if _LINUX and wanted else ():
        try:
            names = with_reserve(os.listdir, f"/proc/{pid}/fd") if pid.isdecimal() else []
        except OSError:
            continue
        takers = [taker for name in names if (taker := _lock_taker(pid, name, wanted)) is not None]
        if any(not orphaned or (seen := look(taker)) is None or not seen.is_alive for taker in takers):
            found.add(int(pid))
    return frozenset(found)


def _lock_taker(pid: str, descriptor: str, folders: frozenset[str]) -> int | None:
    """Return the pid that took the flock which this process has on one of `folders` by this descriptor.

    None if none.
    """
    try:
        if os.readlink(f"/proc/{pid}/fd/{descriptor}") not in folders:
            return None
    except OSError:
        return None
    lines = (_content(f"/proc/{pid}/fdinfo/{descriptor}", 4096) or b"").splitlines()
    words = next((line.split() for line in lines if line.startswith(b"lock:") and b" FLOCK " in line), [])
    return int(words[5]) if len(words) > 5 and words[5].isdigit() else None


def boot_id() -> str:
    """Return an identifier that changes with every boot of the machine."""
    if _LINUX:
        return (_content("/proc/sys/kernel/random/boot_id", 64) or b"").decode("utf-8", "replace").strip()
    first = ask_ps().get(1)
    return "" if first is None else first.started.replace(" ", "-")


def become_subreaper() -> bool:
    """Make this program adopt orphaned descendants in place of init. Return False if the system can't do that.

    Uses `_ctypes` directly: the ctypes package takes two milliseconds to import, which would delay every `up`.
    """
    if not _LINUX:
        return False
    try:
        import _ctypes

        program = _ctypes.dlopen(None, os.RTLD_NOW)  # type: ignore[arg-type]  # None: what is loaded already
        call = _ctypes.dlsym(program, "prctl")
        result: int = _ctypes.call_cdeclfunction(call, (PR_SET_CHILD_SUBREAPER, 1, 0, 0, 0))
    except (ImportError, AttributeError, OSError):
        return False
    return result == 0
