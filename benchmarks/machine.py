"""Describes the machine in words that say nothing about whose it is."""

from __future__ import annotations

import os
import platform


def describe() -> str:
    """`2 cores, Linux x86_64, Python 3.11, load 0.4`."""
    version = ".".join(platform.python_version_tuple()[:2])
    cores = os.cpu_count() or 1
    load = os.getloadavg()[0]
    return f"{cores} cores, {platform.system()} {platform.machine()}, Python {version}, load {load:.1f}"
