"""Packs and installs the interpreter of a kit; only one downloaded by uv can be moved to another machine."""

from __future__ import annotations

import os
import re
import sys
import tarfile
import tempfile
from collections.abc import Iterator

from devboot.files import machine_error, make_directories
from devboot.provision.objects.tree import remove_tree
from devboot.scratch import scratch_folder
from devboot.unpack import unpack
from devboot.uv.client import Uv

_NAME = re.compile(r"cpython-\d+\.\d+\.\d+[A-Za-z0-9._+-]*")
_PREFIX = b"/devboot/python/prefix"  # placeholder for the folder's path in files that describe the build
_DESCRIPTIONS = re.compile(r"_sysconfigdata_.*\.py|.*\.pc|Makefile")
_LEFT_OUT = ("__pycache__",)


def managed_folder(uv: Uv) -> str:
    """Return the folder into which uv downloads interpreters."""
    return os.path.realpath(uv.run(["python", "dir"], doing="ask where Pythons are kept").stdout.strip())


def pack_python(executable: str, managed: str, place: str) -> str:
    """Write the interpreter of `executable` as a tar file into `place`; return its name, "" if it isn't uv's.

    The same interpreter gives the same bytes, wherever it is. Raises OSError.
    """
    name = os.path.relpath(os.path.realpath(executable), managed).split(os.sep)[0]
    root = os.path.join(managed, name)
    if not _NAME.fullmatch(name) or not os.path.isdir(root):
        return ""
    path = os.path.join(place, f"{name}.tar")
    with tarfile.open(path, "w", format=tarfile.PAX_FORMAT) as archive, scratch_folder() as edited:
        for inside in sorted(_entries(root)):
            _add(archive, root, inside, edited)
    return path


def install_python(archive: str, managed: str) -> str:
    """Unpack an interpreter into uv's folder `managed`, unless it is there; return its folder.

    Raises IntegrityError `archive/…`, MachineError.
    """
    name = os.path.basename(archive).removesuffix(".tar")
    target = os.path.join(managed, name)
    if os.path.lexists(target):
        return target
    staged = ""
    try:
        make_directories(managed)
        staged = tempfile.mkdtemp(prefix=".devboot-", dir=managed)
        # Linux tells `share/terminfo/E` from `share/terminfo/e`, both of which these interpreters may bring along
        unpack(archive, staged, name=f"{name}.tar", is_cased=sys.platform == "linux")
        for inside in _entries(staged):
            if _DESCRIPTIONS.fullmatch(os.path.basename(inside)):
                _replace(os.path.join(staged, inside), _PREFIX, os.fsencode(target))
        os.chmod(staged, 0o755)  # noqa: S103  programs that hold no secret
        os.rename(staged, target)
    except OSError as error:
        raise machine_error(error, target) from error
    finally:
        if staged:
            remove_tree(staged)
    return target


def is_python_name(name: str) -> bool:
    """Return whether a file name in a kit is that of a packed interpreter."""
    return name.endswith(".tar") and _NAME.fullmatch(name.removesuffix(".tar")) is not None


def _entries(root: str) -> Iterator[str]:
    for parent, folders, files in os.walk(root):
        links = [name for name in folders if os.path.islink(os.path.join(parent, name))]
        folders[:] = [name for name in folders if name not in _LEFT_OUT]
        for name in (*files, *links):
            yield os.path.relpath(os.path.join(parent, name), root)


def _add(archive: tarfile.TarFile, root: str, inside: str, edited: str) -> None:
    path = os.path.join(root, inside)
    entry = archive.gettarinfo(path, inside)
    if not (entry.isreg() or entry.issym() or entry.islnk()):
        return
    is_program = bool(entry.mode & 0o111)
    entry.uid = entry.gid = entry.mtime = 0
    entry.uname = entry.gname = ""
    entry.mode = 0o755 if is_program or entry.issym() else 0o644
    if entry.issym():
        archive.addfile(entry)
        return
    entry.type, entry.linkname = tarfile.REGTYPE, ""  # two names of one file are two files elsewhere
    if _DESCRIPTIONS.fullmatch(os.path.basename(inside)):
        path = _without_prefix(path, root, edited)
    with open(path, "rb") as file:
        entry.size = os.fstat(file.fileno()).st_size
        archive.addfile(entry, file)


def _without_prefix(path: str, root: str, edited: str) -> str:
    copy = os.path.join(edited, os.path.basename(path))
    with open(path, "rb") as source, open(copy, "wb") as target:
        target.write(source.read().replace(os.fsencode(root), _PREFIX))
    return copy


def _replace(path: str, old: bytes, new: bytes) -> None:
    if os.path.islink(path):
        return
    with open(path, "rb") as file:
        text = file.read()
    if old in text:
        with open(path, "wb") as file:
            file.write(text.replace(old, new))
