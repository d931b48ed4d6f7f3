"""Spawns a child in its own session, on a terminal or on pipes, with default signal handling.

posix_spawn takes 0.6 ms whatever the daemon's size (a fork takes three times that) and reports a failed exec.
"""

from __future__ import annotations

import fcntl
import os
from errno import EACCES, EBUSY, EINVAL, ENOENT, ENOEXEC

from devboot.clone_reader import read_head
from devboot.locks import hold_folder
from devboot.record import Record
from devboot.supervisor.system import pseudo_terminal
from devboot.supervisor.system.command import SHELL, Launch

TYPE_CHECKING = False
if TYPE_CHECKING:
    import signal as _signal
    from collections.abc import Mapping, Sequence
else:
    import _signal  # the signal package imports enum

_SIGNALS = tuple(number for number in range(1, 32) if number not in (_signal.SIGKILL, _signal.SIGSTOP))
_PIPE_BYTES = 256 * 1024
_SET_PIPE_SIZE = 1031  # F_SETPIPE_SZ of Linux


class Child(Record):
    """A spawned child, which leads its own session. `output` is the descriptor from which its output is read.

    `slave` is the child's side of its terminal, -1 for a pipe. It stays open until the child has ended: a program that
    redirects all its output closes its last descriptor of the terminal, and would be hung up if we closed ours.
    """

    pid: int
    output: int
    slave: int
    leads: bool  # the leader is the program, not a shell

    @property
    def has_terminal(self) -> bool:
        """True if the child's output goes to a terminal rather than to a pipe."""
        return self.slave >= 0


class DataInUseError(OSError):
    """Another process uses the data folder of the server that is to be started."""


def start(launch: Launch, *, cwd: str, env: Mapping[str, str], size: tuple[int, int] | None, data: str = "") -> Child:
    """Spawn a child; `size` (rows, columns) gives it a terminal, None gives it pipes and an empty stdin.

    `data` is the data folder of a server. The child inherits its lock, which is held while any of its processes lives.
    Raises OSError as reported by the system for the folder, the program or its interpreter, or DataInUseError.
    """
    held = _hold(data) if data else -1
    try:
        return _start(launch, cwd, env, size)
    finally:
        if held >= 0:
            os.close(held)


def _hold(folder: str) -> int:
    """Lock a data folder and return the descriptor, for the child to inherit; -1 if there is no such folder."""
    try:
        held = hold_folder(folder)
    except OSError:
        return -1  # the server itself will report the error
    if held is None:
        raise DataInUseError(EBUSY, os.strerror(EBUSY), folder)
    os.set_inheritable(held, True)
    return held


def _start(launch: Launch, cwd: str, env: Mapping[str, str], size: tuple[int, int] | None) -> Child:
    if size is None:
        reading, writing = _pipe()
        actions = [
            (os.POSIX_SPAWN_OPEN, 0, os.devnull, os.O_RDONLY, 0),
            (os.POSIX_SPAWN_DUP2, writing, 1),
            (os.POSIX_SPAWN_DUP2, writing, 2),
        ]
    else:
        reading, writing, name = pseudo_terminal.open_terminal(*size)
        # A session leader that opens a terminal by name gets it as its controlling terminal.
        actions = [
            (os.POSIX_SPAWN_OPEN, 0, name, os.O_RDWR, 0),
            (os.POSIX_SPAWN_DUP2, 0, 1),
            (os.POSIX_SPAWN_DUP2, 0, 2),
        ]
    try:
        pid, leads = _spawn(launch, cwd, env, actions)
    except BaseException:
        os.close(reading)
        os.close(writing)
        raise
    if size is None:
        os.close(writing)
    return Child(pid, reading, -1 if size is None else writing, leads)


def _pipe() -> tuple[int, int]:
    reading, writing = os.pipe()
    os.set_blocking(reading, False)
    try:  # noqa: SIM105  contextlib costs more than it saves here
        fcntl.fcntl(writing, _SET_PIPE_SIZE, _PIPE_BYTES)
    except OSError:
        pass  # not Linux, or over this user's limit: the default size works, but slower
    return reading, writing


def _spawn(launch: Launch, cwd: str, env: Mapping[str, str], actions: Sequence[tuple[object, ...]]) -> tuple[int, bool]:
    here = os.open(".", os.O_RDONLY | os.O_DIRECTORY)
    try:
        os.chdir(cwd)
        path = which(launch.argv[0], env.get("PATH", os.defpath))
        try:
            return _posix_spawn(path, launch.argv, env, actions), launch.leads
        except OSError as error:
            if error.errno != ENOEXEC or not _is_text(path):
                raise
            # A script without `#!` line: run it with a shell, as shells do.
            return _posix_spawn(SHELL, (SHELL, path, *launch.argv[1:]), env, actions), launch.leads
    except ValueError as error:  # a zero byte, or a variable whose name holds `=`
        raise OSError(EINVAL, str(error)) from error
    finally:
        os.fchdir(here)
        os.close(here)


def _posix_spawn(
    path: str, argv: tuple[str, ...], env: Mapping[str, str], actions: Sequence[tuple[object, ...]]
) -> int:
    return os.posix_spawn(
        path,
        argv,
        env,
        file_actions=actions,
        setsid=True,
        setsigmask=(),
        setsigdef=ignored_signals(),
    )


def ignored_signals() -> list[int]:
    """Return the signals that this program ignores, and that a child would therefore ignore, too.

    The daemon ignores SIGPIPE and SIGXFSZ (as Python does) and perhaps SIGHUP and SIGINT (as `nohup` and `&` do). Each
    costs a system call of the child, during which the daemon is stopped.
    """
    return [number for number in _SIGNALS if _signal.getsignal(number) == _signal.SIG_IGN]


def which(program: str, search: str) -> str:
    """Return the path of `program` as execvp would find it in `search` (PATH), from the current directory.

    Raises FileNotFoundError, or PermissionError for a file that exists but isn't executable.
    """
    if "/" in program:
        return program
    denied = ""
    for folder in search.split(os.pathsep):
        path = f"{folder or '.'}/{program}"
        if os.access(path, os.X_OK) and not os.path.isdir(path):
            return path
        denied = denied or (path if os.path.isfile(path) else "")
    if denied:
        raise PermissionError(EACCES, os.strerror(EACCES), denied)
    raise FileNotFoundError(ENOENT, os.strerror(ENOENT), program)


def _is_text(path: str) -> bool:
    try:
        return b"\0" not in read_head(path, 256)
    except OSError:
        return False
