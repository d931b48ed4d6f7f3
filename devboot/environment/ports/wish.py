"""The port that a process or service wants."""

from __future__ import annotations

from devboot.record import Record


class PortWish(Record):
    """A port to allocate for `name`: exactly `port`, or the nearest free one.

    `movable`: its users read the number from a variable, since it isn't fixed in the project's code. `shared`: it may
    be that of another project that is down. A server's never is, else commands would reach the other project's server.
    `origin` is the place of a process' command that names the number, so that no variable changes it.
    """

    name: str
    port: int
    exact: bool
    movable: bool = True
    shared: bool = False
    origin: str = ""
