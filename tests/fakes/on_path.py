"""`devboot` on PATH, as it is where somebody has installed it: advice names it so."""

from __future__ import annotations

import os
import sys


def with_devboot(folder: str, path: str) -> str:
    """Return `path` with a folder below `folder` behind it that has `devboot`."""
    place = os.path.join(folder, ".on-path")
    os.makedirs(place, exist_ok=True)
    program = os.path.join(place, "devboot")
    with open(program, "w", encoding="utf-8") as file:
        file.write(f'#!/bin/sh\nexec {sys.executable} -m devboot "$@"\n')
    os.chmod(program, 0o755)
    return f"{path}:{place}"
