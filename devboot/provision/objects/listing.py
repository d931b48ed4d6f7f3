"""The file object.json of a store object: sizes and digests of its files, to detect damage."""

from __future__ import annotations

import hashlib
import json
import os
import stat

from devboot.clone_reader import parse_json
from devboot.files import plain
from devboot.model.printable import counted
from devboot.provision.objects.tree import Entry, files_below, list_tree, tree_digest

NAME = "object.json"
_OWN = {NAME, ".registered"}


def write(directory: str) -> None:
    """Write object.json for everything below `directory`."""
    entries = list(list_tree(directory))
    record = {"format": 1, "digest": tree_digest(entries), "files": [list(entry) for entry in entries]}
    path = os.path.join(directory, NAME)
    with open(path, "w", encoding="ascii") as stream:
        json.dump(record, stream, indent=0)
    os.chmod(path, 0o644)  # independent of the umask, like all other files of the tree


def read(directory: str) -> tuple[str, tuple[Entry, ...]] | None:
    """Return the digest of the tree and its entries from object.json; None if it is missing or damaged."""
    try:
        with open(os.path.join(directory, NAME), encoding="ascii", opener=plain) as stream:
            record = parse_json(stream.read())
        entries = tuple(Entry(*row) for row in record["files"])
        digest = str(record["digest"])
    except (OSError, ValueError, KeyError, TypeError):
        return None
    return (digest, entries) if tree_digest(entries) == digest else None


def digest_of(directory: str) -> str:
    """Return the digest of the file object.json."""
    with open(os.path.join(directory, NAME), "rb", opener=plain) as stream:
        return hashlib.file_digest(stream, "sha256").hexdigest()


def complaints(directory: str, *, full: bool) -> tuple[str, ...]:
    """Return differences of a folder from its object.json, as `bin/redis-server is missing`.

    By default only presence and size are compared; with `full` also contents, modes and extra files.
    """
    found = read(directory)
    if found is None:
        return (f"{NAME} is missing or damaged",)
    _, entries = found
    said = [complaint for entry in entries if (complaint := _complaint(directory, entry, full=full))]
    if full:
        listed = {entry.path for entry in entries} | _OWN
        said += [f"{name} isn't part of the object" for name in files_below(directory) if name not in listed]
    return tuple(said)


def _complaint(directory: str, entry: Entry, *, full: bool) -> str | None:
    path = os.path.join(directory, entry.path)
    try:
        found = os.lstat(path)
    except OSError:
        return f"{entry.path} is missing"
    if found.st_size != entry.size:
        return f"{entry.path} has {counted(found.st_size, 'byte')} instead of {entry.size}"
    return _deep_complaint(path, entry, found) if full else None


def _deep_complaint(path: str, entry: Entry, found: os.stat_result) -> str | None:
    if not (stat.S_ISLNK if entry.is_link else stat.S_ISREG)(found.st_mode):
        return f"{entry.path} is another kind of file than the one published"
    if entry.is_link:
        content = hashlib.sha256(os.fsencode(os.readlink(path))).hexdigest()
    else:
        if found.st_mode & 0o222 or bool(found.st_mode & 0o111) != entry.is_executable:
            return f"{entry.path} has mode {stat.S_IMODE(found.st_mode):04o}"
        with open(path, "rb") as stream:
            content = hashlib.file_digest(stream, "sha256").hexdigest()
    return None if content == entry.sha256 else f"{entry.path} has other content"
