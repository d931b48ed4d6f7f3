"""Writes a set of generated files into a folder; replaces only files that it wrote itself before.

The digest of each written file is recorded, so that files that a person has edited or made are recognised.
"""

from __future__ import annotations

import hashlib
import json
import os
from collections.abc import Sequence

from devboot.clone_reader import file_digest, parse_json
from devboot.clone_writer import refuse_outside
from devboot.errors import UsageError
from devboot.files import atomic_write, make_directories, move_aside, plain
from devboot.record import Record


class WrittenFile(Record):
    """A file to be written: `path` is relative to the folder."""

    path: str
    text: str
    mode: int


class WrittenFiles(Record):
    """Result of `write_generated`, paths relative to the folder; `aside` has (path, dated name of the old file)."""

    written: tuple[str, ...]
    unchanged: tuple[str, ...]
    removed: tuple[str, ...]
    aside: tuple[tuple[str, str], ...]


def write_generated(
    files: Sequence[WrittenFile], folder: str, record: str, *, at: float, is_forced: bool
) -> WrittenFiles:
    """Write `files` below `folder`, and remove files of an earlier call that aren't among them.

    `record` is the file that keeps the digests of what was written; `at` is wall-clock seconds. Raises UsageError
    `export/exists` before anything is written if a file of somebody else is in the way; with `is_forced` that file is
    renamed. Raises MachineError for errors of the disk.
    """
    known = _read(record)
    foreign = [each.path for each in files if _is_foreign(each, folder, known)]
    if foreign and not is_forced:
        raise _exists(foreign, folder)
    aside = tuple((path, os.path.relpath(move_aside(os.path.join(folder, path), at), folder)) for path in foreign)
    written, unchanged = [], []
    for each in files:
        path = os.path.join(folder, each.path)
        if _digest(path) == _digest_of(each.text):
            os.chmod(path, each.mode)
            unchanged.append(each.path)
            continue
        refuse_outside(path, folder)
        make_directories(os.path.dirname(path))
        atomic_write(path, each.text.encode("utf-8", "surrogateescape"), mode=each.mode)
        written.append(each.path)
    removed = _remove_old(files, folder, known)
    ours = {os.path.join(folder, each.path): _digest_of(each.text) for each in files}
    kept = {path: digest for path, digest in known.items() if not path.startswith(f"{folder}{os.sep}")}
    make_directories(os.path.dirname(record))
    atomic_write(record, json.dumps(kept | ours, indent=1))
    return WrittenFiles(tuple(written), tuple(unchanged), removed, aside)


def _is_foreign(file: WrittenFile, folder: str, known: dict[str, str]) -> bool:
    path = os.path.join(folder, file.path)
    if not os.path.lexists(path):
        return False
    return _digest(path) not in (_digest_of(file.text), known.get(path, "-"))


def _remove_old(files: Sequence[WrittenFile], folder: str, known: dict[str, str]) -> tuple[str, ...]:
    wanted = {os.path.join(folder, each.path) for each in files}
    removed = []
    for path, digest in known.items():
        if path.startswith(f"{folder}{os.sep}") and path not in wanted and _digest(path) == digest:
            os.unlink(path)
            removed.append(os.path.relpath(path, folder))
    return tuple(removed)


def _exists(paths: Sequence[str], folder: str) -> UsageError:
    more = f" and {len(paths) - 1} more" if len(paths) > 1 else ""
    return UsageError(
        "export/exists",
        f"`{os.path.join(folder, paths[0])}`{more} exists already and wasn't written by devboot, or was edited since",
        help=["the same command with `--force` moves it aside; nothing is deleted", "or name another folder"],
    )


def _read(record: str) -> dict[str, str]:
    try:
        with open(record, encoding="utf-8", opener=plain) as file:
            return {str(path): str(digest) for path, digest in parse_json(file.read()).items()}
    except (OSError, ValueError, AttributeError):
        return {}  # without the record no file counts as ours, and existing ones are refused


def _digest(path: str) -> str:
    try:
        return file_digest(path).hex()
    except OSError:
        return ""


def _digest_of(text: str) -> str:
    return hashlib.sha256(text.encode("utf-8", "surrogateescape")).hexdigest()
