"""Reports internal errors of devboot: writes a crash file with the traceback, and a message that names the file.

In a running daemon such an error ends one request or one process (see `supervisor.event_loop.Scope`), never the daemon.
"""

from __future__ import annotations

import errno
import os

from devboot import __version__
from devboot.daemon import leases
from devboot.errors import DevbootError, Exit, MachineError
from devboot.files import fail_point, machine_error
from devboot.supervisor.system import limits

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable

    from devboot.supervisor.event_loop import Fail

_FULL = {errno.ENOSPC, errno.EDQUOT}  # raised without a file name by writes to an open file
MOST = 100  # most errors in the crash file; each place in the code counts once


class Crashes:
    """Handler for exceptions of a loop's callbacks: fails the process or client they belong to.

    An exception that belongs to neither is reported once to `note`.
    """

    def __init__(self, state: str, note: Callable[[DevbootError], None]) -> None:
        self._state = state
        self._note = note
        self._seen: dict[str, str] = {}  # place in the code → path of the crash file

    def __call__(self, error: Exception, fail: Fail | None) -> None:
        """Write the error to the crash file, and fail the process or client that it belongs to."""
        key = _place(error)
        is_new = key not in self._seen
        if is_new:
            is_kept = len(self._seen) < MOST
            self._seen[key] = ""
            self._seen[key] = keep_trace(self._state, error, fresh=len(self._seen) == 1) if is_kept else ""
        try:
            told = explain(error, self._state)
        except Exception:  # noqa: BLE001  the disk may fail again here, but the client has to be answered
            told = None
        told = told or mistake(error, self._seen[key])
        if fail is not None:
            fail(told)
        elif is_new:
            self._note(told)


def explain(error: Exception, state: str) -> DevbootError | None:
    """Return the error to show for an exception the user can resolve, such as a full disk.

    None for a bug of devboot.
    """
    if isinstance(error, OSError) and error.errno in limits.EXHAUSTED:
        return no_descriptors(error.errno)
    if isinstance(error, OSError) and (error.filename or error.errno in _FULL):
        translated = machine_error(error, str(error.filename or leases.run_directory(state)), "use")
        return translated if translated.slug != "machine/io" else None
    return error if isinstance(error, DevbootError) else None


def no_descriptors(number: int) -> MachineError:
    """Return the error for a request that failed for lack of file descriptors.

    `number` is the errno, EMFILE or ENFILE.
    """
    return MachineError(
        "machine/no-descriptors",
        "the daemon has no file descriptors left",
        causes=[os.strerror(number).lower()],
        help=limits.advice(number),
    )


def mistake(error: Exception, path: str, *, kept: str = "all processes keep running") -> DevbootError:
    """Return the error for a bug of devboot whose traceback is in the file `path` ("": not written).

    `kept` says what isn't affected.
    """
    where = path or "nowhere: it could not be written"
    told = DevbootError(
        "bug",
        f"the daemon failed because of a bug in devboot ({type(error).__name__})",
        kept=[kept],
        help=[f"please report it with this file: {where}"],
    )
    told.exit_code = Exit.BUG
    return told


def keep_trace(state: str, error: Exception, *, fresh: bool) -> str:
    """Append a traceback, without values of variables, to the crash file; return its path, "" if that fails.

    `fresh` replaces the file's earlier content.
    """
    path = leases.crash_path(state)
    kind = type(error).__name__
    flags = os.O_WRONLY | os.O_CREAT | os.O_CLOEXEC | os.O_NOFOLLOW | os.O_NONBLOCK
    try:
        import traceback

        lines = [*traceback.format_tb(error.__traceback__), f"{kind} in devboot {__version__}\n"]
        fail_point("crash/write")
        with open(os.open(path, flags | (os.O_TRUNC if fresh else os.O_APPEND), 0o600), "w", encoding="utf-8") as file:
            file.writelines(lines)
    except Exception:  # noqa: BLE001  linecache imports modules while it formats: whatever fails, the error is reported
        return ""
    return path


def _place(error: Exception) -> str:
    trace = error.__traceback__
    while trace is not None and trace.tb_next is not None:
        trace = trace.tb_next
    where = f"{trace.tb_frame.f_code.co_filename}:{trace.tb_lineno}" if trace is not None else ""
    return f"{type(error).__name__} {where}"
