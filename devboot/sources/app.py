"""Python servers with all that they need, each distribution pinned by digest, installed by uv into one folder.

The folder is not a virtualenv, which would name its own place and an interpreter: scripts set PYTHONPATH instead.
"""

from __future__ import annotations

from devboot.model.artifact import AppPin, Artifact
from devboot.sources.installed import Installation, InstalledByUv


class AppSource(InstalledByUv):
    """Apps: everything that one needs with the minor version `python` of its artifact."""

    kind = "app"

    def installation(self, artifact: Artifact) -> Installation:
        """See `InstalledByUv`."""
        return Installation(requirements_of(artifact.pins), artifact.python)


def requirements_of(pins: tuple[AppPin, ...]) -> str:
    """The pins as lines for `--require-hashes`."""
    return "".join(
        f"{pin.name}=={pin.version}"
        + (f" ; {pin.marker}" if pin.marker else "")
        + "".join(f" --hash={digest}" for digest in pin.hashes)
        + "\n"
        for pin in pins
    )
