"""Queries git about a clone without running programs that the clone's own configuration names."""

from __future__ import annotations

import os
import subprocess

from devboot.paths import upwards

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Mapping

_SECONDS = 10.0
_OPENED = ("HEAD", "config", "index", "packed-refs", "commondir", "shallow")  # a pipe in their place is waited for
# A clone's own .git/config may name programs: for its index, its hooks, signatures, and for fetching missing objects.
_WITHOUT_PROGRAMS = (
    "--no-pager",
    *("-c", "core.fsmonitor=false"),
    *("-c", "core.hooksPath=/dev/null"),
    *("-c", "log.showSignature=false"),
)
_WITHOUT_FETCHING = {"GIT_NO_LAZY_FETCH": "1", "GIT_ALLOW_PROTOCOL": "none", "GIT_OPTIONAL_LOCKS": "0"}


def ask_git(words: list[str], folder: str, environ: Mapping[str, str]) -> bytes | None:
    """Run a read-only git command in `folder` and return its output.

    None if it fails, if git isn't installed, or if git would block on a pipe or device in the clone's `.git`.
    """
    if _would_wait(folder):
        return None
    try:
        ended = subprocess.run(
            ["git", *_WITHOUT_PROGRAMS, *words],
            cwd=folder,
            env={**environ, **_WITHOUT_FETCHING},
            capture_output=True,
            timeout=_SECONDS,
            check=False,
            stdin=subprocess.DEVNULL,
        )
    except (OSError, subprocess.TimeoutExpired):
        return None
    return None if ended.returncode else ended.stdout


def tracked_below(path: str, folder: str, environ: Mapping[str, str]) -> frozenset[bytes] | None:
    """Return the names of the files at or below `path` that git tracks in the repository around `folder`.

    None if there is a repository but git can't answer: then any file may be tracked.
    """
    told = ask_git(["-c", "safe.directory=*", "ls-files", "-z", "--", path], folder, environ)
    if told is None:
        return None if _is_in_repository(folder) else frozenset()
    return frozenset(told.split(b"\0")) - {b""}


def unignored(names: list[str], folder: str, environ: Mapping[str, str]) -> tuple[str, ...]:
    """Return those of the files (relative to `folder`) that git neither tracks nor ignores; none if git fails."""
    if not _is_in_repository(folder):
        return ()
    words = ["ls-files", "--others", "--exclude-standard", "-z", "--", *(f":(literal){name}" for name in names)]
    told = ask_git(["-c", "safe.directory=*", *words], folder, environ)
    return tuple(os.fsdecode(name) for name in (told or b"").split(b"\0") if name)


def is_untracked(path: str, folder: str, environ: Mapping[str, str]) -> bool:
    """Return whether a file is inside of the repository around `folder` but not tracked."""
    return tracked_below(path, folder, environ) == frozenset() and _is_in_repository(folder)


def _is_in_repository(folder: str) -> bool:
    return bool(_git_folder(folder))


def _git_folder(folder: str) -> str:
    """Return the path of the nearest `.git`, in `folder` or above; "" if there is none."""
    places = (os.path.join(above, ".git") for above in upwards(os.path.realpath(folder)))
    return next(filter(os.path.lexists, places), "")


def _would_wait(folder: str) -> bool:
    """Return whether the clone's `.git` contains a pipe, socket or device on which git would block."""
    place = _git_folder(folder)
    opened = [os.path.join(place, name) for name in _OPENED]
    is_odd = bool(place) and not (os.path.isdir(place) or os.path.isfile(place))
    return is_odd or any(os.path.exists(path) and not os.path.isfile(path) for path in opened if place)


def last_change(paths: list[str], folder: str, environ: Mapping[str, str]) -> str:
    """Return the date (`2024-03-01`) of the last commit that changed one of `paths` (if empty: any); "" if unknown."""
    printed = ask_git(["log", "-1", "--format=%cs", "--", *paths], folder, environ)
    return printed.decode("ascii", "replace").strip() if printed else ""
