"""Flask-Migrate and Flask-Alembic: migrations by a Flask command, or by the project's own script."""

from __future__ import annotations

import posixpath
import re
from collections.abc import Collection, Sequence
from shlex import quote

from devboot.onboarding.frameworks.framework import Clone, Framework
from devboot.onboarding.frameworks.web.flask import Flask, by_hand, flask_command, flask_name, has_option
from devboot.onboarding.proposal_values import Evidence, Note, Task
from devboot.onboarding.reading.layout import cwd_of, own_modules
from devboot.onboarding.reading.tree import Tree
from devboot.onboarding.symbolic_eval.evaluate import Run

_PACKAGES = frozenset({"flask-migrate", "flask-alembic"})
_ADDS_COMMAND = re.compile(r"""add_command\(\s*["']db["']\s*,\s*MigrateCommand""")
_MIGRATE = re.compile(r"\bMigrate\(|\bmigrate\.init_app\(")
_OF_TESTS = re.compile(r"(?:^|/)tests?/")


class FlaskMigrate(Framework):
    """Proposes a task for migrations by Flask-Migrate or Flask-Alembic."""

    name = "flask-migrate"

    def tasks(self, clone: Clone, run: Run, databases: tuple[str, ...]) -> Sequence[Task]:  # noqa: ARG002 - its folder says
        """Return the task `flask db upgrade`, if the clone has migrations."""
        tree, app = clone.tree, clone.app
        if not isinstance(clone.framework, Flask) or not _PACKAGES & clone.packages.keys():
            return ()
        env = next((p for p in tree.files() if p.endswith("migrations/env.py") and not _OF_TESTS.search(p)), None)
        if env is None:
            return ()
        folder = posixpath.dirname(env)
        directory = posixpath.relpath(folder, app.folder)
        verb = "db upgrade" + ("" if directory == "migrations" else f" -d {directory}")
        script = _script_that_migrates(tree)
        command = flask_command(clone, verb)
        if script:
            command = f"python {quote(posixpath.relpath(script, app.folder))} {verb}"
        inputs = (posixpath.relpath(folder, app.root) + "/versions/*.py",)
        return [Task("migrate", command, cwd_of(app), inputs, depends_on=databases, evidence=Evidence(env))]

    def tables(self, clone: Clone, databases: tuple[str, ...]) -> Task | None:
        """Return the task that creates all tables by SQLAlchemy and marks all migrations as applied."""
        if not isinstance(clone.framework, Flask) or "flask-migrate" not in clone.packages:
            return None
        name = flask_name(clone.tree, clone.app) if has_option(clone) else ""
        load = f"from flask.cli import ScriptInfo; app = ScriptInfo({repr(name) if name else ''}).load_app()"
        makes = "app.app_context().push(); app.extensions['migrate'].db.create_all()"
        command = f'python -c "{load}; {makes}" && {flask_command(clone, "db stamp head")}'
        where = clone.app.evidence
        return Task("tables", command, cwd_of(clone.app), (), depends_on=databases, evidence=where, once=True)

    def notes(self, clone: Clone, tasks: Collection[Task], databases: Collection[str]) -> Sequence[Note]:
        """Return a note about creating migrations, if the clone has none and nothing else creates the tables."""
        if not isinstance(clone.framework, Flask) or "flask-migrate" not in clone.packages or not databases:
            return ()
        ours = list(own_modules(clone.tree))
        makes = any(clone.tree.mentions(path, ("create_all(",)) for path in ours)
        if makes or any(task.name in ("migrate", "tables") for task in tasks):
            return ()
        command = by_hand(clone, "db init")
        text = f"the clone has no migrations, so tables are missing: `{command}`, then with `migrate`"
        return [Note(f"{text}, then with `upgrade`", clone.app.evidence)]


def _script_that_migrates(tree: Tree) -> str:
    """Return the project's script in the style of Flask-Script, if only that script configures migrations; else ""."""
    ours = list(own_modules(tree))
    scripts = [path for path in ours if tree.matches(path, _ADDS_COMMAND)]
    elsewhere = any(tree.matches(path, _MIGRATE) for path in ours if path not in scripts)
    return "" if elsewhere or not scripts else min(scripts, key=lambda path: (path.count("/"), path))
