"""Switches to another user and executes a program, for servers that refuse to run as root. Run by its path.

    python -I -S unprivileged.py UID GID REACH PROGRAM [ARGUMENT…]

REACH is 1 if its files are below folders that only root may enter: then one capability is kept.
"""

from __future__ import annotations

import ctypes
import errno
import os
import sys

_SECURE_BITS, _AMBIENT, _AMBIENT_RAISE = 28, 47, 2  # of prctl
_REACH = (2, 1)  # CAP_DAC_READ_SEARCH, which containers often lack, else CAP_DAC_OVERRIDE
_NO_SETUID_FIXUP = 1 << 2  # without it, access() ignores the capability of another user
_HEADER_VERSION = 0x20080522


def main(words: list[str]) -> None:
    """Switch to the user and execute the program; returns never, exits with 126 if the system refuses."""
    uid, gid, reach = map(int, words[:3])
    try:
        if os.geteuid() == 0:
            become(uid, gid, reach=bool(reach))
        os.execv(words[3], words[3:])  # noqa: S606  this is what it is for
    except OSError as error:
        sys.stderr.write(f"can't start `{words[3]}` as user {uid}: {error.strerror}\n")
        sys.exit(126)


def become(uid: int, gid: int, *, reach: bool) -> None:
    """Switch this process to a user and group for good; `reach` keeps one capability. Raises OSError."""
    if reach:
        _call("prctl", _SECURE_BITS, _NO_SETUID_FIXUP, 0, 0, 0)
    os.setgroups([])
    os.setgid(gid)  # as root this sets all three group ids
    os.setuid(uid)
    if reach:
        kept = _keep_one()
        _call("prctl", _AMBIENT, _AMBIENT_RAISE, kept, 0, 0)  # so that the exec keeps it


def _keep_one() -> int:
    """Drop all capabilities but the weakest one that lets a process enter closed folders; return its number."""
    for capability in _REACH:
        mask = 1 << capability  # both are below 32, so the upper words stay 0
        try:
            _call("capset", (ctypes.c_uint32 * 2)(_HEADER_VERSION, 0), (ctypes.c_uint32 * 6)(mask, mask, mask))
        except PermissionError:
            continue
        return capability
    raise PermissionError(errno.EPERM, os.strerror(errno.EPERM))


def _call(name: str, *arguments: object) -> None:
    system = ctypes.CDLL(None, use_errno=True)
    if getattr(system, name)(*arguments):
        raise OSError(ctypes.get_errno(), os.strerror(ctypes.get_errno()))


if __name__ == "__main__":
    main(sys.argv[1:])
