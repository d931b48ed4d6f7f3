"""devboot.lock: chosen versions with their digests, without hosts; equal values produce equal text."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any, ClassVar, Literal

from pydantic import Field, ValidationError

from devboot.errors import DevbootError, LockError, Place, Problems
from devboot.model.artifact import PLATFORMS
from devboot.model.edge.artifacts import (
    ArtifactRow,
    Digests,
    DigestText,
    PinRow,
    PlatformRows,
)
from devboot.model.edge.complaints import Complaints, problems_of
from devboot.model.edge.toml.document import Document, decode
from devboot.model.edge.toml.plain import read_plain
from devboot.model.edge.toml.text import inline, key_text, lines_of
from devboot.model.edge.types import Count, EntryName, Filled, String, Strings, Table
from devboot.record import Record

LOCK = "devboot.lock"
FORMAT = 1
NOT_REPRODUCIBLE = "from PATH, not reproducible"
UNREAD = "the lock isn't used, nothing was started, running processes unchanged"
_HEADER = "# Written by devboot: change devboot.toml, then `devboot lock`.\n"
_CONFLICT = ("<<<<<<<", "|||||||", "=======", ">>>>>>>")


class LockedPackage(PlatformRows):
    """A package of a recipe at one version. `requested` and `insisted` are the manifest's version and source, or ""."""

    noun: ClassVar[str] = "a locked package"
    name: EntryName = Field(description="Name of the recipe.")
    version: Filled = Field(description="Version of the product.")
    revision: Count = Field(default=1, description="Revision of the recipe.")
    requested: String = Field(default="", description="Version that the manifest requires.")
    insisted: String = Field(default="", description="Source that the manifest requires.")
    reproducible: bool = Field(default=True, strict=True, description="Whether it is the same on every machine.")

    @property
    def notes(self) -> tuple[str, ...]:
        """Notes on the package that `ps` shows."""
        return () if self.reproducible else (NOT_REPRODUCIBLE,)

    @property
    def key(self) -> tuple[str, str, str]:
        """The request of the manifest that this package fulfils: (recipe, version, source)."""
        return (self.name, self.requested, self.insisted)


class PythonPackage(Table):
    """One pin of a Python package, or one direct reference if `kind` isn't index; `key` is the digest of its URL."""

    noun: ClassVar[str] = "a locked Python package"
    name: Filled = Field(description="Name of the distribution.")
    version: String = Field(default="", description="Its version.")
    marker: String = Field(default="", description="Marker of environments in which it applies; empty: always.")
    extras: Strings = Field(default=(), description="Its extras.")
    hashes: Digests = Field(default=(), description="Digests of all its files.")
    kind: Literal["index", "editable", "folder", "file", "git", "url"] = Field(
        default="index", description="Where it comes from."
    )
    path: String = Field(default="", description="Its place in the project.")
    key: String = Field(default="", description="Digest of its address, which is in the project's own file.")
    commit: String = Field(default="", description="Commit that a git reference is locked to.")
    subdirectory: String = Field(default="", description="Folder in it.")
    sdist: bool = Field(default=False, strict=True, description="No wheel: building needs packages that aren't pinned.")


class PythonLock(Table):
    """Pins for a project's Python requirements, for all platforms; stale if the digest of an input differs."""

    noun: ClassVar[str] = "the Python lock"
    requires: String = Field(default="", alias="requires-python", description="Python versions that it holds for.")
    python: String = Field(default="", description="Minor version that suits the pins best, if the project sets none.")
    interpreter: String = Field(default="", description="Version of the interpreter that it was made for.")
    exclude_newer: String = Field(default="", alias="exclude-newer", description="As in the manifest.")
    groups: Strings | None = Field(default=None, description="Dependency groups that it has, as in the manifest.")
    extras: Strings = Field(default=(), description="Extras that it has.")
    options: Strings = Field(default=(), description="Options for installing that the requirement files give.")
    inputs: dict[Filled, DigestText] = Field(default={}, description="Files that it was made from, and their digests.")
    package: tuple[PythonPackage, ...] = Field(default=(), description="The pins.")


class Lock(Table):
    """The whole content of devboot.lock."""

    noun: ClassVar[str] = "the lock"
    format: Count = Field(default=FORMAT, description="Version of this format.")
    package: tuple[LockedPackage, ...] = Field(default=(), description="Products of recipes.")
    python: PythonLock | None = Field(default=None, description="Python packages.")

    def find(self, name: str, requested: str = "", insisted: str = "") -> LockedPackage | None:
        """Return the package locked for this request of the manifest; None if there is none."""
        return next((package for package in self.package if package.key == (name, requested, insisted)), None)

    def locked(self, wish: Wish) -> LockedPackage:
        """Return the package locked for a request; the lock must fit the manifest."""
        found = self.find(*wish)
        assert found is not None, "the lock was made to fit"
        return found


def empty_lock() -> Lock:
    """Return a lock without packages, without building pydantic's validators, which takes 7 ms."""
    return Lock.model_construct()


_MADE_AGAIN = "devboot lock   # makes it again with the last versions that worked here, and keeps a copy of the file"


def parse_lock(data: bytes | str, file: str = LOCK) -> Lock:
    """Parse a lock. Raises Problems of LockErrors: `lock/conflict`, `lock/syntax`, `lock/too-new`."""
    try:
        return _parsed(data, file)
    except Problems as problems:
        for error in problems.errors:
            error.help = error.help or (_MADE_AGAIN,)
        raise


def _parsed(data: bytes | str, file: str) -> Lock:
    try:
        text = data if isinstance(data, str) else decode(data, file, area="lock")
        _refuse_conflict(text, file)
        document = Document(text, file, area="lock", values=read_plain(text))
    except LockError as error:
        raise problems_of([error], UNREAD) from None
    complaints = Complaints(document, {})
    if (newer := _too_new(document, complaints)) is not None:
        raise problems_of([newer], UNREAD)
    try:
        lock = Lock.model_validate(document.values)
    except ValidationError as error:
        raise problems_of(complaints.of(error, Lock), UNREAD) from None
    if unhashed := list(_unhashed(lock, complaints)):
        raise problems_of(unhashed, UNREAD)
    return lock


def _refuse_conflict(text: str, file: str) -> None:
    for number, line in enumerate(text.splitlines(), 1):
        if line.startswith(_CONFLICT[0]):
            place = Place(file, number, 1, width=len(_CONFLICT[0]), label="from here", source=line)
            helps = ("devboot lock   # merges both sides, and keeps a copy of the file",)
            raise LockError("lock/conflict", "the lock has a merge conflict", place=place, help=helps)


def _too_new(document: Document, complaints: Complaints) -> DevbootError | None:
    found = document.values.get("format")
    if not isinstance(found, int) or found <= FORMAT:
        return None
    what = f"the lock has format {found}, this devboot reads up to {FORMAT}"
    return complaints.error("too-new", what, ("format",), label="newer", help=["`uv tool upgrade devboot`"])


def _unhashed(lock: Lock, complaints: Complaints) -> Iterable[DevbootError]:
    """Yield an error for each pin without hashes while others have them, since it would be installed unverified."""
    pins = () if lock.python is None else lock.python.package
    if any(pin.hashes for pin in pins):
        for index, pin in enumerate(pins):
            if pin.kind == "index" and not pin.hashes:
                what = f"`{pin.name}` has no digest, but others have"
                helps = ["`devboot lock`"]
                yield complaints.error("unhashed", what, ("python", "package", index), label="no `hashes`", help=helps)


def lock_to_text(lock: Lock) -> str:
    """Return the text of devboot.lock: sorted, so that a small change of the lock changes few lines."""
    blocks = [f"{_HEADER}format = {lock.format}\n"]
    blocks += [
        _package(package) for package in sorted(lock.package, key=lambda package: (package.key, package.version))
    ]
    if lock.python is not None:
        blocks += _python(lock.python)
    return "\n".join(blocks)


def _package(package: LockedPackage) -> str:
    own = ("name", "version", "revision", "requested", "insisted", "reproducible")
    lines = ["[[package]]", *lines_of(package, own)]
    return "\n".join([*lines, *platform_lines("package", package)]) + "\n"


def platform_lines(table: str, rows: PlatformRows) -> list[str]:
    """Return the artifacts of each platform as lines of TOML tables below `table`, for a lock or versions.toml."""
    lines: list[str] = []
    for platform in PLATFORMS:
        row = rows.row(platform)
        if row is not None:
            lines += ["", f"[{table}.{platform}]", *_row(row)]
    if rows.unavailable:
        lines += ["", f"[{table}.unavailable]", *_mapping(rows.unavailable)]
    for found in sorted(rows.distribution, key=lambda row: (row.on, row.platform)):
        lines += ["", f"[[{table}.distribution]]", *_row(found)]
    for pin in sorted(rows.pin, key=lambda row: (row.name, row.version, row.marker)):
        lines += ["", f"[[{table}.pin]]", *lines_of(pin, tuple(PinRow.model_fields), sort=("hashes",))]
    return lines


def _row(row: ArtifactRow) -> list[str]:
    own = [name for name in type(row).model_fields if name not in ArtifactRow.model_fields]
    files = tuple(sorted(row.files, key=lambda part: (part.name, part.version, part.file)))
    return lines_of(row.model_copy(update={"files": files}), (*own, *ArtifactRow.model_fields))


def _python(python: PythonLock) -> Iterable[str]:
    head = ["[python]"]
    head += lines_of(
        python,
        ("requires", "python", "interpreter", "exclude_newer", "groups", "extras", "options"),
        sort=("groups", "extras"),
    )
    yield "\n".join(head) + "\n"
    if python.inputs:
        yield "\n".join(["[python.inputs]", *_mapping(python.inputs)]) + "\n"
    for package in sorted(python.package, key=_python_order):
        fields = tuple(PythonPackage.model_fields)
        yield "\n".join(["[[python.package]]", *lines_of(package, fields, sort=("extras", "hashes"))]) + "\n"


def _python_order(package: PythonPackage) -> tuple[Any, ...]:
    return tuple(getattr(package, name) for name in PythonPackage.model_fields)


def _mapping(values: Mapping[str, str]) -> list[str]:
    return [f"{key_text(key)} = {inline(values[key])}" for key in sorted(values)]


class Change(Record):
    """A suspicious change of a locked artifact: `what` (digest, source, name or publisher) was `old` and is `new`."""

    package: str
    platform: str
    what: str
    old: str
    new: str


def changed_origins(old: Lock, new: Lock) -> tuple[Change, ...]:
    """Return suspicious changes of artifacts: another source, name, publisher, or another digest of the same file."""
    known = {package.key: package for package in old.package}
    changes: list[Change] = []
    for package in new.package:
        before = known.get(package.key)
        if before is not None:
            for platform, row in package.rows().items():
                changes += _differences(package.name, platform, before.row(platform), row)
            for found in package.distribution:
                place = f"{found.on}, {found.platform}"
                changes += _differences(package.name, place, before.on(found.on, found.platform), found)
            changes += _changed_pins(package.name, before.pin, package.pin)
    return tuple(changes)


def _differences(name: str, platform: str, old: ArtifactRow | None, new: ArtifactRow) -> Iterable[Change]:
    if old is None:
        return
    for what in ("source", "name", "publisher"):
        if getattr(old, what) != getattr(new, what):
            yield Change(name, platform, what, getattr(old, what), getattr(new, what))
    before = _digests(old)
    for file, digest in _digests(new).items():
        if digest != before.get(file, digest):
            yield Change(name, platform, "digest", f"sha256:{before[file]}", f"sha256:{digest}")


def _digests(row: ArtifactRow) -> dict[str, str]:
    single = {row.file: row.sha256} if row.sha256 else {}
    return single | {part.file: part.sha256 for part in row.files}


def _changed_pins(name: str, old: Iterable[PinRow], new: Iterable[PinRow]) -> Iterable[Change]:
    """Yield a change for each package whose version stayed but whose digests differ; released files never change."""
    before = {(pin.name, pin.version): pin.hashes for pin in old}
    for pin in new:
        added = sorted(set(pin.hashes) - set(before.get((pin.name, pin.version), pin.hashes)))
        if added:
            was = ", ".join(sorted(before[pin.name, pin.version]))
            yield Change(name, f"{pin.name} {pin.version}", "digest", was, ", ".join(added))


class Wish(Record):
    """A request of the manifest for a package: recipe, version, source ("" for any)."""

    name: str
    requested: str = ""
    insisted: str = ""


def stale_packages(lock: Lock, wishes: Iterable[Wish]) -> tuple[str, ...]:
    """Return sentences on why the lock doesn't fulfil these requests; empty if it does. Needs no network."""
    wanted = dict.fromkeys(wishes)
    locked = {package.key for package in lock.package}
    missing = [f"{_wish(wish)} is not locked" for wish in wanted if wish not in locked]
    wanted_keys = {tuple(wish) for wish in wanted}
    surplus = [f"{_wish(Wish(*key))} is locked, but not needed" for key in sorted(locked - wanted_keys)]
    return (*missing, *surplus)


def _wish(wish: Wish) -> str:
    version = f" {wish.requested}" if wish.requested else ""
    return f"`{wish.name}{version}`" + (f" from {wish.insisted}" if wish.insisted else "")
