"""A machine that stops: work is killed before each of its changes to the disk, or loses what was not synced by then."""

from __future__ import annotations

import json
import os
import signal
import sys
import warnings
from collections.abc import Callable, Iterator
from typing import NamedTuple

_CHANGES = {"os.rename", "os.mkdir", "os.remove", "os.rmdir", "os.chmod", "os.symlink", "os.truncate"}
_WRITING = os.O_WRONLY | os.O_RDWR | os.O_CREAT


class Crash(NamedTuple):
    """How far the work came: its `number`, and what a loss of power would take besides.

    `unsynced` are files written and not synced since, `created` names in directories that were not synced since,
    `renamed` has (from, to, what the replaced file held in hexadecimal, None for none) of the same kind.
    """

    number: int
    unsynced: tuple[str, ...]
    created: tuple[str, ...]
    renamed: tuple[tuple[str, str, str | None], ...]


class _Journal:
    """What was done below `root`, told from audit events; each is told before it happens."""

    def __init__(self, root: str, stop_before: int, report: int) -> None:
        self.root = root
        self.left = stop_before
        self.report = report
        self.unsynced: dict[str, None] = {}
        self.created: dict[str, None] = {}
        self.renamed: dict[tuple[str, str], str | None] = {}

    def hear(self, event: str, args: tuple) -> None:
        if event == "open" and isinstance(args[0], str) and self._is_ours(args[0]) and args[2] & _WRITING:
            self._count()
            self._written(args[0], is_new=not os.path.lexists(args[0]))
        elif (
            event in _CHANGES
            and isinstance(args[0], str)
            and self._is_ours(args[1] if event == "os.symlink" else args[0])
        ):
            self._count()
            self._changed(event, args)

    def synced(self, path: str) -> None:
        """Called before an fsync of `path`, file or directory."""
        if not self._is_ours(path):
            return
        self._count()
        if os.path.isdir(path):
            self.created = {name: None for name in self.created if os.path.dirname(name) != path}
            self.renamed = {pair: old for pair, old in self.renamed.items() if os.path.dirname(pair[1]) != path}
        else:
            self.unsynced.pop(path, None)

    def _is_ours(self, path: object) -> bool:
        return isinstance(path, str) and (path + "/").startswith(self.root + "/")

    def _count(self) -> None:
        self.left -= 1
        if not self.left:
            renamed = [[*pair, old] for pair, old in self.renamed.items()]
            state = [list(self.unsynced), list(self.created), renamed]
            os.write(self.report, json.dumps(state).encode())
            os.kill(os.getpid(), signal.SIGKILL)

    def _written(self, path: str, *, is_new: bool) -> None:
        self.unsynced[path] = None
        if is_new:
            self.created[path] = None

    def _changed(self, event: str, args: tuple) -> None:
        if event == "os.rename":
            source, target = args[:2]
            self.renamed[source, target] = _hexadecimal(target)
            self._move(source, target)
        elif event in {"os.mkdir", "os.symlink"}:
            self.created[args[1] if event == "os.symlink" else args[0]] = None
        elif event in {"os.remove", "os.rmdir"}:
            for known in (self.unsynced, self.created):
                known.pop(args[0], None)

    def _move(self, source: str, target: str) -> None:
        """What was below `source` is below `target` from now on."""
        for name in ("unsynced", "created"):
            known = getattr(self, name)
            moved = {
                target + path[len(source) :] if (path + "/").startswith(source + "/") else path: None for path in known
            }
            setattr(self, name, moved)


def crashes(root: str, work: Callable[[], object]) -> Iterator[Crash]:
    """Do `work` again and again, killed before its 1st, 2nd, … change below `root`, until it comes to its end.

    Whoever takes the crashes puts the disk back between two of them. The work runs in a forked child.
    """
    number = 1
    while (left := _attempt(root, work, number)) is not None:
        unsynced, created, renamed = left
        yield Crash(number, tuple(unsynced), tuple(created), tuple((a, b, old) for a, b, old in renamed))
        number += 1
    assert number > 1, "the work changed nothing"


def lose_power(crash: Crash, how: str) -> None:
    """What the disk may look like after the crash: `how` is "zeroed", "truncated" or "entries" (names are lost)."""
    if how == "entries":
        for source, target, replaced in reversed(crash.renamed):
            if os.path.lexists(target) and not os.path.lexists(source):
                os.rename(target, source)
            if replaced is not None:
                with open(target, "wb") as stream:
                    stream.write(bytes.fromhex(replaced))
        restored = {target for _, target, replaced in crash.renamed if replaced is not None}
        for path in reversed(crash.created):
            if path not in restored:
                _remove(path)
        return
    for path in crash.unsynced:
        if os.path.isfile(path) and not os.path.islink(path):
            mode, size = os.stat(path).st_mode, os.path.getsize(path)
            os.chmod(path, 0o600)
            with open(path, "wb") as stream:
                stream.write(b"\0" * size if how == "zeroed" else b"")
            os.chmod(path, mode)


def _hexadecimal(path: str) -> str | None:
    if not os.path.isfile(path):
        return None
    descriptor = os.open(path, os.O_RDONLY)
    try:
        return os.read(descriptor, 1 << 20).hex()
    finally:
        os.close(descriptor)


def _remove(path: str) -> None:
    from devboot.provision.objects.tree import remove_tree

    if os.path.isdir(path) and not os.path.islink(path):
        remove_tree(path)
    elif os.path.lexists(path):
        os.unlink(path)


def _attempt(root: str, work: Callable[[], object], number: int) -> list | None:
    read, write = os.pipe()
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", DeprecationWarning)  # of forking beside threads: the child uses none of theirs
        pid = os.fork()
    if not pid:
        _be_the_child(_Journal(root, number, write), work)
    os.close(write)
    with open(read, "rb") as stream:
        said = stream.read()
    _, status = os.waitpid(pid, 0)
    if os.WIFSIGNALED(status):
        assert os.WTERMSIG(status) == signal.SIGKILL
        return json.loads(said)
    assert os.waitstatus_to_exitcode(status) == 0, said.decode()
    return None


def _be_the_child(journal: _Journal, work: Callable[[], object]) -> None:
    """Never returns."""
    fsync = os.fsync

    def told_fsync(descriptor: int) -> None:
        journal.synced(os.readlink(f"/proc/self/fd/{descriptor}"))
        fsync(descriptor)

    os.fsync = told_fsync
    sys.addaudithook(journal.hear)
    try:
        work()
    except BaseException as error:  # noqa: BLE001  the parent shows it
        os.write(journal.report, repr(error).encode())
        os._exit(1)
    os._exit(0)
