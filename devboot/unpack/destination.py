"""Writes the members of an archive into a folder: checks names, writes files, and creates links last."""

from __future__ import annotations

import os
import shutil
import stat
import tarfile
from collections.abc import Callable, Iterable
from typing import Any

from devboot.files import fail_point
from devboot.model.printable import counted
from devboot.unpack.limits import Meter
from devboot.unpack.member_names import components, folded, refuse_unprintable
from devboot.unpack.refusals import bad_name, escapes, inconsistent

_FILE, _FOLDER, _LINK = "file", "folder", "link"
_HOPS = 40  # the number of links that a kernel follows
_LONGEST_TARGET = 1000
_FLAGS = os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_NOFOLLOW | os.O_CLOEXEC


class Destination:
    """Writes the members of one archive into the empty folder `directory`, which nobody else writes to.

    With `is_cased` names may differ only by case. With `is_image` the archive is the image of a whole system (a deb):
    names may differ only by case, and absolute links are relative to its top. Every method raises the IntegrityErrors
    in `refusals`, and OSError if the machine fails.
    """

    def __init__(
        self, directory: str, archive: str, meter: Meter, *, is_image: bool = False, is_cased: bool = False
    ) -> None:
        self._directory = directory
        self._archive = archive
        self._meter = meter
        self._is_image = is_image
        self._is_cased = is_image or is_cased
        self._kinds: dict[str, str] = {}  # path → kind
        self._spelled: dict[str, str] = {}  # folded path → path
        self._links: dict[str, str] = {}  # path → target

    def add_folder(self, name: str) -> None:
        """Create the folder of an archive's member and those above it; each may exist from an earlier member."""
        self._meter.add_member()
        parts = components(self._archive, name)
        if parts:
            self._claim_folders(name, parts)

    def add_file(self, name: str, chunks: Iterable[bytes | memoryview], size: int, *, is_executable: bool) -> None:
        """Write a file of exactly `size` bytes."""
        path = self._claim(name, _FILE)
        self._ask_stdlib(path, tarfile.REGTYPE, "")
        descriptor = os.open(os.path.join(self._directory, path), _FLAGS, 0o600)
        written = 0
        try:
            for chunk in chunks:
                _write(descriptor, chunk)
                written += len(chunk)
            os.fchmod(descriptor, 0o755 if is_executable else 0o644)
        finally:
            os.close(descriptor)
        fail_point("unpack/written")
        if written != size:
            raise inconsistent(self._archive, f"{counted(written, 'byte')} came for a member of {size}")

    def add_link(self, name: str, target: str) -> None:
        """Record a symbolic link, which `finish` creates."""
        path = self._claim(name, _LINK)
        refuse_unprintable(self._archive, target)
        if not target:
            raise escapes(self._archive, name, "it is a link to an empty name")
        if len(target.encode("utf-8")) > _LONGEST_TARGET:
            raise bad_name(self._archive, name, f"it is a link to a name of over {_LONGEST_TARGET} bytes")
        if target.startswith("/") and not self._is_image:
            raise escapes(self._archive, name, "it is a link to an absolute name")
        self._links[path] = target

    def add_hard_link(self, name: str, target: str) -> None:
        """Create `name` as a hard link to the file `target`, an earlier member of the archive."""
        other = "/".join(components(self._archive, target))
        path = self._claim(name, _FILE)
        if other == path or self._kinds.get(other) != _FILE:
            raise escapes(self._archive, name, "it is a hard link to something that isn't a file of the archive")
        self._ask_stdlib(path, tarfile.LNKTYPE, other)
        source, place = (os.path.join(self._directory, each) for each in (other, path))
        try:
            os.link(source, place, follow_symlinks=False)
        except OSError:  # a filesystem without hard links
            self._meter.add_bytes(os.lstat(source).st_size)
            shutil.copyfile(source, place, follow_symlinks=False)
            os.chmod(place, stat.S_IMODE(os.lstat(source).st_mode))

    def finish(self) -> None:
        """Create all symbolic links, after checking that none leads outside, even through others."""
        for path, target in self._links.items():
            self._refuse_escape(path, target)
        for path, target in self._links.items():
            place = os.path.dirname(path)
            relative = os.path.relpath(target, f"/{place}") if target.startswith("/") else target
            self._ask_stdlib(path, tarfile.SYMTYPE, relative)
            os.symlink(relative, os.path.join(self._directory, path))

    def _claim(self, name: str, kind: str) -> str:
        self._meter.add_member()
        parts = components(self._archive, name)
        if not parts or name.endswith("/.") or (name.endswith("/") and kind == _FILE):
            raise bad_name(self._archive, name, f"it is the name of a folder, not of a {kind}")
        if len(parts) > 1:
            self._claim_folders(name, parts[:-1])
        path = "/".join(parts)
        if path in self._kinds:
            raise bad_name(self._archive, name, f"it occurs twice, as {self._kinds[path]} and as {kind}")
        self._spell(path)
        self._kinds[path] = kind
        return path

    def _claim_folders(self, name: str, parts: list[str]) -> None:
        if self._kinds.get("/".join(parts)) == _FOLDER:
            return
        for count in range(1, len(parts) + 1):
            path = "/".join(parts[:count])
            kind = self._kinds.get(path)
            if kind == _LINK:
                raise escapes(self._archive, name, f"it leads through the link `{path}`")
            if kind == _FILE:
                raise bad_name(self._archive, name, f"`{path}` is a file and a folder")
            if kind is None:
                self._spell(path)
                self._kinds[path] = _FOLDER
                self._meter.add_member()  # implicit folders count, too
                self._ask_stdlib(path, tarfile.DIRTYPE, "")
                os.mkdir(os.path.join(self._directory, path), 0o755)

    def _spell(self, path: str) -> None:
        if self._is_cased:
            return
        other = self._spelled.setdefault(folded(path), path)
        if other != path:
            raise bad_name(self._archive, path, f"where case doesn't matter it is the same as `{other}`")

    def _refuse_escape(self, path: str, target: str) -> None:
        """Raise IntegrityError if a link leads out of the folder, following it by the names in the archive."""
        at, ahead, hops = path.split("/")[:-1], _steps(target), 0
        if target.startswith("/"):
            at = []
        while ahead:
            step = ahead.pop()
            if step == "..":
                if not at:
                    raise escapes(self._archive, path, f"it is a link to `{target}`")
                at.pop()
                continue
            at.append(step)
            onwards = self._link_at("/".join(at))
            if onwards is not None:
                hops += 1
                if hops > _HOPS:
                    raise escapes(self._archive, path, f"it is a link through more than {_HOPS} others")
                at = [] if onwards.startswith("/") else at[:-1]
                ahead += _steps(onwards)

    def _link_at(self, path: str) -> str | None:
        return self._links.get(path if self._is_cased else self._spelled.get(folded(path), path))

    def _ask_stdlib(self, path: str, kind: bytes, target: str) -> None:
        """Also check a member by tarfile's `data_filter`, if this Python has it."""
        judge: Callable[[tarfile.TarInfo, str], Any] | None = getattr(tarfile, "data_filter", None)
        if judge is None:
            return
        member = tarfile.TarInfo(path)
        member.type, member.linkname = kind, target
        try:
            judge(member, self._directory)
        except tarfile.TarError as error:
            raise escapes(self._archive, path, f"Python's own filter refuses it: {type(error).__name__}") from error


def _steps(target: str) -> list[str]:
    """Return the parts of a link's target in reverse order."""
    return [part for part in reversed(target.split("/")) if part not in ("", ".")]


def _write(descriptor: int, chunk: bytes | memoryview) -> None:
    view = memoryview(chunk)
    while view:
        view = view[os.write(descriptor, view) :]
