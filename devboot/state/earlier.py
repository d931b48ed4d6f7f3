"""Moves data that earlier versions of devboot kept in the clone (`.devboot`) to the project's data folder.

A clone may contain a folder of that name. So the data is used only if devboot's own registers, outside of the clone,
show that it worked in this very folder, and if the data belongs to this user, is no link and isn't tracked by git.
"""

from __future__ import annotations

import errno
import os
import shutil
from collections.abc import Iterator, Mapping

from devboot.errors import shell_word
from devboot.files import plain, sync_directory
from devboot.git import tracked_below
from devboot.paths import EARLIER_STATE
from devboot.record import Record
from devboot.state.records import Owner


class Registers(Record):
    """Finds out when an earlier version of devboot last recorded a project: by its files outside of the clone.

    They are `ports/KEY` in the user's state folder and `roots/KEY` in the data folder. `environ` is for calls of git.
    """

    user_state: str
    user_data: str
    key: str
    environ: Mapping[str, str]

    def newest(self, root: str) -> int:
        """Return when devboot last recorded the project at `root` (ns since the epoch); 0 for never."""
        times = [0]
        for path in (os.path.join(self.user_state, "ports", self.key), os.path.join(self.user_data, "roots", self.key)):
            try:
                with open(path, encoding="utf-8", errors="surrogateescape", opener=plain) as stream:
                    if stream.readline().rstrip("\n") == root:
                        times.append(os.fstat(stream.fileno()).st_mtime_ns)
            except OSError:
                continue
        return max(times)


def take_over_earlier(owner: Owner, data: str, registers: Registers) -> Iterator[str]:
    """Move data of earlier versions into the project's data folder; yield messages for the user. Raises OSError.

    An interrupted move is continued.
    """
    earlier = os.path.join(owner.path, EARLIER_STATE)
    wanted, generations = missing_from(data, owner.path), _generations(earlier)
    if not wanted and not generations:
        return
    complaint = _complaint(owner, earlier, registers)
    if complaint and wanted:
        yield f"{EARLIER_STATE}/data is not used: {complaint}"
    if complaint:
        return
    for path in generations:
        shutil.rmtree(path)
        yield f"removed {EARLIER_STATE}/{os.path.basename(path)}, in which an earlier devboot kept secrets"
    if not wanted:
        return
    for path in wanted:
        _move(path, os.path.join(data, os.path.basename(path)))
    yield f"moved the data that an earlier devboot kept here; you can delete the rest: rm -r {shell_word(earlier)}"


def missing_from(data: str, root: str) -> list[str]:
    """Return the paths of earlier data in the clone at `root` that aren't in `data` yet."""
    found = _wanted(os.path.join(root, EARLIER_STATE))
    return [path for path in found if not os.path.lexists(os.path.join(data, os.path.basename(path)))]


def _wanted(earlier: str) -> list[str]:
    """Return the paths of an earlier version's data in its folder `earlier`."""
    folder = os.path.join(earlier, "data")
    if os.path.islink(earlier) or os.path.islink(folder) or not os.path.isdir(folder):
        return []
    found = [os.path.join(folder, name) for name in sorted(os.listdir(folder))]
    return [*found, *filter(os.path.isdir, [os.path.join(earlier, "backup")])]


def _generations(earlier: str) -> list[str]:
    """Return, in a list, the folder of an earlier version's generations, which have secrets in plain text.

    [] for none.
    """
    folder = os.path.join(earlier, "generations")
    if os.path.islink(earlier) or os.path.islink(folder) or not os.path.isdir(folder):
        return []
    return [folder]


def _complaint(owner: Owner, earlier: str, registers: Registers) -> str:
    """Return why the data in `earlier` must not be used; "" if it may be."""
    recorded = registers.newest(owner.path)
    if not recorded:
        return "devboot has no record of having made it"
    if not owner.identity.birth or owner.identity.birth > recorded:
        return "devboot made it for another folder at this path, as far as its records say"
    for path in (earlier, *_wanted(earlier), *_generations(earlier)):
        found = os.lstat(path)
        if found.st_uid != os.getuid():
            return f"`{path}` belongs to another user"
        if os.path.islink(path):
            return f"`{path}` is a link"
    tracked = tracked_below(earlier, owner.path, registers.environ)
    if tracked is None:
        return "git can't say whether it tracks it"
    return "git tracks it" if tracked else ""


def _move(source: str, target: str) -> None:
    """Move a file or folder atomically, also to another filesystem. Raises OSError."""
    try:
        os.rename(source, target)
    except OSError as error:
        if error.errno != errno.EXDEV:
            raise
        staged = f"{target}.new"
        _remove(staged)  # left by an interrupted move
        if os.path.isdir(source) and not os.path.islink(source):
            shutil.copytree(source, staged, symlinks=True, copy_function=_copy)
            _keep_owner(source, staged)
        else:
            _copy(source, staged)
        _sync(staged)
        os.rename(staged, target)
        sync_directory(os.path.dirname(target))
        _remove(source)


def _remove(path: str) -> None:
    if os.path.isdir(path) and not os.path.islink(path):
        shutil.rmtree(path)
    elif os.path.lexists(path):
        os.unlink(path)


def _sync(path: str) -> None:
    """Flush a file or a tree to disk. Raises OSError."""
    if os.path.islink(path):
        return
    folders = [(parent, names) for parent, _, names in os.walk(path)]
    files = [os.path.join(parent, name) for parent, names in folders for name in names] or [path]
    for each in files:
        if os.path.isfile(each) and not os.path.islink(each):
            with open(each, "rb", opener=plain) as stream:
                os.fsync(stream.fileno())
    for parent, _ in folders:
        sync_directory(parent)


def _copy(source: str, target: str) -> str:
    shutil.copy2(source, target, follow_symlinks=False)
    found = os.lstat(source)
    if os.getuid() == 0:  # servers started by root run as another user
        os.chown(target, found.st_uid, found.st_gid, follow_symlinks=False)
    return target


def _keep_owner(source: str, target: str) -> None:
    if os.getuid() != 0:
        return
    for place, folders, _ in os.walk(source):
        for folder in ("", *folders):
            found = os.lstat(os.path.join(place, folder))
            copied = os.path.join(target, os.path.relpath(os.path.join(place, folder), source))
            os.chown(copied, found.st_uid, found.st_gid, follow_symlinks=False)
