"""Creates and empties the virtualenv's folder, also if it is a mount point, which can't be renamed.

On a volume the old content is moved into a dated folder of the volume itself.
"""

from __future__ import annotations

import errno
import os
import shutil
import time
from collections.abc import Mapping

from devboot.clone_writer import write_beside_links
from devboot.environment.venv.condition import ASIDE
from devboot.errors import MachineError
from devboot.files import machine_error, move_aside


def make_folder(path: str, files: Mapping[str, str]) -> None:
    """Create a folder that contains `files` (name → text) as soon as it exists under its name.

    Raises MachineError.
    """
    staging = f"{path}.new"
    try:
        shutil.rmtree(staging, ignore_errors=True)
        os.makedirs(staging)
        _write(staging, files)
        try:
            os.rename(staging, path)
        except OSError as error:
            if error.errno != errno.EBUSY:
                raise
            _write(path, files)
            shutil.rmtree(staging)
    except OSError as error:
        raise machine_error(error, path) from error


def clear_folder(path: str, at: float) -> str:
    """Rename a folder, or move its content, to a dated name; return the new path. Raises MachineError.

    `at` is wall-clock seconds.
    """
    try:
        return move_aside(path, at)
    except MachineError as error:
        if not (isinstance(error.__cause__, OSError) and error.__cause__.errno == errno.EBUSY):
            raise
    try:
        return _clear_volume(path, at)
    except OSError as error:
        raise machine_error(error, path, "move aside") from error


def put_back(path: str, aside: str) -> None:
    """Undo `clear_folder`: move the content at `aside` back to `path`, replacing what is there. Raises OSError."""
    if os.path.dirname(aside) != path:
        shutil.rmtree(path, ignore_errors=True)
        if not os.path.lexists(path):
            os.rename(aside, path)
        return
    for name in _content(path):
        entry = os.path.join(path, name)
        if os.path.isdir(entry) and not os.path.islink(entry):
            shutil.rmtree(entry, ignore_errors=True)
        else:
            os.unlink(entry)
    for name in os.listdir(aside):
        os.rename(os.path.join(aside, name), os.path.join(path, name))
    os.rmdir(aside)


def _write(folder: str, files: Mapping[str, str]) -> None:
    for name, text in files.items():
        write_beside_links(os.path.join(folder, name), text, sync=False)


def _clear_volume(path: str, at: float) -> str:
    aside = os.path.join(path, f"{ASIDE}{time.strftime('%Y-%m-%dT%H%M%S', time.localtime(at))}")
    while os.path.lexists(aside):
        aside += "-"
    os.mkdir(aside)
    for name in _content(path):
        os.rename(os.path.join(path, name), os.path.join(aside, name))
    return aside


def _content(path: str) -> list[str]:
    return [name for name in os.listdir(path) if not name.startswith(ASIDE) and name != "lost+found"]
