"""Variables that nobody writes down, since the image that production runs in has them."""

from __future__ import annotations

import posixpath
import re

from devboot.onboarding.proposal_values import Evidence, Variable
from devboot.onboarding.reading.tree import Tree

_NAME = "PYTHON_VERSION"
_FROM = re.compile(r"(?im)^FROM\s+(?:--\S+\s+)*(?:docker\.io/)?(?:library/)?python:(\d+(?:\.\d+)*)")
_INSISTS = re.compile(r"\benviron\s*\[\s*[\"']PYTHON_VERSION[\"']\s*\](?!\s*=[^=])")


def variables_of_image(tree: Tree, root: str) -> dict[str, Variable]:
    """PYTHON_VERSION as the official image sets it, where the code that was read fails without it."""
    path = posixpath.normpath(posixpath.join(root, "Dockerfile"))
    text = tree.text(path) or "" if tree.exists(path) else ""
    last = next(reversed(list(_FROM.finditer(text))), None)  # the stage that runs
    if last is None or not any(path.endswith(".py") and tree.matches(path, _INSISTS) for path in sorted(tree.read)):
        return {}
    return {_NAME: Variable(_NAME, value=last[1], evidence=Evidence(path, text.count("\n", 0, last.start()) + 1))}
