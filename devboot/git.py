"""Questions to git about a clone, answered without running anything that the clone's own configuration names."""

from __future__ import annotations

import subprocess

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Mapping

_SECONDS = 30.0
# A clone's own .git/config may name programs: for its index, its hooks, signatures, and for fetching missing objects.
_WITHOUT_PROGRAMS = (
    "--no-pager",
    *("-c", "core.fsmonitor=false"),
    *("-c", "core.hooksPath=/dev/null"),
    *("-c", "log.showSignature=false"),
)
_WITHOUT_FETCHING = {"GIT_NO_LAZY_FETCH": "1", "GIT_ALLOW_PROTOCOL": "none", "GIT_OPTIONAL_LOCKS": "0"}


def ask_git(words: list[str], folder: str, environ: Mapping[str, str]) -> bytes | None:
    """Return what a git command that only reads prints in `folder`; None if it fails or git isn't installed."""
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


def last_change(paths: list[str], folder: str, environ: Mapping[str, str]) -> str:
    """Return the date (`2024-03-01`) of the last commit that touched one of `paths`, or of any; "" if unknown."""
    printed = ask_git(["log", "-1", "--format=%cs", "--", *paths], folder, environ)
    return printed.decode("ascii", "replace").strip() if printed else ""
