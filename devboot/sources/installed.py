"""What uv installs into a folder of its own: the one way in which wheels and apps are fetched."""

from __future__ import annotations

from collections.abc import Mapping
from types import MappingProxyType
from typing import NamedTuple

from devboot.model.artifact import Artifact
from devboot.uv.cached import lacking
from devboot.uv.client import Uv
from devboot.uv.packages import install_target

# The newest glibc that uv knows a name for: the digest picks the file, this only must not rule it out
UV_PLATFORMS = {
    "linux-x86_64": "x86_64-manylinux_2_40",
    "linux-aarch64": "aarch64-manylinux_2_40",
    "macos-arm64": "aarch64-apple-darwin",
    "macos-x86_64": "x86_64-apple-darwin",
}


class Installation(NamedTuple):
    """What to install: lines of a requirements file, for which minor version of Python, with which variables."""

    requirements: str
    python_version: str
    variables: Mapping[str, str] = MappingProxyType({})


class InstalledByUv:
    """A source by way of `uv`; `python` is any interpreter, since uv wants one. Each kind says what is installed."""

    kind = ""

    def __init__(self, uv: Uv, python: str) -> None:
        self._uv = uv
        self._python = python

    def installation(self, artifact: Artifact) -> Installation:
        """What the artifact is for uv."""
        raise NotImplementedError

    def fetch(self, artifact: Artifact, platform: str, into: str) -> None:
        """Install it as an installer would, digests checked; see `Source.fetch`."""
        wanted = self.installation(artifact)
        install_target(
            self._uv,
            into,
            wanted.requirements,
            python=self._python,
            platform=UV_PLATFORMS[platform],
            python_version=wanted.python_version,
            variables=wanted.variables,
        )

    def is_here(self, artifact: Artifact, platform: str) -> bool:
        """Whether uv has all of it in its cache; see `Caching.is_here`."""
        wanted = self.installation(artifact)
        options = ["--python-platform", UV_PLATFORMS[platform], "--python-version", wanted.python_version]
        return not lacking(
            self._uv,
            wanted.requirements.splitlines(),
            python=self._python,
            options=["--only-binary", ":all:", *options],
            variables=wanted.variables,
        )
