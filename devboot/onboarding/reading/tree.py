"""Reads a clone's files within limits, and records which files were read or looked for and which folders listed."""

from __future__ import annotations

import ast
import os
import re
import warnings
from collections.abc import Iterator
from functools import cached_property
from pathlib import Path

from devboot.clone_reader import PRESENCE, is_folder, note, read_bytes
from devboot.paths import EARLIER_STATE
from devboot.supervisor.explain.file_templates import template_names

# Folders with third-party code, build results or data: never part of the application
SKIPPED_FOLDERS = frozenset(
    {
        ".git", ".hg", ".svn", ".venv", "venv", "env", ".tox", ".nox", "node_modules", "bower_components",
        "site-packages", "__pycache__", ".mypy_cache", ".pytest_cache", ".ruff_cache", EARLIER_STATE, ".idea", ".eggs",
        "dist", "htmlcov", "staticfiles", ".next", ".nuxt", "vendor", "__pypackages__", "locale", ".terraform",
    }
)  # fmt: skip
TOP_IMPORT = re.compile(
    r"^(?:from[ \t]+([.\w]+)[ \t]+import[ \t]+(\([^)]*\)|[^\n]*)|import[ \t]+([^\n]*))", re.MULTILINE
)
_HOLDS_SETTINGS = re.compile(r"conf|setting|secret|cred|const|local|env|key|param|token|option|private|cfg")
MAX_FILES = 20_000
MAX_DEPTH = 12
MAX_BYTES = 512 * 1024
MAX_LOCK_BYTES = 8 * 1024 * 1024


class Tree:
    """The files below one folder, each read at most once.

    Symbolic links are followed only if they stay below `root`. Paths in and out are relative to `root`, with `/`.
    `read` are the files that were read, `listed` the folders that were listed, `broken` the files that can't be parsed,
    each with the line and the reason.
    """

    def __init__(self, root: Path) -> None:
        self.root = root.resolve()
        self.read: set[str] = set()
        self._missing: set[str] = set()
        self.listed: set[str] = set()
        self.broken: dict[str, tuple[int, str]] = {}
        self._texts: dict[str, str | None] = {}
        self._modules: dict[str, ast.Module | None] = {}
        self._files: list[str] | None = None
        self._python: list[str] | None = None
        self._known: frozenset[str] = frozenset()
        self._folders: frozenset[str] = frozenset()
        self._is_partial = False
        self._links: set[str] = set()
        self._matches: dict[tuple[str, object], bool] = {}
        self._imports: dict[str, list[tuple[str, str, str]]] = {}

    def files(self) -> list[str]:
        """Return the paths of all relevant files, breadth first, so that a limit cuts off the deepest ones."""
        if self._files is None:
            self._files = self._walk()
            self._known = frozenset(self._files)
            self._folders = frozenset(self.listed)
        return self._files

    def python_files(self) -> list[str]:
        """Return the relative paths of the clone's Python files."""
        if self._python is None:
            self._python = [name for name in self.files() if name.endswith(".py")]
        return self._python

    def _walk(self) -> list[str]:
        found: list[str] = []
        level = [""]
        for _ in range(MAX_DEPTH):
            deeper: list[str] = []
            for folder in level:
                names, folders = self._scan(folder)
                found += names
                deeper += folders
                if len(found) >= MAX_FILES:
                    self._is_partial = True
                    return found[:MAX_FILES]
            level = deeper
        return found

    def _scan(self, folder: str) -> tuple[list[str], list[str]]:
        names: list[str] = []
        folders: list[str] = []
        self.listed.add(folder or ".")
        try:
            with os.scandir(self.root / folder) as entries:
                for entry in sorted(entries, key=lambda entry: entry.name):
                    path = f"{folder}/{entry.name}" if folder else entry.name
                    if entry.is_dir(follow_symlinks=False):
                        if entry.name not in SKIPPED_FOLDERS:
                            folders.append(path)
                    elif entry.is_file(follow_symlinks=True):
                        names.append(path)
                    if entry.is_symlink():  # a linked folder isn't listed, but files in it can be read
                        self._links.add(path)
        except OSError:
            pass
        return names, folders

    def in_folder(self, folder: str) -> list[str]:
        """Return the names of the files directly in `folder`, sorted."""
        return self._names.get("" if folder == "." else folder, [])

    @cached_property
    def _names(self) -> dict[str, list[str]]:
        found: dict[str, list[str]] = {}
        for path in self.files():
            folder, _, name = path.rpartition("/")
            found.setdefault(folder, []).append(name)
        return found

    def exists(self, path: str) -> bool:
        """Return whether a file exists, and record that the result depends on it."""
        path = os.path.normpath(path)
        self.files()
        if path in self._known:
            return True
        if self._is_unlisted(path) and self._inside(path) and os.path.isfile(self.root / path):
            return True
        self._note_missing(path)
        return False

    def _note_missing(self, path: str) -> None:
        if path not in self._missing:
            self._missing.add(path)
            note(os.path.join(self.root, path), PRESENCE)

    def template_of(self, path: str) -> str:
        """Return the template for a settings module that the clone lacks; "" if there is none."""
        folder, name = os.path.split(path)
        if not _HOLDS_SETTINGS.search(name) or self.exists(path):
            return ""
        names = (os.path.join(folder, each) for each in template_names(name))
        found = (each for each in names if each in self._known and (each.endswith(".py") <= ("default" not in each)))
        return next((each for each in found if self.module(each) is not None), "")

    def is_folder(self, path: str) -> bool:
        """Return whether a folder exists below the root."""
        path = os.path.normpath(path)
        self.files()
        if path in self._folders:
            return True
        return self._is_unlisted(path) and self._inside(path) and is_folder(os.path.join(self.root, path))

    def has_python(self, folder: str) -> bool:
        """Return whether Python files are in a folder or below it."""
        return self.is_folder(folder) and folder in self._with_python

    @cached_property
    def filled_folders(self) -> frozenset[str]:
        """The folders with files in them or below, without the root."""
        return frozenset(folder for path in self.files() for folder in folders_above(path))

    @cached_property
    def _with_python(self) -> frozenset[str]:
        return frozenset(folder for path in self.python_files() for folder in folders_above(path))

    def matches(self, path: str, pattern: re.Pattern[str]) -> bool:
        """Return whether a file's text matches a pattern; the result is cached."""
        key = (path, pattern)
        if key not in self._matches:
            self._matches[key] = bool(pattern.search(self.text(path) or ""))
        return self._matches[key]

    def mentions(self, path: str, words: tuple[str, ...], *, outside_functions: bool = False) -> bool:
        """Return whether a file contains one of the words; `outside_functions`: only in code that runs at import."""
        key = (path, words)
        if key not in self._matches:
            text = self.text(path) or ""
            found = any(word in text for word in words)
            if found and outside_functions:
                outer = without_functions(text)
                found = any(word in outer for word in words)
            self._matches[key] = found
        return self._matches[key]

    def imports(self, path: str) -> list[tuple[str, str, str]]:
        """Return a module's top-level imports, as (origin of `from`, its names, names of a plain `import`)."""
        if path not in self._imports:
            self._imports[path] = TOP_IMPORT.findall(self.text(path) or "")
        return self._imports[path]

    def _is_unlisted(self, path: str) -> bool:
        """Return whether a path isn't covered by `files`, which was cut short or skips its folder."""
        if self._is_partial or not SKIPPED_FOLDERS.isdisjoint(path.split("/")):
            return True
        return any(path == link or path.startswith(link + "/") for link in self._links)

    def text(self, path: str) -> str | None:
        """Return the text of a file; None if it is missing, unreadable, outside of the root, binary or too big."""
        path = os.path.normpath(path)
        if path not in self._texts:
            self._texts[path] = self._load(path)
        return self._texts[path]

    def _load(self, path: str) -> str | None:
        self.files()
        # Listed files are inside, unless they are links
        if (path not in self._known or path in self._links) and not self._inside(path):
            return None
        full = os.path.join(self.root, path)
        try:
            raw = read_bytes(full, limit=MAX_LOCK_BYTES if path.endswith("lock") else MAX_BYTES)
        except OSError:  # also recorded for existing files that can't be read: they may be replaced
            self._missing.add(path)
            return None
        self.read.add(path)
        if raw[:2] in (b"\xff\xfe", b"\xfe\xff") and not path.endswith(
            (".py", ".toml")
        ):  # as written by PowerShell's `>`
            return raw.decode("utf-16", "replace")
        is_binary = b"\0" in raw[:1024] and not os.path.basename(path).startswith("Procfile")  # an error of its own
        return None if is_binary else raw.decode("utf-8-sig", "replace")

    def module(self, path: str) -> ast.Module | None:
        """Return the syntax tree of a Python file; None if it can't be parsed."""
        if path not in self._modules:
            text = self.text(path)
            self._modules[path] = None if text is None else parse_python(text)
        return self._modules[path]

    def _inside(self, path: str) -> bool:
        if os.path.isabs(path) or path.startswith(".."):
            return False
        real = os.path.realpath(self.root / path)
        return real == str(self.root) or real.startswith(str(self.root) + os.sep)


def folders_above(path: str) -> Iterator[str]:
    """Yield the folders that contain a path, the nearest first, without the root."""
    while path := path.rpartition("/")[0]:
        yield path


def parse_python(text: str) -> ast.Module | None:
    """Parse a module's text; None if it isn't valid for the Python that devboot runs on."""
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # warnings about the clone's escape sequences
            return ast.parse(text)
    except (SyntaxError, ValueError, RecursionError, MemoryError):
        return None


def syntax_error(text: str) -> tuple[int, str]:
    """Return the line and the message of a module's syntax error; (0, "") if it has none."""
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            ast.parse(text)
    except SyntaxError as error:
        return error.lineno or 1, error.msg
    except (ValueError, RecursionError, MemoryError):
        return 1, "can't be parsed"
    return 0, ""


def without_functions(text: str) -> str:
    """Return a module's text without function bodies, imports and decorators: roughly what runs at import."""
    kept: list[str] = []
    inside: int | None = None
    for line in text.splitlines():
        bare = line.lstrip()
        if not bare:
            continue
        indent = len(line) - len(bare)
        if inside is not None and (indent > inside or bare.startswith(")")):
            continue
        inside = None
        if bare.startswith(("def ", "async def ")):
            inside = indent
        elif not bare.startswith(("from ", "import ", "@", "#")):
            kept.append(line)
    return "\n".join(kept)


def line_of(text: str, pattern: str) -> int:
    """Return the number of the first line with a match; 0 for none."""
    match = re.search(pattern, text, re.MULTILINE)
    return text.count("\n", 0, match.start()) + 1 if match else 0
