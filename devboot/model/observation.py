"""What a Python program asked for on its start, as `environment.observation.recorder` has written it."""

from __future__ import annotations

import os

from devboot.clone_reader import read_head
from devboot.record import Record

SWITCH = "DEVBOOT_OBSERVE"  # 0: nothing is recorded
RECORD = "DEVBOOT_RECORD"  # the file of the process, in the environment of all that it starts

# Kinds
UNSET, CONNECT, LOOKUP, BIND, FILE, NO_FILE = "unset", "connect", "lookup", "bind", "file", "no-file"
KINDS = (UNSET, CONNECT, LOOKUP, BIND, FILE, NO_FILE)
# How a variable that isn't there was asked for: so that the program fails, without and with another value, by `in`,
# through a library that reads settings
REQUIRED, NONE, DEFAULT, TESTED, ASKED = "required", "none", "default", "tested", "asked"
_LARGEST = 128 * 1024  # bytes: twice of what a recorder writes


class Observation(Record):
    """One fact. `name` is a variable, a file or `host:port`; `place` is the line of the project, `shop/mail.py:12`.

    Files lie below the project's root where their path is relative.
    """

    kind: str
    name: str
    how: str = ""
    place: str = ""

    @property
    def where(self) -> str:
        """The place in brackets behind a blank; empty where it isn't known."""
        return f" ({self.place})" if self.place else ""

    @property
    def host(self) -> str:
        """The host of a connection."""
        return self.name.rpartition(":")[0]

    @property
    def port(self) -> int:
        """The port of a connection; 0 for none."""
        port = self.name.rpartition(":")[2]
        return int(port) if port.isdecimal() and len(port) < 6 else 0


def observed_folder(state: str) -> str:
    """Return the folder of the files in which processes are recorded, by the project's state folder."""
    return os.path.join(state, "observed")


def read_observations(path: str) -> tuple[Observation, ...]:
    """Return what a process has asked for, in order; nothing where there is no record of it.

    The program can write into the file whatever it likes: only what is as expected counts.
    """
    try:
        text = read_head(path, _LARGEST).decode("utf-8", "replace")
    except OSError:
        return ()
    rows = (line.split("\t") for line in text.split("\n"))
    found = (Observation(*row) for row in rows if len(row) == 4 and row[0] in KINDS and row[1])
    return tuple(dict.fromkeys(each for each in found if each.name.isprintable() and each.place.isprintable()))


def awaits_answer(path: str) -> bool:
    """Return whether the last that a process was seen to do is to connect to another machine.

    It has asked for nothing since, and may end when no answer comes.
    """
    last = read_observations(path)[-1:]
    return any(each.kind in (CONNECT, LOOKUP) and not is_here(each.host or each.name) for each in last)


def is_here(host: str) -> bool:
    """Return whether a host is this machine by its name or address."""
    return host in ("localhost", "::1", "[::1]", "0.0.0.0", "::", "unix") or host.startswith("127.")  # noqa: S104
