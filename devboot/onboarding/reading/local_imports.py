"""Follows the imports of a clone's modules to its other modules."""

from __future__ import annotations

import posixpath
import re
from collections.abc import Iterable, Iterator

from devboot.onboarding.reading.layout import Application
from devboot.onboarding.reading.tree import Tree


def followed(tree: Tree, app: Application, start: Iterable[str]) -> Iterator[str]:
    """Yield the files `start`, and those of all modules of the clone that they import, also indirectly."""
    waiting, seen = [*start], set[str]()
    while waiting:
        path = waiting.pop()
        if path not in seen:
            seen.add(path)
            yield path
            waiting += _local_imports(tree, app, path)


def _local_imports(tree: Tree, app: Application, path: str) -> Iterator[str]:
    for origin, names, plain in tree.imports(path):
        base = origin if origin.endswith(".") else f"{origin}."
        inner = (f"{base}{each.split(' as ')[0].strip()}" for each in names.strip("()").split(","))
        for target in [each.split(" as ")[0].strip() for each in plain.split(",")] if plain else [origin, *inner]:
            yield from module_files(tree, app, path, target)


def module_files(tree: Tree, app: Application, path: str, target: str) -> Iterator[str]:
    """Yield the file of the module `target`, imported by the file `path`, if the clone has it."""
    dots = len(target) - len(target.lstrip("."))
    inner = target.lstrip(".").replace(".", "/").strip()
    if not re.fullmatch(r"[\w/]*", inner):
        return
    folder = posixpath.dirname(path)
    for _ in range(dots - 1):
        folder = posixpath.dirname(folder)
    for base in (folder,) if dots else app.sources:
        stem = posixpath.normpath(posixpath.join(base or ".", inner))
        for candidate in (f"{stem}.py", f"{stem}/__init__.py"):
            if tree.exists(candidate):
                yield candidate
                return
