"""Programs that run by themselves: scripts that serve, bots, and what the image of a clone starts."""

from __future__ import annotations

import posixpath
import re
import shlex

from devboot.onboarding.frameworks.serving import fixed_port
from devboot.onboarding.proposal_values import Process
from devboot.onboarding.reading.image_commands import image_command
from devboot.onboarding.reading.layout import Application, cwd_of
from devboot.onboarding.reading.tree import Tree
from devboot.onboarding.symbolic_eval.machine import Need
from devboot.onboarding.symbolic_eval.values import Place

_TOKEN = re.compile(r"""\b(?:getenv|environ\.get)\(\s*["'](\w*TOKEN)["']\s*\)""")


def serving_script(tree: Tree, app: Application) -> Process | None:
    """The script that serves, where no framework with a command of its own is in use."""
    if not app.framework:
        return None
    here = cwd_of(app)
    path = posixpath.relpath(app.path, app.folder)
    is_inside = "." in app.entry
    if app.framework == "streamlit":
        # As a module it sees the folder in which it is started, too
        program = "python -m streamlit run" if is_inside else "streamlit run"
        command = f"{program} {shlex.quote(path)} --server.port $PORT --server.headless true"
    else:
        command = f"python -m {app.entry.removesuffix('.__main__')}" if is_inside else f"python {path}"
    return Process("web", command, here, fixed_port(app.framework, tree.module(app.path)), app.evidence)


def lone_program(tree: Tree, app: Application) -> list[Process]:
    """The one program of a clone in which nothing serves and no library's worker is due: its image's, or a bot."""
    name = "bot" if app.path else "app"
    command, where = image_command(tree, app) or ("", app.evidence)
    if app.path and not command:
        command = _started(tree, app)
    return [Process(name, command, cwd_of(app), None, where)] if command else []


def tokens_of_bot(tree: Tree, app: Application) -> list[Need]:
    """The variables that hold the token of a bot, which it can't do without."""
    if app.framework is not None or not app.path:
        return []
    text = tree.text(app.path) or ""
    return [
        Need(match[1], Place(app.path, text.count("\n", 0, match.start()) + 1), "is the bot's")
        for match in _TOKEN.finditer(text)
    ]


def _started(tree: Tree, app: Application) -> str:
    """How a module of the clone is run."""
    inner = posixpath.relpath(app.path, app.folder)
    module = inner.removesuffix(".py").replace("/", ".")
    if posixpath.basename(inner) == "__main__.py" and "/" in inner:
        return f"python -m {module.removesuffix('.__main__')}"
    is_package = "/" in inner and (
        "." in app.entry or re.search(r"^\s*from\s+\.", tree.text(app.path) or "", re.MULTILINE)
    )
    return f"python -m {module}" if is_package else f"python {inner}"
