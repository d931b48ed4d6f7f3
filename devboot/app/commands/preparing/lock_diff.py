"""`lock diff`: reads two locks, from files or git revisions, and compares them."""

from __future__ import annotations

import os

from devboot.clone_reader import read_bytes
from devboot.errors import UsageError
from devboot.git import ask_git
from devboot.model.edge.lockfile.diff import Difference, differences
from devboot.model.edge.lockfile.lock import Lock, parse_lock
from devboot.model.edge.lockfile.merge import merge_text
from devboot.record import Record
from devboot.state.project import find_project

TYPE_CHECKING = False
if TYPE_CHECKING:
    from devboot.app.context import Context

HEAD = "HEAD"


class LockDiff(Record):
    """The differences of two locks; `old` and `new` are their names for the user."""

    old: str
    new: str
    differences: tuple[Difference, ...]


def lock_diff(context: Context, old: str, new: str) -> LockDiff:
    """Compare two locks, each given as a path or a git revision.

    "" for `old` is the last commit, "" for `new` the present file. Raises UsageError `usage/no-lock`, and the errors of
    reading a lock.
    """
    path = find_project(context.cwd, context.environ).lock
    if not old and not new and not os.path.exists(path):
        raise UsageError("usage/no-lock", f"there is no lockfile `{_shown(path, context)}`", help=["devboot lock"])
    before, called = _read(old or HEAD, path, context)
    after, newer = _read(new, path, context) if new else _of_file(path, context)
    return LockDiff(called, newer, differences(before, after))


def _read(word: str, path: str, context: Context) -> tuple[Lock, str]:
    file = os.path.join(context.cwd, word)
    if os.path.isfile(file):
        return _of_file(file, context)
    return _of_revision(word, path, context)


def _of_file(path: str, context: Context) -> tuple[Lock, str]:
    shown = _shown(path, context)
    try:
        data = read_bytes(path)
    except FileNotFoundError:
        return Lock(), "nothing"
    merged = merge_text(data.decode(errors="replace"), shown)
    return (merged.lock, f"{shown} (both sides of a conflict)") if merged else (parse_lock(data, shown), shown)


def _of_revision(word: str, path: str, context: Context) -> tuple[Lock, str]:
    folder = os.path.dirname(path)
    name = f"{word}:./{os.path.basename(path)}"
    known = ask_git(["rev-parse", "--verify", "--quiet", f"{word}^{{commit}}"], folder, context.environ)
    if known is None:
        if word == HEAD:  # no repository, or no commit yet: everything is new
            return Lock(), "nothing"
        raise UsageError(
            "usage/no-lock", f"`{word}` is neither a file nor a revision of git", help=["devboot lock diff HEAD~1"]
        )
    data = ask_git(["cat-file", "blob", name], folder, context.environ)
    return (Lock(), f"{word}, which has none") if data is None else (parse_lock(data, f"{word}:devboot.lock"), word)


def _shown(path: str, context: Context) -> str:
    return os.path.relpath(path, context.cwd)
