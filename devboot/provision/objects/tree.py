"""Processes staged folders: drops unwanted files, normalises modes, lists and digests, makes read-only."""

from __future__ import annotations

import hashlib
import os
import shutil
import stat
from collections.abc import Callable, Iterable, Iterator
from fnmatch import fnmatchcase

from devboot.errors import IntegrityError
from devboot.record import Record

# files that uv adds to a target, and that differ from one installation to the next
_INSTALLER_FILES = (
    "*.dist-info/INSTALLER",
    "*.dist-info/REQUESTED",
    "*.dist-info/RECORD",
    "*.dist-info/direct_url.json",
    "*.dist-info/uv_cache.json",
    "*.dist-info/uv_build.json",
)
_SYNCS = 16  # files that are synced at the same time
_REGENERATED = (".lock", "*/__pycache__/*", "__pycache__/*", "*.pyc")


class Entry(Record):
    """One file of a tree: `path` relative to it, `size` in bytes, `sha256` in hexadecimal, and two flags.

    For a symbolic link, size and digest are those of its target's path.
    """

    path: str
    size: int
    sha256: str
    is_executable: bool
    is_link: bool


def files_below(directory: str) -> Iterator[str]:
    """Yield the relative paths of all files and symbolic links below `directory`, sorted."""
    found = []
    for parent, directories, files in os.walk(directory):
        links = [name for name in directories if os.path.islink(os.path.join(parent, name))]
        found += [os.path.relpath(os.path.join(parent, name), directory) for name in files + links]
    return iter(sorted(found))


def drop_files(directory: str, patterns: Iterable[str]) -> None:
    """Delete the files below `directory` whose relative path matches one of the patterns."""
    wanted = tuple(patterns)
    for name in files_below(directory):
        if any(fnmatchcase(name, pattern) for pattern in wanted):
            os.unlink(os.path.join(directory, name))
    _remove_empty(directory)


def clean_wheel_tree(directory: str) -> None:
    """Delete files that depend on the installation (bytecode, records), so that two installations are equal."""
    drop_files(directory, (*_INSTALLER_FILES, *_REGENERATED))
    scripts = os.path.join(directory, "bin")
    for name in os.listdir(scripts) if os.path.isdir(scripts) else ():
        if _is_entry_point(os.path.join(scripts, name)):
            os.unlink(os.path.join(scripts, name))
    _remove_empty(directory)


def _is_entry_point(path: str) -> bool:
    # its first line contains the path of the interpreter that uv was run with
    with open(path, "rb") as stream:
        head = stream.readline(4096)
    return head.startswith(b"#!") and b"python" in head


def _remove_empty(directory: str) -> None:
    for parent, _, _ in os.walk(directory, topdown=False):
        if parent != directory and not os.listdir(parent):
            os.rmdir(parent)


def find_one(directory: str, pattern: str) -> str:
    """Return the only file below `directory` that matches. Raises IntegrityError `archive/wrong-layout`."""
    found = [name for name in files_below(directory) if fnmatchcase(name, pattern)]
    if len(found) == 1:
        return found[0]
    there = ", ".join(sorted({name.split("/")[0] for name in files_below(directory)})) or "nothing"
    how_many = f"{len(found)} files match" if found else "no file matches"
    raise IntegrityError(
        "archive/wrong-layout",
        f"expected one file `{pattern}` in the downloaded package",
        causes=[f"{how_many}; at the top: {there}"],
        help=["devboot lock --update NAME   # NAME as in devboot.toml", "devboot explain archive/wrong-layout"],
    )


def normalise(directory: str) -> None:
    """Set modes to 0644 or 0755; raise an error for special files and links that lead out of the folder."""
    for parent, directories, files in os.walk(directory):
        for name in directories + files:
            _normalise_one(os.path.join(parent, name), directory)


def _normalise_one(path: str, root: str) -> None:
    mode = os.lstat(path).st_mode
    shown = ascii(os.path.relpath(path, root))[1:-1]
    if stat.S_ISLNK(mode):
        target = os.readlink(path)
        inside = os.path.normpath(os.path.join(os.path.dirname(path), target))
        if os.path.isabs(target) or not inside.startswith(root + os.sep):
            raise IntegrityError(
                "archive/escapes",
                f"`{shown}` in a downloaded package is a link that leads out of it",
                causes=[f"it leads to {target!a}"],
                help=["devboot explain archive/escapes"],
                kept=["nothing of it is used"],
            )
    elif stat.S_ISDIR(mode):
        os.chmod(path, 0o755)  # noqa: S103  programs and data that hold no secret
    elif stat.S_ISREG(mode):
        os.chmod(path, 0o755 if mode & 0o111 else 0o644)
    else:
        raise IntegrityError(
            "archive/special-file",
            f"`{shown}` in a downloaded package is neither file, folder nor link",
            help=["devboot explain archive/special-file"],
            kept=["nothing of it is used"],
        )


def list_tree(directory: str) -> Iterator[Entry]:
    """Yield every file and link with its digest, sorted by path."""
    for name in files_below(directory):
        path = os.path.join(directory, name)
        found = os.lstat(path)
        if stat.S_ISLNK(found.st_mode):
            target = os.fsencode(os.readlink(path))
            yield Entry(name, len(target), hashlib.sha256(target).hexdigest(), is_executable=False, is_link=True)
        else:
            with open(path, "rb") as stream:
                digest = hashlib.file_digest(stream, "sha256").hexdigest()
            yield Entry(name, found.st_size, digest, bool(found.st_mode & 0o111), is_link=False)


def tree_digest(entries: Iterable[Entry]) -> str:
    """Return one digest for all entries of a tree."""
    total = hashlib.sha256()
    for entry in entries:
        kind = "link" if entry.is_link else "exec" if entry.is_executable else "file"
        total.update(f"{kind} {entry.sha256} {entry.size} {entry.path}\n".encode("utf-8", "surrogateescape"))
    return total.hexdigest()


def sync_tree(directory: str) -> None:
    """Flush every file and directory below a folder to disk."""
    from concurrent.futures import ThreadPoolExecutor

    paths = [directory]
    for parent, directories, files in os.walk(directory):
        found = (os.path.join(parent, name) for name in files + directories)
        paths += [path for path in found if not os.path.islink(path)]
    # In parallel, since the journal commits many files at once: this takes a tenth of the time.
    with ThreadPoolExecutor(min(_SYNCS, len(paths))) as pool:
        for _ in pool.map(_sync, paths):
            pass


def _sync(path: str) -> None:
    descriptor = os.open(path, os.O_RDONLY | os.O_CLOEXEC)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


def make_read_only(directory: str) -> None:
    """Remove write permission from the directory and everything below it."""
    _change_modes(directory, lambda mode: mode & ~0o222)


def remove_tree(directory: str) -> None:
    """Delete a tree, read-only or not; do nothing if it doesn't exist."""
    if os.path.lexists(directory):
        _change_modes(directory, lambda mode: mode | 0o200)
        shutil.rmtree(directory)


def _change_modes(directory: str, change: Callable[[int], int]) -> None:
    os.chmod(directory, change(stat.S_IMODE(os.stat(directory).st_mode)))
    for parent, directories, files in os.walk(directory):
        for name in directories + files:
            path = os.path.join(parent, name)
            found = os.lstat(path)
            if not stat.S_ISLNK(found.st_mode):
                os.chmod(path, change(stat.S_IMODE(found.st_mode)))


def link_or_copy(path: str, target: str) -> None:
    """Hard-link a file, or copy it on filesystems without hard links. Raises OSError."""
    try:
        os.link(path, target)
    except FileExistsError:
        raise
    except OSError:
        shutil.copyfile(path, target)


def put_where_nothing_is(staged: str, target: str) -> None:
    """Move a file to `target` without ever replacing a file there, as a rename would.

    `staged` may still exist afterwards. Raises FileExistsError, OSError.
    """
    try:
        os.link(staged, target)
    except FileExistsError:
        raise
    except OSError:  # a filesystem without hard links: create the target first, which then may be replaced
        os.close(os.open(target, os.O_CREAT | os.O_EXCL | os.O_WRONLY, 0o600))
        os.replace(staged, target)
