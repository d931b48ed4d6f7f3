"""Where in a clone the application lies, which framework it uses and how it is addressed."""

from __future__ import annotations

import ast
import posixpath
import re
from collections.abc import Iterator
from dataclasses import dataclass, replace

from devboot.onboarding.image_commands import named_modules
from devboot.onboarding.proposal import Evidence
from devboot.onboarding.serving import RUNS, is_entry, served_with
from devboot.onboarding.tree import Tree

ASIDE = re.compile(
    r"(?:^|/)(?:tests?|testing|docs?|examples?|samples?|demos?|scripts?|benchmarks?|migrations|templates|tutorial|"
    r"node_modules|fixtures|notebooks|alembic|versions|\{\{[^/]*|\{%[^/]*|project_template|\.[^/]+)/"
    r"|(?:^|/)(?:test_[^/]*|[^/]*_test|conftest|noxfile|fabfile)\.py$|^setup\.py$"
)
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
INPUTS = ("uv.lock", "pylock.toml", "poetry.lock", "Pipfile.lock", "pdm.lock", "requirements.txt", "Pipfile")


@dataclass(frozen=True, slots=True)
class Application:
    """The application that a clone holds.

    Paths are relative to the tree. `folder` is where its commands run, `sources` where its imports resolve.
    """

    framework: str | None
    folder: str
    root: str
    sources: tuple[str, ...]
    entry: str = ""  # the module
    target: str = ""  # the object in it; with `()` a factory
    path: str = ""
    evidence: Evidence | None = None


def cwd_of(app: Application) -> str:
    """Where commands run, relative to the manifest."""
    return posixpath.relpath(app.folder, app.root)


def find_application(tree: Tree) -> Application:
    """The application of the clone; without a framework where none is found."""
    for finder in (_django, _web, _serving):
        found = finder(tree)
        if found is not None:
            return found
    folder = "." if has_input(tree, ".") or _has_procfile(tree, ".") else _only_input(tree)
    return _bot(tree, folder) or Application(None, folder, folder, _sources(tree, folder))


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
    made = _application(tree, "", path, "", talking.get(path, 0))
    root = made.root if has_input(tree, made.root) else folder
    return replace(made, framework=None, folder=root, root=root, sources=(*made.sources, *_sources(tree, root)))


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
    return _application(tree, kind, path, "", line)


def _only_input(tree: Tree) -> str:
    folders = {
        posixpath.dirname(path)
        for path in tree.files()
        if posixpath.basename(path) in INPUTS and not ASIDE.search(path)
    }
    return folders.pop() if len(folders) == 1 else "."


def _has_procfile(tree: Tree, folder: str) -> bool:
    return any(tree.exists(posixpath.join(folder, name)) for name in ("Procfile.dev", "Procfile"))


def has_input(tree: Tree, folder: str) -> bool:
    """Whether a folder says which packages are needed."""
    names = set(tree.in_folder(folder))
    if names.intersection(INPUTS) or any(re.match(r"requirements.*\.txt$", name) for name in names):
        return True
    if "requirements" in {posixpath.basename(f) for f in _folders(tree, folder)}:
        return True
    text = tree.text(posixpath.join(folder, "pyproject.toml")) if "pyproject.toml" in names else None
    return text is not None and bool(
        re.search(r"^\s*dependencies\s*=|^\[(?:tool\.poetry\.|project\.)?dependenc", text, re.MULTILINE)
    )


def _folders(tree: Tree, folder: str) -> set[str]:
    prefix = "" if folder in ("", ".") else folder + "/"
    inside = (path[len(prefix) :] for path in tree.files() if path.startswith(prefix))
    return {part.split("/", 1)[0] for part in inside if "/" in part}


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
            return Application("django", folder, root, _sources(tree, folder), "", "", path, Evidence(path, line))
    return None


def manifest_folder(tree: Tree, folder: str) -> str:
    """Where devboot.toml belongs: the nearest folder upwards that says which packages are needed."""
    workspace = _workspace(tree, folder)
    if workspace is not None:
        return workspace
    here = folder
    while True:
        if has_input(tree, here) or _has_procfile(tree, here):
            return here
        if here == ".":
            return folder
        here = posixpath.dirname(here) or "."


def _workspace(tree: Tree, folder: str) -> str | None:
    """The root of the uv workspace that a folder is a member of: its lock stands there."""
    here = folder
    while here != ".":
        here = posixpath.dirname(here) or "."
        if tree.exists(posixpath.join(here, "uv.lock")) and "[tool.uv.workspace]" in (
            tree.text(posixpath.join(here, "pyproject.toml")) or ""
        ):
            return here
    return None


def _sources(tree: Tree, folder: str) -> tuple[str, ...]:
    found = [folder]
    for inner in ("src", "apps"):
        path = posixpath.normpath(posixpath.join(folder, inner))
        if tree.is_folder(path) and not tree.exists(path + "/__init__.py"):
            found.append(path)
    return (*found, ".") if folder != "." else tuple(found)


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
                    (_rank(path, text, target), _application(tree, framework, path, target, line))
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
    from devboot.onboarding.tree import parse_python

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


def _application(tree: Tree, framework: str, path: str, target: str, line: int) -> Application:
    source = import_folder(tree, path)
    inner = posixpath.relpath(path, source)[: -len(".py")].removesuffix("/__init__")
    module = inner.replace("/", ".")
    folder = source
    if posixpath.basename(source) == "src" and _is_installed(tree, posixpath.dirname(source) or "."):
        folder = posixpath.dirname(source) or "."
    root = manifest_folder(tree, folder)
    sources = (source, *(s for s in _sources(tree, folder) if s != source))
    return Application(framework, folder, root, sources, module, target, path, Evidence(path, line))


def _is_installed(tree: Tree, folder: str) -> bool:
    text = tree.text(posixpath.join(folder, "pyproject.toml")) or ""
    return "[build-system]" in text


def import_folder(tree: Tree, path: str) -> str:
    """The folder from which the imports of a module resolve: the one that most of them agree with."""
    text = tree.text(path) or ""
    tops = re.findall(r"^\s*(?:from|import)\s+(\w+)(?=[\s.])", text, re.MULTILINE)
    package = posixpath.dirname(path) or "."
    ancestors = [package]
    while ancestors[-1] != ".":
        ancestors.append(posixpath.dirname(ancestors[-1]) or ".")
    relative = re.search(r"^\s*from\s+(\.+)", text, re.MULTILINE)
    if relative:
        # A relative import proves that the folder is a package, so it is imported from above
        ancestors = ancestors[min(len(relative[1]), len(ancestors) - 1) :]

    def resolved(folder: str) -> int:
        return sum(_resolves(tree, folder, top) for top in tops)

    best = max(ancestors, key=lambda folder: (resolved(folder), -_packages_cut(tree, folder), -ancestors.index(folder)))
    if resolved(best) == 0:
        return next((folder for folder in ancestors if not tree.exists(posixpath.join(folder, "__init__.py"))), best)
    return best


def _packages_cut(tree: Tree, folder: str) -> int:
    return int(tree.exists(posixpath.join(folder, "__init__.py")))


def _resolves(tree: Tree, folder: str, top: str) -> bool:
    base = posixpath.normpath(posixpath.join(folder, top))
    return tree.exists(base + ".py") or tree.exists(base + "/__init__.py") or (tree.has_python(base))


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
            hits.append((_holder_rank(path), _application(tree, best.framework or "", path, match[1], line)))
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
            found.append((_holder_rank(path), _application(tree, "flask", path, best.target, line)))
    return min(found, key=lambda pair: pair[0])[1] if found else best
