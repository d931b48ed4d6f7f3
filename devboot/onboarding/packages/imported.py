"""Packages of a clone that lists none, or not all: proposed from what the application imports.

Only distributions of the table `distributions.toml` are proposed. A name that is merely guessed could be anybody's
package, so modules that the table lacks are reported instead.
"""

from __future__ import annotations

import functools
import posixpath
import re
import sys
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, replace

from devboot.model.distributions import distributions, distributions_table
from devboot.onboarding.frameworks.known import framework_of
from devboot.onboarding.packages.programs import is_brought, server_of
from devboot.onboarding.proposal_values import Evidence, Note, PythonInput
from devboot.onboarding.reading.layout import ASIDE, Application
from devboot.onboarding.reading.procfile import Procfile, program
from devboot.onboarding.reading.python import LOCKS, name_of
from devboot.onboarding.reading.tree import Tree

_APPS = frozenset({"channels", "cloudinary", "daphne", "djoser", "knox", "modelcluster", "sorl", "storages", "wagtail"})
_DOTTED = re.compile(r"""["']([a-z_][a-z0-9_]*)(?:\.[\w.]+)?["']""")
_SETTINGS = re.compile(r"(?:^|/)settings(?:/[^/]+)?\.py$|(?:^|/)\w*settings\w*\.py$")
_MOST_UNKNOWN = 4
_WEB = re.compile(
    r"^(?:from|import)[ \t]+(flask|fastapi|starlette|litestar|quart|streamlit|sanic|dash|gradio|bottle)\b", re.MULTILINE
)
_IMPORT = re.compile(
    r"^(?:from[ \t]+(?P<origin>\w+(?:\.\w+)*)[ \t]+import\b[ \t(]*(?P<inner>\w*)|import[ \t]+(?P<names>[\w., \t]+))",
    re.MULTILINE,
)


@dataclass(frozen=True, slots=True)
class Implied:
    """A pattern in the code that needs `packages` without importing them, unless one of `unless` is used."""

    module: str
    pattern: re.Pattern[str]
    packages: tuple[str, ...]
    unless: frozenset[str]


@functools.cache
def _implied() -> tuple[Implied, ...]:
    return tuple(
        Implied(row["module"], re.compile(row["pattern"]), tuple(row["packages"]), frozenset(row.get("unless", ())))
        for row in distributions_table()["implied"]
    )


def with_imported(
    tree: Tree, app: Application, python: PythonInput, packages: Mapping[str, str], procfile: Procfile | None
) -> tuple[PythonInput, list[Note]]:
    """Add what the application imports where nothing is listed, and what it can't run without where that is not."""
    if not python.requirements:
        python, notes = _of_imports(tree, app, python)
        packages = {**packages, **dict.fromkeys(map(name_of, python.packages), "")}
    else:
        notes = []
    if not packages or set(LOCKS) & set(python.requirements):
        return python, notes
    more = sorted(_framework(tree, app, packages) | _servers(tree, app, packages, procfile))
    if more and python.requirements:
        notes.append(Note(f"{', '.join(more)}: used, but in none of the lists of packages", app.evidence))
    return replace(python, packages=tuple(sorted({*python.packages, *more}))), notes


def modules_of(tree: Tree, app: Application) -> dict[str, Evidence]:
    """Return the modules that the application imports from elsewhere, each with the first place."""
    return _imported(tree, app, list(_application_files(tree, app))) if app.path else {}


def _of_imports(tree: Tree, app: Application, python: PythonInput) -> tuple[PythonInput, list[Note]]:
    files = list(_application_files(tree, app)) if app.path else []
    modules = _imported(tree, app, files)
    known = {distributions()[name]: where for name, where in modules.items() if name in distributions()}
    known |= {name: where for name, where in _of_patterns(tree, files, known).items() if name not in known}
    if not known:
        return python, []
    names = tuple(sorted(known))
    notes = [Note(f"no list of packages in the clone: taken from its imports: {', '.join(names)}")]
    unknown = sorted(name for name in modules if name not in distributions())
    if unknown:
        shown = ", ".join(f"`{name}`" for name in unknown[:_MOST_UNKNOWN])
        text = f"imported, but from which package isn't known: {shown}; add it to `packages`"
        notes.append(Note(text, modules[unknown[0]], warns=True))
    return replace(python, packages=names), notes


def _framework(tree: Tree, app: Application, packages: Mapping[str, str]) -> set[str]:
    """The web framework that the entry imports, where no list has it."""
    used = set(_WEB.findall(tree.text(app.path) or "")) if app.path else set()
    if framework_of(app.framework).is_found_by_place:
        used.add(app.framework or "")
    return {name for name in used if not _is_brought(name, packages)}


def _servers(tree: Tree, app: Application, packages: Mapping[str, str], procfile: Procfile | None) -> set[str]:
    """Servers that are started, where no list has them."""
    if procfile is not None:
        started = {program(entry.command) for entry in procfile.processes()}
        return {server_of(name) for name in started if server_of(name) and not is_brought(name, packages)}
    known = {**dict.fromkeys(packages, app.evidence), **dict.fromkeys(_framework(tree, app, packages), app.evidence)}
    return {name for name in _of_patterns(tree, [app.path], known) if name == "uvicorn"} if app.path else set()


def _is_brought(name: str, packages: Mapping[str, str]) -> bool:
    """Whether a list has the framework, or something made for it, which brings it along."""
    is_below = name == "starlette" and "fastapi" in packages
    return name in packages or is_below or any(name in each.split("-") for each in packages)


def _application_files(tree: Tree, app: Application) -> Iterator[str]:
    """Modules that run when the application does: all of a Django project, else what the entry leads to."""
    if framework_of(app.framework).is_found_by_place:
        prefix = "" if app.folder == "." else f"{app.folder}/"
        yield from (path for path in tree.python_files() if path.startswith(prefix) and not ASIDE.search(path))
        return
    waiting, seen = [app.path], {app.path}
    while waiting:
        path = waiting.pop()
        yield path
        for found in _local_imports(tree, app, path):
            if found not in seen:
                seen.add(found)
                waiting.append(found)


def _local_imports(tree: Tree, app: Application, path: str) -> Iterator[str]:
    for origin, names, plain in tree.imports(path):
        if plain:
            targets = [each.split(" as ")[0].strip() for each in plain.split(",")]
        else:
            targets = [origin, *(f"{origin}.{each.split(' as ')[0].strip()}" for each in names.strip("()").split(","))]
        for target in targets:
            yield from _module_files(tree, app, path, target)


def _module_files(tree: Tree, app: Application, path: str, target: str) -> Iterator[str]:
    dots = len(target) - len(target.lstrip("."))
    inner = target.lstrip(".").replace(".", "/").strip()
    if not re.fullmatch(r"[\w/]*", inner):
        return
    folder = posixpath.dirname(path)
    for _ in range(dots - 1):
        folder = posixpath.dirname(folder)
    for base in (folder,) if dots else app.sources:
        stem = posixpath.normpath(posixpath.join(base or ".", inner))
        for candidate in (f"{stem}.py", f"{stem}/__init__.py"):
            if tree.exists(candidate):
                yield candidate
                return


def _imported(tree: Tree, app: Application, files: list[str]) -> dict[str, Evidence]:
    """Top names of modules that aren't the clone's or the standard library's, each with the first place."""
    own = {path.removesuffix(".py").split("/")[-1] for path in tree.python_files()}
    own |= {part for path in tree.python_files() for part in path.split("/")[:-1]}
    found: dict[str, Evidence] = {}
    for path in files:
        text = tree.text(path) or ""
        for match in _IMPORT.finditer(text):
            names = f"{match['origin']}.{match['inner']}" if match["origin"] else match["names"]
            for top in (_module(each.strip().split(" ")[0]) for each in names.split(",")):
                if top and top not in own and top not in sys.stdlib_module_names:
                    found.setdefault(top, Evidence(path, text.count("\n", 0, match.start()) + 1))
    if app.framework and framework_of(app.framework).is_found_by_place:
        found.setdefault(app.framework, app.evidence or Evidence(app.path))
        named = named_in_settings(tree, files)
        found = {**{name: where for name, where in named.items() if name not in own}, **found}
    return found


def named_in_settings(tree: Tree, files: Iterable[str]) -> dict[str, Evidence]:
    """Return the modules of applications, middleware and the like that Django's settings name, each with its place."""
    found: dict[str, Evidence] = {}
    for path in filter(_SETTINGS.search, files):
        text = tree.text(path) or ""
        for match in _DOTTED.finditer(text):
            if match[1] in distributions() and _is_app(match[0].strip("\"'")):
                found.setdefault(match[1], Evidence(path, text.count("\n", 0, match.start()) + 1))
    return found


def _module(dotted: str) -> str:
    """Return the part of a module's name that tells its distribution: the first, or more where many share that."""
    parts = dotted.split(".")
    longer = (".".join(parts[:count]) for count in range(len(parts), 1, -1))
    return next((name for name in longer if name in distributions()), parts[0])


def _is_app(name: str) -> bool:
    """Whether a quoted word in Django's settings is the module of an application, not a word like any other."""
    module = name.partition(".")[0]
    return "." in name or "_" in name or module in _APPS or distributions()[module].startswith("django-")


def _of_patterns(tree: Tree, files: list[str], known: Mapping[str, Evidence | None]) -> dict[str, Evidence]:
    """Packages that the code needs without importing them."""
    found: dict[str, Evidence] = {}
    names = {name_of(name) for name in known}
    for rule in _implied():
        if rule.module not in names or names & (rule.unless | set(rule.packages)):
            continue
        for path in files:
            match = rule.pattern.search(tree.text(path) or "")
            if match:
                line = (tree.text(path) or "").count("\n", 0, match.start()) + 1
                found |= dict.fromkeys(rule.packages, Evidence(path, line))
                break
    return found
