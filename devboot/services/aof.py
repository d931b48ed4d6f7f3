"""Append-only files of Redis and Valkey: prevents data loss when `appendonly` is switched on or off.

With `appendonly yes` a server reads only the append-only file, and starts empty if there is none, whatever the dump
contains; without it, it reads only the dump. A file next to them records which mode was used last.
"""

from __future__ import annotations

import os
import shutil
from collections.abc import Iterator

from devboot.errors import MachineError
from devboot.files import atomic_write, machine_error, move_aside, plain, sync_directory
from devboot.services import aof_repair
from devboot.services.plan import Service
from devboot.services.rdb import dump_of, product_of, setting, unreadable

LAST_MODE = ".appendonly"


def is_on(service: Service) -> bool:
    """Return whether the server has `appendonly yes`, so that it reads the append-only file rather than the dump."""
    return setting(service, "appendonly", "no").lower() == "yes"


def prepare(service: Service, at: float) -> tuple[str, ...]:
    """Bring the file that the server will read (dump or append-only file) up to date with the other; return messages.

    A repair that was killed is completed first. Raises MachineError `<product>/data-unreadable` and
    `<product>/would-lose-writes`.
    """
    aof_repair.complete(place_of(service))
    refuse_loss(service)
    mode = "yes" if is_on(service) else "no"
    last = _last_mode(service)
    files = tuple(_files(service))
    notes: tuple[str, ...] = ()
    if mode == "yes" and os.path.exists(dump_of(service)) and (last == "no" or not any(map(os.path.getsize, files))):
        notes = _take_over_dump(service, at)
    if mode != last:
        atomic_write(os.path.join(service.data, LAST_MODE), mode + "\n", mode=0o600)
    return notes


def refuse_loss(service: Service) -> None:
    """Raise the errors of `prepare`, changing nothing."""
    files = tuple(_files(service))
    _refuse_empty_base(service, files)
    _refuse_lost_manifest(service)
    if not is_on(service) and _last_mode(service) == "yes":
        _refuse_newer_log(service, files)


def refuse_newer_form(service: Service) -> None:
    """Raise `<product>/data-unreadable` if the latest data is in a form of append-only file for later versions."""
    parts = os.path.join(service.data, setting(service, "appenddirname", "appendonlydir"))
    if _last_mode(service) == "yes" and not _has_parts(service) and os.path.isdir(parts):
        raise unreadable(service, parts, "a later version has written its append-only files in a form of its own")


def _take_over_dump(service: Service, at: float) -> tuple[str, ...]:
    """Create the append-only file from the dump, as servers do; return messages."""
    target = place_of(service)
    moved = f", the old one is `{move_aside(target, at)}`" if os.path.lexists(target) else ""
    staged = target + ".new"
    try:
        _remove(staged)
        if _has_parts(service):
            _write_parts(service, staged)
        else:
            aof_repair.copy_contents(dump_of(service), staged)
        os.rename(staged, target)
        sync_directory(service.data)
    except OSError as error:
        raise machine_error(error, target) from error
    return (f"created the append-only file from the dump{moved}",)


def _write_parts(service: Service, folder: str) -> None:
    name = setting(service, "appendfilename", "appendonly.aof")
    os.mkdir(folder, 0o700)
    aof_repair.copy_contents(dump_of(service), os.path.join(folder, f"{name}.1.base.rdb"))
    atomic_write(os.path.join(folder, f"{name}.manifest"), f"file {name}.1.base.rdb seq 1 type b\n", mode=0o600)


def _remove(path: str) -> None:
    if os.path.isdir(path):
        shutil.rmtree(path)
    elif os.path.lexists(path):
        os.unlink(path)


def _refuse_newer_log(service: Service, files: tuple[str, ...]) -> None:
    dump, product = dump_of(service), product_of(service)
    written = max((os.stat(path).st_mtime for path in files if os.path.getsize(path)), default=0.0)
    saved = os.stat(dump).st_mtime if os.path.exists(dump) else 0.0
    if written <= saved:  # a server that is stopped properly saves the dump last
        return
    raise MachineError(
        f"{product}/would-lose-writes",
        f"without `appendonly`, {product} would lose data that is only in its append-only file",
        causes=["the dump is older: the server was killed, or `save` is switched off"],
        help=[
            f'settings = {{ appendonly = "yes" }}  # in [services.{service.spec.name}], until `devboot down` has saved'
        ],
        kept=[f"`{service.data}`, unchanged"],
    )


def _refuse_empty_base(service: Service, files: tuple[str, ...]) -> None:
    for path in files:
        if ".base." in os.path.basename(path) and not os.path.getsize(path):  # the server would treat it as no data
            raise unreadable(service, path, "it has 0 bytes")


def _refuse_lost_manifest(service: Service) -> None:
    """Raise an error if the parts of an append-only file lack their manifest, since the server would start empty."""
    place = place_of(service)
    manifest = os.path.join(place, setting(service, "appendfilename", "appendonly.aof") + ".manifest")
    if os.path.isdir(place) and os.listdir(place) and not os.path.exists(manifest) and _last_mode(service) == "yes":
        raise unreadable(service, place, "its manifest is missing")


def _files(service: Service) -> Iterator[str]:
    place = place_of(service)
    single = os.path.join(service.data, setting(service, "appendfilename", "appendonly.aof"))
    if os.path.isfile(single):  # also of Redis 6, which a later server converts itself
        yield single
    elif os.path.isdir(place):
        yield from (entry.path for entry in os.scandir(place) if not entry.name.endswith(".manifest"))


def place_of(service: Service) -> str:
    """Return the path of the append-only file, or of the folder with its parts, whether it exists or not."""
    if _has_parts(service):
        return os.path.join(service.data, setting(service, "appenddirname", "appendonlydir"))
    return os.path.join(service.data, setting(service, "appendfilename", "appendonly.aof"))


def _has_parts(service: Service) -> bool:
    return product_of(service) != "redis" or int(service.version.split(".")[0]) >= 7  # one file until Redis 6


def _last_mode(service: Service) -> str:
    try:
        with open(os.path.join(service.data, LAST_MODE), encoding="ascii", opener=plain) as stream:
            return stream.read().strip()
    except (OSError, ValueError):
        return ""
