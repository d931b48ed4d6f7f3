"""Checks who owns a project: sudo must not create root's files in it, other users must not control what it runs."""

from __future__ import annotations

import os
import stat

from devboot.errors import MachineError, TrustError, shell_word

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Mapping

ALLOWED = "DEVBOOT_ALLOW_ROOT"
TRUSTED = "DEVBOOT_TRUSTED"  # folders as they are, no patterns: an exception is for one place
# Files of a project's folder that say what runs, or that this folder is a project at all.
DECIDING = (
    *("devboot.toml", "devboot.lock", ".git", "Procfile", "Procfile.dev", ".overmind.env", ".env", ".env.local"),
    *("manage.py", "uv.lock", "pylock.toml", "poetry.lock", "pdm.lock", "Pipfile", "Pipfile.lock"),
    *("requirements.txt", "pyproject.toml", "setup.py", "package.json", ".python-version", "recipes", ".venv"),
)
_ROOT = 0


def refuse_sudo(root: str, environ: Mapping[str, str], uid: int) -> None:
    """Raise MachineError `machine/root` if a normal user's project at `root` is run with sudo.

    DEVBOOT_ALLOW_ROOT permits it.
    """
    if uid != _ROOT or environ.get(ALLOWED) or not _is_given_up(root, environ):
        return
    raise MachineError(
        "machine/root",
        "devboot runs as root in a project of yours",
        causes=["virtualenv, databases and services would belong to root, and you could not change them"],
        help=["the same command without `sudo`", f"sudo {ALLOWED}=1 devboot up  # if you must"],
        kept=["nothing was started or written"],
    )


def is_foreign(root: str, uid: int) -> bool:
    """Return whether `uid` is root but the project belongs to another user, as in a container."""
    return uid == _ROOT and os.stat(root).st_uid != _ROOT


def strangers(root: str, environ: Mapping[str, str], uid: int) -> tuple[str, ...]:
    """Return a sentence for each file by which users other than `uid` and root control what the project runs.

    Empty if there is no such file, or if DEVBOOT_TRUSTED names the folder.
    """
    if _is_trusted(root, environ):
        return ()
    found = [f"`{path}` is owned by {_name(owner)}" for path, owner in _foreign(root, environ, uid)]
    status = os.stat(root)
    if status.st_mode & stat.S_IWOTH and status.st_uid != uid:
        found.append(f"everybody on this machine can write to `{root}`")
    return tuple(found)


def is_above(root: str, start: str) -> bool:
    """Return whether the project's root isn't below the folder `start` in which the command was run."""
    root, start = os.path.realpath(root), os.path.realpath(start or ".")
    return not os.path.join(root, "").startswith(os.path.join(start, ""))


def is_refused(root: str, start: str, environ: Mapping[str, str], uid: int) -> bool:
    """Return whether the project at `root` may not be used from `start`, because another user owns it."""
    return bool(_refused(root, start, environ, uid))


def refuse_foreign(root: str, start: str, environ: Mapping[str, str], uid: int, command: str) -> None:
    """Raise TrustError `trust/foreign-above` if the project was found above `start` and belongs to another user.

    Anybody may put a manifest into /tmp. For the folder itself a warning is enough: its user went there on purpose.
    """
    found = _refused(root, start, environ, uid)
    if not found:
        return
    path, owner = found[0]
    who = _name(owner)
    raise TrustError(
        "trust/foreign-above",
        f"`{path}`, in a folder above this one, is owned by {who}",
        causes=[f"its commands would run as you, user {uid}"],
        help=[
            "devboot init   # makes this folder a project of its own",
            f"devboot -C {shell_word(root)} {command}   # if you trust {who}",
            f"export {TRUSTED}={shell_word(root)}   # if you always do",
        ],
        kept=["nothing was started or written"],
    )


def _is_trusted(root: str, environ: Mapping[str, str]) -> bool:
    named = environ.get(TRUSTED, "").split(os.pathsep)
    return os.path.realpath(root) in [os.path.realpath(path) for path in named if path]


def _refused(root: str, start: str, environ: Mapping[str, str], uid: int) -> list[tuple[str, int]]:
    if not root or not is_above(root, start) or _is_trusted(root, environ):
        return []
    return _foreign(root, environ, uid)


def _foreign(root: str, environ: Mapping[str, str], uid: int) -> list[tuple[str, int]]:
    """Return (path, owner's uid) of the project's folder and files that control what runs, if another user owns them.

    Both a link and its target count. If sudo made `uid` root, the caller of sudo isn't another user.
    """
    caller = environ.get("SUDO_UID", "") if uid == _ROOT else ""
    own = {uid, _ROOT, int(caller) if caller.isdecimal() else uid}
    found: dict[str, int] = {}
    for path in (root, *(os.path.join(root, name) for name in DECIDING)):
        for look in (os.lstat, os.stat):
            try:
                owner = look(path).st_uid
            except OSError:
                continue
            if owner not in own:
                found[path] = owner
    return list(found.items())


def _name(uid: int) -> str:
    import pwd  # imported only for owners of other files

    try:
        return f"`{pwd.getpwuid(uid).pw_name}`"
    except KeyError:
        return f"user {uid}"


def _is_given_up(root: str, environ: Mapping[str, str]) -> bool:
    caller = environ.get("SUDO_UID", "")
    return caller.isdecimal() and int(caller) != _ROOT and os.stat(root).st_uid == int(caller)
