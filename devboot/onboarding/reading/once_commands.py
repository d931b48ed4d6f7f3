"""Commands with which a clone's own files prepare it before it is started: tables, first data."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from dataclasses import replace

from devboot.onboarding.proposal_values import Evidence
from devboot.onboarding.reading.app_json import read_app_json
from devboot.onboarding.reading.commands import file_of, offered, plain_command
from devboot.onboarding.reading.compose import Compose
from devboot.onboarding.reading.image_commands import container_command, entry_script
from devboot.onboarding.reading.layout import ASIDE, Application
from devboot.onboarding.reading.tree import Tree

_TARGETS = (
    *("init-db", "init_db", "initdb", "db-init", "create-db", "setup-db", "db", "database"),
    *("init", "bootstrap", "setup", "prepare", "seed", "dev", "start", "run"),
)
_PREPARES = re.compile(
    r"\b(?:init|create|setup|build|make|populate|seed)[-_ ]?(?:the[-_ ])?(?:all[-_ ])?(?:db|database|tables?|schema)\b"
    r"|\binitdb\b|\b(?:db|database|models?|tables?|schema)(?:\.py)?[ _.-](?:init|create|setup|seed)\b",
    re.IGNORECASE,
)
_MIGRATES = re.compile(r"\bmigrat(?:e|es|ions?)\b|\b(?:upgrade|apply)\b", re.IGNORECASE)
_TOOL = re.compile(r"^(?:python -m )?(?:yoyo|piccolo|pem|caribou)\s")
_DESTROYS = re.compile(r"\b(?:drop|reset|flush|delete|destroy|recreate|truncate)\b", re.IGNORECASE)
_FLASK = re.compile(r"^(?:\w+=\S+\s+)*flask\s+(?:(?:--app|-A)[ =]\S+\s+)?(?P<verb>[\w-]+)(?:\s+(?P<rest>[\w-]+))?$")
_FRONT = re.compile(r"^(?:\w+=\S+\s+)+")


def once_commands(tree: Tree, app: Application, compose: Compose) -> Iterator[tuple[str, Evidence]]:
    """Yield commands that make tables or first data, the most deliberate first, each with the line that names it.

    What takes data away, or isn't in the clone, is left out.
    """
    starts = (*_of_containers(tree, app, compose), *_of_entry_script(tree, app))
    for text, evidence in starts:
        plain = plain_command(text)
        if (
            _MIGRATES.search(plain)
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
    """What containers of the clone run before they start, and those that do nothing else."""
    for container in compose.containers:
        if container.is_built or container.mounts_all:
            for text, where in (*container.before, (container.command, container.evidence)):
                yield container_command(tree, replace(container, command=text), app.folder), where


def _is_here(tree: Tree, app: Application, command: str) -> bool:
    """Whether the clone has what a command runs: a script, a module, a command of Flask's."""
    if file_of(tree, app, _FRONT.sub("", command)):
        return True
    match = _FLASK.match(command)
    if match is None:
        return False
    verb = match["rest"] or match["verb"]
    made = re.compile(
        rf"""command\(\s*(?:name\s*=\s*)?["']{re.escape(verb)}["']"""
        rf"""|\.command\([^)]*\)\s*(?:@[^\n]*\s*)*(?:async\s+)?def\s+{re.escape(verb.replace("-", "_"))}\("""
    )
    return any(tree.matches(path, made) for path in tree.python_files() if not ASIDE.search(path))
