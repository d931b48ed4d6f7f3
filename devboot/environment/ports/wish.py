"""What a process wants of a port."""

from __future__ import annotations

from typing import NamedTuple


class PortWish(NamedTuple):
    """A port that a process is to get: exactly that one, or the nearest free.

    `movable`: what uses it would learn of another one, since it isn't fixed in the project's code. `shared`: it may be
    that of another project that is down. A server's never is, else commands would reach the other project's server.
    """

    name: str
    port: int
    exact: bool
    movable: bool = True
    shared: bool = False
