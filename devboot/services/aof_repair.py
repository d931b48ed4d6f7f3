"""Checks and repairs damaged append-only files of Redis and Valkey by the server's own program."""

from __future__ import annotations

import os
import re
import shutil
import subprocess
from contextlib import suppress

from devboot.errors import WorkError, shell_word
from devboot.files import dated_name, exchange, fail_point, machine_error, sync_directory

_PATIENCE = 60.0
_LOST = re.compile(r"size=(\d+), ok_up_to=(\d+),.* diff=(\d+)")
_STAGED = ".repaired-by-devboot"


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
    """Return whether a repair was killed: its copy, or what it has replaced, is still there without a date."""
    return os.path.lexists(place + _STAGED)


def repair(place: str, program: str, at: float) -> str:
    """Cut off the unreadable end of an append-only file; return where the damaged files are kept.

    A copy is repaired and then takes the place of the original. What a killed repair has left gets its date; without
    a program that is all. Raises WorkError `service/not-repaired`, MachineError.
    """
    staged = place + _STAGED
    try:
        left = _keep(staged, place, at)
        if not program or (left and lost_bytes(place, program) is None):
            return left
        try:
            _copy_repaired(place, staged, program)
        except BaseException:
            _remove(staged)
            raise
        exchange(staged, place)
        fail_point("aof/exchanged")
        return _keep(staged, place, at)
    except (OSError, shutil.Error) as error:
        raise machine_error(error, place, "repair") from error
    except subprocess.SubprocessError as error:
        raise _not_repaired(place, program, str(error)) from error


def _copy_repaired(place: str, staged: str, program: str) -> None:
    if os.path.isdir(place):
        shutil.copytree(place, staged, symlinks=True)
    else:
        shutil.copy2(place, staged, follow_symlinks=False)
    fail_point("aof/copied")
    done = _run([program, "--fix", _target(staged)], "y\n")
    if done.returncode or lost_bytes(staged, program) is not None:
        raise _not_repaired(place, program, done.stdout)


def _remove(staged: str) -> None:
    if os.path.isdir(staged):
        shutil.rmtree(staged, ignore_errors=True)
    else:
        with suppress(OSError):
            os.unlink(staged)


def _keep(staged: str, place: str, at: float) -> str:
    if not os.path.lexists(staged):
        return ""
    kept = dated_name(place, at)
    os.rename(staged, kept)
    sync_directory(os.path.dirname(place))
    return kept


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
