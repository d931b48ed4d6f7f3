"""Programs that run by themselves: scripts that serve, bots, and what the image of a clone starts."""

from __future__ import annotations

import posixpath
import re
import shlex
from collections.abc import Iterator

from devboot.clone_reader import parse_json
from devboot.onboarding.evaluation.machine import Need
from devboot.onboarding.evaluation.values import Place
from devboot.onboarding.layout import Application, cwd_of
from devboot.onboarding.proposal import Evidence, Process
from devboot.onboarding.serving import fixed_port
from devboot.onboarding.tree import Tree

_START = re.compile(r"(?im)^(CMD|ENTRYPOINT)[ \t]+((?:[^\n\\]|\\\n|\\.)*)")
_TOKEN = re.compile(r"""\b(?:getenv|environ\.get)\(\s*["'](\w*TOKEN)["']\s*\)""")
_RUNNER = re.compile(r"^(?:uv|poetry|pipenv|pdm)\s+run\s+(?:--\S+\s+)*")


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
    command, where = _of_image(tree, app) or ("", app.evidence)
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


def _of_image(tree: Tree, app: Application) -> tuple[str, Evidence] | None:
    """The Python program that the Dockerfile starts, where the clone has it."""
    path = posixpath.normpath(posixpath.join(app.root, "Dockerfile"))
    text = tree.text(path) or "" if tree.exists(path) else ""
    for start, command in _starts(text):
        script = re.match(r"python[\d.]*\s+(?:-u\s+)?(?:-m\s+([\w.]+)|([\w./-]+\.py))(?:\s|$)", command)
        if script is None:
            continue
        inner = script[2] or script[1].replace(".", "/") + ".py"
        places = [posixpath.normpath(posixpath.join(app.root, each)) for each in (inner, inner[:-3] + "/__main__.py")]
        if any(tree.exists(place) for place in places):
            line = text.count("\n", 0, start) + 1
            return re.sub(r"^python[\d.]*\s", "python ", command), Evidence(path, line)
    return None


def _starts(text: str) -> Iterator[tuple[int, str]]:
    """What an image's lines start, with their places: the last first, and ENTRYPOINT with CMD for its arguments."""
    lines = [(m.start(), m[1].upper(), m[2].replace("\\\n", " ").strip()) for m in _START.finditer(text)]
    entry = next((line for line in reversed(lines) if line[1] == "ENTRYPOINT" and line[2].startswith("[")), None)
    rest = next((line for line in reversed(lines) if line[1] == "CMD" and line[2].startswith("[")), None)
    if entry is not None and rest is not None:
        yield entry[0], _RUNNER.sub("", f"{_shell_form(entry[2])} {_shell_form(rest[2])}")
    for start, _, words in reversed(lines):
        yield start, _RUNNER.sub("", _shell_form(words))


def _shell_form(text: str) -> str:
    try:
        words = parse_json(text)
    except ValueError:
        return text
    return shlex.join(words) if isinstance(words, list) and all(isinstance(word, str) for word in words) else text
