"""Writes and reads kits: one file with everything that a project needs on a machine without network.

    kit.json            what the kit is for, and each further file with its size and sha256
    downloads/<sha256>  files of the store's sources
    wheels/<name>       wheels of Python packages, of services and of devboot itself
    …                   `lock/`, `data/`, `python/`

A kit is a plain tar file in one fixed form: names are sorted, owners, times and modes are constant. So the reader
doesn't interpret headers: each header has to be, byte for byte, the one that the writer would have written for the
next entry of the list. Links, duplicates, names that lead outside and wrong sizes can't be expressed.
"""

from __future__ import annotations

import hashlib
import json
import os
import re
import tarfile
from collections.abc import Callable, Collection, Iterator, Mapping
from typing import Any, BinaryIO

from devboot.clone_reader import parse_json
from devboot.errors import IntegrityError
from devboot.record import Record

FORMAT = 1
LIST = "kit.json"
_BLOCK = tarfile.BLOCKSIZE
_CHUNK = 1 << 20
_LIST_LIMIT = 16_000_000  # bytes; a list of ten thousand files is a tenth of that
_OF_RECORDS = ("packages", "objects", "data")
_LISTS = (*_OF_RECORDS, "platforms", "files", "unavailable")
_PATH = re.compile(r"(?:data|downloads|lock|python|wheels)/[A-Za-z0-9_][A-Za-z0-9._+!-]{0,240}")


class KitFile(Record):
    """One file of a kit: `path` in the archive, `size` in bytes, `sha256` in hexadecimal digits."""

    path: str
    size: int
    sha256: str


class KitPackage(Record):
    """A wheel of a kit and the platforms that it serves.

    `role` is `project` for wheels of the virtualenv, `service` for the store, `build` for building the project's
    own packages, `tool` for devboot. `built_from` is the digest of the sdist that the wheel was built from, "" for
    none.
    """

    name: str
    version: str
    file: str
    platforms: tuple[str, ...]
    role: str = "project"
    built_from: str = ""


class KitObject(Record):
    """A recipe's package on one platform: `key` is the store key of the object made from `files`.

    `python` is the minor version that an app runs on, "" for packages without Python.
    """

    name: str
    version: str
    platform: str
    key: str
    files: tuple[str, ...]
    python: str = ""


class Contents(Record):
    """A kit's description: project, platforms, packages, data.

    `python` is the minor version that its wheels are for, "" if it has none. `data` pairs a database's name with its
    file; `interpreter` is a Python for the kit's only platform, "" for none; `unavailable` has sentences about packages
    that some platform lacks.
    """

    project: str
    devboot: str
    platforms: tuple[str, ...]
    python: str = ""
    libc: str = ""
    packages: tuple[KitPackage, ...] = ()
    objects: tuple[KitObject, ...] = ()
    data: tuple[tuple[str, str], ...] = ()
    unavailable: tuple[str, ...] = ()
    interpreter: str = ""


class Kit(Record):
    """A kit's description and the list of its files, sorted by path."""

    contents: Contents
    files: tuple[KitFile, ...]

    @property
    def size(self) -> int:
        """The total size of the files in the kit, in bytes."""
        return sum(each.size for each in self.files)


def write_kit(
    target: BinaryIO, contents: Contents, sources: Mapping[str, str], *, tell: Callable[[int], None] = lambda _: None
) -> Kit:
    """Write a kit from files (`sources`: path in the kit → path on disk) and return its description.

    The same contents and files give the same bytes. `tell` is called with the number of bytes written so far. Raises
    OSError, and ValueError for a path that the format doesn't allow.
    """
    files = tuple(_described(path, sources[path]) for path in sorted(sources))
    refuse_paths(each.path for each in files)
    kit = Kit(contents, files)
    listing = to_json(kit)
    target.write(_header(LIST, len(listing)) + listing + _padding(len(listing)))
    done = 0
    for each in files:
        target.write(_header(each.path, each.size))
        done = _copy(sources[each.path], each, target, done, tell)
    target.write(bytes(2 * _BLOCK))
    return kit


def _described(path: str, source: str) -> KitFile:
    with open(source, "rb") as file:
        return KitFile(path, os.fstat(file.fileno()).st_size, hashlib.file_digest(file, "sha256").hexdigest())


def _copy(source: str, each: KitFile, target: BinaryIO, done: int, tell: Callable[[int], None]) -> int:
    """Copy a file into the kit. Raises OSError if the file has changed since its digest was computed."""
    digest, left = hashlib.sha256(), each.size
    with open(source, "rb") as file:
        while block := file.read(min(_CHUNK, left)):
            digest.update(block)
            target.write(block)
            left -= len(block)
            done += len(block)
            tell(done)
    if left or digest.hexdigest() != each.sha256:
        raise OSError(f"{source} changed while it was read")
    target.write(_padding(each.size))
    return done


def _header(path: str, size: int) -> bytes:
    entry = tarfile.TarInfo(path)
    entry.size = size
    entry.mode = 0o644
    return entry.tobuf(tarfile.GNU_FORMAT)


def _padding(size: int) -> bytes:
    return bytes(-size % _BLOCK)


def refuse_paths(paths: Iterator[str]) -> None:
    """Raise ValueError for kit paths that aren't sorted, differ only by case, or have an invalid form."""
    before, seen = "", set[str]()
    for path in paths:
        if not _PATH.fullmatch(path) or path <= before or path.casefold() in seen:
            raise ValueError(f"{path!a} can't be in a kit")
        before = path
        seen.add(path.casefold())


def to_json(kit: Kit) -> bytes:
    """Return the canonical text of a kit's kit.json."""
    contents = kit.contents._asdict()
    contents["packages"] = [each._asdict() for each in sorted(kit.contents.packages)]
    contents["objects"] = [each._asdict() for each in sorted(kit.contents.objects)]
    plain = {"format": FORMAT, **contents, "files": [each._asdict() for each in kit.files]}
    # a digest of the list itself, against damage only: an attacker can write another list
    plain["list"] = hashlib.sha256(_text(plain)).hexdigest()
    return _text(plain)


def _text(plain: Mapping[str, object]) -> bytes:
    return json.dumps(plain, indent=1, sort_keys=True).encode() + b"\n"


def from_json(data: bytes) -> Kit:
    """Parse a kit's kit.json. Raises ValueError for anything that `to_json` wouldn't have written."""
    try:
        plain = parse_json(data)
        packages = tuple(KitPackage(**_tuples(each)) for each in plain["packages"])
        objects = tuple(KitObject(**_tuples(each)) for each in plain["objects"])
        files = tuple(KitFile(**each) for each in plain["files"])
        own = {name: plain[name] for name in Contents._fields}
        own |= {"packages": packages, "objects": objects, "data": tuple(map(tuple, plain["data"]))}
        kit = Kit(Contents(**_tuples(own)), files)
        refuse_paths(each.path for each in files)
        _refuse_strangers(kit)
        is_same = to_json(kit) == data
    except (KeyError, TypeError, AttributeError, RecursionError, UnicodeDecodeError) as error:
        raise ValueError(str(error)) from error
    if not is_same:
        raise ValueError("it isn't in the exact form that devboot writes")
    return kit


def _tuples(plain: Mapping[str, Any]) -> dict[str, Any]:
    return {name: tuple(value) if isinstance(value, list) else value for name, value in plain.items()}


def _refuse_strangers(kit: Kit) -> None:
    """Raise ValueError if a value has the wrong type, a named file isn't listed, or a digest is invalid."""
    contents = kit.contents
    records = [contents._asdict(), *(each._asdict() for each in contents.packages)]
    for record in [*records, *(each._asdict() for each in contents.objects)]:
        for name, value in record.items():
            _refuse_type(name, value)
    listed = {each.path for each in kit.files}
    named = [each.file for each in contents.packages]
    named += [path for each in contents.objects for path in each.files]
    named += [path for _, path in contents.data]
    named += [contents.interpreter] if contents.interpreter else []
    for path in named:
        if path not in listed:
            raise ValueError(f"{path!a} is named, but not listed")
    for each in kit.files:
        if type(each.size) is not int or each.size < 0 or not re.fullmatch(r"[0-9a-f]{64}", each.sha256):
            raise ValueError(f"{each.path!a} has an impossible size or digest")
        if each.path.startswith("downloads/") and each.path != f"downloads/{each.sha256}":
            raise ValueError(f"{each.path!a} is not named after its digest")


def _refuse_type(name: str, value: object) -> None:
    if name not in _LISTS:
        is_right = type(value) is str
    else:
        is_right = isinstance(value, tuple) and all(
            isinstance(each, tuple) if name in _OF_RECORDS else type(each) is str for each in value
        )
    if name == "data" and is_right:
        is_right = all(type(text) is str for pair in value for text in pair)  # type: ignore[attr-defined]
    if not is_right:
        raise ValueError(f"{name!a} has the wrong type")


class KitReader:
    """An opened kit. Call `verify` before anything in it is used."""

    def __init__(self, file: BinaryIO, name: str) -> None:
        self._file = file
        self._name = name

    def kit(self) -> Kit:
        """Return the description at the kit's beginning. Raises IntegrityError `kit/not-a-kit`, `kit/too-new`."""
        self._file.seek(0)
        head = self._file.read(_BLOCK)
        size = _size_in(head)
        if size is None or size > _LIST_LIMIT or head != _header(LIST, size):
            raise self._no_kit("it doesn't begin with a list of its files, as every kit does")
        data = self._file.read(size)
        if len(data) < size or self._file.read(-size % _BLOCK) != _padding(size):
            raise self._damaged("it ends in the middle of its list")
        self._refuse_newer(data)
        try:
            return from_json(data)
        except ValueError as error:
            raise self._no_kit(f"its list can't be read: {error}") from error

    def verify(self, *, tell: Callable[[int], None] = lambda _: None) -> Kit:
        """Read the whole kit without writing anything, and return its description. Raises IntegrityError `kit/…`."""
        kit = self.kit()
        done = 0
        for _, blocks in self._members(kit, ()):
            for block in blocks:
                done += len(block)
                tell(done)
        rest = self._file.read(2 * _BLOCK + 1)
        if rest != bytes(2 * _BLOCK):
            raise self._damaged("it ends too early" if len(rest) < 2 * _BLOCK else "it has data after its end")
        return kit

    def extract(self, into: str, paths: Collection[str]) -> dict[str, str]:
        """Write these files into the empty folder `into` under their paths, with digests checked again.

        Returns the path on disk of each. Raises IntegrityError `kit/damaged`, OSError.
        """
        kit = self.kit()
        found = {}
        for each, blocks in self._members(kit, paths):
            target = os.path.join(into, each.path)
            os.makedirs(os.path.dirname(target), mode=0o700, exist_ok=True)
            with open(target, "xb") as file:
                file.writelines(blocks)
            found[each.path] = target
        return found

    def _members(self, kit: Kit, only: Collection[str]) -> Iterator[tuple[KitFile, Iterator[bytes]]]:
        """Yield each file with its content in blocks; an empty `only` means all files.

        The digest is checked when the last block has been read.
        """
        for each in kit.files:
            header = _header(each.path, each.size)
            found = self._file.read(len(header))
            if found != header:
                short = len(found) < len(header)
                raise self._damaged(
                    "it ends too early" if short else f"it has other data in the place of `{each.path}`"
                )
            if only and each.path not in only:
                self._file.seek(each.size + -each.size % _BLOCK, os.SEEK_CUR)
            else:
                yield each, self._content(each)

    def _content(self, each: KitFile) -> Iterator[bytes]:
        digest, left = hashlib.sha256(), each.size
        while left:
            block = self._file.read(min(_CHUNK, left))
            if not block:
                raise self._damaged(f"it ends in the middle of `{each.path}`")
            digest.update(block)
            left -= len(block)
            yield block
        if digest.hexdigest() != each.sha256 or self._file.read(-each.size % _BLOCK) != _padding(each.size):
            raise self._damaged(f"`{each.path}` doesn't have the digest in its list")

    def _refuse_newer(self, data: bytes) -> None:
        try:
            plain = parse_json(data)
            number = plain["format"] if isinstance(plain, dict) else None
        except (ValueError, KeyError, RecursionError):
            return
        if isinstance(number, int) and number > FORMAT:
            raise IntegrityError(
                "kit/too-new",
                f"`{self._name}` has format {number}, this devboot reads up to {FORMAT}",
                help=["`uv tool upgrade devboot`, or the devboot that is in the kit"],
                kept=[_KEPT],
            )

    def _no_kit(self, why: str) -> IntegrityError:
        return IntegrityError(
            "kit/not-a-kit",
            f"`{self._name}` is not a kit written by devboot",
            causes=[why],
            help=["devboot pack   # on a machine with network, writes a kit"],
            kept=[_KEPT],
        )

    def _damaged(self, why: str) -> IntegrityError:
        return IntegrityError(
            "kit/damaged",
            f"`{self._name}` has changed since it was packed",
            causes=[why],
            help=["copy it again, comparing the sha256 that `devboot pack` printed"],
            kept=[_KEPT],
        )


_KEPT = "nothing of it was used, nothing was written"


def _size_in(head: bytes) -> int | None:
    match = re.fullmatch(rb"([0-7]{11})\0", head[124:136])
    return int(match[1], 8) if match else None
