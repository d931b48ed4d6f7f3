"""Data directories: made for the user alone, and looked at before a server gets them."""

from __future__ import annotations

import os
import socket
from collections.abc import Callable, Iterator

from devboot.files import machine_error
from devboot.locks import is_folder_held
from devboot.paths import make_socket_folders
from devboot.services import access, aof, first, majors, rdb
from devboot.services.plan import Service
from devboot.uv.child import Lease


def _check_rdb(service: Service, at: float) -> tuple[str, ...]:
    rdb.check(service)
    return aof.prepare(service, at)


def _is_readable(service: Service) -> None:
    rdb.check(service)
    aof.refuse_newer_form(service)


_READABLE: dict[str, Callable[[Service], object]] = {"": lambda _service: None, "rdb": _is_readable}
_CHECKS: dict[str, Callable[[Service, float], tuple[str, ...]]] = {"": lambda _service, _at: (), "rdb": _check_rdb}


def prepare_data(service: Service, at: float = 0.0, lease: Lease | None = None) -> tuple[str, ...]:
    """Make the data directory (0700), check what stands in it, and return what the user should hear.

    `at` is wall-clock seconds, for names of what is moved aside; `lease` records the steps that run. A service that is
    running is left alone. Raises MachineError where the directory can't be made or written, and what the recipe's check
    raises: a server is never started over data that it can't read, since it would begin with nothing and save that.
    """
    directory = service.data
    is_new = not os.path.isdir(directory)
    if is_new and _has_others(directory) and is_running(service):  # whose data is taken over once it has stopped
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


def made_once(service: Service) -> Iterator[str]:
    """The file of the data directory that only a first-time step makes: another one, another database."""
    if service.first is not None:
        yield os.path.join(service.data, service.first.creates)


def made_before_start(service: Service) -> Iterator[str]:
    """Files and folders without which the server can't start, and which it doesn't make itself."""
    yield service.data
    yield from made_once(service)
    yield from access.made_before_start(service)
    if service.folder:
        yield service.folder


def _make_folder(directory: str) -> None:
    try:
        os.makedirs(directory, mode=0o700, exist_ok=True)
        os.chmod(directory, 0o700)  # whatever the umask was
        if not os.access(directory, os.W_OK | os.X_OK):
            raise PermissionError(13, "Permission denied", directory)
    except OSError as error:
        raise machine_error(error, directory) from error


def _make_socket_folder(service: Service) -> None:
    """For servers that choose the socket's name themselves."""
    if not service.folder:
        return
    try:
        make_socket_folders(service.spec.socket_folders, service.spec.socket_owner)
    except OSError as error:
        raise machine_error(error, service.folder) from error


def is_running(service: Service) -> bool:
    """Whether a server works on the data, of this version or another: its files are changing under our eyes then.

    Each server that devboot starts holds the lock of its folder; one of an earlier devboot answers on its socket.
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
    """Return whether there is data of another version; without any, what still runs is of a deleted folder."""
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
