"""Reads the kernel's table of processes: who is whose child, in which session, started when.

Light enough for the daemon's guardian, which imports little else. Linux reads /proc; elsewhere `ps` is asked.
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
_reserve: list[int] = []  # the descriptor that is kept for looking at processes


class Seen(Record):
    """A process as the kernel shows it. `started` tells it from a later one of that number; `state` is a letter.

    `session` is 0 where its leader can't be seen from here: in a container that was entered from outside.
    """

    pid: int
    parent: int
    session: int
    state: str
    started: str
    is_kernels: bool = False
    is_exiting: bool = False  # it runs no more of its program, but may still hold what it has open

    @property
    def is_alive(self) -> bool:
        """Whether it still is more than an entry that nobody has asked for."""
        return self.state not in "ZXx"

    @property
    def age_order(self) -> int:
        """Clock ticks from the start of the machine to its own; 0 where the system tells dates instead."""
        return int(self.started) if self.started.isdigit() else 0


def is_there() -> bool:
    """Whether the kernel's table can be read at all: a bare `chroot` has none on Linux, and nothing works then."""
    return not _LINUX or os.path.exists("/proc/self/stat")


def look(pid: int) -> Seen | None:
    """The process `pid`, None when there is none."""
    if not _LINUX:
        return processes().get(pid)
    data = _content(f"/proc/{pid}/stat", 4096)
    return None if data is None else _parse_stat(pid, data)


def worked(pids: Iterable[int]) -> float | None:
    """Seconds of a processor's time that these have used together, 0 where that can't be told.

    None where one of them works right now, for a processor or for a disk that it waits for.
    """
    ticks = 0
    for pid in pids:
        state, *fields = _fields_of(pid)
        if state in (b"R", b"D"):
            return None
        ticks += sum(map(int, fields[10:12]))
    return ticks / os.sysconf("SC_CLK_TCK")


def used(pids: Iterable[int]) -> float:
    """Seconds of a processor's time that these have used together, whatever they do now; 0 where that can't be told."""
    ticks = sum(sum(map(int, _fields_of(pid)[11:13])) for pid in pids)
    return ticks / os.sysconf("SC_CLK_TCK")


def _fields_of(pid: int) -> list[bytes]:
    """The fields of a process' line in /proc from its state on; one empty field where it is gone."""
    data = _content(f"/proc/{pid}/stat", 4096) or b""
    return data[data.rfind(b")") + 2 :].split() or [b""]


def _parse_stat(pid: int, data: bytes) -> Seen | None:
    # The name stands in parentheses and may hold blanks and parentheses itself.
    fields = data[data.rfind(b")") + 2 :].split(None, 20)
    if len(fields) < 20:
        return None
    flags = int(fields[6])
    kinds = bool(flags & _PF_KTHREAD), bool(flags & _PF_EXITING)
    return Seen(pid, int(fields[1]), int(fields[3]), fields[0].decode(), fields[19].decode(), *kinds)


def processes() -> dict[int, Seen]:
    """All processes, by pid."""
    if not _LINUX:
        return _ask_ps()
    found: list[Seen | None] = []
    for _ in range(_LOOKS):
        found = [look(int(name)) for name in with_reserve(os.listdir, "/proc") if name.isdecimal()]
        # One that ended while we looked may have left a child that wasn't in the list yet.
        if None not in found:
            break
    return {seen.pid: seen for seen in found if seen is not None}


def _ask_ps() -> dict[int, Seen]:
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
    """Return the parent if it has forked this process and lives; None where another one has adopted the process.

    A guardian starts a session before it forks its daemon, and nobody can enter a session from outside.
    """
    is_proven = parent is not None and is_endable(parent.pid) and seen.session and parent.session == seen.session
    return parent if is_proven else None


def is_endable(pid: int) -> bool:
    """Whether a process of this number may be ended: process 1 and the kernel are never ours."""
    return pid > 1


def own_children() -> frozenset[int] | None:
    """Pids of the children of this process, zombies too; None where the system doesn't list them."""
    pids = _content(f"/proc/{os.getpid()}/task/{os.getpid()}/children")
    return None if pids is None else frozenset(map(int, pids.split()))


def _children(pid: int) -> list[int]:
    """Pids of the children of all threads of `pid`."""
    folder = f"/proc/{pid}/task"
    try:
        # Beside two for `.` and `..` a folder has a link for each folder in it, which is a thread here.
        threads = [str(pid)] if os.stat(folder).st_nlink <= 3 else with_reserve(os.listdir, folder)
    except OSError:
        return []
    return [int(child) for each in threads for child in (_content(f"{folder}/{each}/children") or b"").split()]


def own_descendants() -> list[Seen]:
    """All live processes below this one. Where the system lists children, it doesn't look at any other process."""
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
    """All live processes below `ancestor` in `table`, children before grandchildren."""
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
    """Live processes in `table` with an entry in their environment that starts with `marker`, and what follows it."""
    if not _LINUX:
        return []
    found = (
        (seen, entry_after(_settled_environment(seen.pid), marker)) for seen in table.values() if may_be_marked(seen)
    )
    return [(seen, rest) for seen, rest in found if rest is not None]


def may_be_marked(seen: Seen) -> bool:
    """Whether it has an environment: kernel threads have none, and asking costs as much."""
    return seen.is_alive and not seen.is_kernels


def name_of(pid: int) -> str:
    """The short name of the program, as `ps` shows it; "" where it can't be told."""
    name = (_content(f"/proc/{pid}/comm", 64) or b"").decode("utf-8", "replace").strip()
    return "".join(letter if letter.isprintable() else "?" for letter in name)


def environment(pid: int) -> bytes | None:
    """What `pid` was started with, entries ended by zero bytes; None where it is gone or another user's."""
    return _content(f"/proc/{pid}/environ")


def _content(path: str, limit: int = 0) -> bytes | None:
    """The beginning of a file, all of it where `limit` is 0; None where it can't be read, as of an ended process."""
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
    """Keep a descriptor for looking at processes: a daemon that has none left must not take the living for dead."""
    if not _reserve:
        _reserve.append(os.open(os.devnull, os.O_RDONLY | os.O_CLOEXEC))


def with_reserve(look_up: Callable[..., T], *arguments: object) -> T:
    """Call a function that opens one descriptor at a time; where none is left it gets the reserve."""
    try:
        return look_up(*arguments)
    except OSError as error:
        if error.errno not in (EMFILE, ENFILE) or not _reserve:
            raise
    os.close(_reserve.pop())
    try:
        return look_up(*arguments)
    finally:
        try:  # noqa: SIM105  contextlib costs an import
            hold_reserve()
        except OSError:  # the system's last one went to another program meanwhile
            pass


def _settled_environment(pid: int) -> bytes:
    # In the middle of an exec the kernel shows no arguments and no environment, then the arguments first: an
    # environment is empty only where it still is a moment after the arguments were there.
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
    """Return the beginning of a process' words, each with a zero byte behind; None where it is gone, or off Linux."""
    return _content(f"/proc/{pid}/cmdline", 512)


def _arguments(pid: int) -> bytes | None:
    return _content(f"/proc/{pid}/cmdline", 1)


def is_shell_without_trap(pid: int, signal: int) -> bool:
    """Whether `pid` is a shell that the signal would end, while what it waits for went on. False off Linux.

    Such is `bash start.sh`, or a script behind `#!/bin/sh`, that doesn't `exec` its last command and has no trap.
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
    """What follows `wanted` in the entry of `environ` that starts with it; None where none does."""
    _, found, rest = (b"\0" + environ).partition(b"\0" + wanted.encode())
    return rest.partition(b"\0")[0].decode("utf-8", "surrogateescape") if found else None


def in_sessions(table: dict[int, Seen], sessions: Iterable[int]) -> list[Seen]:
    """Live processes of these sessions."""
    wanted = frozenset(sessions)
    return [seen for seen in table.values() if seen.session in wanted and seen.is_alive]


def lock_holders(folders: Iterable[str], *, orphaned: bool = False) -> frozenset[int]:
    """Pids of the processes that hold the lock of one of these folders, inherited ones too; none off Linux.

    With `orphaned` only those that have inherited it from a process which has ended. Processes of other users aren't
    seen.
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
    """Who has taken the lock of a folder that this descriptor keeps, 0 where that one is gone; None for no lock."""
    try:
        if os.readlink(f"/proc/{pid}/fd/{descriptor}") not in folders:
            return None
    except OSError:
        return None
    lines = (_content(f"/proc/{pid}/fdinfo/{descriptor}", 4096) or b"").splitlines()
    words = next((line.split() for line in lines if line.startswith(b"lock:") and b" FLOCK " in line), [])
    return int(words[5]) if len(words) > 5 and words[5].isdigit() else None


def boot_id() -> str:
    """What changes with each start of the machine."""
    if _LINUX:
        return (_content("/proc/sys/kernel/random/boot_id", 64) or b"").decode("utf-8", "replace").strip()
    first = _ask_ps().get(1)
    return "" if first is None else first.started.replace(" ", "-")


def become_subreaper() -> bool:
    """Adopt what descendants leave behind, instead of init. False where the system can't do that.

    `_ctypes` alone: the ctypes package costs two milliseconds that every `up` would wait for.
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
