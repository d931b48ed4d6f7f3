"""Adds a task that creates missing folders for log files, without which the application fails."""

from __future__ import annotations

import posixpath
import re
import shlex
from collections.abc import Iterator
from dataclasses import replace
from pathlib import PurePosixPath

from devboot.onboarding.proposal_values import Evidence, Task
from devboot.onboarding.reading.layout import Application
from devboot.onboarding.reading.tree import Tree
from devboot.onboarding.symbolic_eval.evaluate import Run
from devboot.onboarding.symbolic_eval.values import HOLE, Value, fields_of

NAME = "folders"
_OPENS = re.compile(r"logging\.((?:handlers\.)?\w*FileHandler|basicConfig|config\.dictConfig)$")


def with_log_folders(tree: Tree, app: Application, run: Run, tasks: list[Task]) -> list[Task]:
    """Return the tasks, preceded by one that creates the folders of log files that the clone lacks."""
    found = {folder: place for folder, place in _folders(tree, app, run) if not tree.is_folder(folder)}
    if not found or any(task.name == NAME for task in tasks):
        return tasks
    command = shlex.join(["mkdir", "-p", *(posixpath.relpath(folder, app.root) for folder in found)])
    where = next(iter(found.values()))
    made = Task(NAME, command, evidence=where)  # no inputs, so it runs at each start: the logs may have been deleted
    return [made, *(replace(task, depends_on=(*task.depends_on, NAME)) for task in tasks)]


def _folders(tree: Tree, app: Application, run: Run) -> Iterator[tuple[str, Evidence | None]]:
    """Yield (folder, place) of log files that are always opened, unless the code creates the folder."""
    settings = run.names.get("LOGGING")
    places = {place.path for each in (settings, run.names.get("INSTALLED_APPS")) if each and (place := each.place)}
    if settings is not None and not any(_makes_folders(tree, path) for path in places):
        yield from _of_configuration(tree, app, settings, settings.place)
    for event in run.found.events:
        opens = _OPENS.match(event.name)
        if opens is None or event.maybe or (event.place and _makes_folders(tree, event.place.path)):
            continue
        if opens[1] == "config.dictConfig":
            yield from _of_configuration(tree, app, event.argument(0, "config"), event.place)
        else:
            name = event.argument(-1 if opens[1] == "basicConfig" else 0, "filename")
            yield from _folder(tree, app, name, event.argument(-1, "delay"), event.place)


def _of_configuration(
    tree: Tree, app: Application, value: Value | None, place: Evidence | None
) -> Iterator[tuple[str, Evidence | None]]:
    for handler in fields_of(fields_of(value).get("handlers")).values():
        fields = fields_of(handler)
        if "FileHandler" in str(fields.get("class", Value("")).data):
            yield from _folder(tree, app, fields.get("filename"), fields.get("delay"), place)


def _makes_folders(tree: Tree, path: str) -> bool:
    return any(word in (tree.text(path) or "") for word in ("mkdir", "makedirs"))


def _folder(
    tree: Tree, app: Application, name: Value | None, delay: Value | None, place: Evidence | None
) -> Iterator[tuple[str, Evidence | None]]:
    """Yield the folder of a log handler's file, with its place; nothing if the file isn't in the clone."""
    if name is None or (delay is not None and delay.data) or not isinstance(name.data, str | PurePosixPath):
        return
    text = str(name.data)
    inner = posixpath.relpath(text, str(tree.root)) if text.startswith("/") else posixpath.join(app.folder, text)
    folder = posixpath.dirname(posixpath.normpath(inner))
    if HOLE not in folder and not folder.startswith("..") and folder not in ("", "."):
        yield folder, place
