"""Advanced Alchemy: Litestar's SQLAlchemy plugin, which adds migrations to the `litestar` command."""

from __future__ import annotations

import posixpath
from collections.abc import Sequence

from devboot.onboarding.frameworks.framework import Clone, Framework
from devboot.onboarding.frameworks.migrations.alembic import ELSEWHERE, environments
from devboot.onboarding.frameworks.web.litestar import Litestar
from devboot.onboarding.proposal_values import Evidence, Task
from devboot.onboarding.reading.layout import cwd_of
from devboot.onboarding.symbolic_eval.evaluate import Run

_TELLS_ALEMBIC = ("AlembicAsyncConfig(", "AlembicSyncConfig(")


class AdvancedAlchemy(Framework):
    """Proposes a task for migrations by Advanced Alchemy in applications of Litestar."""

    name = "advanced-alchemy"

    def tasks(self, clone: Clone, run: Run, databases: tuple[str, ...]) -> Sequence[Task]:  # noqa: ARG002 - the text shows it
        """Return the task that applies migrations with the `litestar` command."""
        tree, app = clone.tree, clone.app
        if not isinstance(clone.framework, Litestar) or self.name not in clone.packages:
            return ()
        env = next(iter(environments(tree)), None)
        ours = (path for path in tree.python_files() if not ELSEWHERE.search(path))
        if env is None or not any(tree.mentions(path, _TELLS_ALEMBIC) for path in ours):
            return ()
        command = f"litestar --app {app.entry}:{app.target.removesuffix('()')} database upgrade --no-prompt"
        inputs = (posixpath.relpath(posixpath.dirname(env), app.root) + "/versions/*.py",)
        return [Task("migrate", command, cwd_of(app), inputs, depends_on=databases, evidence=Evidence(env))]
