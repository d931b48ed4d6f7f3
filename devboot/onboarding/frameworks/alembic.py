"""Alembic's own address of the database: where its file names one that isn't here, the task says another."""

from __future__ import annotations

import posixpath
import re
from collections.abc import Mapping
from dataclasses import replace

from devboot.onboarding.proposal_values import Task
from devboot.onboarding.reading.layout import Application
from devboot.onboarding.reading.tree import Tree
from devboot.paths import STATE_VARIABLE

_URL = re.compile(r"^sqlalchemy\.url\s*=\s*([a-z]+(?:\+\w+)?)://\S", re.MULTILINE)
_LOCATION = re.compile(r"^script_location\s*=\s*(\S+)", re.MULTILINE)
_HERE = re.compile(r"^[^#;\n]*%\(here\)", re.MULTILINE)  # a copy lies elsewhere
# What of env.py means that the file's address isn't the last word
_OVERRIDES = re.compile(
    r"sqlalchemy\.url[\"']\s*(?:,|\]\s*=)|create_(?:async_)?engine\(|get_url\(|DATABASE_UR[LI]", re.IGNORECASE
)
# What lies here isn't the application's: tests, examples, and what projects are made from
_OF_OTHERS = re.compile(r"(?:^|/)(?:tests?|examples?|docs?|templates)/|\{\{|\{%")


def environments(tree: Tree) -> list[str]:
    """The application's files that Alembic runs before any migration, known by the template beside them."""
    found = [path for path in tree.python_files() if posixpath.basename(path) == "env.py"]
    return [
        path
        for path in found
        if tree.exists(posixpath.join(posixpath.dirname(path), "script.py.mako")) and not _OF_OTHERS.search(path)
    ]


def redirected(tree: Tree, app: Application, task: Task, probes: Mapping[str, str]) -> Task:
    """The task with the address out of a variable, where the file's own would lead to another server.

    Alembic takes no address but out of its file, so it gets a copy. `probes` has values of variables as they were
    tried: one with the file's driver is taken.
    """
    path = task.evidence.path if task.evidence is not None else ""
    text = tree.text(path) or "" if posixpath.basename(path) == "alembic.ini" else ""
    named = _URL.search(text)
    variable = next((name for name, value in probes.items() if named and value.startswith(f"{named[1]}://")), None)
    if variable is None or _HERE.search(text) or _is_overridden(tree, path, text):
        return task
    folder = posixpath.normpath(posixpath.join(app.root, task.cwd))
    own = posixpath.relpath(path, folder)
    copy = f'"${STATE_VARIABLE}/alembic.ini"'
    # in the environment of awk, where other users don't see it as they do the words of a command
    changed = f'/^sqlalchemy.url/ {{ $0 = "sqlalchemy.url = " ENVIRON["{variable}"] }} 1'
    makes = f"(umask 077 && awk '{changed}' {own} > {copy})"
    plain = task.run.replace(f" -c {own}", "")
    program = "alembic.config" if "alembic.config" in plain else "alembic"
    return replace(task, run=f"{makes} && {plain.replace(program, f'{program} -c {copy}', 1)}")


def _is_overridden(tree: Tree, path: str, text: str) -> bool:
    location = _LOCATION.search(text)
    scripts = posixpath.normpath(posixpath.join(posixpath.dirname(path), location[1] if location else "alembic"))
    return bool(_OVERRIDES.search(tree.text(posixpath.join(scripts, "env.py")) or "create_engine("))
