"""Servers that a Procfile starts, and the requirements that bring them: often production's, in a list of their own."""

from __future__ import annotations

import posixpath
import re
from collections.abc import Mapping

from devboot.onboarding.reading.python import dependencies
from devboot.onboarding.reading.tree import Tree

# Program → distributions that bring it
_SERVERS = {
    "celery": ("celery",),
    "daphne": ("daphne",),
    "granian": ("granian",),
    "gunicorn": ("gunicorn",),
    "hypercorn": ("hypercorn",),
    "uvicorn": ("uvicorn",),
    "uwsgi": ("uwsgi", "pyuwsgi"),
    "waitress-serve": ("waitress",),
}
_LIST = re.compile(r"requirements?[\w.-]*\.(?:txt|pip)$")
_NOT_TO_RUN = re.compile(r"test|doc|lint|\bci\b", re.IGNORECASE)


def list_with_program(
    tree: Tree, root: str, chosen: tuple[str, ...], packages: Mapping[str, str], program: str
) -> str | None:
    """The smallest other list that brings a server which the chosen ones lack; None where none has to or can."""
    wanted = _SERVERS.get(program, ())
    is_listed = bool(chosen) and all(name.endswith((".txt", ".pip")) for name in chosen)
    if not is_listed or not wanted or any(name in packages for name in wanted):
        return None
    sizes = {}
    for path in _lists(tree, root):
        brought = dependencies(tree, root, (path,))
        if path not in chosen and any(name in brought for name in wanted):
            sizes[path] = len(brought)
    # Of two that bring as much the root one only includes the other
    return min(sizes, key=lambda path: (sizes[path], "/" not in path, path), default=None)


def server_of(program: str) -> str:
    """Return the distribution that brings a server by the name of its program; "" for other programs."""
    return _SERVERS.get(program, ("",))[-1]


def is_brought(program: str, packages: Mapping[str, str]) -> bool:
    """Whether one of these packages brings a program."""
    return any(name in packages for name in _SERVERS.get(program, ()))


def _lists(tree: Tree, root: str) -> list[str]:
    flat = [name for name in tree.in_folder(root) if _LIST.match(name)]
    inner = tree.in_folder(posixpath.normpath(posixpath.join(root, "requirements")))
    lists = [*flat, *(f"requirements/{name}" for name in inner if name.endswith((".txt", ".pip")))]
    return [path for path in lists if not _NOT_TO_RUN.search(posixpath.basename(path))]
