"""Locates an application in a clone: its folders, its import paths, the files that list its packages."""

from __future__ import annotations

import posixpath
import re
from collections.abc import Iterator
from dataclasses import dataclass

from devboot.onboarding.proposal_values import Evidence
from devboot.onboarding.reading.tree import Tree

ASIDE = re.compile(
    r"(?:^|/)(?:tests?|testing|docs?|examples?|samples?|demos?|scripts?|benchmarks?|migrations|templates|tutorial|"
    r"node_modules|fixtures|notebooks|alembic|versions|\{\{[^/]*|\{%[^/]*|project_template|\.[^/]+)/"
    r"|(?:^|/)(?:test_[^/]*|[^/]*_test|conftest|noxfile|fabfile)\.py$|^setup\.py$"
)
INPUTS = ("uv.lock", "pylock.toml", "poetry.lock", "Pipfile.lock", "pdm.lock", "requirements.txt", "Pipfile")


@dataclass(frozen=True, slots=True)
class Application:
    """The application in a clone, and where it is.

    Paths are relative to the tree. `folder` is where its commands run, `sources` are the folders of its imports.
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
    """Return the folder in which the application's commands run, relative to the manifest."""
    return posixpath.relpath(app.folder, app.root)


def main_folder(tree: Tree) -> str:
    """Return the folder of a program without a framework: the root, or the only folder with a list of packages."""
    if has_input(tree, ".") or _has_procfile(tree, "."):
        return "."
    folders = {
        posixpath.dirname(path)
        for path in tree.files()
        if posixpath.basename(path) in INPUTS and not ASIDE.search(path)
    }
    return folders.pop() if len(folders) == 1 else "."


def _has_procfile(tree: Tree, folder: str) -> bool:
    return any(tree.exists(posixpath.join(folder, name)) for name in ("Procfile.dev", "Procfile"))


def folders_with_input(tree: Tree) -> set[str]:
    """Return the folders that contain a list of Python packages."""
    return {folder for folder in (".", *tree.filled_folders) if has_input(tree, folder)}


def has_input(tree: Tree, folder: str) -> bool:
    """Return whether a folder contains a list of Python packages."""
    names = set(tree.in_folder(folder))
    if names.intersection(INPUTS) or any(re.match(r"requirements.*\.txt$", name) for name in names):
        return True
    if posixpath.normpath(posixpath.join(folder, "requirements")) in tree.filled_folders:
        return True
    text = tree.text(posixpath.join(folder, "pyproject.toml")) if "pyproject.toml" in names else None
    return text is not None and bool(
        re.search(r"^[ \t]*dependencies\s*=|^\[(?:tool\.poetry\.|project\.)?dependenc", text, re.MULTILINE)
    )


def manifest_folder(tree: Tree, folder: str) -> str:
    """Return the folder for devboot.toml: `folder`, or the nearest one above, that contains a list of packages."""
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
    """Return the root of the uv workspace to which a folder belongs, where the lock is; None without one."""
    here = folder
    while here != ".":
        here = posixpath.dirname(here) or "."
        if tree.exists(posixpath.join(here, "uv.lock")) and "[tool.uv.workspace]" in (
            tree.text(posixpath.join(here, "pyproject.toml")) or ""
        ):
            return here
    return None


def sources_of(tree: Tree, folder: str) -> tuple[str, ...]:
    """Return the folders from which an application in `folder` imports its own modules."""
    found = [folder]
    for inner in ("src", "apps"):
        path = posixpath.normpath(posixpath.join(folder, inner))
        if tree.is_folder(path) and not tree.exists(path + "/__init__.py"):
            found.append(path)
    return (*found, ".") if folder != "." else tuple(found)


def own_modules(tree: Tree) -> Iterator[str]:
    """Yield the application's own modules, without tests, migrations and the like."""
    return (path for path in tree.python_files() if not ASIDE.search(path))


def find_in_modules(tree: Tree, pattern: re.Pattern[str], *words: str) -> Iterator[tuple[Evidence, re.Match[str]]]:
    """Yield (place, match) of a pattern in the application's modules.

    Only modules with one of `words` are searched: a word is found a hundred times faster than most patterns.
    """
    for path in own_modules(tree):
        if tree.mentions(path, words):
            yield from ((Evidence.at(path, match), match) for match in pattern.finditer(tree.text(path) or ""))


def application_at(tree: Tree, framework: str, where: Evidence, target: str = "") -> Application:
    """Return the application in the module at the place `where`; its folders follow from the path."""
    path = where.path
    source = import_folder(tree, path)
    inner = posixpath.relpath(path, source)[: -len(".py")].removesuffix("/__init__")
    module = inner.replace("/", ".")
    folder = source
    if posixpath.basename(source) == "src" and _is_installed(tree, posixpath.dirname(source) or "."):
        folder = posixpath.dirname(source) or "."
    root = manifest_folder(tree, folder)
    sources = (source, *(s for s in sources_of(tree, folder) if s != source))
    return Application(framework, folder, root, sources, module, target, path, where)


def is_library(tree: Tree, folder: str) -> bool:
    """Return True if a folder contains a package meant to be installed by other projects."""
    return _is_installed(tree, folder) or tree.exists(posixpath.normpath(posixpath.join(folder, "setup.py")))


def _is_installed(tree: Tree, folder: str) -> bool:
    text = tree.text(posixpath.join(folder, "pyproject.toml")) or ""
    return "[build-system]" in text


def import_folder(tree: Tree, path: str) -> str:
    """Return the folder from which most imports of a module resolve."""
    text = tree.text(path) or ""
    tops = re.findall(r"^[ \t]*(?:from|import)\s+(\w+)(?=[\s.])", text, re.MULTILINE)
    package = posixpath.dirname(path) or "."
    ancestors = [package]
    while ancestors[-1] != ".":
        ancestors.append(posixpath.dirname(ancestors[-1]) or ".")
    relative = re.search(r"^[ \t]*from\s+(\.+)", text, re.MULTILINE)
    if relative:
        # A relative import shows that the folder is a package, which is imported from its parent
        ancestors = ancestors[min(len(relative[1]), len(ancestors) - 1) :]

    def resolved(folder: str) -> int:
        return sum(_resolves(tree, folder, top) for top in tops)

    best = max(ancestors, key=lambda folder: (resolved(folder), -_packages_cut(tree, folder), -ancestors.index(folder)))
    if resolved(best) == 0:
        return next((folder for folder in ancestors if not tree.exists(posixpath.join(folder, "__init__.py"))), best)
    return best


def can_be_imported_from(tree: Tree, path: str, folder: str) -> bool:
    """Return whether a module's imports work from `folder`, or the module changes `sys.path` itself."""
    text = tree.text(path) or ""
    tops = re.findall(r"^[ \t]*(?:from|import)\s+(\w+)(?=[\s.])", text, re.MULTILINE)
    beside = [top for top in tops if _resolves(tree, posixpath.dirname(path) or ".", top)]
    return "sys.path" in text or all(_resolves(tree, folder, top) for top in beside)


def _packages_cut(tree: Tree, folder: str) -> int:
    return int(tree.exists(posixpath.join(folder, "__init__.py")))


def _resolves(tree: Tree, folder: str, top: str) -> bool:
    base = posixpath.normpath(posixpath.join(folder, top))
    return tree.exists(base + ".py") or tree.exists(base + "/__init__.py") or (tree.has_python(base))


def module_name(path: str, sources: tuple[str, ...]) -> str | None:
    """Return the dotted name under which a file is imported; None outside of the folders `sources`."""
    for source in sources:
        prefix = "" if source == "." else source + "/"
        if path.startswith(prefix):
            inner = path[len(prefix) : -len(".py")].removesuffix("/__init__")
            if all(part.isidentifier() for part in inner.split("/")):
                return inner.replace("/", ".")
    return None
