"""Options of a preparation, from the flags of a command and the state of the running project."""

from __future__ import annotations

from devboot.record import Record


class PrepareOptions(Record):
    """Options of a preparation: `is_locked` never writes the lock, `ports` has (name, port or None for a free one)."""

    is_locked: bool = False
    takes_lock_as_it_is: bool = False  # even if it doesn't fit the manifest
    is_offline: bool = False
    is_forced: bool = False
    ports: tuple[tuple[str, int | None], ...] = ()
    starts: bool = True  # whether processes are to be started afterwards: their ports have to be free
    is_running: bool = False  # the project's own daemon may hold its ports
    without_port: tuple[str, ...] = ()  # processes that can't listen, since another program has taken their port
    held_ports: tuple[int, ...] | None = None  # ports of the running project; None if unknown
    kit: str = ""  # path of a kit that has everything, instead of the network
