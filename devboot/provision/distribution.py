"""Identifies the Linux distribution of this machine and its release."""

from __future__ import annotations

import os


def this_distribution(folder: str = "/etc") -> str:
    """Return the distribution and release, as `debian-13`, from `folder`/os-release; "" if one is missing."""
    try:
        with open(os.path.join(folder, "os-release"), encoding="utf-8", errors="replace") as stream:
            said = dict(line.rstrip("\n").split("=", 1) for line in stream if "=" in line)
    except OSError:
        return ""
    name, version = (said.get(key, "").strip("\"'") for key in ("ID", "VERSION_ID"))
    return f"{name}-{version}" if name and version else ""
