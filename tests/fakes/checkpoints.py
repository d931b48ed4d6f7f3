"""The names of all fail-points, read from the source so that a new one is covered the day it is written."""

from __future__ import annotations

import os
import re

import devboot
from devboot.provision.objects.tree import files_below

# Those that an `up` or `sync` of a project with packages, a program and a database passes at some time.
PROVISIONING = ("database/", "generation/", "profile/", "roots/", "store/", "venv/", "write/")


def checkpoints(package: str = "") -> list[str]:
    """The fail-points below `devboot/<package>`, sorted."""
    root = os.path.join(os.path.dirname(devboot.__file__), package)
    paths = [root] if os.path.isfile(root) else [os.path.join(root, name) for name in files_below(root)]
    found = set()
    for path in paths:
        if path.endswith(".py"):
            with open(path, encoding="utf-8") as stream:
                found.update(re.findall(r"fail_point\(\"([^\"]+)\"\)", stream.read()))
    return sorted(found)
