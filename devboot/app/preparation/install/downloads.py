"""Builds devboot's own HTTP downloads: uses uv's network settings, keeps files in this user's cache."""

from __future__ import annotations

import os
import random
import time

from devboot.events import Reporter
from devboot.paths import passwd_home, user_directories
from devboot.sources.npm import Registry
from devboot.sources.transfers.download import Clock, Downloads
from devboot.sources.transfers.network import network_of
from devboot.uv.client import Uv


def make_downloads(uv: Uv, reporter: Reporter) -> Downloads:
    """Return downloads into this user's cache, offline if uv is. Raises MachineError `machine/no-home`."""
    _, cache, _ = user_directories(uv.environ, lambda: passwd_home(os.getuid()))
    clock = Clock(time.monotonic, time.time, random.random)
    return Downloads(cache, network_of(uv.environ), clock, reporter, is_offline=uv.offline)


def make_registry(uv: Uv, downloads: Downloads) -> Registry:
    """Return the npm registry of the project in uv's folder."""
    return Registry(downloads, network_of(uv.environ), uv.environ, uv.folder)
