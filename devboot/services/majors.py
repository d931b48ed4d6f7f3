"""Data of another major version: copied if the server can read it, else refused with advice.

The old folder stays unchanged in both cases, so that one can go back to the old version and its data.
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
    """Copy the data of another major version into this version's folder; return messages for the user.

    Call it only if the service has no data folder: an existing one, even if empty, is meant to be used. `check` raises
    if the server can't read a folder's data. Raises MachineError `service/other-major`, and the errors of `check`.
    """
    old = _to_take_over(service)
    if old is None:
        return ()
    staged = service.data + STAGED
    try:
        if os.path.isdir(staged):  # left by a copy that was killed
            shutil.rmtree(staged)
        shutil.copytree(old, staged, symlinks=True)
        fail_point("service/copied")
        check(service._replace(exports={**service.exports, "data": staged}))
        _settle(service, staged)
        os.rename(staged, service.data)
        sync_directory(os.path.dirname(service.data))
    except OSError as error:
        shutil.rmtree(staged, ignore_errors=True)  # it may have filled the disk
        raise machine_error(_first_of(error), service.data) from error
    except DevbootError:
        shutil.rmtree(staged, ignore_errors=True)
        raise
    name, day = os.path.basename(old), time.strftime("%Y-%m-%d %H:%M", time.localtime(at))
    return (f"uses a copy of {name}, made on {day}; the old data is kept in `{old}`",)


def refuse_other(service: Service, check: Callable[[Service], object]) -> None:
    """Raise the errors of `take_over`, copying nothing."""
    if (old := _to_take_over(service)) is not None:
        check(service._replace(exports={**service.exports, "data": old}))


def _to_take_over(service: Service) -> str | None:
    """Return the folder of another major version to copy; None without any.

    Raises MachineError `service/other-major`.
    """
    old = _nearest(service)
    if old is None:
        return None
    is_newer = _number(old) > _number(service.data)
    if not service.reads_older or (is_newer and not service.check):
        raise _refused(service, old)
    return old


def _first_of(error: OSError) -> OSError:
    """Return the first of the errors that shutil.copytree has collected as texts; other errors unchanged."""
    collected = error.args[0] if isinstance(error, shutil.Error) and error.args else []
    said = next((entry for entry in collected if len(entry) == 3), None) if isinstance(collected, list) else None
    number = _ERROR_NUMBER.search(said[2]) if said is not None else None
    if said is None or number is None:
        return error
    return OSError(int(number[1]), os.strerror(int(number[1])), said[1])


def _settle(service: Service, folder: str) -> None:
    """Give a folder tree to the service's user and flush it to disk."""
    for path, folders, files in os.walk(folder):
        own(service, path)
        for name in (*folders, *files):
            if os.path.isfile(inner := os.path.join(path, name)):
                own(service, inner)
                with open(inner, "rb") as stream:
                    os.fsync(stream.fileno())
        sync_directory(path)


def _nearest(service: Service) -> str | None:
    """Return the data folder of the newest older major version, else of the oldest newer one; None without any."""
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
        f'version = "{_number(service.data)}"  # set there again, then',
        f"mkdir {new} && devboot up -d {name} && {restore}",
    )
    return MachineError(
        "service/other-major",
        f"`{name}` has data of version {major}, which {service.version} can't read",
        causes=[f"`{old}` isn't empty, and there is no `{service.data}`"],
        help=[
            f'version = "{major}"  # in [services.{name}]: keeps the old version',
            *(moves if dump else ()),
            f"mkdir {new}  # starts empty",
        ],
        kept=[f"`{old}`, unchanged"],
    )
