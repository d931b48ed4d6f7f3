"""Checks and repairs damaged append-only files of Redis and Valkey by the server's own program."""

from __future__ import annotations

import os
import re
import shutil
import subprocess
from contextlib import suppress

from devboot.errors import BusyError, WorkError, shell_word
from devboot.files import OLD, dated_name, dated_siblings, exchange, fail_point, machine_error, sync_directory
from devboot.locks import hold_folder

_PATIENCE = 60.0
_LOST = re.compile(r"size=(\d+), ok_up_to=(\d+),.* diff=(\d+)")
_COPY = ".copy-by-devboot"


def lost_bytes(place: str, program: str) -> int | None:
    """Return how many bytes of an append-only file can't be read; None if it is sound, or if that is unknown.

    `place` is the file, or the folder of its parts, and `program` the server's program for checks, which only reads.
    """
    try:
        done = _run([program, _target(place)], "")
    except (OSError, subprocess.SubprocessError):
        return None
    if not done.returncode:
        return None
    return sum(int(diff) for _, _, diff in _LOST.findall(done.stdout))


def was_interrupted(place: str) -> bool:
    """Return whether a repair was killed and has left something to `complete`."""
    return os.path.lexists(place + _COPY) or bool(_parted(place))


def complete(place: str) -> None:
    """Complete a repair that was killed: remove its copy, or finish its exchange. Raises MachineError.

    Only one command at a time may call this for a project.
    """
    try:
        _remove(place + _COPY)
        for old in _parted(place):
            kept = old.removesuffix(OLD)
            if not os.path.lexists(place) and os.path.lexists(kept):
                os.rename(kept, place)
            if not os.path.lexists(kept):
                os.rename(old, kept)
    except OSError as error:
        raise machine_error(error, place, "repair") from error


def repair(place: str, program: str, at: float) -> str:
    """Cut off the unreadable end of an append-only file; return where the damaged files are kept.

    A copy is repaired and then takes the place of the original; a killed repair is completed first. Without a program,
    and of a file that isn't damaged, that is all. No server can start on the folder meanwhile. Raises WorkError
    `service/not-repaired`, BusyError `service/data-in-use`, MachineError.
    """
    complete(place)
    if not program:
        return ""
    folder = os.path.dirname(place)
    try:
        held = hold_folder(folder)
        if held is None:
            raise _in_use(folder)
        try:
            return "" if _is_sound(place, program) else _repair(place, program, at)
        finally:
            os.close(held)
    except OSError as error:
        raise machine_error(error, place, "repair") from error
    except subprocess.SubprocessError as error:
        raise _not_repaired(place, program, str(error)) from error


def _repair(place: str, program: str, at: float) -> str:
    """Exchange the file for a repaired copy, which has the dated name of the original until then."""
    copy, kept = place + _COPY, dated_name(place, at, (OLD,))
    try:
        _copy_repaired(place, copy, program)
        os.rename(copy, kept)
    except BaseException:
        _remove(copy)
        raise
    fail_point("aof/dated")
    try:
        exchange(kept, place)
    except OSError:
        _remove(kept)  # nothing has changed: it is the copy
        raise
    fail_point("aof/exchanged")
    sync_directory(os.path.dirname(place))
    return kept


def _copy_repaired(place: str, copy: str, program: str) -> None:
    copy_contents(place, copy)
    fail_point("aof/copied")
    done = _run([program, "--fix", _target(copy)], "y\n")
    if done.returncode or not _is_sound(copy, program):
        raise _not_repaired(place, program, done.stdout)


def copy_contents(source: str, target: str) -> None:
    """Copy a file, or a folder with the files in it, following links, and flush the files to disk. Raises OSError.

    Of a link the content is copied: a program that changes the copy must not reach the original through it.
    """
    if os.path.isdir(source):
        os.mkdir(target, 0o700)
        for name in os.listdir(source):
            copy_contents(os.path.join(source, name), os.path.join(target, name))
    else:
        shutil.copyfile(source, target)
        with open(target, "rb") as stream:
            os.fsync(stream.fileno())
    shutil.copymode(source, target)


def _parted(place: str) -> list[str]:
    """Return the originals that an exchange without a system call for it has left under a name of its own."""
    return [path for path in dated_siblings(place) if path.endswith(OLD)]


def _remove(path: str) -> None:
    if os.path.isdir(path) and not os.path.islink(path):
        shutil.rmtree(path, ignore_errors=True)
    else:
        with suppress(OSError):
            os.unlink(path)


def _is_sound(place: str, program: str) -> bool:
    """Return whether the program finds no damage. Raises OSError, also if there is no file, and SubprocessError."""
    os.stat(place)
    return not _run([program, _target(place)], "").returncode


def _in_use(folder: str) -> BusyError:
    return BusyError(
        "service/data-in-use",
        f"a server works on the data in `{folder}`",
        help=["devboot down   # then again"],
        kept=["the data, unchanged"],
    )


def _target(place: str) -> str:
    """Return the path for the checking program: the file, or of a folder of parts the manifest in it."""
    names = sorted(os.listdir(place)) if os.path.isdir(place) else []
    return next((os.path.join(place, name) for name in names if name.endswith(".manifest")), place)


def _run(words: list[str], answer: str) -> subprocess.CompletedProcess[str]:
    environ = {"LC_ALL": "C", "PATH": os.defpath}
    return subprocess.run(
        words,
        input=answer,
        capture_output=True,
        text=True,
        errors="replace",
        timeout=_PATIENCE,
        env=environ,
        check=False,
    )


def _not_repaired(place: str, program: str, output: str) -> WorkError:
    lines = [line for line in output.splitlines() if line.strip()]
    return WorkError(
        "service/not-repaired",
        f"`{os.path.basename(place)}` could not be repaired",
        causes=lines[-1:],
        help=[f"{shell_word(program)} {shell_word(_target(place))}   # says where it is damaged"],
        kept=[f"`{place}`, unchanged"],
    )
