"""How Flask's own command is told which application is meant, in the words that the installed Flask knows."""

from __future__ import annotations

import posixpath
import re
from collections.abc import Iterable
from dataclasses import dataclass, replace

from devboot.onboarding.proposal_values import Evidence, Process, Task, Variable
from devboot.onboarding.reading.layout import Application
from devboot.onboarding.reading.pins import held
from devboot.onboarding.reading.tree import Tree

_OPTION = re.compile(r"^flask --app (\S+) ")


def flask_name(tree: Tree, app: Application) -> str:
    """What `flask --app` is given; empty where Flask finds it by itself."""
    text = tree.text(posixpath.normpath(posixpath.join(app.folder, ".flaskenv"))) or ""
    if re.search(r"^\s*(?:export\s+)?FLASK_APP\s*=", text, re.MULTILINE):
        return ""
    plain = app.target.removesuffix("()")
    if plain in ("app", "application", "create_app", "make_app"):
        return "" if app.entry in ("app", "wsgi") else app.entry
    return f"{app.entry}:{plain}"


@dataclass(frozen=True, slots=True)
class Abilities:
    """What the Flask of a project knows: `--app` (since 2.2), names of modules in FLASK_APP (since 1.0)."""

    option: bool = True
    modules: bool = True


def abilities(tree: Tree, root: str, files: Iterable[str]) -> Abilities:
    """What the Flask that these files install knows; everything where they don't pin it."""
    found = held(tree, root, files, "flask")
    return Abilities(found.is_since((2, 2)), found.is_since((1, 0))) if found else Abilities()


def by_variable(
    processes: Iterable[Process], tasks: Iterable[Task], file: str = ""
) -> tuple[list[Process], list[Task], dict[str, Variable]]:
    """The same commands for a Flask that has no `--app`, and the variable that takes its place; `file` to name that."""
    env: dict[str, Variable] = {}

    def plain(command: str, evidence: Evidence | None) -> str:
        match = _OPTION.match(command)
        if match is None:
            if file and command.startswith("flask "):  # Flask looks for `app.py` and `wsgi.py` since 1.0 only
                env.setdefault("FLASK_APP", Variable("FLASK_APP", value=file, evidence=evidence))
            return command
        env.setdefault("FLASK_APP", Variable("FLASK_APP", value=file or match[1], evidence=evidence))
        return f"flask {command[match.end() :]}"

    found = [replace(each, command=plain(each.command, each.evidence) if each.command else None) for each in processes]
    return found, [replace(task, run=plain(task.run, task.evidence)) for task in tasks], env
