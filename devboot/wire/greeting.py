"""The first frame of both sides: protocol and version, in a form that never changes.

`devboot <protocol> <version>` in ASCII; further words are reserved for later versions.
"""

from __future__ import annotations

from devboot.record import Record

PROTOCOL = 1
# Commands that work across one step of the protocol, so that a project can be stopped after an upgrade.
ACROSS_A_STEP = frozenset({"ps", "logs", "down"})


class Greeting(Record):
    """Protocol and devboot version of the other side; 0 and "?" if it sent no proper greeting."""

    protocol: int
    version: str


def greeting(version: str) -> bytes:
    """Return the payload of the greeting that this side sends: protocol and `version`."""
    return f"devboot {PROTOCOL} {version}".encode()


def parse_greeting(payload: bytes) -> Greeting:
    """Parse the other side's greeting; never raises."""
    words = payload[:200].decode("ascii", "replace").split()
    if len(words) >= 3 and words[0] == "devboot" and words[1].isdecimal():
        return Greeting(int(words[1]), words[2])
    return Greeting(0, "?")


def can_carry_out(command: str, other: Greeting) -> bool:
    """Return whether `command` works between this side's protocol and the other side's."""
    distance = abs(other.protocol - PROTOCOL)
    return distance == 0 or (distance == 1 and command in ACROSS_A_STEP)


def mismatch(client: str, daemon: str, *, daemon_is_older: bool) -> tuple[str, str]:
    """Return the message for incompatible versions of client and daemon, and the command that helps."""
    what = f"devboot {client} can't talk to the daemon of this project, which is devboot {daemon}"
    if daemon_is_older:
        return what, "devboot down, then devboot up -d: the project then runs under the newer one"
    return what, f"uv tool install devboot=={daemon}, or use the devboot that started the project"
