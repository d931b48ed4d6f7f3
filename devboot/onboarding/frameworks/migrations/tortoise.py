"""Tortoise ORM: migrations by Aerich."""

from __future__ import annotations

import posixpath
import re
from collections.abc import Sequence

from devboot.onboarding.frameworks.framework import Clone, Framework
from devboot.onboarding.proposal_values import Evidence, Task
from devboot.onboarding.reading.layout import cwd_of
from devboot.onboarding.symbolic_eval.evaluate import Run


class Tortoise(Framework):
    """Proposes a task for migrations by Aerich, recognised by its table in pyproject.toml."""

    name = "tortoise"

    def tasks(self, clone: Clone, run: Run, databases: tuple[str, ...]) -> Sequence[Task]:  # noqa: ARG002 - its table says
        """Return the task `aerich upgrade`, or `aerich init-db` if there are no migrations yet."""
        app = clone.app
        path = posixpath.normpath(posixpath.join(app.root, "pyproject.toml"))
        text = clone.tree.text(path) or ""
        match = re.search(r"^\[tool\.aerich\]", text, re.MULTILINE)
        if match is None:
            return ()
        location = re.search(r"""^location\s*=\s*["']([^"']+)""", text[match.start() :], re.MULTILINE)
        folder = posixpath.normpath(posixpath.join(app.folder, location[1] if location else "migrations"))
        command = "aerich upgrade" if clone.tree.is_folder(folder) else "aerich init-db"
        inputs = (posixpath.relpath(folder, app.root) + "/**/*.py",)
        where = Evidence.at(path, match)
        return [Task("migrate", command, cwd_of(app), inputs, evidence=where)]
