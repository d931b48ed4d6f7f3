"""Data of another major version: copied where the server reads it, else refused with the way out; never left behind.

The old directory stays as it is in both cases, so that going back means going on with what it had.
"""

from __future__ import annotations

import os
import re
import shlex
import shutil
import time
from collections.abc import Callable

from devboot.errors import DevbootError, MachineError
from devboot.files import fail_point, machine_error, sync_directory
from devboot.services.first import own
from devboot.services.plan import Service

STAGED = ".copy"
_ERROR_NUMBER = re.compile(r"\[Errno (\d+)\]")


def take_over(service: Service, at: float, check: Callable[[Service], object]) -> tuple[str, ...]:
    """Bring the data of another major version to where this one looks, and return what the user should hear.

    To be called while the service has no data directory: one that is there, an empty one too, says that it is to be
    used. `check` raises where the server couldn't read what is in a directory. Raises MachineError
    `service/other-major`, and what `check` raises.
    """
    old = _nearest(service)
    if old is None:
        return ()
    is_newer = _number(old) > _number(service.data)
    if not service.reads_older or (is_newer and not service.check):
        raise _refused(service, old)
    staged = service.data + STAGED
    try:
        if os.path.isdir(staged):  # of a copy that was killed
            shutil.rmtree(staged)
        shutil.copytree(old, staged, symlinks=True)
        fail_point("service/copied")
        check(service._replace(exports={**service.exports, "data": staged}))
        _settle(service, staged)
        os.rename(staged, service.data)
        sync_directory(os.path.dirname(service.data))
    except OSError as error:
        shutil.rmtree(staged, ignore_errors=True)  # a disk that it has filled gets the room back
        raise machine_error(_first_of(error), service.data) from error
    except DevbootError:
        shutil.rmtree(staged, ignore_errors=True)
        raise
    name, day = os.path.basename(old), time.strftime("%Y-%m-%d %H:%M", time.localtime(at))
    return (f"goes on with a copy of {name}, made on {day}; the old data is kept in `{old}`",)


def _first_of(error: OSError) -> OSError:
    """The first of those that copying a tree has collected, of which it keeps the text alone; any other as it is."""
    collected = error.args[0] if isinstance(error, shutil.Error) and error.args else []
    said = next((entry for entry in collected if len(entry) == 3), None) if isinstance(collected, list) else None
    number = _ERROR_NUMBER.search(said[2]) if said is not None else None
    if said is None or number is None:
        return error
    return OSError(int(number[1]), os.strerror(int(number[1])), said[1])


def _settle(service: Service, folder: str) -> None:
    """Everything belongs to whom the server runs as, and is on the disk."""
    for path, folders, files in os.walk(folder):
        own(service, path)
        for name in (*folders, *files):
            if os.path.isfile(inner := os.path.join(path, name)):
                own(service, inner)
                with open(inner, "rb") as stream:
                    os.fsync(stream.fileno())
        sync_directory(path)


def _nearest(service: Service) -> str | None:
    """The directory with data of the newest older major version, else of the oldest newer one."""
    parent, own = os.path.split(service.data)
    form = re.compile(re.escape(own.rpartition("-")[0]) + r"-\d+")
    names = os.listdir(parent) if os.path.isdir(parent) else []
    found = [os.path.join(parent, name) for name in names if name != own and form.fullmatch(name)]
    filled = [path for path in found if os.path.isdir(path) and os.listdir(path)]
    older = [path for path in filled if _number(path) < _number(service.data)]
    if older:
        return max(older, key=_number)
    return min(filled, key=_number, default=None)


def _number(path: str) -> int:
    return int(path.rpartition("-")[2])


def _refused(service: Service, old: str) -> MachineError:
    name, major, new = service.spec.name, _number(old), shlex.quote(service.data)
    dump, restore = (line.replace("{file}", f"{name}-{major}.sql") for line in (service.dump, service.restore))
    moves = (
        f"devboot up -d {name} && {dump} && devboot down",
        f'version = "{_number(service.data)}"  # there again, and then',
        f"mkdir {new} && devboot up -d {name} && {restore}",
    )
    return MachineError(
        "service/other-major",
        f"`{name}` has data of version {major}, which {service.version} can't read",
        causes=[f"`{old}` isn't empty, and there is no `{service.data}`"],
        help=[
            f'version = "{major}"  # in [services.{name}]: goes on as before',
            *(moves if dump else ()),
            f"mkdir {new}  # starts empty",
        ],
        kept=[f"`{old}`, unchanged"],
    )
