"""Repairs of `doctor --fix` that no other command makes; anything replaced is kept under a dated name.

A repair that is interrupted leaves the old state or the new one; the next run of `doctor --fix` completes it.
"""

from __future__ import annotations

import errno
import os
import signal
import stat
import time
from collections.abc import Callable, Mapping
from contextlib import suppress

from devboot.clone_reader import read_bytes
from devboot.clone_writer import refuse_outside, replace_file
from devboot.doctor.fixing import (
    COPY_TEMPLATE,
    IGNORE,
    PROTECT,
    REMOVE_LEFTOVERS,
    REPAIR_LOG,
    RESTORE_DATABASE,
    RESUME_DAEMON,
    UNLOCK,
)
from devboot.environment.databases import RESTORED, SIDE_FILES, copy_database, kept_by_restoration
from devboot.environment.ports.holders import holders_of
from devboot.errors import BusyError, MachineError, shell_word
from devboot.files import atomic_write, dated_name, exchange, fail_point, machine_error, sync_directory
from devboot.provision.collect import Terms, remove_leftovers
from devboot.services import aof_repair
from devboot.supervisor.last_failure import forget_failure
from devboot.supervisor.system import proctable

_RESUMED_AFTER = 5.0  # seconds

Repair = Callable[[tuple[str, ...], float], str]
"""Carries out a repair with its arguments at a wall-clock time; returns where the replaced content is, or ""."""


def repair(use_case: str, arguments: tuple[str, ...], at: float) -> str:
    """Carry out the repair `use_case`; return where the replaced content is kept, "" if none was.

    Raises MachineError, also if what was to be repaired is missing afterwards.
    """
    kept = REPAIRS[use_case](arguments, at)
    target = arguments[1] if use_case == COPY_TEMPLATE else arguments[0]
    if use_case != RESUME_DAEMON and not os.path.exists(target):
        raise machine_error(FileNotFoundError(errno.ENOENT, os.strerror(errno.ENOENT), target), target, "repair")
    return kept


def _restore_database(arguments: tuple[str, ...], at: float) -> str:
    """Replace a database by a backup; return the dated name under which the replaced file is kept.

    At every moment the old file or the new one is in its place, and its log and journal get the same date as the file,
    also from a restoration that completes a killed one. Raises MachineError, and BusyError `sqlite/locked` also if a
    program has the database open: it would go on writing into the renamed file.
    """
    path, backup, root = arguments
    refuse_outside(path, root)
    _refuse_in_use(path)
    staged = path + RESTORED  # no name that somebody else chooses
    aside = kept_by_restoration(path) or dated_name(path, at, SIDE_FILES)
    try:
        _stage(backup, staged, path)
        fail_point("repair/database-staged")
        is_file = os.path.isfile(path)
        if is_file and not os.path.lexists(aside):
            os.link(path, aside, follow_symlinks=False)
        fail_point("repair/database-linked")
        for suffix in SIDE_FILES:  # they would be applied to the new file
            if os.path.lexists(path + suffix):
                is_free = not os.path.lexists(aside + suffix)
                os.rename(path + suffix, aside + suffix if is_free else dated_name(path + suffix, at))
                fail_point("repair/log-aside")
        fail_point("repair/database-aside")
        if is_file or not os.path.lexists(path):
            os.rename(staged, path)
        else:
            os.rename(staged, aside)
            exchange(aside, path)
        sync_directory(os.path.dirname(path))
    except OSError as error:
        raise machine_error(error, path) from error
    return aside if os.path.lexists(aside) else ""


def _stage(backup: str, staged: str, path: str) -> None:
    """Copy a backup to `staged`, with the mode of the database at `path`; leave nothing there if that fails."""
    _unlink_all(staged)  # of a restoration that was killed
    try:
        copy_database(backup, staged)
        if os.path.isfile(path) and not os.path.islink(path):
            os.chmod(staged, stat.S_IMODE(os.stat(path).st_mode))
    except BaseException:
        _unlink_all(staged)
        raise


def _unlink_all(database: str) -> None:
    for suffix in ("", *SIDE_FILES):
        with suppress(FileNotFoundError):
            os.unlink(database + suffix)


def _refuse_in_use(path: str) -> None:
    if holders := holders_of(path):
        raise BusyError(
            "sqlite/locked",
            f"the database `{path}` is in use",
            causes=[f"{holder.describe()} has it open" for holder in holders[:3]],
            help=["devboot down   # then again"],
        )


def _copy_template(arguments: tuple[str, ...], _at: float) -> str:
    template, target, root = arguments
    refuse_outside(target, root)
    if os.path.lexists(target):
        raise machine_error(OSError(errno.EEXIST, os.strerror(errno.EEXIST), target), target)
    try:
        atomic_write(target, read_bytes(template), mode=0o600)
    except OSError as error:
        raise machine_error(error, template, "read") from error
    return ""


def _protect(arguments: tuple[str, ...], _at: float) -> str:
    return _with_mode(arguments[0], lambda mode: mode & ~(stat.S_IWGRP | stat.S_IWOTH))


def _unlock(arguments: tuple[str, ...], _at: float) -> str:
    return _with_mode(arguments[0], lambda mode: mode | stat.S_IRWXU)


def _with_mode(path: str, change: Callable[[int], int]) -> str:
    """Change the mode bits of a folder by `change`, without following a link in its place."""
    try:
        descriptor = os.open(path, os.O_RDONLY | os.O_DIRECTORY | os.O_NOFOLLOW | os.O_CLOEXEC)
    except PermissionError:
        return _with_mode_by_path(path, change)
    except OSError as error:
        raise machine_error(error, path, "change the mode of") from error
    try:
        os.fchmod(descriptor, change(stat.S_IMODE(os.fstat(descriptor).st_mode)))
    except OSError as error:
        raise machine_error(error, path, "change the mode of") from error
    finally:
        os.close(descriptor)
    return ""


def _with_mode_by_path(path: str, change: Callable[[int], int]) -> str:
    found = os.lstat(path)
    if not stat.S_ISDIR(found.st_mode):
        raise MachineError(
            "machine/in-the-way",
            f"could not change the mode of `{path}`: it isn't a folder any more",
            help=[f"mv {shell_word(path)} {shell_word(path)}.old"],
            kept=["nothing was changed"],
        )
    try:
        os.chmod(path, change(stat.S_IMODE(found.st_mode)))
    except OSError as error:
        raise machine_error(error, path, "change the mode of") from error
    return ""


def _ignore(arguments: tuple[str, ...], _at: float) -> str:
    """Append a line to `.gitignore`, keeping the existing lines and their line ends."""
    path, line, root = arguments
    if os.path.islink(path):
        cause = "git reads no .gitignore that is a link"
        raise MachineError(
            "machine/in-the-way", f"`{path}` is a link", causes=[cause], help=[f"ls -l {shell_word(path)}"]
        )
    try:
        content = read_bytes(path) if os.path.lexists(path) else b""
    except OSError as error:
        raise machine_error(error, path, "read") from error
    added = os.fsencode(line)
    if added not in content.splitlines():
        end = b"\r\n" if b"\r\n" in content else b"\n"
        replace_file(path, root, content + end * (content[-1:] not in (b"", b"\n")) + added + end)
    return ""


def _remove_leftovers(arguments: tuple[str, ...], at: float) -> str:
    remove_leftovers(arguments[0], Terms(lambda: at))
    return ""


def _resume_daemon(arguments: tuple[str, ...], _at: float) -> str:
    """Send SIGCONT to a paused daemon, unless its pid belongs to another process by now."""
    pid, started = int(arguments[0]), arguments[1]
    seen = proctable.look(pid)
    if seen is not None and seen.started == started:
        os.kill(pid, signal.SIGCONT)
        _wait_until_running(pid)
    return ""


def _wait_until_running(pid: int) -> None:
    deadline = time.monotonic() + _RESUMED_AFTER
    while (seen := proctable.look(pid)) is not None and seen.state in "Tt" and time.monotonic() < deadline:
        time.sleep(0.01)


def _repair_log(arguments: tuple[str, ...], at: float) -> str:
    """Repair a server's append-only files, and delete the record of its failed start."""
    place, program, state, name = arguments
    kept = aof_repair.repair(place, program, at)
    if program:
        forget_failure(state, name)
    return kept


REPAIRS: Mapping[str, Repair] = {
    RESTORE_DATABASE: _restore_database,
    COPY_TEMPLATE: _copy_template,
    PROTECT: _protect,
    UNLOCK: _unlock,
    IGNORE: _ignore,
    REMOVE_LEFTOVERS: _remove_leftovers,
    RESUME_DAEMON: _resume_daemon,
    REPAIR_LOG: _repair_log,
}
