"""Tasks: the order in which they run before the processes, and when running one again is unnecessary."""

from __future__ import annotations

import errno
import fnmatch
import hashlib
import os
import re
from collections.abc import Iterable, Iterator, Mapping

from devboot.clone_reader import file_digest, is_file, note
from devboot.model.edge.manifest.tables import Process, Task
from devboot.record import Record
from devboot.snapshot import IGNORED

PROCESSES = "processes"
_WILDCARDS = re.compile(r"[*?]|\[.*?\]|\[")  # a bracket may be left open
_FOLDERS_LIMIT = 5_000


def automatic(tasks: Mapping[str, Task], processes: Mapping[str, Process]) -> tuple[str, ...]:
    """Return the names of tasks that run before the processes, in an order that their dependencies allow.

    That is the file's order, except where `depends_on` or `before` requires another. A task that an automatic one
    depends on is automatic too. Cycles have been refused when the manifest was read.
    """
    needed = {dependency.name for process in processes.values() for dependency in process.depends_on or ()}
    wanted = (name for name, task in tasks.items() if name in needed or any(b not in tasks for b in task.before))
    return _in_order(wanted, tasks)


def asked_first(name: str, tasks: Mapping[str, Task]) -> tuple[str, ...]:
    """Return the tasks that must run before the task `name`, directly or indirectly needed, in order."""
    return _in_order((name,), tasks)[:-1]


def needs(name: str, tasks: Mapping[str, Task]) -> tuple[str, ...]:
    """Return what the task `name` waits for: its dependencies, and the tasks with `name` in their `before`."""
    named = [dependency.name for dependency in tasks[name].depends_on]
    return tuple(dict.fromkeys([*named, *_predecessors(tasks)[name]]))


def gated_by(process: str, tasks: Mapping[str, Task]) -> tuple[str, ...]:
    """Return the tasks that must run before the process: those with it in their `before`, in the file's order."""
    return tuple(name for name, task in tasks.items() if PROCESSES in task.before or process in task.before)


def _predecessors(tasks: Mapping[str, Task]) -> dict[str, list[str]]:
    after = {name: [d.name for d in task.depends_on if d.name in tasks] for name, task in tasks.items()}
    for name, task in tasks.items():
        for later in task.before:
            if later in tasks:
                after[later].append(name)
    return after


def _in_order(wanted: Iterable[str], tasks: Mapping[str, Task]) -> tuple[str, ...]:
    after = _predecessors(tasks)
    ordered: list[str] = []
    for name in wanted:
        _visit(name, after, ordered)
    return tuple(ordered)


def _visit(name: str, after: Mapping[str, list[str]], ordered: list[str]) -> None:
    if name in ordered:
        return
    for earlier in after[name]:
        _visit(earlier, after, ordered)
    ordered.append(name)


class Inputs(Record):
    """The files that a task's globs match, relative to the root and sorted, and the `folders` that were searched.

    `is_whole` is False if there were too many folders to search: then changes can't be detected.
    """

    files: tuple[str, ...]
    folders: tuple[str, ...]
    is_whole: bool = True


def match_inputs(root: str, globs: Iterable[str]) -> Inputs:
    """Return the files below `root` that match the globs (`*`, `?`, `**`); links to folders are not followed."""
    files: set[str] = set()
    folders: set[str] = set()
    for glob in globs:
        for found in _matches(root, "", tuple(glob.strip("/").split("/")), folders):
            files.add(found)
    return Inputs(tuple(sorted(files)), tuple(sorted(folders)), is_whole=len(folders) <= _FOLDERS_LIMIT)


def _matches(root: str, folder: str, parts: tuple[str, ...], folders: set[str]) -> Iterator[str]:
    if len(folders) > _FOLDERS_LIMIT:
        return
    head, rest = parts[0], parts[1:]
    if head == "**":
        if rest:
            yield from _matches(root, folder, rest, folders)
        for name in _subfolders(root, folder, folders):
            yield from _matches(root, os.path.join(folder, name), parts, folders)
    elif rest:
        for name in _subfolders(root, folder, folders, head) if _is_pattern(head) else (head,):
            yield from _matches(root, os.path.join(folder, name), rest, folders)
    elif _is_pattern(head):
        yield from _files(root, folder, head, folders)
    elif is_file(os.path.join(root, folder, head)):
        yield os.path.join(folder, head)


def _is_pattern(part: str) -> bool:
    return any(character in part for character in "*?[")


def _widened(pattern: str) -> str:
    """Return a simpler glob, with a single `*`, that matches at least the paths that `pattern` matches."""
    return f"{_WILDCARDS.split(pattern)[0]}*{_WILDCARDS.split(pattern)[-1]}"


def _subfolders(root: str, folder: str, folders: set[str], pattern: str = "*") -> list[str]:
    folders.add(folder)
    note(os.path.join(root, folder), f"{_widened(pattern)}/")
    names = [entry.name for entry in _entries(root, folder) if entry.is_dir(follow_symlinks=False)]
    return sorted(name for name in names if name not in IGNORED and fnmatch.fnmatchcase(name, pattern))


def _files(root: str, folder: str, pattern: str, folders: set[str]) -> Iterator[str]:
    folders.add(folder)
    note(os.path.join(root, folder), _widened(pattern))
    for entry in _entries(root, folder):
        if entry.is_file() and fnmatch.fnmatchcase(entry.name, pattern):
            yield os.path.join(folder, entry.name)


def _entries(root: str, folder: str) -> list[os.DirEntry[str]]:
    try:
        with os.scandir(os.path.join(root, folder)) as entries:
            return list(entries)
    except OSError:
        return []


def stamp_text(task: Task, root: str, inputs: Inputs, *, packages: str, environment: str) -> str:
    """Return a digest of a task's inputs; while it stays the same, the task needn't run again.

    `packages` and `environment` are digests of what is installed and of the variables that the task gets.
    """
    digest = hashlib.sha256()
    for part in ("1", task.run, task.cwd, packages, environment):
        digest.update(part.encode() + b"\0")
    for name in inputs.files:
        digest.update(os.fsencode(name) + b"\0" + _content_digest(os.path.join(root, name)))
    return digest.hexdigest()


def _content_digest(path: str) -> bytes:
    """Return a digest of a file's content; of a file above the size limit, a digest of its size and times."""
    try:
        return file_digest(path)
    except OSError as error:
        if error.errno != errno.EFBIG:
            return b"unreadable"
        found = os.stat(path)
    times = f"{found.st_size} {found.st_mtime_ns} {found.st_ctime_ns} {found.st_ino}"
    return hashlib.sha256(times.encode()).digest()
