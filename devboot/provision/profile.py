"""Links the project's programs into `<state>/profile`, whose paths stay the same across versions."""

from __future__ import annotations

import os
import shutil
from collections.abc import Sequence
from contextlib import suppress

from devboot.files import OLD, exchange, fail_point, machine_error

NAME = "profile"
_STAGED = ".new"


def link_programs(state: str, folders: Sequence[str]) -> None:
    """Make `profile/bin` below `state` contain links to the programs of these folders; earlier folders take precedence.

    It is replaced atomically, and left alone if it is right; without any program there is no profile. Only one command
    at a time may call this for a project. Raises MachineError.
    """
    profile = os.path.join(state, NAME)
    wanted = _programs(folders)
    if wanted == _links(os.path.join(profile, "bin")):
        return
    try:
        for left in (profile + _STAGED, profile + _STAGED + OLD):  # of a command that was killed
            _remove(left)
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
    """Return the links in a folder, as {name: target}; empty if there is no such folder."""
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
