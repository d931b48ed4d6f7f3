"""Recognises frameworks whose applications are objects in a module, which a server loads by name."""

from __future__ import annotations

import ast
import posixpath
import re
from collections.abc import Iterator, Mapping

from devboot.onboarding.frameworks.framework import NEVER, Candidate, Clone, Framework
from devboot.onboarding.proposal_values import Evidence, Process
from devboot.onboarding.reading.layout import Application, application_at, cwd_of, find_in_modules, own_modules
from devboot.onboarding.reading.tree import Tree, parse_python

ENTRY_NAMES = (
    "main.py", "app.py", "asgi.py", "server.py", "api.py", "wsgi.py", "application.py", "run.py", "__init__.py",
)  # fmt: skip
_BRING_WATCHFILES = frozenset(
    {
        "watchfiles",
        "uvicorn[standard]",
        "fastapi[standard]",
        "fastapi[all]",
        "fastapi-cli[standard]",
        "litestar[standard]",
    }
)
_WIRED = re.compile(r"include_router|register_blueprint|uvicorn\.run|\.mount\(")
_FACTORY = re.compile(r"(?:create|make|get|build)_?\w*(?:app|application)\w*\(\)|create_app")


class ApplicationObject(Framework):
    """A framework whose application is an object in a module, or the result of a factory function.

    `makers` are the classes of the object. `makes` matches a module that creates one; `adds` matches a call that adds
    pages, for a framework whose applications are created in one module and completed in another.
    """

    makers: frozenset[str]
    makes: re.Pattern[str]
    adds: str = ""

    def applications(self, tree: Tree) -> Iterator[Candidate]:
        """Yield the application objects that modules create, and the factory functions."""
        words = tuple(sorted(self.makers))
        for path in own_modules(tree):
            text = (tree.text(path) or "") if tree.mentions(path, words) and tree.matches(path, self.makes) else ""
            for target, line in _targets(text, self.makers):
                app = application_at(tree, self.name, Evidence(path, line), target)
                yield Candidate(_rank(path, text, target), app)

    def entry(self, tree: Tree, app: Application) -> Application:
        """Return the application in the module to load: that which calls the factory, or adds pages to the object."""
        if app.target.endswith("()"):
            return _holder(tree, app)
        return _completed(tree, app, self.adds) if self.adds else app

    def web(self, clone: Clone) -> Process | None:
        """Return the server's process with reloading.

        Devboot watches files if the server would poll all, also in `.venv`.
        """
        command, cwd = self.command(clone), cwd_of(clone.app)
        plain = command.removesuffix(" --reload")
        watch: tuple[str, ...] = ()
        if command.startswith("uvicorn ") and plain != command and not _is_notified(clone.packages):
            command, watch = plain, (posixpath.normpath(posixpath.join(cwd, "**/*.py")),)
        return Process("web", command, cwd, None, clone.app.evidence, watch=watch)

    def command(self, clone: Clone) -> str:
        """Return the server's command: uvicorn's, or hypercorn's if only that is installed."""
        servers, packages = {"uvicorn", "fastapi-cli"}, clone.packages
        return hypercorn(clone.app) if "hypercorn" in packages and not servers & packages.keys() else uvicorn(clone.app)


def _is_notified(packages: Mapping[str, str]) -> bool:
    """Return whether watchfiles is installed with uvicorn, which would otherwise poll every file for changes."""
    extras = {f"{name}[{extra}]" for name, some in packages.items() for extra in some.split(",")}
    return bool(_BRING_WATCHFILES & (extras | packages.keys()))


def uvicorn(app: Application) -> str:
    """Return the uvicorn command for an application."""
    factory = " --factory" if app.target.endswith("()") else ""
    return f"uvicorn {app.entry}:{app.target.removesuffix('()')}{factory} --host 127.0.0.1 --port $PORT --reload"


def hypercorn(app: Application) -> str:
    """Return the hypercorn command for an application."""
    return f"hypercorn {_quoted(app)} --bind 127.0.0.1:$PORT --reload"


def gunicorn(app: Application) -> str:
    """Return the gunicorn command for an application."""
    return f"gunicorn {_quoted(app)} --bind 127.0.0.1:$PORT --reload"


def _quoted(app: Application) -> str:
    target = f"{app.entry}:{app.target}"
    return f"'{target}'" if target.endswith("()") else target  # quote the parentheses of a factory for the shell


def _rank(path: str, text: str, target: str) -> tuple[int, ...]:
    """Return a sort key for applications in modules: the likeliest comes first."""
    name = posixpath.basename(path)
    known = ENTRY_NAMES.index(name) if name in ENTRY_NAMES else len(ENTRY_NAMES)
    is_factory = target.endswith("()")
    odd = is_factory and not _FACTORY.match(target)
    return (int(odd), int(not _WIRED.search(text)), path.count("/"), known, int(is_factory))


def _targets(text: str, makers: frozenset[str]) -> Iterator[tuple[str, int]]:
    """Yield (name, line) of application objects in a module, and of factory functions, as `create_app()`."""
    parsed = parse_python(text)
    if parsed is None:
        return
    own = [node for node in parsed.body if isinstance(node, ast.ClassDef)]
    makers |= {node.name for node in own if any(ast.unparse(b).rpartition(".")[2] in makers for b in node.bases)}
    functions = [node for node in parsed.body if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef)]
    factories = {node.name: node.lineno for node in functions if _makes_application(node, makers)}
    named = False
    for statement in parsed.body:
        name, called = _assigned(statement)
        if called in makers or called in factories:
            named = True
            yield name, statement.lineno
    if not named:
        for name, line in factories.items():
            yield name + "()", line


def _assigned(node: ast.stmt) -> tuple[str, str]:
    """Return the name to which a statement assigns a call's result, and the called function; "" for others."""
    if not isinstance(node, ast.Assign | ast.AnnAssign) or not isinstance(node.value, ast.Call):
        return "", ""
    target = node.targets[0] if isinstance(node, ast.Assign) else node.target
    called = node.value.func.attr if isinstance(node.value.func, ast.Attribute) else getattr(node.value.func, "id", "")
    return (target.id, called) if isinstance(target, ast.Name) else ("", "")


def _makes_application(function: ast.FunctionDef | ast.AsyncFunctionDef, makers: frozenset[str]) -> bool:
    made: set[str] = set()
    for node in ast.walk(function):
        if isinstance(node, ast.Assign | ast.AnnAssign) and isinstance(node.value, ast.Call):
            text = ast.unparse(node.value.func).rpartition(".")[2]
            if text in makers:
                target = node.targets[0] if isinstance(node, ast.Assign) else node.target
                made.add(ast.unparse(target))
        if isinstance(node, ast.Return) and node.value is not None:
            text = ast.unparse(node.value)
            if text in made or text.split("(")[0].rpartition(".")[2] in makers:
                return True
    return False


def _holder(tree: Tree, app: Application) -> Application:
    """Return the application in the module that calls its factory at top level; else unchanged."""
    factory = app.target.removesuffix("()")
    pattern = re.compile(rf"^(\w+)\s*(?::[^=\n]+)?=\s*(?:\w+\.)*{re.escape(factory)}\(", re.MULTILINE)
    hits: list[tuple[tuple[int, ...], Application]] = []
    for where, match in find_in_modules(tree, pattern, f"{factory}("):
        folder, name = posixpath.split(where.path)
        is_near = name in ENTRY_NAMES or folder in ("", posixpath.dirname(posixpath.dirname(app.path)))
        if is_near and "celery" not in where.path and not re.search(r"\bCelery\(", match.string):
            hits.append((_holder_rank(where.path), application_at(tree, app.framework or "", where, match[1])))
    return min(hits, key=lambda pair: pair[0])[1] if hits else app


def _completed(tree: Tree, app: Application, adds: str) -> Application:
    """Return the application in the module that adds pages to the object and that isn't imported by its own module.

    Of several modules the one with an entry name wins, then the one highest in the tree.
    """
    text, target = tree.text(app.path) or "", re.escape(app.target)
    calls = re.compile(rf"\b{target}\.(?:{adds})\(") if adds else NEVER
    if calls.search(text):
        return app
    takes = re.compile(rf"^from\s+\.*{re.escape(app.entry)}\s+import\s+[^\n]*\b{target}\b", re.MULTILINE)
    found: list[tuple[tuple[int, ...], Application]] = []
    for where, match in find_in_modules(tree, calls, f"{app.target}."):
        stem = posixpath.basename(where.path).removesuffix(".py")
        is_imported = re.search(rf"\bimport\b[^\n]*\b{re.escape(stem)}\b", text)
        if where.path != app.path and not is_imported and takes.search(match.string):
            found.append((_holder_rank(where.path), application_at(tree, app.framework or "", where, app.target)))
    return min(found, key=lambda pair: pair[0])[1] if found else app


def _holder_rank(path: str) -> tuple[int, ...]:
    """Return a sort key for modules that call the factory: entry names first, then the highest in the tree."""
    name = posixpath.basename(path)
    return (ENTRY_NAMES.index(name) if name in ENTRY_NAMES else len(ENTRY_NAMES), path.count("/"))
