"""Runs a child in a new session, with a time limit, and reads its output line by line; it ends with its parent.

The kernel sends the parent-death signal when the *thread* that forked ends, not the process. Children are therefore
started from one thread that lives as long as the process (or from the main thread); any thread may wait for them.
"""

from __future__ import annotations

import contextlib
import ctypes
import os
import select
import signal
import subprocess
import sys
import tempfile
import threading
from collections.abc import Callable, Iterator, Mapping, Sequence
from time import monotonic, sleep
from typing import IO

from devboot.files import machine_error
from devboot.record import Record

TYPE_CHECKING = False
if TYPE_CHECKING:
    from concurrent.futures import ThreadPoolExecutor

Lease = Callable[[int], Callable[[], None]]
"""Called with the process group of each started child; returns a function that is called when the group is gone."""

_PR_SET_PDEATHSIG = 1
_GRACE = 2.0  # seconds that a group gets between TERM and KILL
_running: set[int] = set()
_guard = threading.Lock()
_starter: ThreadPoolExecutor | None = None


class Finished(Record):
    """Result of an ended child: exit code (negative for a signal), standard output, lines of standard error."""

    code: int
    stdout: str
    lines: tuple[str, ...]  # of stderr, in order


class TimedOut(Exception):  # noqa: N818
    """Raised when a child was ended after its time limit; `lines` is its output until then."""

    def __init__(self, lines: tuple[str, ...]) -> None:
        super().__init__("the child took too long")
        self.lines = lines


def run_child(
    command: Sequence[str],
    *,
    environ: Mapping[str, str],
    folder: str,
    stdin: str = "",
    timeout: float = 1800.0,
    on_line: Callable[[str], None] | None = None,
    lease: Lease | None = None,
) -> Finished:
    """Run a command to its end and return its output. Ends the whole process group on any exception.

    Raises:
        OSError: the program can't be started.
        MachineError: a file that it needs can't be written: its input, or its lease.
        TimedOut: it ran for longer than `timeout` seconds.

    """
    with _temporary_file(stdin.encode()) as source, _temporary_file(b"") as sink:
        child = _start(command, environ, folder, source.fileno(), sink.fileno())
        with _held(child, lease):
            lines = _read_lines(child, monotonic() + timeout, on_line)
            _wait_unreaped(child.pid, monotonic() + timeout, lines)
        sink.seek(0)
        return Finished(child.returncode, sink.read().decode(errors="replace"), lines)


def _temporary_file(content: bytes) -> IO[bytes]:
    try:
        file = tempfile.TemporaryFile()  # noqa: SIM115  closed by the caller
    except OSError as error:
        raise machine_error(error, os.environ.get("TMPDIR", "/tmp")) from error  # noqa: S108  only named
    try:
        file.write(content)
        file.seek(0)
    except OSError as error:
        with contextlib.suppress(OSError):
            file.close()  # flushes, which fails again
        raise machine_error(error, tempfile.gettempdir()) from error
    return file


def end_running_children() -> None:
    """Kill every process group that this module has started and that still runs (at Ctrl-C)."""
    with _guard:
        groups = tuple(_running)
    for group in groups:
        _signal_group(group, signal.SIGTERM)


def _start(
    command: Sequence[str], environ: Mapping[str, str], folder: str, stdin: int, stdout: int
) -> subprocess.Popen[bytes]:
    libc = ctypes.CDLL(None) if sys.platform == "linux" else None
    parent = os.getpid()

    def die_with_parent() -> None:
        if libc is not None:
            libc.prctl(_PR_SET_PDEATHSIG, signal.SIGKILL)
            if os.getppid() != parent:  # the parent died between fork and here
                os._exit(1)

    def start() -> subprocess.Popen[bytes]:
        return subprocess.Popen(
            command,
            env=dict(environ),
            cwd=folder,
            stdin=stdin,
            stdout=stdout,
            stderr=subprocess.PIPE,
            start_new_session=True,
            preexec_fn=die_with_parent,  # noqa: PLW1509  one bound libc call; nothing else can set it between fork and exec
        )

    if threading.current_thread() is threading.main_thread():
        return start()
    return _long_lived_thread().submit(start).result()


def _long_lived_thread() -> ThreadPoolExecutor:
    from concurrent.futures import ThreadPoolExecutor

    global _starter  # noqa: PLW0603  one thread for the life of the process is the point
    with _guard:
        if _starter is None:
            _starter = ThreadPoolExecutor(max_workers=1, thread_name_prefix="start-children")
        return _starter


@contextlib.contextmanager
def _held(child: subprocess.Popen[bytes], lease: Lease | None) -> Iterator[None]:
    """Register the child's process group while the block runs; kill the whole group at its end."""
    with _guard:
        _running.add(child.pid)
    release = None
    try:
        release = _take(lease, child.pid) if lease is not None else None
        yield
    except BaseException:
        _end_group(child)
        raise
    finally:
        # Ends build processes that outlived uv. The leader is reaped later, so that its pid can't be reused yet.
        _signal_group(child.pid, signal.SIGKILL)
        child.wait()
        if child.stderr is not None:
            child.stderr.close()
        with _guard:
            _running.discard(child.pid)
        if release is not None:
            release()


def _take(lease: Lease, group: int) -> Callable[[], None]:
    try:
        return lease(group)
    except OSError as error:
        raise machine_error(error, error.filename or tempfile.gettempdir()) from error


def _end_group(child: subprocess.Popen[bytes]) -> None:
    _signal_group(child.pid, signal.SIGTERM)
    with contextlib.suppress(TimedOut):
        _wait_unreaped(child.pid, monotonic() + _GRACE, ())


def _wait_unreaped(pid: int, deadline: float, lines: tuple[str, ...]) -> None:
    while not _has_ended(pid):
        if monotonic() > deadline:
            raise TimedOut(lines)
        sleep(0.005)


def _has_ended(pid: int) -> bool:
    """Return whether the child has exited, without reaping it."""
    return os.waitid(os.P_PID, pid, os.WEXITED | os.WNOHANG | os.WNOWAIT) is not None


def _signal_group(group: int, number: int) -> None:
    with contextlib.suppress(ProcessLookupError, PermissionError):
        os.killpg(group, number)


def _read_lines(
    child: subprocess.Popen[bytes], deadline: float, on_line: Callable[[str], None] | None
) -> tuple[str, ...]:
    """Read the child's stderr to its end, or until the child has exited although a grandchild keeps stderr open."""
    assert child.stderr is not None
    descriptor = child.stderr.fileno()
    lines: list[str] = []
    rest = b""
    while True:
        if monotonic() > deadline:
            raise TimedOut(tuple(lines))
        readable = _wait_readable(descriptor, 0.2)
        if not readable and _has_ended(child.pid):
            break
        if not readable:
            continue
        block = os.read(descriptor, 65536)
        if not block:
            break
        *whole, rest = (rest + block).split(b"\n")
        _pass_on(whole, lines, on_line)
    _pass_on([rest] if rest else [], lines, on_line)
    return tuple(lines)


def _wait_readable(descriptor: int, seconds: float) -> bool:
    poll = select.poll()
    poll.register(descriptor, select.POLLIN | select.POLLHUP)
    return bool(poll.poll(seconds * 1000))


def _pass_on(whole: list[bytes], lines: list[str], on_line: Callable[[str], None] | None) -> None:
    for raw in whole:
        line = raw.decode(errors="replace").rstrip("\r")
        lines.append(line)
        if on_line is not None:
            on_line(line)
