"""Records for which project a state or data folder was made: path, device, inode and time of birth.

ext4 reuses inodes at once, so without a time of birth no moved folder is recognised.
"""

from __future__ import annotations

import json
import os
import sys

from devboot.clone_reader import parse_json
from devboot.files import atomic_write, plain
from devboot.record import Record
from devboot.state.projects import LEASE, RECORD, RUN

_FIELDS = ("device", "inode", "birth")
_AT_FDCWD, _BTIME = -100, 0x800
_STATX_SIZE = 256
_BIRTH_SECONDS, _BIRTH_NANOSECONDS = slice(80, 88), slice(88, 92)


class Identity(Record):
    """Identity of a folder, independent of its path; `birth` is ns since the epoch, 0 if unknown."""

    device: int
    inode: int
    birth: int

    def is_same_as(self, other: Identity) -> bool:
        """Return whether both are the same folder.

        Device numbers may change at boot, so the time of birth counts more.
        """
        if self.birth and other.birth:
            return (self.inode, self.birth) == (other.inode, other.birth)
        return (self.device, self.inode) == (other.device, other.inode)


class Owner(Record):
    """The project for which a state or data folder was made: its root, and the identity of the root."""

    path: str
    identity: Identity

    @property
    def is_gone(self) -> bool:
        """True if the project's root was moved, deleted or replaced."""
        found = identity_of(self.path)
        return found is None or not found.is_same_as(self.identity)


def identity_of(path: str) -> Identity | None:
    """Return the identity of the folder at `path`; None if there is none."""
    try:
        found = os.stat(path)
    except OSError:
        return None
    return Identity(found.st_dev, found.st_ino, _birth(path, found))


def read_owner(folder: str) -> Owner | None:
    """Return the project for which a folder was made, by its record; None without a readable record."""
    try:
        with open(os.path.join(folder, RECORD), encoding="utf-8", opener=plain) as file:
            record = parse_json(file.read())
        return Owner(str(record["path"]), Identity(*(int(record[field]) for field in _FIELDS)))
    except (OSError, ValueError, KeyError, TypeError):
        return None


def is_unused(folder: str) -> bool:
    """Return whether a project's folder is still empty, because its creation was interrupted.

    Files that a daemon and `down` recreate in a deleted folder don't count.
    """
    return all(name in (RUN, LEASE) or name.startswith(f"{RECORD}.") for name in os.listdir(folder))


def write_owner(folder: str, owner: Owner) -> None:
    """Record the owner of a state or data folder. Raises OSError and MachineError."""
    record, path = {"path": owner.path, **owner.identity._asdict()}, os.path.join(folder, RECORD)
    if os.path.lexists(path) and (os.path.islink(path) or not os.path.isfile(path)):
        os.rename(path, f"{path}.aside")
    atomic_write(path, json.dumps(record) + "\n", mode=0o600)


def owned_folders(base: str) -> list[str]:
    """Return the paths of all projects' folders below `base`, sorted by name."""
    names = sorted(os.listdir(base)) if os.path.isdir(base) else []
    return [path for name in names if not name.startswith(".") and os.path.isdir(path := os.path.join(base, name))]


def folder_moved_here(base: str, root: str, here: Identity | None) -> str:
    """Return the folder below `base` of the project that has been moved to `root`; "" for none.

    `here` is the identity of `root`. Without a time of birth nothing counts as moved.
    """
    if here is None or not here.birth:
        return ""
    for folder in owned_folders(base):
        owner = read_owner(folder)
        if owner is not None and owner.path != root and owner.identity.birth and here.is_same_as(owner.identity):
            return folder if owner.is_gone else ""  # otherwise it is one folder with two paths
    return ""


def _birth(path: str, found: os.stat_result) -> int:
    if sys.platform == "darwin":
        return int(found.st_birthtime * 1_000_000) * 1000
    import ctypes

    statx = getattr(ctypes.CDLL(None, use_errno=True), "statx", None)
    if statx is None:
        return 0
    answer = ctypes.create_string_buffer(_STATX_SIZE)
    if statx(_AT_FDCWD, os.fsencode(path), 0, _BTIME, answer):
        return 0
    if not int.from_bytes(answer.raw[:4], sys.byteorder) & _BTIME:
        return 0
    seconds = int.from_bytes(answer.raw[_BIRTH_SECONDS], sys.byteorder, signed=True)
    return seconds * 1_000_000_000 + int.from_bytes(answer.raw[_BIRTH_NANOSECONDS], sys.byteorder)
