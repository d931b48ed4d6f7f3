"""Reads app.json, Heroku's description of an application: variables, servers, the command after a release."""

from __future__ import annotations

import posixpath
import re
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

from devboot.clone_reader import parse_json, table_in
from devboot.onboarding.proposal_values import Evidence
from devboot.onboarding.reading.dotenv import Variable
from devboot.onboarding.reading.tree import Tree

NAME = "app.json"
# Add-ons of Heroku → the server's name in compose files
_ADDONS = (
    (re.compile(r"redis|openredis|stackhero-redis"), "redis"),
    (re.compile(r"postgres"), "postgres"),
    (re.compile(r"cloudamqp|rabbitmq"), "rabbitmq"),
    (re.compile(r"mongo"), "mongo"),
    (re.compile(r"jawsdb|cleardb|mysql"), "mysql"),
    (re.compile(r"bonsai|searchbox|elasticsearch"), "elasticsearch"),
    (re.compile(r"memcach"), "memcached"),
)


@dataclass(frozen=True, slots=True)
class AppJson:
    """A parsed app.json.

    `values` are variables with a value, `secrets` those that Heroku generates, `servers` the add-ons.
    """

    path: str = NAME
    values: tuple[Variable, ...] = ()
    secrets: frozenset[str] = frozenset()
    servers: tuple[tuple[str, Evidence], ...] = ()
    after_release: tuple[str, Evidence] | None = None


def read_app_json(tree: Tree, root: str) -> AppJson:
    """Parse the app.json of a folder; an empty value if it is missing or can't be parsed."""
    path = posixpath.normpath(posixpath.join(root, NAME))
    text = tree.text(path) or "" if tree.exists(path) else ""
    try:
        data = parse_json(text or "{}")
    except ValueError:
        data = {}

    def line_of(word: str) -> int:
        return text.count("\n", 0, max(text.find(f'"{word}"'), 0)) + 1

    env = {name: each for name, each in table_in(data, "env").items() if isinstance(each, str | dict)}
    given = {name: each if isinstance(each, str) else each.get("value") for name, each in env.items()}
    command = table_in(data, "scripts").get("postdeploy")
    command = command.get("command") if isinstance(command, dict) else command
    return AppJson(
        path,
        tuple(Variable(name, str(value), path, line_of(name)) for name, value in given.items() if value),
        frozenset(name for name, each in env.items() if isinstance(each, dict) and each.get("generator") == "secret"),
        tuple((server, Evidence(path, line_of(plan))) for plan, server in _servers(data)),
        (command, Evidence(path, line_of("postdeploy"))) if isinstance(command, str) else None,
    )


def _servers(data: Any) -> Iterator[tuple[str, str]]:
    addons = data.get("addons") if isinstance(data, dict) else None
    for each in addons if isinstance(addons, list) else ():
        plan = each.get("plan") if isinstance(each, dict) else each
        kind = next((name for pattern, name in _ADDONS if isinstance(plan, str) and pattern.search(plan)), None)
        if kind is not None:
            yield str(plan), kind
