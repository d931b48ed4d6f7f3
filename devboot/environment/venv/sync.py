"""Creates, repairs and syncs the virtualenv to exactly the pinned packages, checked by hash; the user's own ones stay.

The record inside the virtualenv is `incomplete` while packages change, and is completed last, so that a killed sync is
noticed. A sync that fails before any change leaves the virtualenv valid.
"""

from __future__ import annotations

import os
import shutil
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field, replace

from devboot.clone_writer import refuse_outside, write_beside_links
from devboot.environment.locks.direct_references import absolute, render_direct
from devboot.environment.locks.formats.poetry_versions import release_key
from devboot.environment.locks.pins import GIT, URL, Pin, render_pins
from devboot.environment.python.bundled_setuptools import SETUPTOOLS, imports_pkg_resources
from devboot.environment.python.installed import (
    EMPTY,
    Distribution,
    foreign_files,
    list_installed,
    lost_files,
    site_packages,
)
from devboot.environment.python.interpreters import as_installed, refuse_uninstallable
from devboot.environment.venv.condition import ADOPT, KEEP, REBUILD, Condition, Decision, WantedPython, decide
from devboot.environment.venv.origin import examine_origin
from devboot.environment.venv.place import clear_folder, make_folder, put_back
from devboot.environment.venv.progress import Progress
from devboot.environment.venv.record import NAME, VenvRecord, is_untouched, load_record, render_record, stamp
from devboot.environment.venv.schema import write_schema
from devboot.environment.venv.spec import (
    VenvSpec,
    count_packages,
    installable_pins,
    wanted_digest,
    wanted_names,
    wanted_versions,
)
from devboot.errors import DevbootError, IntegrityError, NetworkError, WorkError
from devboot.events import DONE, NOTE, PROGRESS, START, UNCHANGED, WARNING, Event, Reporter
from devboot.files import fail_point, machine_error
from devboot.provision.objects.store import REGISTERED
from devboot.uv.client import Uv
from devboot.uv.failures import may_depend_on_date
from devboot.uv.packages import (
    IndexSettings,
    create_venv,
    install_directs,
    install_requirements,
    uninstall,
)

__all__ = ["STEP", "SyncPlan", "SyncResult", "VenvSpec", "plan_sync", "sync", "wanted_digest"]

STEP = "venv"


@dataclass(frozen=True, slots=True)
class SyncResult:
    """Result of a sync: package names with versions; `changed` as (name, old, new); `act` as in `Decision`.

    `packages` counts what the project requires; `stays` names packages that the user added; `aside` is where an old
    virtualenv was moved to. `libraries` are the store objects with system libraries that packages load.
    """

    act: str
    python: str
    packages: int
    added: tuple[tuple[str, str], ...] = ()
    changed: tuple[tuple[str, str, str], ...] = ()
    removed: tuple[tuple[str, str], ...] = ()
    stays: tuple[str, ...] = ()
    notes: tuple[str, ...] = ()
    aside: str = ""
    spec: VenvSpec | None = field(default=None, repr=False, compare=False)
    libraries: tuple[str, ...] = ()
    again: bool = False  # packages were installed again whose files were gone

    @property
    def is_unchanged(self) -> bool:
        """Return whether the sync had nothing to do."""
        return self.act == KEEP and not (self.added or self.changed or self.removed or self.again)

    @property
    def lines(self) -> tuple[str, ...]:
        """Return the changes as lines with a sign: `+ added`, `~ changed`, `- removed`."""
        return (
            *(f"+ {name} {version}" for name, version in self.added),
            *(f"~ {name} {old} → {new}" for name, old, new in self.changed),
            *(f"- {name} {version}" for name, version in self.removed),
        )


@dataclass(frozen=True, slots=True)
class SyncPlan:
    """What a sync is about to do. `is_current`: all packages are installed, so that nothing changes.

    `packages` is the number of packages as text.
    """

    condition: Condition
    decision: Decision
    digest: str
    is_current: bool
    packages: str


def plan_sync(spec: VenvSpec, environ: Mapping[str, str]) -> SyncPlan:
    """Decide what `sync` will do with the virtualenv; changes nothing.

    Raises:
        MachineError: `python/foreign-venv`, `machine/…`.

    """
    refuse_outside(os.path.dirname(spec.path), spec.root)
    condition = examine_origin(spec.path, spec.root, environ)
    decision = decide(
        condition,
        spec.name,
        wanted=WantedPython(spec.interpreter.minor, spec.interpreter.path if spec.is_given else ""),
        is_admitted=_is_admitted(spec, condition.version),
        is_forced=spec.is_forced,
        has_lost_libraries=_has_lost_libraries(condition.record),
    )
    digest, record = wanted_digest(spec), condition.record
    is_current = decision.act == KEEP and record is not None and _needs_nothing(spec, record, digest)
    return SyncPlan(condition, decision, digest, is_current, count_packages(spec))


def sync(uv: Uv, spec: VenvSpec, *, reporter: Reporter, wall_clock: Callable[[], float]) -> SyncResult:
    """Bring the virtualenv up to date with the spec. The caller holds the project's lock.

    Raises:
        MachineError: `python/foreign-venv`, `machine/…`.
        DevbootError: as `uv.packages.install_requirements`.

    """
    reporter.emit(Event(START, STEP, spec.name))
    plan = plan_sync(spec, uv.environ)
    decision, record = plan.decision, plan.condition.record
    if decision.says:
        reporter.emit(Event(NOTE, STEP, decision.says))
    if plan.is_current and record is not None:
        if not is_untouched(spec.path, record):
            _write(spec, replace(record, site=stamp(site_packages(spec.path))))
        write_schema(spec.path)
        result = SyncResult(
            KEEP, plan.condition.version, len(wanted_names(spec)), spec=spec, libraries=record.libraries
        )
        reporter.emit(Event(UNCHANGED, STEP, f"{spec.name} has all {count_packages(spec)}"))
        return result
    result = _synced(uv.listening(_listener(reporter)), spec, decision, plan.digest, reporter, wall_clock)
    write_schema(spec.path)
    lines = result.lines if decision.act in (KEEP, ADOPT) else ()  # in a new one all are new, and their number says it
    reporter.emit(Event(DONE, STEP, _summary(spec, result), lines=lines))
    return result


def _listener(reporter: Reporter) -> Callable[[str], None]:
    progress = Progress()

    def hear(line: str) -> None:
        if text := progress.text(line):
            reporter.emit(Event(PROGRESS, STEP, text))

    return hear


def _has_lost_libraries(record: VenvRecord | None) -> bool:
    """Return whether packages load system libraries that are gone from the store, so that they must be rebuilt."""
    paths = record.libraries if record is not None else ()
    return not all(os.path.exists(os.path.join(path, REGISTERED)) for path in paths)


def _is_admitted(spec: VenvSpec, version: str) -> bool:
    """Return whether the virtualenv's Python version may stay: requested, or still a permitted replacement."""
    if not version or not spec.request.specifier or spec.request.admits_instead(version):
        return True
    return spec.request.admits(version) or (not spec.request.is_exact and spec.request.patch != "")


def _needs_nothing(spec: VenvSpec, record: VenvRecord, digest: str) -> bool:
    """Return whether the virtualenv already contains everything with this digest."""
    if record.wanted != digest:
        return False
    if is_untouched(spec.path, record) and not spec.is_forced:
        return True
    present = list_installed(spec.path)
    missing = [name for name, version in wanted_versions(spec).items() if not _has(present, name, version)]
    gone = [name for name in record.installed if name not in present]
    is_same = record.base == stamp(os.path.join(spec.path, "bin", "python"))
    return is_same and not (missing or gone or lost_files(spec.path))


def _has(present: Mapping[str, Distribution], name: str, version: str) -> bool:
    return name in present and (not version or _same(present[name].version, version))


def _same(one: str, other: str) -> bool:
    """Return whether two texts are the same version, such as `2023.03` and `2023.3`."""
    return one == other or release_key(one) == release_key(other) != release_key("0")


def _synced(
    uv: Uv,
    spec: VenvSpec,
    decision: Decision,
    digest: str,
    reporter: Reporter,
    wall_clock: Callable[[], float],
) -> SyncResult:
    record = load_record(spec.path) if decision.act == KEEP else None
    aside = _make_room(spec, decision, wall_clock)
    try:
        if decision.act not in (KEEP, ADOPT):
            _create(uv, spec)
        before = list_installed(spec.path)
        base = record or VenvRecord(True, "", "", "", is_adopted=decision.act == ADOPT)
        with _recorded(spec, base, before):
            again = _install(uv, spec, reporter)
            notes = _install_optional(uv, spec, reporter)
            _remove_unlocked(uv, spec, base)
            _sync_bundled_setuptools(uv, spec, base)
    except BaseException:
        if aside and decision.old_is_sound:
            put_back(spec.path, aside)
        raise
    after = list_installed(spec.path)
    used = uv.libraries.used if uv.libraries is not None else ()
    base = replace(base, libraries=tuple(dict.fromkeys((*base.libraries, *used))))
    installed = _finish(spec, base, before, after, digest)
    aside, note = _clear_aside(aside, spec, is_kept=decision.keeps_old)
    for text in note:
        reporter.emit(Event(NOTE, STEP, text))
    return replace(
        _compared(before, after),
        act=decision.act,
        python=spec.interpreter.version,
        packages=len(wanted_names(spec)),
        again=again,
        stays=tuple(sorted(set(after) - set(installed) - set(wanted_versions(spec)))),
        notes=(*notes, *note),
        aside=aside,
        spec=spec,
        libraries=base.libraries,
    )


def _make_room(spec: VenvSpec, decision: Decision, wall_clock: Callable[[], float]) -> str:
    if decision.act != REBUILD:
        return ""
    fail_point("venv/before-move-aside")
    aside = clear_folder(spec.path, wall_clock())
    fail_point("venv/after-move-aside")
    return aside


def _create(uv: Uv, spec: VenvSpec) -> None:
    """Create the virtualenv, with a record that marks it incomplete from the first moment."""
    record = VenvRecord(False, os.path.realpath(spec.path), "", "")
    make_folder(spec.path, {NAME: render_record(record), ".gitignore": "*\n"})
    fail_point("venv/before-create")
    create_venv(uv, spec.path, spec.interpreter.path, prompt=spec.prompt)
    fail_point("venv/created")


@contextmanager
def _recorded(spec: VenvSpec, base: VenvRecord, before: Mapping[str, Distribution]) -> Iterator[None]:
    """Mark the virtualenv incomplete while the block changes packages; undo that if an error came before any change."""
    here = replace(
        base,
        location=os.path.realpath(spec.path),
        python=spec.interpreter.path,
        version=spec.interpreter.version,
        base=stamp(os.path.join(spec.path, "bin", "python")),
    )
    _write(spec, replace(here, is_complete=False))
    fail_point("venv/marked-incomplete")
    try:
        yield
    except (NetworkError, IntegrityError, WorkError):
        # uv downloads and builds everything before it installs anything, so these leave no half package.
        if list_installed(spec.path) == before:
            _write(spec, replace(here, is_complete=True, wanted="", site=stamp(site_packages(spec.path))))
        raise
    except OSError as error:
        raise machine_error(error, spec.path) from error


def _install(uv: Uv, spec: VenvSpec, reporter: Reporter) -> bool:
    """Install missing packages; return whether installed ones with lost files were installed again."""
    python = _python(spec)
    again = _lost_packages(spec, reporter)
    if pins := installable_pins(spec):
        refuse_uninstallable(as_installed(spec.interpreter), _not_installed(spec, pins))
        are_hashed = all(pin.hashes for pin in pins)
        text = render_pins(pins)
        _install_as_of_date(
            spec,
            reporter,
            lambda options: install_requirements(
                uv, python, text, require_hashes=are_hashed, indexes=spec.indexes, options=[*options, *again]
            ),
        )
        fail_point("venv/packages-installed")
    if spec.pins.directs:
        lines = [render_direct(direct, uv.folder) for direct in spec.pins.directs]
        _install_as_of_date(
            spec,
            reporter,
            lambda options: install_directs(uv, python, lines, indexes=spec.indexes, options=[*options, *again]),
        )
    return bool(again)


def _not_installed(spec: VenvSpec, pins: Sequence[Pin]) -> list[Pin]:
    """Return the pins to download: not installed yet, and not built elsewhere from an sdist."""
    present, built = list_installed(spec.path), dict(spec.built)
    return [pin for pin in pins if pin.name not in built and not _has(present, pin.name, pin.version)]


def _lost_packages(spec: VenvSpec, reporter: Reporter) -> list[str]:
    """Return the uv options that reinstall packages whose files are lost although they count as installed."""
    wanted, options = wanted_versions(spec), list[str]()
    for name, (file, what) in lost_files(spec.path).items():
        if name in wanted:
            reporter.emit(Event(NOTE, STEP, f"installing {name} again: `{spec.name}/{file}` {what}"))
            options += ["--reinstall-package", name]
            # uv's cache may have the same file: a hard link
            options += ["--no-cache"] if what == EMPTY and "--no-cache" not in options else []
    return options


def _install_as_of_date(spec: VenvSpec, reporter: Reporter, install: Callable[[Sequence[str]], object]) -> None:
    """Install with build requirements published until the spec's date; with today's if the index has none."""
    options = spec.pins.options
    if spec.build_date:
        try:
            install([*options, "--exclude-newer", spec.build_date])
        except WorkError as error:
            if not may_depend_on_date(error):
                raise
            note = f"the index has no suitable build requirements of {spec.build_date}: builds use today's"
            reporter.emit(Event(NOTE, STEP, note, lines=error.causes[:1]))
        else:
            return
    install(options)


def _install_optional(uv: Uv, spec: VenvSpec, reporter: Reporter) -> list[str]:
    """Install the project itself for its scripts; if that fails, return a warning instead of raising."""
    notes = []
    for direct in spec.optional:
        try:
            install_directs(uv, _python(spec), [render_direct(direct, uv.folder)], indexes=spec.indexes)
        except DevbootError as error:
            notes.append(f"the project itself could not be installed: {error.what}")
            reporter.emit(Event(WARNING, STEP, notes[-1], slug="python/project-not-installed", lines=error.causes[:3]))
    return notes


def _sync_bundled_setuptools(uv: Uv, spec: VenvSpec, base: VenvRecord) -> None:
    """Install the setuptools of `spec.bundled` if a package needs it and no lock lists it; else remove it."""
    if SETUPTOOLS in wanted_versions(spec):
        return
    is_there = SETUPTOOLS in list_installed(spec.path)
    is_file = spec.bundled.endswith(".whl")
    is_wanted = bool(spec.bundled) and imports_pkg_resources(site_packages(spec.path), at_once=not is_file)
    if is_wanted and not is_there:
        if is_file:
            install_directs(uv, _python(spec), [spec.bundled], indexes=IndexSettings(no_index=True))
            return
        # It is only a precaution: if it is unavailable now, the program that needs it will fail with its own message
        with suppress(NetworkError, WorkError):
            install_requirements(uv, _python(spec), spec.bundled, require_hashes=True, indexes=spec.indexes)
    elif is_there and not is_wanted and SETUPTOOLS in base.installed:
        uninstall(uv, _python(spec), [SETUPTOOLS])


def _remove_unlocked(uv: Uv, spec: VenvSpec, base: VenvRecord) -> None:
    """Remove packages that an earlier sync installed and nothing requires any more; the user's own ones stay."""
    present = list_installed(spec.path)
    wanted = {*wanted_versions(spec), SETUPTOOLS}
    places = {absolute(direct) for direct in (*spec.pins.directs, *spec.optional) if direct.kind not in (GIT, URL)}
    stale = [
        name for name in base.installed if name in present and name not in wanted and present[name].folder not in places
    ]
    uninstall(uv, _python(spec), stale)
    fail_point("venv/removed")


def _finish(
    spec: VenvSpec,
    base: VenvRecord,
    before: Mapping[str, Distribution],
    after: Mapping[str, Distribution],
    digest: str,
) -> dict[str, str]:
    """Write the completed record; return the packages installed by syncs, as {name: version}."""
    touched = [name for name, each in after.items() if name in base.installed or before.get(name) != each]
    installed = {name: after[name].version for name in touched}
    fail_point("venv/before-complete")
    # The first import of a module would make it, and the folder would look changed ever after.
    bytecode = os.path.join(site_packages(spec.path), "__pycache__")
    os.makedirs(bytecode, exist_ok=True)
    # uv leaves this one alone. Another version's module of the same size and age, as reproducible wheels have them,
    # would be taken for the one that was compiled.
    for name in os.listdir(bytecode):
        if name.endswith(".pyc"):
            os.unlink(os.path.join(bytecode, name))
    record = VenvRecord(
        True,
        os.path.realpath(spec.path),
        spec.interpreter.path,
        spec.interpreter.version,
        stamp(os.path.join(spec.path, "bin", "python")),
        digest,
        stamp(site_packages(spec.path)),
        base.is_adopted,
        installed,
        base.libraries,
    )
    _write(spec, record)
    fail_point("venv/complete")
    return installed


def _write(spec: VenvSpec, record: VenvRecord) -> None:
    write_beside_links(os.path.join(spec.path, NAME), render_record(record))


def _clear_aside(aside: str, spec: VenvSpec, *, is_kept: bool) -> tuple[str, list[str]]:
    """Delete a renamed old virtualenv if it only contains packages of syncs; else keep it and return a note.

    In one of a killed sync, files of packages that no RECORD lists yet aren't taken for the user's.
    """
    if not aside:
        return "", []
    record = load_record(aside)
    theirs = set(list_installed(aside)) - set(record.installed if record else ()) - set(wanted_versions(spec))
    files = foreign_files(aside) if record is not None and record.is_complete else []
    if record is not None and not (is_kept or record.is_adopted or theirs or files):
        shutil.rmtree(aside, ignore_errors=True)
        return "", []
    if os.path.isdir(aside) and not os.path.islink(aside):
        write_beside_links(os.path.join(aside, ".gitignore"), "*\n", sync=False)
    holds = f", with `{files[0]}` in it, which no package has" if files and not theirs else ""
    return aside, [f"the old one is {os.path.basename(aside)}{holds}"]


def _compared(before: Mapping[str, Distribution], after: Mapping[str, Distribution]) -> SyncResult:
    added = [(name, after[name].version) for name in sorted(after.keys() - before.keys())]
    removed = [(name, before[name].version) for name in sorted(before.keys() - after.keys())]
    changed = [
        (name, before[name].version, after[name].version)
        for name in sorted(after.keys() & before.keys())
        if after[name].version != before[name].version
    ]
    return SyncResult("", "", 0, tuple(added), tuple(changed), tuple(removed))


def _python(spec: VenvSpec) -> str:
    return os.path.join(spec.path, "bin", "python")


def _summary(spec: VenvSpec, result: SyncResult) -> str:
    if result.act != KEEP:
        return f"{spec.name}, {count_packages(spec)}"
    counts = (("added", result.added), ("changed", result.changed), ("removed", result.removed))
    said = ", ".join(f"{len(several)} {word}" for word, several in counts if several)
    return said or f"{spec.name} has all {count_packages(spec)}"
