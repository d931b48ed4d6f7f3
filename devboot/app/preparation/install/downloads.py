"""Creates the objects for HTTP downloads: uv's network settings, files kept in this user's cache."""

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
    """Return an object that downloads into this user's cache; offline if uv is.

    Raises MachineError `machine/no-home`.
    """
    _, cache, _ = user_directories(uv.environ, lambda: passwd_home(os.getuid()))
    clock = Clock(time.monotonic, time.time, random.random)
    return Downloads(cache, network_of(uv.environ), clock, reporter, is_offline=uv.offline)


def make_registry(uv: Uv, downloads: Downloads) -> Registry:
    """Return the npm registry that is configured for the folder in which uv works."""
    return Registry(downloads, network_of(uv.environ), uv.environ, uv.folder)
