"""Starts a child in a session of its own, on a terminal or on pipes, with every signal as the system has it by default.

posix_spawn does it in 0.6 ms however big the daemon is (a fork takes three times that) and reports a failed exec.
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

# The daemon ignores SIGPIPE and SIGXFSZ (as Python does) and perhaps SIGHUP and SIGINT (as `nohup` and `&` do).
_SIGNALS = tuple(number for number in range(1, 32) if number not in (_signal.SIGKILL, _signal.SIGSTOP))
_PIPE_BYTES = 256 * 1024
_SET_PIPE_SIZE = 1031  # F_SETPIPE_SZ of Linux


class Child(Record):
    """A started child: the leader of its session. `output` is the descriptor that we read its output from.

    `slave` is the other side of its terminal, -1 for a pipe. It has to stay open until the child has ended: a program
    that redirects all its output closes its last hold on the terminal, and would be hung up when we then close ours.
    """

    pid: int
    output: int
    slave: int
    leads: bool  # the leader is the program, not a shell

    @property
    def has_terminal(self) -> bool:
        """Whether it is on a terminal rather than on pipes."""
        return self.slave >= 0


class DataInUseError(OSError):
    """Another process works on the data folder of a server that is to be started."""


def start(launch: Launch, *, cwd: str, env: Mapping[str, str], size: tuple[int, int] | None, data: str = "") -> Child:
    """Start it; `size` (rows, columns) asks for a terminal, None for pipes and an empty stdin.

    `data` is the data folder of a server, whose lock it keeps for as long as anything of it lives.

    Raises OSError as the system reports it: for the directory, the program or its interpreter; DataInUseError.
    """
    held = _hold(data) if data else -1
    try:
        return _start(launch, cwd, env, size)
    finally:
        if held >= 0:
            os.close(held)


def _hold(folder: str) -> int:
    """Return a descriptor with the lock of a data folder, for the child to inherit; -1 where there is no folder."""
    try:
        held = hold_folder(folder)
    except OSError:
        return -1  # the server reports it in its own words
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
        # The session leader that opens a terminal by name gets it as its controlling terminal.
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
        pass  # not Linux, or too many pipes of this user: the default size works, only slower
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
            # A script without a first line that names its interpreter: every shell runs it, so do we.
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
        setsigdef=_SIGNALS,
    )


def which(program: str, search: str) -> str:
    """The path of `program` as execvp would find it in `search` (PATH), from the current directory.

    Raises FileNotFoundError, or PermissionError for a file that is there but isn't executable.
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
