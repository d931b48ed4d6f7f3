"""Once-steps that must have run before the processes: migrations."""

from __future__ import annotations

import posixpath
import re
from dataclasses import replace

from devboot.onboarding.frameworks.framework import Clone
from devboot.onboarding.frameworks.known import TOOLS
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
    if release is not None or (tasks and not _begins_with_tables(clone, tasks[0])):
        return tasks
    found = next(once_commands(clone.tree, clone.app, clone.compose), None) if databases else None
    if found is None:
        return tasks
    command, where = found
    first = Task(
        "init",
        clone.framework.completed(clone, command),
        cwd_of(clone.app),
        (),
        depends_on=databases,
        evidence=where,
        once=True,
    )
    # What makes all tables as the code has them leaves nothing to migrate, unless it says so to the migrations
    stamps = any(clone.tree.mentions(path, ("stamp",)) for path in clone.tree.python_files() if not ASIDE.search(path))
    return [first, *(replace(each, depends_on=(*each.depends_on, "init")) for each in tasks if stamps)]


def _begins_with_tables(clone: Clone, task: Task) -> bool:
    """Whether migrations of Alembic's change tables that none of them makes, so that they fail on an empty database."""
    prefix = "" if clone.app.root == "." else f"{clone.app.root}/"
    folders = [posixpath.dirname(f"{prefix}{pattern}") for pattern in task.inputs if pattern.endswith("versions/*.py")]
    texts = [clone.tree.text(p) or "" for p in clone.tree.python_files() if posixpath.dirname(p) in folders]
    return any(map(_CHANGES.search, texts)) and not any(map(_MAKES.search, texts))


def _migrates(clone: Clone, command: str) -> bool:
    scripts = [word for word in command.split() if "/" in word or word.endswith((".sh", ".py"))]
    texts = (clone.tree.text(posixpath.normpath(posixpath.join(clone.app.root, word))) for word in scripts)
    return bool(MIGRATES.search(command)) or any(MIGRATES.search(text or "") for text in texts)
