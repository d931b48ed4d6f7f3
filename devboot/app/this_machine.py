"""Describes this machine in the terms of locks and wheels: platform, glibc, distribution."""

from __future__ import annotations

import os
from functools import cache

from devboot.errors import LockError
from devboot.model.artifact import platform_of
from devboot.provision.distribution import this_distribution
from devboot.provision.host import Host, parse_floor


@cache
def this_host(system: str, machine: str) -> Host:
    """Return this machine's platform, glibc and distribution; `system` is `sys.platform`, `machine` of `os.uname()`.

    Raises LockError `lock/no-platform` if no lock covers it.
    """
    platform = platform_of(system, machine)
    if platform is None:
        raise LockError(
            "lock/no-platform",
            f"devboot doesn't support {system} on {machine}",
            causes=["locks cover Linux and macOS on x86_64 and arm64"],
            help=["devboot explain lock/no-platform"],
        )
    try:
        libc = os.confstr("CS_GNU_LIBC_VERSION") or ""
    except (ValueError, OSError):  # musl, macOS
        libc = ""
    glibc = parse_floor(libc.rpartition(" ")[2]) if libc.startswith("glibc ") else None
    return Host(platform, glibc, this_distribution())
