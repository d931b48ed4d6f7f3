"""Scans the watched part of a project: which folders to watch, and which watched files have changed."""

from __future__ import annotations

import os
import re
from collections.abc import Iterable, Mapping, Sequence

from devboot.record import Record
from devboot.watching.ignoring import FILE, NEVER, Rules, is_ignored, read_rules, rules_above
from devboot.watching.patterns import base_of, compile_patterns, is_literal

_Condition = tuple[int, int, int]  # modification time in ns, size, inode, which differs after a replacement


class Wish(Record):
    """Files to watch for one process, as expressions for relative paths.

    `literal` ones count even if git ignores them.
    """

    name: str
    wanted: re.Pattern[str]
    literal: re.Pattern[str]
    unwanted: re.Pattern[str]

    def means(self, path: str, *, ignored: bool) -> bool:
        """Return True if the process watches the file at this relative path; `ignored`: git ignores the file."""
        if self.literal.match(path):
            return True
        return not ignored and bool(self.wanted.match(path)) and not self.unwanted.match(path)


def parse_wish(name: str, globs: Sequence[str]) -> Wish:
    """Convert the globs of a process' `watch` to expressions; `!` in front of a glob excludes its files."""
    wanted = [os.path.normpath(glob) for glob in globs if not glob.startswith("!")]
    unwanted = [os.path.normpath(glob[1:]) for glob in globs if glob.startswith("!")]
    literal = compile_patterns([glob for glob in wanted if is_literal(glob)])
    return Wish(name, compile_patterns(wanted), literal, compile_patterns(unwanted))


class Tree:
    """State of the watched folders and files. At first, files modified after `since` (ns) count as changed."""

    def __init__(self, root: str, globs: Mapping[str, Sequence[str]], since: int) -> None:
        self.root = root
        self._wishes = [parse_wish(name, each) for name, each in globs.items()]
        wanted = {os.path.normpath(g) for each in globs.values() for g in each if not g.startswith("!")}
        self._bases = sorted({_absolute(root, base_of(glob)) for glob in wanted})
        self._named = {_absolute(root, glob) for glob in wanted if is_literal(glob)}
        self._deep = {_absolute(root, base_of(glob)) for glob in wanted if _goes_down(glob)} | self._named
        self._files: dict[str, dict[str, _Condition]] = {}
        self._chains: dict[str, tuple[Rules, ...]] = {}
        self._since = since
        self._is_first = True
        self._above = rules_above(root)

    @property
    def folders(self) -> tuple[str, ...]:
        """All folders to watch."""
        return tuple(self._files)

    def look(self) -> set[str]:
        """Scan all watched folders; return the paths of files that have changed, appeared or disappeared."""
        changed: set[str] = set()
        for folder in sorted({*map(_existing, self._bases), *self._files}):
            self._look_into(folder, changed)
        self._is_first = False
        return changed

    def look_at(self, paths: Iterable[str]) -> set[str]:
        """Scan the folders that contain these absolute paths; return the paths of changed files."""
        paths = set(paths)
        if any(os.path.basename(path) == FILE for path in paths):
            return self._reread()
        changed: set[str] = set()
        for folder in sorted({os.path.dirname(path) for path in paths} | paths):
            if folder in self._files:
                self._look_into(folder, changed)
        return changed

    def names(self, changed: Iterable[str]) -> dict[str, list[str]]:
        """Return the changed files, relative to the root, by the name of each process that watches them."""
        inner = sorted(os.path.relpath(path, self.root) for path in changed)
        found = {wish.name: [path for path in inner if wish.means(path, ignored=False)] for wish in self._wishes}
        return {name: paths for name, paths in found.items() if paths}

    def _reread(self) -> set[str]:
        """Read changed .gitignore files again; return only files that have changed themselves."""
        known, self._files, self._chains = self._files, {}, {}
        self._above = rules_above(self.root)
        self.look()
        return {
            path
            for folder, files in self._files.items()
            for path, condition in files.items()
            if folder in known and known[folder].get(path, condition) != condition
        }

    def _look_into(self, folder: str, changed: set[str]) -> None:
        chain = self._chain(folder)
        before = self._files.get(folder, {})
        files: dict[str, _Condition] = {}
        deeper: list[str] = []
        try:
            with os.scandir(folder) as entries:
                for entry in entries:
                    self._take(entry, chain, files, deeper)
        except OSError:  # gone or unreadable
            self._forget(folder, changed)
            return
        self._files[folder] = files
        self._compare(before, files, changed)
        for each in deeper:
            if each not in self._files:
                self._look_into(each, changed)

    def _take(
        self, entry: os.DirEntry[str], chain: tuple[Rules, ...], files: dict[str, _Condition], deeper: list[str]
    ) -> None:
        try:
            if entry.is_dir(follow_symlinks=False):
                if self._is_worth_it(entry, chain):
                    deeper.append(entry.path)
                return
            if entry.is_dir():  # a link to a folder isn't followed
                return
            ignored = is_ignored(entry.path, chain, is_folder=False)
            inner = os.path.relpath(entry.path, self.root)
            if any(wish.means(inner, ignored=ignored) for wish in self._wishes):
                found = entry.stat()
                files[entry.path] = (found.st_mtime_ns, found.st_size, found.st_ino)
        except OSError:
            return  # gone again

    def _is_worth_it(self, entry: os.DirEntry[str], chain: tuple[Rules, ...]) -> bool:
        if entry.name in NEVER:
            return False
        if any(f"{base}/".startswith(f"{entry.path}/") for base in (*self._bases, *self._named)):
            return True  # named in a pattern
        return (
            any(f"{entry.path}/".startswith(f"{base}/") for base in self._deep)
            and not is_ignored(entry.path, chain, is_folder=True)
            and not os.path.exists(os.path.join(entry.path, "pyvenv.cfg"))
        )

    def _compare(self, before: dict[str, _Condition], files: dict[str, _Condition], changed: set[str]) -> None:
        for path, condition in files.items():
            if condition[0] > self._since if self._is_first else before.get(path) != condition:
                changed.add(path)
        changed.update(before.keys() - files.keys())

    def _forget(self, folder: str, changed: set[str]) -> None:
        for each in [each for each in self._files if each == folder or each.startswith(folder + "/")]:
            changed.update(self._files.pop(each))
            self._chains.pop(each, None)

    def _chain(self, folder: str) -> tuple[Rules, ...]:
        known = self._chains.get(folder)
        if known is None:
            inside = folder == self.root or folder.startswith(self.root + "/")
            above = self._above if folder == self.root or not inside else self._chain(os.path.dirname(folder))
            own = read_rules(folder)
            known = self._chains[folder] = above if own is None else (*above, own)
        return known


def _absolute(root: str, path: str) -> str:
    return os.path.normpath(os.path.join(root, path))


def _existing(folder: str) -> str:
    """Return the folder, or its nearest existing ancestor, in which it would be created."""
    while not os.path.isdir(folder):
        folder = os.path.dirname(folder)
    return folder


def _goes_down(glob: str) -> bool:
    """Return whether a glob can match in folders below its base."""
    rest = glob[len(base_of(glob)) :].strip("/")
    return "/" in rest or "**" in rest
