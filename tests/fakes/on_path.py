"""`devboot` on PATH, as it is where somebody has installed it: advice names it so."""

from __future__ import annotations

import os

_PLACE = os.path.join(os.path.dirname(os.path.abspath(__file__)), "on_path_bin")


def with_devboot(path: str) -> str:
    """Return `path` with a folder behind it that has `devboot`."""
    return f"{path}:{_PLACE}"
