"""Provides missing system libraries for uv's builds, from the distribution's packages or a conda channel."""

from __future__ import annotations

import shutil
from functools import partial

from devboot.app.preparation.install.artifact_sources import Sources
from devboot.app.preparation.install.provisioning import Machine, realise_here
from devboot.app.preparation.locking.distro import apt_of, cache_of
from devboot.events import Reporter
from devboot.model.artifact import Artifact, Wanted, digest_of_parts
from devboot.provision.libraries import LibraryStore, Locator, find_in_distribution
from devboot.provision.objects.realise import object_name
from devboot.provision.objects.roots import TemporaryRoots, hold_more_for_project
from devboot.provision.objects.store import StoreObject
from devboot.sources.conda import has_rattler, solve
from devboot.sources.debian.apt import ARCHITECTURES
from devboot.uv.client import Uv
from devboot.uv.system_libraries import SystemLibrary

_CHANNEL = "conda-forge"


def make_supply(uv: Uv, machine: Machine, root: str, reporter: Reporter) -> LibraryStore:
    """Return the supply of libraries for uv's builds; its store objects are kept for the project at `root`."""
    path = uv.environ.get("PATH", "")
    locators = [each for each in (_distribution(uv, machine, path), _channel(uv, machine)) if each is not None]
    return LibraryStore(
        locators,
        partial(_realised, uv, machine, root, reporter),
        lambda name: hold_more_for_project(machine.data, root, [name]),
        machine.host.platform,
        cache_of(uv),
        uv.environ,
        has_pkg_config=any(shutil.which(each, path=path) for each in ("pkg-config", "pkgconf")),
    )


def _distribution(uv: Uv, machine: Machine, path: str) -> Locator | None:
    platform = machine.host.platform
    if platform not in ARCHITECTURES or shutil.which("apt-get", path=path) is None:
        return None
    return Locator("/usr", lambda library: find_in_distribution(library, apt_of(uv)(platform, "").show))


def _channel(uv: Uv, machine: Machine) -> Locator | None:
    if not has_rattler():
        return None
    return Locator("", partial(_find_in_channel, uv, machine.host.platform))


def _find_in_channel(uv: Uv, platform: str, library: SystemLibrary) -> tuple[Artifact, str] | None:
    if not library.conda:
        return None
    solved = solve(_CHANNEL, library.conda, platform, cache_of(uv), is_offline=uv.offline)
    size = sum(part.size for part in solved.files)
    digest = digest_of_parts(solved.files)
    file = next(part.file for part in solved.files if part.name == library.conda)
    artifact = Artifact(
        "conda", library.conda, solved.version, file, digest, size, files=solved.files, address=_CHANNEL
    )
    return artifact, solved.version


def _realised(uv: Uv, machine: Machine, root: str, reporter: Reporter, wanted: Wanted) -> StoreObject:
    with TemporaryRoots(machine.data) as roots:
        found = realise_here(machine, Sources(uv), wanted, roots, reporter)
        hold_more_for_project(machine.data, root, [object_name(wanted)])
    return found
