"""Resolves requirements to pins, and converts pins to and from rows of devboot.lock, which have no URLs."""

from __future__ import annotations

import hashlib
import os
import re
import shlex
from collections.abc import Callable, Container, Iterable, Sequence
from contextlib import nullcontext
from dataclasses import dataclass, replace

from devboot.environment.locks.companions import companions
from devboot.environment.locks.direct_references import without_revision
from devboot.environment.locks.forgotten_limits import within_limits
from devboot.environment.locks.formats.pylock import parse_pylock
from devboot.environment.locks.markers import Atom, decide, parse_marker, render_marker
from devboot.environment.locks.pins import GIT, Direct, Pin, Pins, normalised, render_pins
from devboot.environment.locks.requirements import RequirementLine, is_requirement
from devboot.environment.locks.unlocked import Unlocked
from devboot.errors import DevbootError, LockError, ManifestError, Place, WorkError
from devboot.events import Reporter, SilentReporter, doing
from devboot.uv.client import Uv
from devboot.uv.packages import NO_INDEXES, IndexSettings, compile_requirements

STEP = "lock"  # of the progress display
_EXTRAS = re.compile(r"\[[^]]*\]")  # a constraint may not have any
_OFFERED_BY_NOBODY = re.compile(r"(?:no index has|there is no) `(?P<name>[A-Za-z0-9._-]+)")
_SENTENCE = 3  # words of a line without a version
_RESOLVER_ONLY = frozenset({"--prerelease"})


@dataclass(frozen=True, slots=True)
class PythonRow:
    """A row of devboot.lock about a Python package: one pin, or one direct reference.

    `kind` is `index` or a kind of `Direct`. `path` is the place of editables, folders and files, relative to the root.
    `key` is a digest of the address of a git or URL dependency, by which the project's own line is found again.
    `sdist`: no wheel exists, so that building it needs packages that no lock pins.
    """

    name: str
    version: str = ""
    marker: str = ""
    extras: tuple[str, ...] = ()
    hashes: tuple[str, ...] = ()
    kind: str = "index"
    path: str = ""
    key: str = ""
    commit: str = ""
    subdirectory: str = ""
    sdist: bool = False


def resolve_unlocked(
    uv: Uv,
    unlocked: Unlocked,
    *,
    python: str,
    lowest_python: str,
    below_python: str = "",
    previous: Sequence[Pin] = (),
    upgrade: Sequence[str] = (),
    exclude_newer: str = "",
    indexes: IndexSettings = NO_INDEXES,
    reporter: Reporter = SilentReporter(),  # noqa: B008  it has no state
) -> Pins:
    """Return pins of requirements for all platforms and all Pythons from `lowest_python` up, or up to `below_python`.

    Args:
        uv: relative paths count from its folder.
        unlocked: the requirements.
        python: path of an interpreter, for packages that must be built to read their dependencies.
        lowest_python: as `3.11`.
        below_python: the first Python that isn't served, as `3.14`; "" if all are.
        previous: pins of an earlier result, kept while they fit.
        upgrade: names that move all the same; `*` for all.
        exclude_newer: a date or a span; files published later don't count.
        indexes: the indexes that the project's files declare.
        reporter: receives an event for each attempt but the first.

    Raises:
        DevbootError: `python/resolution`, `python/requirement`, `python/build-failed`, `network/…`.

    """
    if not (unlocked.lines or unlocked.directs or unlocked.projects or unlocked.groups):
        return Pins((), indexes=unlocked.indexes)  # a file of comments only, of which uv would complain

    def compiled(form: str, constraints: str, pins: str, beside: str) -> str:
        return compile_requirements(
            uv,
            text=unlocked.text(uv.folder) + beside,
            files=unlocked.projects,
            groups=unlocked.groups,
            extras=unlocked.extras,
            constraints=constraints,
            overrides=unlocked.override_text,
            previous=pins,
            upgrade=upgrade,
            python=python,
            lowest_python=lowest_python,
            below_python=below_python,
            exclude_newer=exclude_newer,
            indexes=indexes,
            options=[*unlocked.options, *(["--format", form] if form else [])],
        )

    def resolved(beside: str) -> Pins:
        constraints = unlocked.constraint_text
        if previous:
            # Versions are kept through a requirements file only; the second call adds file names to the same versions.
            with doing(reporter, STEP, "checking which versions can stay"):
                constraints += _as_constraints(compiled("", constraints, render_pins(previous), beside))

        def locked(further: str) -> Pins:
            with doing(reporter, STEP, _retry(further)) if further else nullcontext():
                text = compiled("pylock.toml", constraints + further, "", beside)
            return parse_pylock(text, base=uv.folder, file="devboot.lock")

        return within_limits(locked(""), locked)

    try:
        found = _with_companions(unlocked, resolved, reporter)
    except WorkError as error:
        raise _with_place(error, unlocked) from error
    bounds = {(">=", lowest_python), ("<", below_python)}
    pins = tuple(replace(pin, marker=_shorter(pin.marker, bounds)) for pin in found.pins)
    directs = tuple(replace(each, marker=_shorter(each.marker, bounds)) for each in found.directs)
    options = tuple(_without(unlocked.options, _RESOLVER_ONLY))
    notes = (*unlocked.notes, *found.notes)
    return replace(found, pins=pins, directs=directs, indexes=unlocked.indexes, options=options, notes=notes)


def _retry(further: str) -> str:
    """Return the progress text for resolving again with `further` constraints."""
    return f"choosing versions again, with {', '.join(further.split())}: without them the versions don't work together"


def _with_companions(unlocked: Unlocked, resolved: Callable[[str], Pins], reporter: Reporter) -> Pins:
    lines = companions((each.name, each.extras) for each in (*unlocked.lines, *unlocked.read_by_uv))
    try:
        return resolved("".join(f"{line}\n" for line in lines))
    except WorkError as error:
        if not lines or error.slug != "python/resolution":
            raise
        with doing(reporter, STEP, f"choosing versions again, without {', '.join(lines)}"):
            return resolved("")  # the project's own pins take precedence


def _as_constraints(text: str) -> str:
    lines = (line.partition(" \\")[0] for line in text.splitlines() if not line.startswith((" ", "#", "-")))
    return "".join(f"{_EXTRAS.sub('', line)}\n" for line in lines if "==" in line and " @ " not in line)


def _shorter(marker: str, bounds: Container[tuple[str, str]]) -> str:
    """Remove the conditions on Python's version that hold for each Python of the lock (`bounds`) from a marker."""

    def verdict(atom: Atom) -> bool | None:
        is_bound = atom.left == "python_full_version" and (atom.op, atom.right.strip("'\"")) in bounds
        return True if is_bound else None

    return render_marker(decide(parse_marker(marker), verdict))


def _without(options: Sequence[str], dropped: frozenset[str]) -> Iterable[str]:
    pairs = zip(options[::2], options[1::2], strict=False)
    return [word for option, value in pairs if option not in dropped for word in (option, value)]


def _with_place(error: WorkError, unlocked: Unlocked) -> DevbootError:
    """Return an error of a resolution with the line of the project's file that caused it, where known."""
    if error.slug == "python/requirement":
        for line in unlocked.lines:
            if not line.is_understood:
                place = Place(line.file, line.line, source=line.text)
                what = f"`{line.text}` is not understood"
                return ManifestError(
                    error.slug, what, place=place, causes=error.causes, help=_correction(line, unlocked.lines)
                )
    named = _OFFERED_BY_NOBODY.search(error.what)
    for line in (*unlocked.lines, *unlocked.read_by_uv) if named else ():
        if named and normalised(line.name) == normalised(named["name"]):
            place = Place(line.file, line.line, source=line.text if line.line else None, width=len(line.text))
            return WorkError(error.slug, error.what, place=place, causes=error.causes, help=_help(line, error))
    return error


def _correction(line: RequirementLine, lines: Iterable[RequirementLine]) -> tuple[str, ...]:
    """Return the sed command that corrects a line uv can't read: drop punctuation at its end, or else its version.

    If the file contains sentences, the command comments out all unreadable lines without a version.
    """
    broken = [each for each in lines if each.file == line.file and not each.is_understood]
    words = [each for each in broken if not re.search(r"[=<>~]", each.text)]
    if line in words and any(len(each.text.split()) >= _SENTENCE for each in words) and _is_list(line):
        command = ";".join(f"{each.line}s/^/# /" for each in words)
        return (f"sed -i.bak {shlex.quote(command)} {shlex.quote(line.file)}   # makes the sentences comments",)
    text = line.text.strip()
    name = re.match(r"[A-Za-z0-9](?:[\w.-]*\w)?", text)
    for corrected, remark in ((text.rstrip(".,;:"), ""), (name[0] if name else "", "   # any version")):
        if corrected != text and _is_list(line) and is_requirement(corrected):
            command = f"s/^{_escaped(text)}/{_escaped(corrected)}/"
            return (f"sed -i.bak {shlex.quote(command)} {shlex.quote(line.file)}{remark}",)
    return ()


def _help(line: RequirementLine, error: WorkError) -> tuple[str, ...]:
    """Return the error's advice, preceded by the sed command that removes the line, or its version, from its file."""
    if not _is_list(line) or " for Python " in error.what:
        return error.help
    text = line.text.partition(";")[0].strip()
    if error.slug == "python/no-such-package":
        command, remark = f"/^{_escaped(text)}/d", "where nothing imports it"
    else:
        command, remark = f"s/^{_escaped(text)}/{re.split(r'[ ~=<>!]', text)[0]}/", "any version"
    return (f"sed -i.bak {shlex.quote(command)} {shlex.quote(line.file)}   # {remark}", *error.help)


def _is_list(line: RequirementLine) -> bool:
    return bool(line.line) and line.file.endswith((".txt", ".in", ".pip"))


def _escaped(text: str) -> str:
    return re.sub(r"([].*[^$/\\&])", r"\\\1", text)


def to_rows(pins: Pins, root: str) -> tuple[PythonRow, ...]:
    """Convert pins to rows of devboot.lock: sorted, paths relative to the root, no URLs."""
    rows = [
        PythonRow(pin.name, pin.version, pin.marker, pin.extras, pin.hashes, sdist=_has_only_sdist(pin))
        for pin in pins.pins
    ]
    rows += [_direct_row(direct, root) for direct in pins.directs]
    return tuple(sorted(rows, key=lambda row: (row.name, row.version, row.marker, row.path, row.key)))


def _has_only_sdist(pin: Pin) -> bool:
    return bool(pin.files) and not any(name.endswith(".whl") for name in pin.files)


def _direct_row(direct: Direct, root: str) -> PythonRow:
    is_local = direct.kind not in (GIT, "url")
    return PythonRow(
        direct.name,
        "",
        direct.marker,
        direct.extras,
        direct.hashes,
        direct.kind,
        os.path.relpath(os.path.join(direct.base, direct.reference), root) if is_local else "",
        "" if is_local else address_key(direct.reference),
        direct.commit,
        direct.subdirectory,
    )


def index_pins(rows: Iterable[PythonRow]) -> tuple[Pin, ...]:
    """Return the pins of packages from an index, without paths and URLs, in rows of devboot.lock."""
    return tuple(Pin(row.name, row.version, row.marker, row.extras, row.hashes) for row in rows if row.kind == "index")


def from_rows(rows: Iterable[PythonRow], root: str, unlocked: Unlocked) -> Pins:
    """Convert rows of devboot.lock to pins; URLs are taken from the project's own lines.

    Raises:
        LockError: `lock/no-address`, no line of the project declares a git or URL dependency that the lock has.

    """
    addresses = {address_key(each.reference): each for each in unlocked.declared if each.kind in (GIT, "url")}
    kept = tuple(rows)
    directs = tuple(_filled(row, root, addresses) for row in kept if row.kind != "index")
    options = tuple(_without(unlocked.options, _RESOLVER_ONLY))
    return Pins(("devboot.lock",), index_pins(kept), directs, unlocked.indexes, options=options)


def _filled(row: PythonRow, root: str, addresses: dict[str, Direct]) -> Direct:
    reference, file, line = row.path, "devboot.lock", 0
    if row.key:
        declared = addresses.get(row.key)
        if declared is None:
            raise LockError(
                "lock/no-address",
                f"no file of this project names the address that `{row.name}` comes from",
                causes=("devboot.lock keeps no addresses; the project's own requirement line has to name it",),
                help=("devboot lock",),
            )
        reference, file, line = declared.reference, declared.file, declared.line
    return Direct(
        row.kind,
        reference,
        root,
        row.name,
        row.extras,
        row.marker,
        row.commit,
        row.subdirectory,
        row.hashes,
        file,
        line,
    )


def address_key(address: str) -> str:
    """Return a digest of a URL without scheme, login, revision and fragment, to recognise it in another form."""
    plain = without_revision(address.removeprefix("git+").partition("#")[0])
    plain = plain.partition("://")[2] or plain
    host, slash, path = plain.partition("/")
    plain = f"{host.rpartition('@')[2]}{slash}{path}".removesuffix("/").removesuffix(".git")
    return hashlib.sha256(plain.encode()).hexdigest()[:16]
