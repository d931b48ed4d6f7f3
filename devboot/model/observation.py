"""Reads the records of what Python programs looked up in vain, written by `environment.observation.recorder`."""

from __future__ import annotations

import os

from devboot.clone_reader import read_head
from devboot.record import Record

SWITCH = "DEVBOOT_OBSERVE"  # variable; 0 switches recording off
RECORD = "DEVBOOT_RECORD"  # variable with the path of the process' record, inherited by its children

# Kinds
UNSET, CONNECT, LOOKUP, BIND, FILE, NO_FILE = "unset", "connect", "lookup", "bind", "file", "no-file"
SETTING, FAILED = "setting", "failed"  # of `devboot doctor --probe`: an address in the settings, what ended the import
KINDS = (UNSET, CONNECT, LOOKUP, BIND, FILE, NO_FILE, SETTING, FAILED)
# How a missing variable was requested: os.environ[…], get without default, get with default, `in`, and through a
# library that reads settings
REQUIRED, NONE, DEFAULT, TESTED, ASKED = "required", "none", "default", "tested", "asked"
_LARGEST = 128 * 1024  # most bytes read: twice as much as a recorder writes


class Observation(Record):
    """One recorded lookup. `name` is a variable, a file or `host:port`; `place` is a code line as `shop/mail.py:12`.

    Relative paths of files are below the project's root.
    """

    kind: str
    name: str
    how: str = ""
    place: str = ""

    @property
    def where(self) -> str:
        """The code line for messages, as ` (shop/mail.py:12)`; "" if unknown."""
        return f" ({self.place})" if self.place else ""

    @property
    def host(self) -> str:
        """The host of a recorded connection."""
        return self.name.rpartition(":")[0]

    @property
    def port(self) -> int:
        """The port of a recorded connection, or in the address of a setting; 0 if there is none."""
        text = self.name.rpartition(":")[2]
        port = int(text) if text.isdecimal() and len(text) < 6 else 0
        return port if port < 65536 else 0


def observed_folder(state: str) -> str:
    """Return the folder, in the project's state folder, with one record per process."""
    return os.path.join(state, "observed")


def read_observations(path: str) -> tuple[Observation, ...]:
    """Return the observations in a process' record, in order; empty if there is no record.

    The program can write anything into the file, so only well-formed lines count.
    """
    try:
        text = read_head(path, _LARGEST).decode("utf-8", "replace")
    except OSError:
        return ()
    rows = (line.split("\t") for line in text.split("\n"))
    found = (Observation(*row) for row in rows if len(row) == 4 and row[0] in KINDS and row[1])
    return tuple(dict.fromkeys(each for each in found if each.name.isprintable() and each.place.isprintable()))


def awaits_answer(path: str) -> bool:
    """Return whether the last observation of a process is a connection to another machine.

    The process has looked up nothing since, so it may be waiting for an answer, and fail if none comes.
    """
    last = read_observations(path)[-1:]
    return any(each.kind in (CONNECT, LOOKUP) and not is_here(each.host or each.name) for each in last)


def is_here(host: str) -> bool:
    """Return whether a host name or address means this machine."""
    return host in ("localhost", "::1", "[::1]", "0.0.0.0", "::", "unix") or host.startswith("127.")  # noqa: S104
