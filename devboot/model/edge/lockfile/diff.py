"""Describes the differences between two locks."""

from __future__ import annotations

from collections.abc import Iterable, Iterator

from devboot.model.artifact import PLATFORMS
from devboot.model.edge.artifacts import ArtifactRow
from devboot.model.edge.lockfile.lock import Lock, LockedPackage, PythonLock, PythonPackage
from devboot.model.printable import counted
from devboot.record import Record

ADDED, REMOVED, MOVED, SUSPICIOUS = "+", "-", "~", "!"


class Difference(Record):
    """One difference of two locks. `kind` is + for added, - for removed, ~ for changed, ! for changed bytes only."""

    kind: str
    name: str
    text: str
    details: tuple[str, ...] = ()


def differences(old: Lock, new: Lock) -> tuple[Difference, ...]:
    """Return all differences of two locks, packages of recipes first; empty if the locks are equal."""
    return (*_products(old, new), *_python(old.python, new.python))


def _products(old: Lock, new: Lock) -> Iterator[Difference]:
    for before, now in _paired(old, new):
        yield from _product(before, now)


def _paired(old: Lock, new: Lock) -> list[tuple[LockedPackage | None, LockedPackage | None]]:
    """Pair the packages of two locks; one that the manifest requests differently has changed, not come and gone."""
    gone = {package.key: package for package in old.package}
    pairs: list[tuple[LockedPackage | None, LockedPackage | None]] = []
    come = []
    for now in new.package:
        before = gone.pop(now.key, None)
        if before is None:
            come.append(now)
        else:
            pairs.append((before, now))
    for now in come:
        before = next((package for package in gone.values() if package.name == now.name), None)
        if before is not None:
            del gone[before.key]
        pairs.append((before, now))
    pairs += [(package, None) for package in gone.values()]
    return sorted(pairs, key=lambda pair: next(one.key for one in reversed(pair) if one is not None))


def _product(before: LockedPackage | None, now: LockedPackage | None) -> Iterator[Difference]:
    if before is None and now is not None:
        yield Difference(ADDED, now.name, now.version, tuple(_lacking(now)))
    elif now is None and before is not None:
        yield Difference(REMOVED, before.name, before.version)
    elif before is not None and now is not None:
        details = tuple(_rows(before, now))
        if before.version != now.version:
            yield Difference(MOVED, now.name, f"{before.version} -> {now.version}", details)
        elif any(" other bytes" in line or " instead of " in line for line in details):
            yield Difference(SUSPICIOUS, now.name, f"{now.version}, from another origin", details)
        elif details or before != now:
            yield Difference(MOVED, now.name, now.version, details or (_asked(before, now),))


def _lacking(package: LockedPackage) -> Iterator[str]:
    for platform in PLATFORMS:
        if platform in package.unavailable:
            yield f"not on {platform}: {package.unavailable[platform]}"


def _rows(before: LockedPackage, now: LockedPackage) -> Iterator[str]:
    for platform in PLATFORMS:
        old, new = before.row(platform), now.row(platform)
        if old is None and new is not None:
            yield f"now available on {platform}"
        elif new is None and old is not None:
            reason = now.unavailable.get(platform, "the lock has nothing for it")
            yield f"isn't available on {platform} any more: {reason}"
        elif old is not None and new is not None:
            yield from _row(platform, old, new, is_same=before.version == now.version)


def _row(platform: str, old: ArtifactRow, new: ArtifactRow, *, is_same: bool) -> Iterator[str]:
    if (old.source, old.name) != (new.source, new.name):
        yield f"on {platform} from {new.source} {new.name} instead of {old.source} {old.name}"
    elif old.publisher != new.publisher:
        yield f"on {platform} published by {new.publisher or 'unknown'} instead of {old.publisher or 'unknown'}"
    if is_same and (old.source, old.name, old.version) == (new.source, new.name, new.version) and old != new:
        if (old.file, old.files) == (new.file, new.files) and old.sha256 != new.sha256:
            yield f"on {platform} other bytes under the same name: {_digest(old)} -> {_digest(new)}"
        elif (old.file, old.files) != (new.file, new.files):
            yield f"on {platform} another file: {old.file or 'several'} -> {new.file or 'several'}"
    for word, before, now in (("glibc", old.glibc, new.glibc), ("macOS", old.macos, new.macos)):
        if before != now:
            yield f"on {platform} requires {word} {now or 'unknown'} (was {before or 'unknown'})"


def _digest(row: ArtifactRow) -> str:
    return f"sha256:{(row.sha256 or '')[:12]}…"


def _asked(before: LockedPackage, now: LockedPackage) -> str:
    if before.requested != now.requested:
        return f"devboot.toml requires {now.requested or 'any version'}, before {before.requested or 'any version'}"
    return f"revision {before.revision} -> {now.revision}" if before.revision != now.revision else "other changes"


def _python(old: PythonLock | None, new: PythonLock | None) -> Iterator[Difference]:
    if old is None or new is None:
        if new is not None:
            yield Difference(ADDED, "python", counted(len(new.package), "package"), tuple(_pins(new.package)))
        if old is not None:
            yield Difference(REMOVED, "python", counted(len(old.package), "package"))
        return
    facts = tuple(_facts(old, new))
    if facts:
        yield Difference(MOVED, "python", "locked again, for other requirements", facts)
    before, now = _by_name(old.package), _by_name(new.package)
    for name in sorted({*before, *now}):
        yield from _pin(name, before.get(name, []), now.get(name, []))


def _facts(old: PythonLock, new: PythonLock) -> Iterator[str]:
    for word, before, now in (
        ("Python", old.requires, new.requires),
        ("chosen Python", old.python, new.python),
        ("made for Python", old.interpreter, new.interpreter),
        ("exclude-newer", old.exclude_newer, new.exclude_newer),
        ("groups", ", ".join(old.groups or ()), ", ".join(new.groups or ())),
        ("extras", ", ".join(old.extras), ", ".join(new.extras)),
        ("options", " ".join(old.options), " ".join(new.options)),
        ("made from", ", ".join(sorted(old.inputs)), ", ".join(sorted(new.inputs))),
    ):
        if before != now:
            yield f"{word}: {before or 'none'} -> {now or 'none'}"


def _pin(name: str, before: list[PythonPackage], now: list[PythonPackage]) -> Iterator[Difference]:
    was, becomes = _versions(before), _versions(now)
    if not before:
        yield Difference(ADDED, name, becomes, tuple(_where(now)))
    elif not now:
        yield Difference(REMOVED, name, was)
    elif was != becomes:
        yield Difference(MOVED, name, f"{was} -> {becomes}", tuple(_origins(before, now)))
    elif before != now:
        yield from _same_version(name, becomes, before, now)


def _same_version(
    name: str, version: str, before: list[PythonPackage], now: list[PythonPackage]
) -> Iterator[Difference]:
    origins = tuple(_origins(before, now))
    lost = {digest for row in before for digest in row.hashes} - {digest for row in now for digest in row.hashes}
    if origins or lost:
        # a release only ever gains files; one that lost some was replaced, or has another publisher
        details = (
            *origins,
            *([f"{len(lost)} of its digests {'is' if len(lost) == 1 else 'are'} gone"] if lost else []),
        )
        yield Difference(SUSPICIOUS, name, f"{version}, other files", details)
        return
    if {row.marker for row in before} != {row.marker for row in now}:
        yield Difference(MOVED, name, version, tuple(_where(now)) or ("now in every environment",))
        return
    yield Difference(MOVED, name, version, ("more files of the same release",))


def _pins(now: Iterable[PythonPackage]) -> Iterator[str]:
    yield from (f"{row.name} {row.version or row.kind}" for row in now)


def _by_name(rows: Iterable[PythonPackage]) -> dict[str, list[PythonPackage]]:
    found: dict[str, list[PythonPackage]] = {}
    for row in sorted(rows, key=lambda row: (row.name, row.version, row.marker)):
        found.setdefault(row.name, []).append(row)
    return found


def _versions(rows: Iterable[PythonPackage]) -> str:
    return ", ".join(dict.fromkeys(row.version or row.commit[:12] or row.path or row.kind for row in rows))


def _where(rows: Iterable[PythonPackage]) -> Iterator[str]:
    markers = sorted({row.marker for row in rows if row.marker})
    yield from (f"where {marker}" for marker in markers)


def _origins(before: list[PythonPackage], now: list[PythonPackage]) -> Iterator[str]:
    old, new = ({(row.kind, row.key, row.path) for row in rows} for rows in (before, now))
    if old != new:
        yield f"{_kinds(new)} instead of {_kinds(old)}"


def _kinds(origins: Iterable[tuple[str, str, str]]) -> str:
    words = {"index": "from an index", "git": "from git", "url": "from an address"}
    return " and ".join(sorted({words.get(kind, f"{kind} {path}".strip()) for kind, _, path in origins}))
