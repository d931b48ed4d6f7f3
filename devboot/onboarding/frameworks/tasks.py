"""Once-steps that must have run before the processes: migrations."""

from __future__ import annotations

import posixpath
import re

from devboot.onboarding.frameworks.framework import Clone
from devboot.onboarding.frameworks.known import TOOLS
from devboot.onboarding.proposal_values import Task
from devboot.onboarding.symbolic_eval.evaluate import Run

MIGRATES = re.compile(r"migrate|db upgrade|alembic\b.*upgrade|aerich|release-tasks|manage\.py\s+\w*migrat")


def find_tasks(clone: Clone, run: Run, databases: tuple[str, ...]) -> list[Task]:
    """Return the tasks of the framework, else of the first tool that has any; none where a `release:` migrates."""
    release = clone.procfile.release if clone.procfile is not None else None
    if release is not None and _migrates(clone, release.command):
        return []
    for each in (clone.framework, *TOOLS):
        tasks = each.tasks(clone, run, databases)
        if tasks:
            return list(tasks)
    return []


def _migrates(clone: Clone, command: str) -> bool:
    scripts = [word for word in command.split() if "/" in word or word.endswith((".sh", ".py"))]
    texts = (clone.tree.text(posixpath.normpath(posixpath.join(clone.app.root, word))) for word in scripts)
    return bool(MIGRATES.search(command)) or any(MIGRATES.search(text or "") for text in texts)
