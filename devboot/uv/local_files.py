"""Refuses pipes, devices and huge files that uv and build backends would otherwise open and block on."""

from __future__ import annotations

import errno
import glob
import os
from collections.abc import Iterable, Iterator, Sequence
from typing import Any

from devboot.clone_reader import LIMIT, PACKAGE_LIMIT, read_toml, refuse_unreadable
from devboot.errors import ManifestError, Place, reason_of, shell_word
from devboot.files import list_names
from devboot.paths import upwards

_OF_PROJECT = ("pyproject.toml", "uv.toml", "uv.lock", ".python-version", ".python-versions")
_OF_PACKAGE = ("pyproject.toml", "setup.py", "setup.cfg", "PKG-INFO")
_DISTRIBUTIONS = (".whl", ".tar.gz", ".zip", ".tar.bz2")
_NO_MEMBERS = {".git", ".venv", "venv", "node_modules", "__pycache__"}
_MOST_FOLDERS = 20_000


def refuse_arguments(arguments: Iterable[str], folder: str) -> None:
    """Raise ManifestError `python/unreadable` if a path among uv's arguments is a pipe, socket or device."""
    for argument in arguments:
        path = os.path.join(folder, argument)
        if ("/" in argument or argument.endswith(".toml")) and os.path.exists(path) and not os.path.isdir(path):
            refuse_file(path, folder, limit=PACKAGE_LIMIT)


def refuse_project(folder: str) -> None:
    """Raise ManifestError `python/unreadable` if uv, run in `folder`, would open a pipe, a device or a huge file.

    uv looks for its settings in the folder and in those above it, and reads the members of a workspace and the
    paths in `[tool.uv.sources]`.
    """
    waiting, seen = list(upwards(folder)), set[str]()
    for place in waiting:
        for name in _OF_PROJECT:
            refuse_file(os.path.join(place, name), folder)
    while waiting and len(seen) < _MOST_FOLDERS:
        place = waiting.pop()
        if place in seen:
            continue
        seen.add(place)
        for inner in _led_to(place):
            refuse_package(inner, folder)
            waiting.append(inner)


def refuse_package(path: str, root: str, place: Place | None = None) -> None:
    """Raise ManifestError `python/unreadable` if uv would block on a local package's folder or file."""
    if os.path.isdir(path):
        for name in _OF_PACKAGE:
            refuse_file(os.path.join(path, name), root, place)
    else:
        refuse_file(path, root, place, limit=PACKAGE_LIMIT)


def refuse_distributions(folder: str, root: str, place: Place | None = None) -> None:
    """Raise ManifestError `python/unreadable` if a folder of wheels has a pipe or device named like a wheel."""
    names = list_names(folder)
    for name in names:
        if name.endswith(_DISTRIBUTIONS):
            refuse_file(os.path.join(folder, name), root, place, limit=PACKAGE_LIMIT)


def refuse_file(path: str, root: str, place: Place | None = None, *, limit: int = LIMIT) -> None:
    """Raise ManifestError `python/unreadable` for an existing file that isn't regular, or is too large."""
    try:
        refuse_unreadable(path, limit=limit)
    except OSError as error:
        if error.errno not in (errno.ENXIO, errno.EFBIG):
            return  # uv ignores it, or reports it
        shown = os.path.relpath(path, root) if path.startswith(root.rstrip("/") + "/") else path
        raise ManifestError(
            "python/unreadable",
            f"`{shown}` can't be read",
            place=place,
            causes=(reason_of(error),),
            help=(f"ls -lL {shell_word(path)}",),
        ) from error


def _led_to(folder: str) -> Iterator[str]:
    """Yield the folders and files to which a folder's pyproject.toml refers uv; none if it can't be read."""
    try:
        table: Any = read_toml(os.path.join(folder, "pyproject.toml"))
        table = table.get("tool", {}).get("uv", {})
        members, sources = table.get("workspace", {}).get("members", ()), table.get("sources", {})
        found = [*_members(folder, members)]
        for source in sources.values():
            several = source if isinstance(source, list) else [source]
            found += [os.path.join(folder, each["path"]) for each in several if isinstance(each.get("path"), str)]
    except (OSError, ValueError, AttributeError, TypeError):
        return
    yield from (os.path.normpath(each) for each in found)


def _members(folder: str, patterns: Sequence[str]) -> Iterator[str]:
    for pattern in patterns:
        head, is_deep, _ = pattern.partition("**")
        if not is_deep:
            yield from glob.iglob(os.path.join(glob.escape(folder), pattern))
            continue
        for number, (place, folders, _) in enumerate(os.walk(os.path.join(folder, os.path.dirname(head)))):
            folders[:] = sorted(set(folders) - _NO_MEMBERS)
            if number == _MOST_FOLDERS:
                break
            yield place
