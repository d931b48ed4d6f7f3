"""Installs wheels and apps into a folder by uv."""

from __future__ import annotations

from collections.abc import Mapping
from types import MappingProxyType

from devboot.model.artifact import Artifact
from devboot.record import Record
from devboot.uv.cached import lacking
from devboot.uv.client import Uv
from devboot.uv.packages import install_target

# The newest glibc that uv has a name for: the digest selects the file, the platform must only not exclude it
UV_PLATFORMS = {
    "linux-x86_64": "x86_64-manylinux_2_40",
    "linux-aarch64": "aarch64-manylinux_2_40",
    "macos-arm64": "aarch64-apple-darwin",
    "macos-x86_64": "x86_64-apple-darwin",
}


class Installation(Record):
    """What uv has to install: lines of a requirements file, for a Python minor version, with further variables."""

    requirements: str
    python_version: str
    variables: Mapping[str, str] = MappingProxyType({})


class InstalledByUv:
    """Base of sources that install with uv; `python` is the path of any interpreter, which uv requires."""

    kind = ""

    def __init__(self, uv: Uv, python: str) -> None:
        self._uv = uv
        self._python = python

    def installation(self, artifact: Artifact) -> Installation:
        """Return what uv has to install for an artifact; implemented by each source."""
        raise NotImplementedError

    def fetch(self, artifact: Artifact, platform: str, into: str) -> None:
        """Install an artifact into a folder, its digests verified; see `Source.fetch`."""
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
        """Return whether uv has every file in its cache; see `Caching.is_here`."""
        wanted = self.installation(artifact)
        options = ["--python-platform", UV_PLATFORMS[platform], "--python-version", wanted.python_version]
        return not lacking(
            self._uv,
            wanted.requirements.splitlines(),
            python=self._python,
            options=["--only-binary", ":all:", *options],
            variables=wanted.variables,
        )
