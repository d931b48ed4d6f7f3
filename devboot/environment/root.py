"""Whose a project is: root's files the owner can't change, and who else may write it says what its user runs."""

from __future__ import annotations

import os
import stat

from devboot.errors import MachineError

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Mapping

ALLOWED = "DEVBOOT_ALLOW_ROOT"
TRUSTED = "DEVBOOT_TRUSTED"  # folders as they are, no patterns: an exception is for one place
_ROOT = 0


def refuse_sudo(root: str, environ: Mapping[str, str], uid: int) -> None:
    """Raise MachineError `machine/root` where sudo makes the owner of the project at `root` act as root by mistake."""
    if uid != _ROOT or environ.get(ALLOWED) or not _is_given_up(root, environ):
        return
    raise MachineError(
        "machine/root",
        "devboot runs as root in a project of yours",
        causes=["virtualenv, databases and services would belong to root, and you could not change them"],
        help=["the same command without `sudo`", f"sudo {ALLOWED}=1 devboot up  # if it has to be"],
        kept=["nothing was started or written"],
    )


def is_foreign(root: str, uid: int) -> bool:
    """Whether `uid` is root, and the project another user's: in a container, say."""
    return uid == _ROOT and os.stat(root).st_uid != _ROOT


def strangers(root: str, manifest: str, environ: Mapping[str, str], uid: int) -> tuple[str, ...]:
    """What lets somebody else than `uid` and root say what the project at `root` runs, in words; empty where nothing.

    A manifest is looked for in the folders above, too, and those may be anybody's: /tmp, say. `manifest` is "" where
    there is none. What DEVBOOT_TRUSTED names is left out, and so is all where `uid` is root (see `is_foreign`).
    """
    if uid == _ROOT or root in environ.get(TRUSTED, "").split(os.pathsep):
        return ()
    found = [
        f"`{path}` belongs to {_name(owner)}" for path in (root, manifest) if path and (owner := _other(path, uid))
    ]
    status = os.stat(root)
    if status.st_mode & stat.S_IWOTH and status.st_uid != uid:
        found.append(f"everybody on this machine can write to `{root}`")
    return tuple(found)


def _other(path: str, uid: int) -> int:
    """The owner of `path`, where it is neither `uid` nor root; else 0."""
    owner = os.stat(path).st_uid
    return owner if owner != uid else _ROOT


def _name(uid: int) -> str:
    import pwd  # nobody waits for it who is alone on the machine

    try:
        return f"`{pwd.getpwuid(uid).pw_name}`"
    except KeyError:
        return f"user {uid}"


def _is_given_up(root: str, environ: Mapping[str, str]) -> bool:
    caller = environ.get("SUDO_UID", "")
    return caller.isdecimal() and int(caller) != _ROOT and os.stat(root).st_uid == int(caller)
