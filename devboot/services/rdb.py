"""Checks whether a server can load its dump, for Redis and Valkey."""

from __future__ import annotations

import os

from devboot.errors import LockError, MachineError, shell_word
from devboot.model.data_files import DUMP_HEADER, DUMP_TRAILER, dump_format, is_dump_complete, reads_dumps_of
from devboot.model.printable import counted
from devboot.services.plan import Service

# Newest dump format that a version reads, as measured; other versions are only checked by the server itself
_READS = {("redis", "6.2"): 9, ("redis", "7.4"): 12, ("redis", "8.2"): 12, ("valkey", "9.1"): 80}


def check(service: Service) -> None:
    """Check that the server can read the dump in its data folder.

    Raises MachineError `<product>/data-unreadable` and LockError `<product>/data-too-new`.
    """
    dump = dump_of(service)
    if os.path.lexists(dump):
        _check_dump(service, dump)


def dump_of(service: Service) -> str:
    """Return the path of the server's dump, whether it exists or not."""
    return os.path.join(service.data, setting(service, "dbfilename", "dump.rdb"))


def newest_format(service: Service) -> int:
    """Return the newest dump format that the service's version reads; 0 if unknown."""
    return _READS.get((product_of(service), ".".join(service.version.split(".")[:2])), 0)


def setting(service: Service, name: str, default: str) -> str:
    """Return the first word of a setting in the server's arguments, or `default`."""
    arguments = service.spec.argv
    places = [at for at, word in enumerate(arguments[:-1]) if word.lower() == f"--{name}"]
    return arguments[places[-1] + 1] if places else default


def product_of(service: Service) -> str:
    """Return `redis` or `valkey`, from the name of the data folder."""
    return os.path.basename(service.data).rpartition("-")[0]


def unreadable(service: Service, path: str, cause: str) -> MachineError:
    """Return the error for data that the server can't read, with the command that renames it."""
    product = product_of(service)
    return MachineError(
        f"{product}/data-unreadable",
        f"{product} can't read its data, so it was not started",
        causes=[f"`{path}`: {cause}"],
        help=[f"mv {shell_word(path)} {shell_word(path + '.unreadable')}"],
        kept=[f"`{path}`, unchanged"],
    )


def _check_dump(service: Service, dump: str) -> None:
    if not os.path.isfile(dump):
        raise unreadable(service, dump, "it isn't a file")
    size = os.path.getsize(dump)
    with open(dump, "rb") as stream:
        header = stream.read(DUMP_HEADER)
        stream.seek(max(0, size - DUMP_TRAILER))
        trailer = stream.read(DUMP_TRAILER)
    written = dump_format(header)
    if written is None:
        raise unreadable(
            service, dump, f"it has {counted(size, 'byte')}" if size < DUMP_HEADER else "it has no header of a dump"
        )
    if not reads_dumps_of(product_of(service), written[0]):
        raise unreadable(service, dump, "it was written by Valkey, and Redis can't read Valkey's dumps")
    _refuse_newer(service, written[1])
    if not is_dump_complete(size, trailer):
        raise unreadable(service, dump, f"its end is missing: it was cut off at {counted(size, 'byte')}")


def _refuse_newer(service: Service, version: int) -> None:
    product = product_of(service)
    reads = newest_format(service)
    if not reads or version <= reads:
        return
    raise LockError(
        f"{product}/data-too-new",
        f"the data was written by a newer {product} than the locked {service.version}",
        causes=[f"the dump has format {version}, {product} {service.version} reads up to {reads}"],
        help=[f"devboot lock --update {product}"],
        kept=[f"`{service.data}`, unchanged"],
    )
