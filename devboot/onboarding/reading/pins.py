"""Reads version limits of a package from a project's lists and locks, without resolving anything."""

from __future__ import annotations

import posixpath
import re
from collections.abc import Iterable, Iterator
from typing import NamedTuple

from devboot.clone_reader import parse_json
from devboot.onboarding.reading.tree import Tree

_PLAIN = (".txt", ".in", ".pip")
_INCLUDE = re.compile(r"^[ \t]*(?:-r|--requirement)[ =]?\s*(\S+)", re.MULTILINE)


class Held(NamedTuple):
    """An upper limit of a package's version: operator (`==`, `~=`, `<=` or `<`), and (major, minor)."""

    operator: str
    version: tuple[int, int]

    def is_since(self, version: tuple[int, int]) -> bool:
        """Return whether the newest version that the limit admits is `version` or newer."""
        return self.version > version if self.operator == "<" else self.version >= version


def held(tree: Tree, root: str, files: Iterable[str], name: str) -> Held | None:
    """Return a package's limit in the first of these files that has one; lists that they include are searched, too."""
    found = (_held_in(path, text, name) for path, text in lists(tree, root, files))
    return next((each for each in found if each is not None), None)


def is_open(tree: Tree, root: str, files: Iterable[str], name: str) -> bool:
    """Return True if all files are requirements files (not locks) and none limits the version of package `name`."""
    bound = re.compile(rf"^[ \t]*{re.escape(name)}[ \t]*+(?:\[[^\]]*\])?[ \t]*[=<>!~@]", re.IGNORECASE | re.MULTILINE)
    found = lists(tree, root, files)
    return all(path.endswith(_PLAIN) and not bound.search(text) for path, text in found)


def lists(tree: Tree, root: str, files: Iterable[str]) -> Iterator[tuple[str, str]]:
    """Yield path and text of these files and, once each, of the lists that they include."""
    paths, seen = [posixpath.normpath(posixpath.join(root, each)) for each in files], set[str]()
    while paths:
        path = paths.pop(0)
        text = tree.text(path) or "" if path not in seen and tree.exists(path) else ""
        seen.add(path)
        yield path, text
        if path.endswith(_PLAIN):
            folder = posixpath.dirname(path)
            paths += [posixpath.normpath(posixpath.join(folder, each)) for each in _INCLUDE.findall(text)]


def _held_in(path: str, text: str, name: str) -> Held | None:
    if path.endswith("Pipfile.lock"):
        try:
            text = f"{name}{parse_json(text)['default'][name]['version']}"
        except (ValueError, LookupError, TypeError):
            return None
    elif path.endswith((".lock", "pylock.toml")):
        pattern = rf'^name = "{name}"\n(?:.*\n){{0,5}}?version = "()(\d+)\.(\d+)'
        return _found(re.search(pattern, text, re.IGNORECASE | re.MULTILINE))
    pattern = rf"^[ \t]*{name}[ \t]*+(?:\[[^\]]*\])?[ \t]*(==|~=|<=?)\s*(\d+)(?:\.(\d+))?"
    return _found(re.search(pattern, text, re.IGNORECASE | re.MULTILINE))


def _found(match: re.Match[str] | None) -> Held | None:
    return Held(match[1] or "==", (int(match[2]), int(match[3] or 0))) if match else None
