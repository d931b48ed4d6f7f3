"""Chooses the tasks before the processes: migrations, or the clone's own command that creates tables."""

from __future__ import annotations

import posixpath
import re
from collections.abc import Iterable, Iterator
from dataclasses import replace

from devboot.onboarding.frameworks.framework import Clone
from devboot.onboarding.frameworks.known import TOOLS
from devboot.onboarding.frameworks.migrations.revisions import contradiction
from devboot.onboarding.proposal_values import Evidence, Task
from devboot.onboarding.reading.app_json import read_app_json
from devboot.onboarding.reading.commands import file_of, offered, plain_command
from devboot.onboarding.reading.containers.compose import Compose
from devboot.onboarding.reading.containers.image_commands import container_command, entry_script
from devboot.onboarding.reading.layout import Application, cwd_of, own_modules
from devboot.onboarding.reading.tree import Tree
from devboot.onboarding.symbolic_eval.evaluate import Run

_TARGETS = (
    *("init-db", "init_db", "initdb", "db-init", "create-db", "setup-db", "db", "database"),
    *("init", "bootstrap", "setup", "prepare", "seed", "dev", "start", "run"),
)
_PREPARES = re.compile(
    r"\b(?:init|create|setup|build|make|populate|seed)[-_ ]?(?:the[-_ ])?(?:all[-_ ])?(?:db|database|tables?|schema)\b"
    r"|\binitdb\b|\b(?:db|database|models?|tables?|schema)(?:\.py)?[ _.-](?:init|create|setup|seed)\b",
    re.IGNORECASE,
)
_APPLIES = re.compile(r"\bmigrat(?:e|es|ions?)\b|\b(?:upgrade|apply)\b", re.IGNORECASE)
_TOOL = re.compile(r"^(?:python -m )?(?:yoyo|piccolo|pem|caribou)\s")
_DESTROYS = re.compile(r"\b(?:drop|reset|flush|delete|destroy|recreate|truncate)\b", re.IGNORECASE)
_FLASK = re.compile(r"^(?:\w+=\S+\s+)*flask\s+(?:(?:--app|-A)[ =]\S+\s+)?(?P<verb>[\w-]+)(?:\s+(?P<rest>[\w-]+))?$")
_FRONT = re.compile(r"^(?:\w+=\S+\s+)+")
MIGRATES = re.compile(r"migrate|db upgrade|alembic\b.{0,200}upgrade|aerich|release-tasks|manage\.py\s+\w*migrat")
_CHANGES = re.compile(
    r"\b(?:op|batch_op)\.(?:add_column|alter_column|drop_\w+|create_(?:index|foreign_key|unique\w+))\("
)
_MAKES = re.compile(r"\bcreate_table\(|\bcreate_all\(|\bop\.execute\(")


def find_tasks(clone: Clone, run: Run, databases: tuple[str, ...]) -> list[Task]:
    """Return the tasks of the framework, or else of the first tool that has any; none if `release:` migrates.

    The clone's own command for a new database is used if there are no migrations, or if they can't begin without
    tables.
    """
    release = clone.procfile.release if clone.procfile is not None else None
    if release is not None and _migrates(clone, release.command):
        return []
    tasks = next(filter(None, (list(each.tasks(clone, run, databases)) for each in (clone.framework, *TOOLS))), [])
    is_stuck = bool(tasks) and _fails_at_first(clone, tasks[0])
    if release is not None or (tasks and not is_stuck):
        return tasks
    if is_stuck and any(event.name.endswith(".create_all") for event in run.found.events):
        return []  # importing the application creates the tables
    first = _first_command(clone, databases) if databases else None
    if first is None:
        made = next(filter(None, (each.tables(clone, databases) for each in TOOLS)), None) if is_stuck else None
        return [made, *_after(made, tasks)] if made is not None else tasks
    # A command that creates all tables replaces migrations, unless it also stamps them as done
    stamps = any(clone.tree.mentions(path, ("stamp",)) for path in own_modules(clone.tree))
    return [first, *(_after(first, tasks) if stamps else ())]


def _first_command(clone: Clone, databases: tuple[str, ...]) -> Task | None:
    """Return a task with the clone's own command for a new database; None if it has none."""
    command, where = next(once_commands(clone.tree, clone.app, clone.compose), ("", None))
    plain = clone.framework.completed(clone, command)
    here = cwd_of(clone.app)
    return Task("init", plain, here, (), depends_on=databases, evidence=where, once=True) if command else None


def _after(first: Task, tasks: list[Task]) -> list[Task]:
    return [replace(each, depends_on=(*each.depends_on, first.name)) for each in tasks]


def _fails_at_first(clone: Clone, task: Task) -> bool:
    """Return True if Alembic's migrations fail on an empty database."""
    return _begins_with_tables(clone, task) or any(
        contradiction(clone.tree, folder) is not None for folder in _folders(clone, task)
    )


def _folders(clone: Clone, task: Task) -> list[str]:
    """Return the folders with the migrations that a task applies, relative to the tree."""
    prefix = "" if clone.app.root == "." else f"{clone.app.root}/"
    patterns = [pattern for pattern in task.inputs if pattern.endswith("versions/*.py")]
    return [posixpath.normpath(posixpath.dirname(f"{prefix}{pattern}")) for pattern in patterns]


def _begins_with_tables(clone: Clone, task: Task) -> bool:
    """Return whether Alembic's migrations change tables but create none."""
    folders = _folders(clone, task)
    texts = [clone.tree.text(p) or "" for p in clone.tree.python_files() if posixpath.dirname(p) in folders]
    return any(map(_CHANGES.search, texts)) and not any(map(_MAKES.search, texts))


def _migrates(clone: Clone, command: str) -> bool:
    scripts = [word for word in command.split() if "/" in word or word.endswith((".sh", ".py"))]
    texts = (clone.tree.text(posixpath.normpath(posixpath.join(clone.app.root, word))) for word in scripts)
    return bool(MIGRATES.search(command)) or any(MIGRATES.search(text or "") for text in texts)


def once_commands(tree: Tree, app: Application, compose: Compose) -> Iterator[tuple[str, Evidence]]:
    """Yield (command, place) of the clone's commands that migrate, create tables, or load first data; likeliest first.

    Left out are commands that delete data, and those whose program is neither in the clone nor a known migration tool.
    """
    starts = (*_of_containers(tree, app, compose), *_of_entry_script(tree, app))
    for text, evidence in starts:
        plain = plain_command(text)
        if (
            _APPLIES.search(plain)
            and not _DESTROYS.search(plain)
            and (_TOOL.match(plain) or _is_here(tree, app, plain))
        ):
            yield plain, evidence
    for text, evidence in (
        *filter(None, [read_app_json(tree, app.root).after_release]),
        *starts,
        *offered(tree, app, _TARGETS),
    ):
        for command in re.split(r"\s*(?:&&|;)\s*", text):
            plain = plain_command(command)
            if _PREPARES.search(plain) and not _DESTROYS.search(plain) and _is_here(tree, app, plain):
                yield plain, evidence


def _of_entry_script(tree: Tree, app: Application) -> Iterable[tuple[str, Evidence]]:
    script = entry_script(tree, app)
    return [(text, Evidence(script.path, line)) for line, text in script.lines] if script else []


def _of_containers(tree: Tree, app: Application, compose: Compose) -> Iterable[tuple[str, Evidence]]:
    """Yield (command, place) of the commands that the clone's containers run, including those before their start."""
    for container in compose.containers:
        if container.is_built or container.mounts_all:
            for text, where in (*container.before, (container.command, container.evidence)):
                yield container_command(tree, replace(container, command=text), app.folder), where


def _is_here(tree: Tree, app: Application, command: str) -> bool:
    """Return whether the clone has the program of a command: a script, a module, a Flask command."""
    if file_of(tree, app, _FRONT.sub("", command)):
        return True
    match = _FLASK.match(command)
    if match is None:
        return False
    verb = match["rest"] or match["verb"]
    made = re.compile(
        rf"""command\(\s*(?:name\s*=\s*)?["']{re.escape(verb)}["']"""
        rf"""|\.command\([^()]*\)\s*(?:@[^\n]*\n\s*)*(?:async\s+)?def\s+{re.escape(verb.replace("-", "_"))}\("""
    )
    return any(tree.matches(path, made) for path in own_modules(tree))
