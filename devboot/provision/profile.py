"""`<state>/profile`: the project's programs out of the store, at paths that stay the same from version to version."""

from __future__ import annotations

import os
import shutil
from collections.abc import Sequence
from contextlib import suppress

from devboot.files import exchange, fail_point, machine_error

NAME = "profile"
_STAGED = ".new"


def link_programs(state: str, folders: Sequence[str]) -> None:
    """Make `profile/bin` below `state` show the programs of these folders, of which earlier ones win.

    It is replaced as a whole or not at all, and left alone where it is right; without any program there is none. One
    command at a time may call this for a project. Raises MachineError.
    """
    profile = os.path.join(state, NAME)
    wanted = _programs(folders)
    if wanted == _links(os.path.join(profile, "bin")):
        return
    try:
        _remove(profile + _STAGED)  # of a command that was killed
        if not wanted:
            _remove(profile)
            return
        os.makedirs(os.path.join(profile + _STAGED, "bin"))
        for name, target in wanted.items():
            os.symlink(target, os.path.join(profile + _STAGED, "bin", name))
        fail_point("profile/staged")
        if os.path.lexists(profile):
            exchange(profile + _STAGED, profile)
            fail_point("profile/exchanged")
            _remove(profile + _STAGED)
        else:
            os.rename(profile + _STAGED, profile)
    except OSError as error:
        raise machine_error(error, profile) from error


def _programs(folders: Sequence[str]) -> dict[str, str]:
    found: dict[str, str] = {}
    for folder in reversed(folders):
        with suppress(FileNotFoundError):
            found |= {name: os.path.join(folder, name) for name in sorted(os.listdir(folder))}
    return found


def _links(folder: str) -> dict[str, str]:
    """What is linked there now; empty where it is no folder of links."""
    try:
        return {name: os.readlink(os.path.join(folder, name)) for name in os.listdir(folder)}
    except OSError:
        return {}


def _remove(path: str) -> None:
    if os.path.isdir(path) and not os.path.islink(path):
        shutil.rmtree(path)
    else:
        with suppress(FileNotFoundError):
            os.unlink(path)
