"""Flask: an application object, run by Flask's own command, in the syntax of the installed version."""

import posixpath
import re
from collections.abc import Iterable, Mapping

from devboot.onboarding.frameworks.application_object import ApplicationObject
from devboot.onboarding.frameworks.framework import Clone
from devboot.onboarding.proposal_values import Evidence, Variable
from devboot.onboarding.reading.layout import Application
from devboot.onboarding.reading.pins import held
from devboot.onboarding.reading.tree import Tree

ADDS = "register_blueprint|add_url_rule|route|get|post"
_VARIABLE = "FLASK_APP"
_CALLS = re.compile(r"\bflask\s+(?!--app|-A)\w")


class Flask(ApplicationObject):
    """Recognises applications of Flask by their object, and proposes Flask's own server, which reloads changed code."""

    name = "flask"
    package = "flask"
    adds = ADDS
    has_context = True
    makers = frozenset({"Flask", "APIFlask"})
    makes = re.compile(
        r"(?<![.\w])(?:flask\.)?Flask[ \t]*\(|\bAPIFlask[ \t]*\(|^class \w+\((?:flask\.)?Flask\)", re.MULTILINE
    )

    def command(self, clone: Clone) -> str:
        """Return the command of Flask's own server."""
        return flask_command(clone, "run -p $PORT --reload")

    def completed(self, clone: Clone, command: str) -> str:
        """Return a `flask` command with the option that names the application, if it lacks one."""
        match = re.match(r"flask\s+(?!--app|-A)(.+)$", command)
        return flask_command(clone, match[1]) if match else command

    def variables(self, clone: Clone, commands: Iterable[str]) -> Mapping[str, Variable]:
        """Return FLASK_APP if a command runs `flask`, which otherwise wouldn't find the application."""
        lines = [entry.command for entry in clone.procfile.entries.values()] if clone.procfile else []
        is_told, example = has_option(clone), clone.files.examples.get(_VARIABLE)
        calls = any(
            _CALLS.search(each) and _VARIABLE not in each for each in (lines if is_told else (*commands, *lines))
        )
        if not calls or _VARIABLE in clone.files.committed:
            return {}
        name, where = flask_name(clone.tree, clone.app), clone.app.evidence
        if is_told and example is not None and example.text:
            name, where = example.text, Evidence(example.path, example.line)
        elif not is_told and not _takes_modules(clone):
            name = posixpath.relpath(clone.app.path, clone.app.folder)
        return {_VARIABLE: Variable(_VARIABLE, value=name, evidence=where)} if name else {}


def flask_command(clone: Clone, verb: str) -> str:
    """Return the command `flask VERB`, with the option that names the application if Flask doesn't find it."""
    name = flask_name(clone.tree, clone.app)
    program = "python -m flask" if _is_inside_package(clone.tree, clone.app) else "flask"
    return f"{program} --app {name} {verb}" if name and has_option(clone) else f"{program} {verb}"


def _is_inside_package(tree: Tree, app: Application) -> bool:
    """Return whether the application's folder is a package (has an `__init__.py`).

    The program `flask` then looks for modules above it, whereas `python -m` adds the folder.
    """
    is_beside = (posixpath.dirname(app.path) or ".") == app.folder
    return is_beside and tree.exists(posixpath.normpath(posixpath.join(app.folder, "__init__.py")))


def by_hand(clone: Clone, verb: str) -> str:
    """Return the `devboot run` command line that runs `flask VERB`, for messages."""
    name = flask_name(clone.tree, clone.app)
    before = f"{_VARIABLE}={name} " if name and not has_option(clone) else ""
    return f"{before}devboot run -- {flask_command(clone, verb)}"


def flask_name(tree: Tree, app: Application) -> str:
    """Return the value for `flask --app`; "" if Flask finds the application without it."""
    text = tree.text(posixpath.normpath(posixpath.join(app.folder, ".flaskenv"))) or ""
    if re.search(r"^[ \t]*(?:export\s+)?FLASK_APP\s*=", text, re.MULTILINE):
        return ""
    plain = app.target.removesuffix("()")
    if plain in ("app", "application", "create_app", "make_app"):
        return "" if app.entry in ("app", "wsgi") else app.entry
    return f"{app.entry}:{plain}"


def has_option(clone: Clone) -> bool:
    """Return whether the project's Flask version has the option `--app` (since 2.2)."""
    found = held(clone.tree, clone.app.root, clone.python.requirements, "flask")
    return found is None or found.is_since((2, 2))


def _takes_modules(clone: Clone) -> bool:
    """Return whether FLASK_APP may be a module's name in the project's Flask version (since 1.0)."""
    found = held(clone.tree, clone.app.root, clone.python.requirements, "flask")
    return found is None or found.is_since((1, 0))
