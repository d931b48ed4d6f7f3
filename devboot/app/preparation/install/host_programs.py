"""Finds services and tools with `source = "host"` on PATH, and links them into the project.

    <state>/host/<name>/bin/    links to the programs, and the recipe's scripts

Machines have different versions, so the lock doesn't pin them; each start prints a note.
"""

from __future__ import annotations

import os
from collections.abc import Mapping

from devboot.errors import MachineError
from devboot.events import NOTE, Event, Reporter
from devboot.model.edge.lockfile.lock import NOT_REPRODUCIBLE, Lock, LockedPackage, Wish
from devboot.record import Record

TYPE_CHECKING = False
if TYPE_CHECKING:
    from devboot.model.artifact import Layout, Wanted
    from devboot.provision.objects.store import StoreObject
    from devboot.recipes import KnownRecipe
    from devboot.sources.host import Found


class HostPrograms(Record):
    """Programs of one package found on PATH: `object` is the folder of links to them, as a store object."""

    object: StoreObject
    version: str
    paths: tuple[str, ...]  # the programs themselves


def lock_here(lock: Lock, wanted: Mapping[Wish, Wanted], hosted: Mapping[Wish, HostPrograms]) -> Lock:
    """Return the lock with the versions that this machine has of packages from its distribution or PATH."""
    versions = {wish: each.version for wish, each in wanted.items()}
    versions |= {wish: each.version for wish, each in hosted.items()}
    return lock.model_copy(
        update={
            "package": tuple(
                package.model_copy(update={"version": versions[Wish(*package.key)]}) for package in lock.package
            )
        }
    )


def host_programs(
    lock: Lock, recipes: Mapping[str, KnownRecipe], state: str, environ: Mapping[str, str], reporter: Reporter
) -> dict[Wish, HostPrograms]:
    """Find the programs of packages with `source = "host"` on PATH and link them below the state folder.

    Raises MachineError `host/…`.
    """
    search_path = os.pathsep.join(
        folder for folder in environ.get("PATH", os.defpath).split(os.pathsep) if not folder.startswith(state + os.sep)
    )
    hosted = {}
    for package in lock.package:
        if not package.reproducible:
            one = _hosted(package, recipes[package.name], state, search_path)
            reporter.emit(Event(NOTE, package.name, f"{one.version} {NOT_REPRODUCIBLE}: {one.paths[0]}"))
            hosted[Wish(*package.key)] = one
    return hosted


def _hosted(package: LockedPackage, known: KnownRecipe, state: str, search_path: str) -> HostPrograms:
    from devboot.files import machine_error
    from devboot.model.edge.recipe.source_tables import HostOrigin
    from devboot.provision.objects.store import StoreObject
    from devboot.resolve.packages import fits, layout_of
    from devboot.sources.host import find_on_path

    origin = next(each for each in known.recipe.source if isinstance(each, HostOrigin))
    layout = layout_of(origin, known.recipe.test.version)
    found = find_on_path(package.name, layout, origin.version, search_path)
    if package.requested and not fits(found.version, package.requested):
        raise MachineError(
            "host/other-version",
            f"{package.name} on PATH is {found.version}, devboot.toml requires {package.requested}",
            causes=[f"`{next(iter(found.programs.values()))}` is the first one on PATH"],
            help=[
                f'version = "{found.version}"   # for {package.name} in devboot.toml',
                'or leave out `source = "host"`',
            ],
        )
    folder = os.path.join(state, "host", package.name)
    try:
        _link(folder, layout, found)
    except OSError as error:
        raise machine_error(error, folder) from error
    return HostPrograms(StoreObject("", folder), found.version, tuple(found.programs.values()))


def _link(folder: str, layout: Layout, found: Found) -> None:
    from devboot.provision.objects.programs import write_shims
    from devboot.provision.objects.tree import remove_tree

    staging = f"{folder}.new"
    remove_tree(staging)
    os.makedirs(os.path.join(staging, "bin"))
    for program, path in found.programs.items():
        os.symlink(path, os.path.join(staging, "bin", program))
    write_shims(staging, layout)
    if _entries(staging) == _entries(folder):  # a running process may start one of them at this moment
        remove_tree(staging)
        return
    remove_tree(folder)
    os.rename(staging, folder)


def _entries(folder: str) -> dict[str, str]:
    """Return the content of a `bin` folder by name: the targets of links, the texts of scripts."""
    place, found = os.path.join(folder, "bin"), {}
    for name in os.listdir(place) if os.path.isdir(place) else ():
        path = os.path.join(place, name)
        if os.path.islink(path):
            found[name] = f"-> {os.readlink(path)}"
        else:
            with open(path, encoding="utf-8", errors="surrogateescape") as script:
                found[name] = script.read()
    return found
