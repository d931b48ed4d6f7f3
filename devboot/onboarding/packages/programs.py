"""Finds packages of programs that commands start, and of libraries that the programs' options need."""

from __future__ import annotations

import posixpath
import re
from collections.abc import Iterable, Mapping

from devboot.model.distributions import distributions_table
from devboot.onboarding.reading.layout import ASIDE
from devboot.onboarding.reading.python import dependencies
from devboot.onboarding.reading.tree import Tree

_SERVERS: Mapping[str, list[str]] = distributions_table()["servers"]
# Options that need another library
_OPTIONS = re.compile(
    r"\bcelery\b.*\s(?:-P\s*|--pool[ =])(?P<pool>eventlet|gevent)\b"
    r"|\bgunicorn\b.*\s(?:-k\s*|--worker-class[ =])(?P<kind>eventlet|gevent|uvicorn)\b"
)
_SETTINGS = ("worker_pool", "CELERY_WORKER_POOL", "CELERYD_POOL")
_SET = re.compile(rf"""^[^#\n]*\b(?:{"|".join(_SETTINGS)})["']?\s*[=:]\s*["'](eventlet|gevent)["']""", re.MULTILINE)
_RELOADS = re.compile(r"\buvicorn\b.*\s--reload\b(?!-)")
_RUNS_RELOADING = re.compile(r"^[^#\n]*\buvicorn\.run\([^()]*\breload\s*=\s*True", re.MULTILINE)
_LIST = re.compile(r"requirements?[\w.-]*\.(?:txt|pip)$")
_NOT_TO_RUN = re.compile(r"test|doc|lint|\bci\b", re.IGNORECASE)


def list_with_program(
    tree: Tree, root: str, chosen: tuple[str, ...], packages: Mapping[str, str], program: str
) -> str | None:
    """Return the smallest other list with the server `program`, which the chosen lists lack; None if there is none."""
    wanted = _SERVERS.get(program, ())
    is_listed = bool(chosen) and all(name.endswith((".txt", ".pip")) for name in chosen)
    if not is_listed or not wanted or any(name in packages for name in wanted):
        return None
    sizes = {}
    for path in _lists(tree, root):
        brought = dependencies(tree, root, (path,))
        if path not in chosen and any(name in brought for name in wanted):
            sizes[path] = len(brought)
    # Of two lists of the same size, the one in the root only includes the other
    return min(sizes, key=lambda path: (sizes[path], "/" not in path, path), default=None)


def libraries_of_options(tree: Tree, commands: Iterable[str], packages: Mapping[str, str]) -> set[str]:
    """Return packages needed by options of servers and workers, or by Celery's settings, that no list has."""
    found = {match["pool"] or match["kind"] for each in commands for match in _OPTIONS.finditer(each)}
    for path in tree.python_files() if "celery" in packages else ():
        match = (
            _SET.search(tree.text(path) or "") if tree.mentions(path, _SETTINGS) and not ASIDE.search(path) else None
        )
        found |= {match[1]} if match else set()
    return found - packages.keys()


def watcher_of_reloads(tree: Tree, entry: str, commands: Iterable[str], packages: Mapping[str, str]) -> str:
    """Return "watchfiles" if uvicorn reloads without it, by polling every file (also in `.venv`); else ""."""
    reloads = any(map(_RELOADS.search, commands)) or _RUNS_RELOADING.search(tree.text(entry) or "") if entry else False
    return "watchfiles" if reloads and "watchfiles" not in packages else ""


def server_of(program: str) -> str:
    """Return the package that contains a server program; "" for other programs."""
    return _SERVERS.get(program, [""])[-1]


def is_brought(program: str, packages: Mapping[str, str]) -> bool:
    """Return True if one of the `packages` installs the program, such as `gunicorn`."""
    return any(name in packages for name in _SERVERS.get(program, ()))


def _lists(tree: Tree, root: str) -> list[str]:
    flat = [name for name in tree.in_folder(root) if _LIST.match(name)]
    inner = tree.in_folder(posixpath.normpath(posixpath.join(root, "requirements")))
    lists = [*flat, *(f"requirements/{name}" for name in inner if name.endswith((".txt", ".pip")))]
    return [path for path in lists if not _NOT_TO_RUN.search(posixpath.basename(path))]
