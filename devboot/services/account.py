"""Chooses the system user for a server that refuses to run as root: the owner of its data, else `nobody`."""

from __future__ import annotations

import os
import pwd
import stat
import sys
from collections.abc import Iterable, Iterator

from devboot.errors import MachineError, shell_word
from devboot.paths import upwards
from devboot.record import Record

_NOBODY = 65534
_PASSES = 0b110  # CAP_DAC_OVERRIDE, CAP_DAC_READ_SEARCH: either of them gives access to any folder
_LAUNCHER = os.path.join(os.path.dirname(os.path.abspath(__file__)), "unprivileged.py")


class Account(Record):
    """An unprivileged system user; `reaches`: allowed to pass through folders that only root may enter."""

    uid: int
    gid: int
    reaches: bool = False

    @property
    def prefix(self) -> tuple[str, ...]:
        """Words to put before a command so that it runs as this user."""
        return (sys.executable, "-I", "-S", _LAUNCHER, str(self.uid), str(self.gid), str(int(self.reaches)))


def account_for(name: str, data: str, reaches: Iterable[str]) -> Account:
    """Return the user for the service `name` with the data folder `data`, when devboot runs as root.

    `reaches` are files and folders that the server needs. Raises MachineError `machine/not-reachable` if folders above
    them are closed to the user and the system can't grant access.
    """
    account = _owner(data) or _nobody()
    closed = next((folder for path in (data, *reaches) for folder in _closed(account, path)), None)
    if closed is None:
        return account
    if not _capabilities() & _PASSES:
        raise _not_reachable(name, account, closed)
    return account._replace(reaches=True)


def no_account(_name: str, _data: str, _reaches: Iterable[str]) -> None:
    """Return None: without root, servers run as the caller. Has the signature of `account_for`."""


def _owner(data: str) -> Account | None:
    """Return the owner of an existing data folder; None if that is root, or if there is no folder."""
    try:
        found = os.stat(data)
    except OSError:
        return None
    return Account(found.st_uid, found.st_gid) if found.st_uid else None


def _nobody() -> Account:
    try:
        entry = pwd.getpwnam("nobody")
    except KeyError:
        return Account(_NOBODY, _NOBODY)
    return Account(entry.pw_uid, entry.pw_gid)


def _closed(account: Account, path: str) -> Iterator[str]:
    """Yield the folders above `path` that a user can't enter."""
    folder = os.path.dirname(os.path.realpath(path))
    for above in upwards(folder):
        try:
            found = os.stat(above)
        except FileNotFoundError:  # created later, for the account
            continue
        if not found.st_mode & _may_pass(found, account):
            yield above


def _may_pass(found: os.stat_result, account: Account) -> int:
    if found.st_uid == account.uid:
        return stat.S_IXUSR
    return stat.S_IXGRP if found.st_gid == account.gid else stat.S_IXOTH


def _capabilities() -> int:
    """Return the permitted capabilities of this process as a bit mask; 0 if the system has none."""
    try:
        with open("/proc/self/status", encoding="ascii", errors="replace") as stream:
            return next((int(line.split()[1], 16) for line in stream if line.startswith("CapPrm:")), 0)
    except OSError:
        return 0


def _not_reachable(name: str, account: Account, folder: str) -> MachineError:
    return MachineError(
        "machine/not-reachable",
        f"`{name}` doesn't run as root, and user {account.uid} can't access its files",
        causes=[f"user {account.uid} can't enter `{folder}`"],
        help=[f"chmod o+x {shell_word(folder)}"],
        kept=["nothing was started"],
    )
