"""Installs Python servers with all their dependencies, each pinned by digest, into one folder with uv.

The folder is not a virtualenv, which would contain its own path and an interpreter: start scripts set PYTHONPATH
instead.
"""

from __future__ import annotations

from devboot.model.artifact import AppPin, Artifact
from devboot.sources.installed import Installation, InstalledByUv


class AppSource(InstalledByUv):
    """Source of apps: installs a server's Python packages for one minor version of Python."""

    kind = "app"

    def installation(self, artifact: Artifact) -> Installation:
        """Return the pins of an app for uv; see `InstalledByUv`."""
        return Installation(requirements_of(artifact.pins), artifact.python)


def requirements_of(pins: tuple[AppPin, ...]) -> str:
    """Return the pins as lines of a requirements file for `--require-hashes`."""
    return "".join(
        f"{pin.name}=={pin.version}"
        + (f" ; {pin.marker}" if pin.marker else "")
        + "".join(f" --hash={digest}" for digest in pin.hashes)
        + "\n"
        for pin in pins
    )
