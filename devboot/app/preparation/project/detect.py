"""Detects what an application needs, limited to what this machine can provide."""

from __future__ import annotations

import datetime as dt
import importlib.util
import os
import shutil
import sys
from collections.abc import Mapping, Sequence
from contextlib import suppress
from functools import cached_property
from pathlib import Path

from devboot.errors import UsageError, shell_word
from devboot.model.artifact import LINUX_AARCH64, LINUX_X86_64, platform_of
from devboot.model.printable import printable
from devboot.state.project import LANDMARKS
from devboot.state.projects import MANIFEST

TYPE_CHECKING = False
if TYPE_CHECKING:
    from devboot.onboarding import Proposal
    from devboot.onboarding.frameworks.framework import Clone

_SHOWN, _ADVISED = 8, 3  # most clones named; most commands offered


class Detection:
    """Detection of what a folder's application needs; it runs once, when its result is first used."""

    def __init__(self, folder: str, environ: Mapping[str, str]) -> None:
        self._folder = folder
        self._environ = environ

    @cached_property
    def proposal(self) -> Proposal:
        """The proposed manifest for the application in the folder or below it.

        Raises UsageError `usage/several-projects`.
        """
        return detect_here(self._folder, self._environ, self._clone)

    @cached_property
    def _clone(self) -> Clone:
        return _look_here(self._folder, self._environ)

    def proposal_for(self, root: str) -> Proposal | None:
        """Return the proposed manifest if its `devboot.toml` would be in the folder `root`; else None.

        None also if the folder contains several projects. The code is evaluated only for a proposal in `root`.
        """
        try:
            return self.proposal if str(self._clone.root) == root else None
        except UsageError:
            return None


def detect_here(root: str, environ: Mapping[str, str], clone: Clone | None = None) -> Proposal:
    """Return the proposed manifest for the folder `root`; nothing is written.

    RabbitMQ is left out, with a warning, if no distribution has it: without it only workers wait. So are MongoDB and
    the like if py-rattler isn't installed: most projects start without. If a version isn't available for this platform,
    the nearest one is proposed. `clone` has what was read of the folder before. Raises UsageError
    `usage/several-projects`.
    """
    from devboot.git import last_change
    from devboot.onboarding import detect, with_date, with_versions_of, without_channels, without_rabbitmq

    proposal = detect(Path(root), environ=environ, clone=clone or _look_here(root, environ))
    folder = str(proposal.root)
    today = dt.datetime.now(tz=dt.UTC).date()
    proposal = with_date(proposal, today, lambda paths: last_change(paths, folder, environ))
    platform = platform_of(sys.platform, os.uname().machine)
    has_apt = has_debs(sys.platform, os.uname().machine, environ)
    if platform is not None:
        from devboot.app.this_machine import this_host

        has_debian = has_apt and this_host(sys.platform, os.uname().machine).distribution.startswith("debian-")
        has_npm = names_registry(environ, folder)
        proposal = with_versions_of(proposal, platform, has_debian=has_debian, has_npm=has_npm)
    if not has_apt:
        proposal = without_rabbitmq(proposal)
    return proposal if importlib.util.find_spec("rattler") else without_channels(proposal)


def _look_here(root: str, environ: Mapping[str, str]) -> Clone:
    from devboot.onboarding import look_around

    _refuse_several(root)
    return look_around(Path(root), environ=environ)


def names_registry(environ: Mapping[str, str], root: str) -> bool:
    """Return whether npm packages can be downloaded: npm is on PATH, or its registry is configured."""
    from devboot.sources.npmrc import load_npm_config

    has_program = shutil.which("npm", path=environ.get("PATH", "")) is not None
    return has_program or load_npm_config(environ, root).registry("npm") is not None


def _refuse_several(root: str) -> None:
    """Raise UsageError for a folder that only contains clones, which aren't one project."""
    if any(os.path.exists(os.path.join(root, name)) for name in (".git", *LANDMARKS)):
        return
    with suppress(OSError), os.scandir(root) as entries:
        clones = sorted(each.name for each in entries if os.path.exists(os.path.join(each.path, ".git")))
        if len(clones) > 1:
            raise _several(root, clones)


def _several(root: str, clones: Sequence[str]) -> UsageError:
    likely = [
        name
        for name in clones
        if any(os.path.exists(os.path.join(root, name, each)) for each in (*LANDMARKS, MANIFEST))
    ]
    shown = ", ".join(f"`{printable(name)}`" for name in clones[:_SHOWN])
    more = f" and {len(clones) - _SHOWN} more" if len(clones) > _SHOWN else ""
    return UsageError(
        "usage/several-projects",
        f"found {len(clones)} projects below this folder, but none in it",
        causes=[f"each of these folders is a clone: {shown}{more}"],
        help=[f"devboot -C {shell_word(name)} up" for name in (likely or clones)[:_ADVISED]],
        kept=["nothing was started or written"],
    )


def has_debs(system: str, machine: str, environ: Mapping[str, str]) -> bool:
    """Return whether Debian or Ubuntu packages are available; `system` and `machine` as in `os.uname()`."""
    has_apt = shutil.which("apt-get", path=environ.get("PATH", "")) is not None
    return has_apt and platform_of(system, machine) in (LINUX_X86_64, LINUX_AARCH64)
