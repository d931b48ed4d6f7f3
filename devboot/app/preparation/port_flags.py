"""Applies `--port NAME=PORT` to the ports that a project would have."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping

from devboot.environment.ports.wish import PortWish
from devboot.errors import UsageError
from devboot.supervisor.core.name_patterns import expand


def apply_port_flags(
    wanted: Iterable[PortWish], asked: Iterable[tuple[str, int | None]], typed: Collection[str]
) -> list[PortWish]:
    """Return the port wishes with the numbers of `asked` (None: any free one); those in `typed` are exact.

    Raises UsageError: `usage/unknown-name` for a name that gets no port, `usage/port` for one that means several.
    """
    wishes = list(wanted)
    numbers = {_name(name, [wish.name for wish in wishes]): port for name, port in asked}
    return [_adjusted(wish, numbers, typed) for wish in wishes]


def _name(asked: str, known: list[str]) -> str:
    found = expand([asked], known)
    if len(found) > 1:
        raise UsageError(
            "usage/port", f"`--port {asked}` matches several: {', '.join(found)}", help=[f"--port {found[0]}=8001"]
        )
    return found[0]


def _adjusted(wish: PortWish, numbers: Mapping[str, int | None], typed: Collection[str]) -> PortWish:
    if wish.name not in numbers:
        return wish._replace(exact=wish.exact or wish.name in typed)
    port = numbers[wish.name]
    return wish._replace(exact=False) if port is None else wish._replace(port=port, exact=True, movable=True)
