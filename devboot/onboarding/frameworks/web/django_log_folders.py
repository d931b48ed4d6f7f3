"""Folders for the logs that Django's settings open files in: git keeps no empty folder, and nothing starts without."""

from __future__ import annotations

import posixpath
import shlex
from collections.abc import Iterator
from dataclasses import replace
from pathlib import PurePosixPath

from devboot.onboarding.proposal_values import Task
from devboot.onboarding.reading.layout import Application
from devboot.onboarding.reading.tree import Tree
from devboot.onboarding.symbolic_eval.evaluate import Run
from devboot.onboarding.symbolic_eval.values import HOLE, Value, fields_of

NAME = "folders"


def with_log_folders(tree: Tree, app: Application, run: Run, tasks: list[Task]) -> list[Task]:
    """The tasks after one that makes the folders, where the clone lacks any."""
    folders = tuple(dict.fromkeys(_missing(tree, app, run)))
    value = run.names.get("LOGGING")
    if not folders or value is None or any(task.name == NAME for task in tasks):
        return tasks
    where = value.place
    command = shlex.join(["mkdir", "-p", *(posixpath.relpath(folder, app.root) for folder in folders)])
    made = Task(NAME, command, evidence=where)  # without inputs: at each start, since somebody may clear logs away
    return [made, *(replace(task, depends_on=(*task.depends_on, NAME)) for task in tasks)]


def _missing(tree: Tree, app: Application, run: Run) -> Iterator[str]:
    value = run.names.get("LOGGING")
    handlers = fields_of(fields_of(value).get("handlers"))
    places = {place.path for each in (value, run.names.get("INSTALLED_APPS")) if each and (place := each.place)}
    if any(word in (tree.text(path) or "") for path in places for word in ("mkdir", "makedirs")):
        return  # the settings make them
    for handler in handlers.values():
        folder = _folder(tree, app, handler)
        if folder and not tree.is_folder(folder):
            yield folder


def _folder(tree: Tree, app: Application, handler: Value) -> str:
    """The folder of a handler's file, relative to the tree; empty where it opens none in the clone."""
    fields = fields_of(handler)
    kind, name, delay = fields.get("class"), fields.get("filename"), fields.get("delay")
    if kind is None or "FileHandler" not in str(kind.data) or name is None or (delay is not None and delay.data):
        return ""
    text = str(name.data)
    if HOLE in text or not isinstance(name.data, str | PurePosixPath):
        return ""
    inner = posixpath.relpath(text, str(tree.root)) if text.startswith("/") else posixpath.join(app.folder, text)
    folder = posixpath.dirname(posixpath.normpath(inner))
    return "" if inner.startswith("..") or folder in ("", ".") else folder
