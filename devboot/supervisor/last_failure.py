"""Stores the last failure of processes and tasks in the state folder, for commands that run later."""

from __future__ import annotations

import os

from devboot.files import atomic_write, fail_point, list_names, plain
from devboot.record import Record

TYPE_CHECKING = False
if TYPE_CHECKING:
    from devboot.errors import DevbootError

PREPARATION = "(preparation)"  # name for failures before any process starts; no process can have it
_FOLDER = "failed"
_LIMIT = 16 * 1024


class LastFailure(Record):
    """The last failure of a process. `at` is wall-clock seconds."""

    name: str
    slug: str
    what: str
    at: float


def keep_failure(state: str, name: str, error: DevbootError) -> None:
    """Store why a process or task failed, with passwords in addresses masked. Raises OSError or MachineError."""
    from devboot.text.masking import Masker

    fail_point("failure/keep")
    os.makedirs(f"{state}/{_FOLDER}", mode=0o700, exist_ok=True)
    atomic_write(f"{state}/{_FOLDER}/{name}", f"{error.slug}\n{Masker()(error.what)}\n", mode=0o600, sync=False)


def forget_failure(state: str, name: str) -> None:
    """Delete the stored failure of a process or task, because it is up or has succeeded."""
    try:
        os.unlink(f"{state}/{_FOLDER}/{name}")
    except OSError:
        return


def read_failures(state: str) -> tuple[LastFailure, ...]:
    """Return the stored failures of all processes and tasks, sorted by name."""
    names = list_names(f"{state}/{_FOLDER}")
    return tuple(found for name in names if (found := _read(f"{state}/{_FOLDER}/{name}", name)) is not None)


def _read(path: str, name: str) -> LastFailure | None:
    try:
        with open(path, "rb", buffering=0, opener=plain) as file:
            at = os.stat(file.fileno()).st_mtime
            slug, _, what = (file.read(_LIMIT) or b"").decode("utf-8", "replace").partition("\n")
    except OSError:
        return None
    return LastFailure(name, slug, what.strip(), at) if what else None
