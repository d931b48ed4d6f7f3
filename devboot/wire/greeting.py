"""The first frame of both sides: who speaks which protocol, readable whatever the version.

Its form never changes: `devboot <protocol> <version>` in ASCII; words after these are for later versions.
"""

from __future__ import annotations

from devboot.record import Record

PROTOCOL = 1
# Show, read and stop work across one step of the protocol, so that an upgrade never strands a running project.
ACROSS_A_STEP = frozenset({"ps", "logs", "down"})


class Greeting(Record):
    """What the other side is; protocol 0 and version "?" where it didn't greet properly."""

    protocol: int
    version: str


def greeting(version: str) -> bytes:
    """The payload of our own first frame."""
    return f"devboot {PROTOCOL} {version}".encode()


def parse_greeting(payload: bytes) -> Greeting:
    """Read the other side's first frame; never raises."""
    words = payload[:200].decode("ascii", "replace").split()
    if len(words) >= 3 and words[0] == "devboot" and words[1].isdecimal():
        return Greeting(int(words[1]), words[2])
    return Greeting(0, "?")


def can_carry_out(command: str, other: Greeting) -> bool:
    """Whether `command` means the same on both sides."""
    distance = abs(other.protocol - PROTOCOL)
    return distance == 0 or (distance == 1 and command in ACROSS_A_STEP)


def mismatch(client: str, daemon: str, *, daemon_is_older: bool) -> tuple[str, str]:
    """What to say when the versions can't work together, and the one command that helps, by direction."""
    what = f"devboot {client} can't talk to the daemon of this project, which is devboot {daemon}"
    if daemon_is_older:
        return what, "devboot down, then devboot up -d: the project then runs under the newer one"
    return what, f"uv tool install devboot=={daemon}, or use the devboot that started the project"
