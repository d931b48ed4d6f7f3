"""Once-steps that must have run before the processes: migrations."""

from __future__ import annotations

import posixpath
import re
from dataclasses import replace

from devboot.onboarding.frameworks.framework import Clone
from devboot.onboarding.frameworks.known import TOOLS
from devboot.onboarding.frameworks.migrations.revisions import contradiction
from devboot.onboarding.proposal_values import Task
from devboot.onboarding.reading.layout import ASIDE, cwd_of
from devboot.onboarding.reading.once_commands import once_commands
from devboot.onboarding.symbolic_eval.evaluate import Run

MIGRATES = re.compile(r"migrate|db upgrade|alembic\b.*upgrade|aerich|release-tasks|manage\.py\s+\w*migrat")
_CHANGES = re.compile(
    r"\b(?:op|batch_op)\.(?:add_column|alter_column|drop_\w+|create_(?:index|foreign_key|unique\w+))\("
)
_MAKES = re.compile(r"\bcreate_table\(|\bcreate_all\(|\bop\.execute\(")


def find_tasks(clone: Clone, run: Run, databases: tuple[str, ...]) -> list[Task]:
    """Return the tasks of the framework, else of the first tool that has any; none where a `release:` migrates.

    The clone's own command for a new database counts where nothing migrates, and where migrations can't begin without.
    """
    release = clone.procfile.release if clone.procfile is not None else None
    if release is not None and _migrates(clone, release.command):
        return []
    tasks = next(filter(None, (list(each.tasks(clone, run, databases)) for each in (clone.framework, *TOOLS))), [])
    is_stuck = bool(tasks) and _fails_at_first(clone, tasks[0])
    if release is not None or (tasks and not is_stuck):
        return tasks
    if is_stuck and any(event.name.endswith(".create_all") for event in run.found.events):
        return []  # importing the application makes the tables
    first = _first_command(clone, databases) if databases else None
    if first is None:
        made = next(filter(None, (each.tables(clone, databases) for each in TOOLS)), None) if is_stuck else None
        return [made, *_after(made, tasks)] if made is not None else tasks
    # What makes all tables as the code has them leaves nothing to migrate, unless it says so to the migrations
    stamps = any(clone.tree.mentions(path, ("stamp",)) for path in clone.tree.python_files() if not ASIDE.search(path))
    return [first, *(_after(first, tasks) if stamps else ())]


def _first_command(clone: Clone, databases: tuple[str, ...]) -> Task | None:
    """The clone's own command for a new database."""
    command, where = next(once_commands(clone.tree, clone.app, clone.compose), ("", None))
    plain = clone.framework.completed(clone, command)
    here = cwd_of(clone.app)
    return Task("init", plain, here, (), depends_on=databases, evidence=where, once=True) if command else None


def _after(first: Task, tasks: list[Task]) -> list[Task]:
    return [replace(each, depends_on=(*each.depends_on, first.name)) for each in tasks]


def _fails_at_first(clone: Clone, task: Task) -> bool:
    """Whether migrations of Alembic's fail on an empty database."""
    return _begins_with_tables(clone, task) or any(
        contradiction(clone.tree, folder) is not None for folder in _folders(clone, task)
    )


def _folders(clone: Clone, task: Task) -> list[str]:
    """The folders with a task's revisions, relative to the tree."""
    prefix = "" if clone.app.root == "." else f"{clone.app.root}/"
    patterns = [pattern for pattern in task.inputs if pattern.endswith("versions/*.py")]
    return [posixpath.normpath(posixpath.dirname(f"{prefix}{pattern}")) for pattern in patterns]


def _begins_with_tables(clone: Clone, task: Task) -> bool:
    """Whether migrations of Alembic's change tables, and none of them makes any."""
    folders = _folders(clone, task)
    texts = [clone.tree.text(p) or "" for p in clone.tree.python_files() if posixpath.dirname(p) in folders]
    return any(map(_CHANGES.search, texts)) and not any(map(_MAKES.search, texts))


def _migrates(clone: Clone, command: str) -> bool:
    scripts = [word for word in command.split() if "/" in word or word.endswith((".sh", ".py"))]
    texts = (clone.tree.text(posixpath.normpath(posixpath.join(clone.app.root, word))) for word in scripts)
    return bool(MIGRATES.search(command)) or any(MIGRATES.search(text or "") for text in texts)
