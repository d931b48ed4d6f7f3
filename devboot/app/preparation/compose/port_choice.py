"""Chooses the ports of a project's processes and services, from manifest, flags and recorded ports."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping, Sequence

from devboot.app.preparation.compose.composition import base_port, commands_of, wanted_ports
from devboot.app.preparation.project.loaded import Loaded
from devboot.app.preparation.project.options import PrepareOptions
from devboot.daemon import leases
from devboot.environment.ports.allocate import Ports, allocate, is_port_of
from devboot.environment.ports.wish import PortWish
from devboot.environment.variables.envfiles import EnvFiles
from devboot.errors import UsageError
from devboot.locks import is_locked
from devboot.paths import Paths
from devboot.recipes import KnownRecipe
from devboot.state.projects import Projects
from devboot.supervisor.core.name_patterns import expand


def port_wishes(
    loaded: Loaded, recipes: Mapping[str, KnownRecipe], files: EnvFiles, options: PrepareOptions
) -> list[PortWish]:
    """Return the ports that services and processes want, flags applied; a port set by a flag is exact.

    Raises UsageError: `usage/unknown-name`, `usage/port`.
    """
    base = loaded.base or base_port(files, loaded.manifest)
    typed = {each.name for each in commands_of(loaded) if loaded.types_ports and each.names_port}
    return apply_port_flags(wanted_ports(loaded, recipes, base), options.ports, typed)


def allocate_ports(
    loaded: Loaded, wanted: Sequence[PortWish], options: PrepareOptions, paths: Paths, *, is_recorded: bool = True
) -> Ports:
    """Choose the ports, and record them if `is_recorded`; only processes that listen get a note about a moved port.

    Raises BusyError `port/in-use`, Problems.
    """
    ports = allocate(
        loaded.project.state,
        loaded.project.root,
        paths.state,
        wanted,
        must_be_free=options.starts and not options.is_running,
        held=options.held_ports if options.starts else None,
        lost=options.without_port,
        is_up=lambda root: is_locked(leases.lock_path(Projects.below(paths.data, paths.state).state_of(root))),
        is_recorded=is_recorded,
    )
    # Most processes never listen on their port: a new number is only reported for those that do.
    listening = {*loaded.manifest.services, *(each.name for each in commands_of(loaded) if each.names_port)}
    listening |= {name for name in ports.numbers if is_port_of(name, options.without_port)}
    return ports._replace(notes=tuple(note for note in ports.notes if note[0] in listening))


def apply_port_flags(
    wanted: Iterable[PortWish], asked: Iterable[tuple[str, int | None]], typed: Collection[str]
) -> list[PortWish]:
    """Return the port wishes changed by flags: `asked` has (name, port or None for a free one).

    Those in `typed` are exact. Raises UsageError: `usage/unknown-name` for a name that gets no port, `usage/port` for
    one that means several.
    """
    wishes = list(wanted)
    numbers = {_name(name, [wish.name for wish in wishes]): port for name, port in asked}
    return [_adjusted(wish, numbers, typed) for wish in wishes]


def _name(asked: str, known: list[str]) -> str:
    found = expand([asked], known)
    if len(found) > 1:
        raise UsageError(
            "usage/port",
            f"`--port {asked}` matches several: {', '.join(found)}",
            help=[f"devboot up --port {found[0]}=8001"],
        )
    return found[0]


def _adjusted(wish: PortWish, numbers: Mapping[str, int | None], typed: Collection[str]) -> PortWish:
    if wish.name not in numbers:
        return wish._replace(exact=wish.exact or wish.name in typed)
    port = numbers[wish.name]
    wish = wish._replace(origin=wish.origin if port == wish.port else "")
    return wish._replace(exact=False) if port is None else wish._replace(port=port, exact=True, movable=True)
