"""Finds the application of a clone, and which framework it uses."""

from __future__ import annotations

import ast
import posixpath
import re
from collections.abc import Iterator
from dataclasses import replace

from devboot.onboarding.frameworks.serving import RUNS, is_entry, served_with
from devboot.onboarding.proposal_values import Evidence
from devboot.onboarding.reading.image_commands import named_modules
from devboot.onboarding.reading.layout import (
    ASIDE,
    Application,
    application_at,
    has_input,
    has_procfile,
    manifest_folder,
    only_input,
    sources_of,
)
from devboot.onboarding.reading.tree import Tree, parse_python

FASTAPI = re.compile(r"\bFastAPI\(|\bFastAPIOffline\(")
FLASK = re.compile(
    r"(?<![.\w])Flask\(|\bflask\.Flask\(|\bAPIFlask\(|\bQuart\(|^class \w+\((?:flask\.)?Flask\)", re.MULTILINE
)
# Other frameworks that any ASGI server runs
ASGI = re.compile(r"(?<![.\w])(?P<maker>Starlette|Litestar)\(")
MAKERS = frozenset({"FastAPI", "FastAPIOffline", "Flask", "APIFlask", "Quart", "Starlette", "Litestar"})
ENTRY_NAMES = (
    "main.py",
    "app.py",
    "asgi.py",
    "server.py",
    "api.py",
    "wsgi.py",
    "application.py",
    "run.py",
    "__init__.py",
)
# A program that talks to a chat service until it is stopped, by the libraries for that
_CHATS = re.compile(
    r"^\s*(?:from|import)\s+(?:discord|nextcord|disnake|hikari|interactions|telegram|telebot|aiogram|pyrogram|telethon|"
    r"slack_bolt|twitchio|vkbottle)\b",
    re.MULTILINE,
)
_STAYS = re.compile(
    r"\.(?:run_polling|start_polling|infinity_polling|polling|run_until_disconnected|run_forever)\(|\bidle\(\)|"
    r"\b_?(?:bot|client|app|application)\w*\.(?:run|start)\(|SocketModeHandler\(",
    re.IGNORECASE,
)
_STARTS = re.compile(r"(?:^|/)(?:[\w-]*bot|__main__|main|run|app)\.py$")


def find_application(tree: Tree) -> Application:
    """The application of the clone; without a framework where none is found."""
    for finder in (_django, _web, _serving):
        found = finder(tree)
        if found is not None:
            return found
    folder = "." if has_input(tree, ".") or has_procfile(tree, ".") else only_input(tree)
    return _bot(tree, folder) or Application(None, folder, folder, sources_of(tree, folder))


def _bot(tree: Tree, folder: str) -> Application | None:
    """The program that talks to a chat service: the module that lies highest, the one called so first."""
    talking = {}
    for path in tree.python_files():
        text = "" if ASIDE.search(path) else tree.text(path) or ""
        stays = _STAYS.search(text)
        if stays and _CHATS.search(text):
            talking[path] = text.count("\n", 0, stays.start()) + 1
    folders = {posixpath.dirname(path) for path in talking}
    beside = [p for p in tree.python_files() if posixpath.dirname(p) in folders and _STARTS.search(p)]
    runs = [
        path
        for path in (*talking, *beside)
        if posixpath.basename(path) == "__main__.py" or RUNS.search(tree.text(path) or "")
    ]
    if not runs:
        return None
    path = min(runs, key=lambda path: (path.count("/"), not _STARTS.search(path), path not in talking, path))
    made = application_at(tree, "", path, "", talking.get(path, 0))
    root = made.root if has_input(tree, made.root) else folder
    return replace(made, framework=None, folder=root, root=root, sources=(*made.sources, *sources_of(tree, root)))


def _serving(tree: Tree) -> Application | None:
    """The script that serves when it is run: the one that lies highest, among those the one named as an entry."""
    found: list[tuple[tuple[int, int, str], str, str, int]] = []
    for path in tree.python_files():
        kind, match = ("", None) if ASIDE.search(path) else served_with(tree.text(path) or "")
        name = posixpath.basename(path)
        if match is None or not is_entry(kind, path, tree.text(path) or ""):
            continue
        rank = (path.count("/"), (*ENTRY_NAMES, name).index(name), path)
        found.append((rank, kind, path, match.string.count("\n", 0, match.start()) + 1))
    if not found:
        return None
    _, kind, path, line = min(found)
    return application_at(tree, kind, path, "", line)


def _django(tree: Tree) -> Application | None:
    candidates = sorted(
        (path for path in tree.python_files() if posixpath.basename(path) == "manage.py"),
        key=lambda path: (bool(ASIDE.search(path)), path.count("/"), path),
    )
    for path in candidates:
        text = tree.text(path) or ""
        match = re.search(r"execute_from_command_line|ManagementUtility", text)
        if match:
            folder = posixpath.dirname(path) or "."
            line = text.count("\n", 0, match.start()) + 1
            root = manifest_folder(tree, folder)
            return Application("django", folder, root, sources_of(tree, folder), "", "", path, Evidence(path, line))
    return None


def _web(tree: Tree) -> Application | None:
    """The FastAPI or Flask application whose entry looks most like one; where there is none, that of another kind."""
    found = _made(tree, ("FastAPI", "Flask", "Quart"), (FASTAPI, FLASK)) or _made(
        tree, ("Starlette", "Litestar"), (ASGI,)
    )
    if not found:
        return None
    named = named_modules(tree)
    best = min(found, key=lambda pair: (not _is_named(pair[1], named), pair[0]))[1]
    return _through(tree, best)


def _is_named(app: Application, named: list[tuple[str, str]]) -> bool:
    """Whether a server is given this application where the clone is started elsewhere."""
    target = app.target.removesuffix("()")
    return any(
        name in ("", target) and (f".{module}".endswith(f".{app.entry}") or f".{app.entry}".endswith(f".{module}"))
        for module, name in named
    )


def _made(
    tree: Tree, words: tuple[str, ...], patterns: tuple[re.Pattern[str], ...]
) -> list[tuple[tuple[int, ...], Application]]:
    """All applications that modules make in one of these ways, with their ranks."""
    found: list[tuple[tuple[int, ...], Application]] = []
    for path in tree.python_files():
        if ASIDE.search(path) or not tree.mentions(path, words):
            continue
        text = tree.text(path) or ""
        for pattern in patterns:
            match = pattern.search(text)
            if match:
                framework = {FASTAPI: "fastapi", FLASK: "flask"}.get(pattern) or match["maker"].lower()
                found += [
                    (_rank(path, text, target), application_at(tree, framework, path, target, line))
                    for target, line in targets(text)
                ]
    return found


def _rank(path: str, text: str, target: str) -> tuple[int, ...]:
    """Smaller is likelier."""
    name = posixpath.basename(path)
    known = ENTRY_NAMES.index(name) if name in ENTRY_NAMES else len(ENTRY_NAMES)
    wired = bool(re.search(r"include_router|register_blueprint|uvicorn\.run|\.mount\(", text))
    factory = target.endswith("()") and not re.match(
        r"(?:create|make|get|build)_?\w*(?:app|application)\w*\(\)|create_app", target
    )
    return (int(factory), int(not wired), path.count("/"), known, int(target.endswith("()")))


def _holder_rank(path: str) -> tuple[int, ...]:
    """Among modules that call the factory: names of entries first, then what lies highest."""
    name = posixpath.basename(path)
    return (ENTRY_NAMES.index(name) if name in ENTRY_NAMES else len(ENTRY_NAMES), path.count("/"))


def targets(text: str) -> Iterator[tuple[str, int]]:
    """Names of a module that hold an application, or functions that make one (with `()`)."""
    parsed = parse_python(text)
    if parsed is None:
        return
    factories: dict[str, int] = {}
    makers = MAKERS | {
        node.name
        for node in parsed.body
        if isinstance(node, ast.ClassDef) and any(ast.unparse(b).rpartition(".")[2] in MAKERS for b in node.bases)
    }
    for node in parsed.body:
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef) and _makes_application(node, makers):
            factories[node.name] = node.lineno
    named = False
    for statement in parsed.body:
        assigned = _assigned(statement)
        if assigned is None:
            continue
        name, call = assigned
        called = call.func.attr if isinstance(call.func, ast.Attribute) else getattr(call.func, "id", "")
        if called in makers or called in factories:
            named = True
            yield name, statement.lineno
    if not named:
        for name, line in factories.items():
            yield name + "()", line


def _assigned(node: ast.AST) -> tuple[str, ast.Call] | None:
    if isinstance(node, ast.Assign) and isinstance(node.value, ast.Call) and isinstance(node.targets[0], ast.Name):
        return node.targets[0].id, node.value
    if isinstance(node, ast.AnnAssign) and isinstance(node.value, ast.Call) and isinstance(node.target, ast.Name):
        return node.target.id, node.value
    return None


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


def _through(tree: Tree, best: Application) -> Application:
    """Where another module makes the application from a factory at its top, that one is the entry."""
    if not best.target.endswith("()"):
        return _extended(tree, best)
    name = best.target[:-2]
    pattern = re.compile(rf"^(\w+)\s*(?::[^=\n]+)?=\s*(?:\w+\.)*{re.escape(name)}\(", re.MULTILINE)
    hits: list[tuple[tuple[int, ...], Application]] = []
    for path in tree.python_files():
        beside = posixpath.dirname(path) in ("", posixpath.dirname(posixpath.dirname(best.path)))
        if ASIDE.search(path) or not (posixpath.basename(path) in ENTRY_NAMES or beside) or "celery" in path:
            continue
        text = tree.text(path) or ""
        match = pattern.search(text)
        if match and not re.search(r"\bCelery\(", text):
            line = text.count("\n", 0, match.start()) + 1
            hits.append((_holder_rank(path), application_at(tree, best.framework or "", path, match[1], line)))
    return min(hits, key=lambda pair: pair[0])[1] if hits else best


def _extended(tree: Tree, best: Application) -> Application:
    """Where a bare Flask application gets its pages in another module, which nothing of it imports, that is the entry.

    Of several the one named as an entry counts, else the one that lies highest.
    """
    text = tree.text(best.path) or ""
    target = re.escape(best.target)
    adds = re.compile(rf"\b{target}\.(?:register_blueprint|add_url_rule|route|get|post)\(")
    if best.framework != "flask" or adds.search(text):
        return best
    takes = re.compile(rf"^from\s+\.*{re.escape(best.entry)}\s+import\s+[^\n]*\b{target}\b", re.MULTILINE)
    found: list[tuple[tuple[int, ...], Application]] = []
    for path in tree.python_files():
        stem = posixpath.basename(path).removesuffix(".py")
        if path == best.path or ASIDE.search(path) or re.search(rf"\bimport\b[^\n]*\b{re.escape(stem)}\b", text):
            continue
        match = adds.search(tree.text(path) or "") if tree.matches(path, takes) else None
        if match is not None:
            line = match.string.count("\n", 0, match.start()) + 1
            found.append((_holder_rank(path), application_at(tree, "flask", path, best.target, line)))
    return min(found, key=lambda pair: pair[0])[1] if found else best
