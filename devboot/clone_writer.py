"""Writes all files into a clone, and never changes anything outside of the project through a link.

A clone may hold a link under any name, and its files may be replaced by users with more rights than its author. A link
that stays inside of the project is followed, since people share files that way.
"""

from __future__ import annotations

import os

from devboot.errors import MachineError, shell_word
from devboot.files import atomic_write


def replace_file(path: str, root: str, data: bytes | str, *, mode: int | None = None) -> None:
    """Write a file of the project in `root` atomically. Raises MachineError: `machine/leads-outside`, `machine/…`."""
    refuse_outside(path, root)
    atomic_write(path, data, mode=mode)


def write_beside_links(path: str, data: bytes | str, *, sync: bool = True) -> None:
    """Write a file of devboot into a folder that may come from a clone.

    A link in its place is replaced, not followed.
    """
    if os.path.islink(path):
        os.unlink(path)
    atomic_write(path, data, sync=sync)


def refuse_outside(path: str, root: str) -> None:
    """Raise MachineError `machine/leads-outside` if a link leads from a path in the project out of it.

    A path whose name is outside of `root` passes: the person who wrote it could see that.
    """
    path, root = os.path.abspath(path), os.path.abspath(root)
    if not is_below(path, root) or is_below(os.path.realpath(path), os.path.realpath(root)):
        return
    link = _first_link_out(path, root)
    shown = os.path.relpath(path, root)
    raise MachineError(
        "machine/leads-outside",
        f"`{shown}` is outside of the project: it is a link, or below one",
        causes=[f"`{os.path.relpath(link, root)}` is a link to `{os.readlink(link)}`"],
        help=[f"mv {shell_word(link)} {shell_word(link + '.aside')}"],
        kept=[f"`{os.path.realpath(path)}` was not touched"],
    )


def is_below(path: str, folder: str) -> bool:
    """Return whether a path is a folder or inside of it, by their names alone, without following links."""
    return path == folder or path.startswith(folder.rstrip("/") + "/")


def _first_link_out(path: str, root: str) -> str:
    real, place = os.path.realpath(root), root
    for part in os.path.relpath(path, root).split("/"):
        place = os.path.join(place, part)
        if os.path.islink(place) and not is_below(os.path.realpath(place), real):
            break
    return place
