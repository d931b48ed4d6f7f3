"""Data folders of services: created for this user only, and checked before a server uses them."""

from __future__ import annotations

import errno
import os
import socket
from collections.abc import Callable, Iterator

from devboot.files import machine_error, refuse_read_only
from devboot.locks import is_folder_held
from devboot.paths import make_socket_folders
from devboot.services import access, aof, first, majors, rdb
from devboot.services.plan import Service
from devboot.uv.child import Lease


def _check_rdb(service: Service, at: float) -> tuple[str, ...]:
    rdb.check(service)
    return aof.prepare(service, at)


def _refuse_rdb(service: Service) -> None:
    rdb.check(service)
    aof.refuse_loss(service)


def _is_readable(service: Service) -> None:
    rdb.check(service)
    aof.refuse_newer_form(service)


_READABLE: dict[str, Callable[[Service], object]] = {"": lambda _service: None, "rdb": _is_readable}
_REFUSALS: dict[str, Callable[[Service], object]] = {"": lambda _service: None, "rdb": _refuse_rdb}
_CHECKS: dict[str, Callable[[Service, float], tuple[str, ...]]] = {"": lambda _service, _at: (), "rdb": _check_rdb}


def prepare_data(service: Service, at: float = 0.0, lease: Lease | None = None) -> tuple[str, ...]:
    """Create the data folder (mode 0700), check its content, and return messages for the user.

    `at` is wall-clock seconds, for names of data that is moved aside; `lease` records the steps that run. A running
    service is left alone. Raises MachineError if the folder can't be created or written, and the errors of the recipe's
    check: a server is never started over data that it can't read, since it would start empty and overwrite it.
    """
    directory = service.data
    is_new = not os.path.isdir(directory)
    if is_new and _has_others(directory) and is_running(service):  # its data is taken over after it has stopped
        return ()
    _make_socket_folder(service)
    taken = majors.take_over(service, at, _READABLE[service.check]) if is_new else ()
    if service.first is not None:
        _make_folder(os.path.dirname(directory))
        first.make_data(service, lease)
    _make_folder(directory)
    access.write_files(service)
    if is_running(service):
        return ()
    notes = _CHECKS[service.check](service, at)
    access.take_step(service, lease)
    return (*taken, *notes, *_left_behind(directory)) if is_new else notes


def refuse_unusable(service: Service) -> None:
    """Raise the errors of `prepare_data` about existing data; nothing is created or changed."""
    refuse_read_only(service.data)
    if os.path.lexists(service.data) and not os.path.isdir(service.data):
        raise machine_error(FileExistsError(errno.EEXIST, os.strerror(errno.EEXIST), service.data), service.data)
    if is_running(service):
        return
    first.refuse_other_content(service)
    if os.path.isdir(service.data):
        _REFUSALS[service.check](service)
    else:
        majors.refuse_other(service, _READABLE[service.check])


def plan_data(service: Service) -> str:
    """Return in words what `prepare_data` would create; "" for nothing. Raises the errors of `refuse_unusable`."""
    refuse_unusable(service)
    if os.path.isdir(service.data):
        return "" if all(map(os.path.exists, made_once(service))) else "its database"
    return "" if _has_others(service.data) and is_running(service) else "its data directory"


def made_once(service: Service) -> Iterator[str]:
    """Yield the path of the file that is created with the data folder and never again, such as `mysql/db.frm`."""
    if service.first is not None:
        yield os.path.join(service.data, service.first.creates)


def made_before_start(service: Service) -> Iterator[str]:
    """Yield paths that must exist before a start because the server doesn't create them."""
    yield service.data
    yield from made_once(service)
    yield from access.made_before_start(service)
    if service.folder:
        yield service.folder


def _make_folder(directory: str) -> None:
    try:
        os.makedirs(directory, mode=0o700, exist_ok=True)
        os.chmod(directory, 0o700)  # independent of the umask
        if not os.access(directory, os.W_OK | os.X_OK):
            raise PermissionError(13, "Permission denied", directory)
    except OSError as error:
        raise machine_error(error, directory) from error


def _make_socket_folder(service: Service) -> None:
    """Create the folder for the socket of a server that chooses the socket's name itself."""
    if not service.folder:
        return
    try:
        make_socket_folders(service.spec.socket_folders, service.spec.socket_owner)
    except OSError as error:
        raise machine_error(error, service.folder) from error


def is_running(service: Service) -> bool:
    """Return whether a server, of this version or another, uses the data folder, whose files may change any time.

    Servers started by devboot hold the lock of their data folder; those of an earlier devboot answer on their socket.
    """
    folder = os.path.dirname(service.data)
    names = os.listdir(folder) if os.path.isdir(folder) else []
    if any(is_folder_held(os.path.join(folder, name)) for name in names):
        return True
    with socket.socket(socket.AF_UNIX) as probe:
        probe.settimeout(1.0)
        try:
            probe.connect(service.listens)
        except OSError:
            return False
    return True


def _has_others(directory: str) -> bool:
    """Return whether the folder with the data folders of all versions contains any."""
    parent = os.path.dirname(directory)
    return os.path.isdir(parent) and bool(os.listdir(parent))


def _left_behind(directory: str) -> tuple[str, ...]:
    parent, own = os.path.split(directory)
    others = sorted(
        name
        for name in os.listdir(parent)
        if name.rpartition("-")[0] != own.rpartition("-")[0] and os.listdir(os.path.join(parent, name))
    )
    return (f"starts empty: the data of {', '.join(others)} is kept in `{parent}`",) if others else ()
