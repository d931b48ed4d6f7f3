"""From a project's requirements to its virtualenv: reads them, locks them if they aren't locked, installs them."""

from __future__ import annotations

import contextlib
import hashlib
import os
from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import TypeVar

from devboot.environment.locks.development_only import blamed, blamed_for_windows, blamed_tools
from devboot.environment.locks.formats.poetry_versions import release_key
from devboot.environment.locks.indexes import blaming, index_settings
from devboot.environment.locks.inputs import PYLOCK, UV
from devboot.environment.locks.pins import IndexLine, Pin, Pins
from devboot.environment.locks.requirements import RequirementLine
from devboot.environment.locks.resolved import STEP as LOCK_STEP, from_rows, index_pins, resolve_unlocked, to_rows
from devboot.environment.locks.unlocked import Unlocked
from devboot.environment.python.bundled_setuptools import wanted_setuptools
from devboot.environment.python.declared import PythonLock, PythonProject, read_python
from devboot.environment.python.interpreters import (
    Interpreter,
    as_installed,
    choose_interpreter,
    suitability,
    unsuited,
    usable_minors,
)
from devboot.environment.python.older_wheels import with_older_wheels
from devboot.environment.python.versions import VersionRequest, minor_at
from devboot.environment.python.wish import PythonWish, python_wish
from devboot.environment.python_choice import downwards, find_interpreter, locked_interpreter, reported_interpreter
from devboot.environment.venv.sync import SyncPlan, SyncResult, VenvSpec, plan_sync, sync
from devboot.errors import WorkError
from devboot.events import NOTE, WARNING, Event, Reporter, doing
from devboot.uv.client import Uv
from devboot.uv.failures import contradicts, fails_since, may_depend_on_date
from devboot.uv.packages import IndexSettings, builtin_index, can_exclude

Named = TypeVar("Named", Pin, RequirementLine)
Outcome = TypeVar("Outcome")

__all__ = [
    "PythonLock",
    "PythonProject",
    "PythonWish",
    "declared_indexes",
    "find_interpreter",
    "is_lock_stale",
    "lock_python",
    "locked_interpreter",
    "pins_of",
    "plan_python",
    "python_wish",
    "read_python",
    "sync_python",
    "venv_spec",
    "working_folder",
]


@dataclass(frozen=True, slots=True)
class _Resolution:
    """Pins and the conditions they were resolved for: requirements, date, lowest Python, first Python excluded."""

    pins: Pins
    unlocked: Unlocked
    date: str
    lowest: str
    below: str


def lock_python(
    uv: Uv,
    project: PythonProject,
    *,
    environ: Mapping[str, str],
    reporter: Reporter,
    previous: PythonLock | None = None,
    upgrade: Sequence[str] = (),
) -> PythonLock:
    """Resolve the requirements that the project itself doesn't lock; return the Python part of devboot.lock.

    If the project leaves Python's version open and the newest fails, older ones are tried.

    Args:
        uv: the uv to call.
        project: the project's requirements; without a lock of its own.
        environ: for interpreters and `$NAME` in index addresses.
        reporter: receives notes.
        previous: the lock so far; its versions are kept while they fit.
        upgrade: names of packages to upgrade although the lock has them; `*` for all.

    Raises:
        DevbootError: `python/resolution`, `python/build-failed`, `network/…`.

    """
    unlocked = project.loaded.unlocked
    assert unlocked is not None
    interpreter = reported_interpreter(uv, project, environ, reporter, tells=False)

    def resolved_by_uv(python: Interpreter, some: Unlocked, date: str, lowest: str, below: str) -> Pins:
        with blaming(unlocked.indexes, project.wish.root):
            return resolve_unlocked(
                uv.inside(working_folder(project)),
                some,
                python=python.path,
                lowest_python=lowest,
                below_python=below,
                previous=index_pins(previous.rows) if previous else (),
                upgrade=upgrade,
                exclude_newer=date,
                indexes=declared_indexes(uv, unlocked.indexes, python, environ, are_pinned=False),
                reporter=reporter,
            )

    def resolved(python: Interpreter, wanted: Unlocked = unlocked, left: frozenset[str] = frozenset()) -> PythonLock:
        floor = _lowest(project.request, python)

        def narrowed(some: Unlocked, date: str) -> _Resolution:
            return _resolve_narrowed(
                lambda lowest, below: _Resolution(
                    resolved_by_uv(python, some, date, lowest, below), some, date, lowest, below
                ),
                floor,
                python,
                reporter,
                may_exclude=can_exclude(uv.inside(working_folder(project))),
            )

        found = _resolve_at_date(
            project.wish,
            reporter,
            lambda date: _resolve_without(wanted, reporter, lambda some: narrowed(some, date)),
        )
        wheels: Sequence[Pin] = found.pins.pins
        if not project.is_settled and found.lowest == python.minor:

            def of_older(minor: str) -> Sequence[Pin]:
                with doing(reporter, LOCK_STEP, f"looking for wheels for python {minor}"):
                    return resolved_by_uv(python, found.unlocked, found.date, minor, found.below).pins

            older = usable_minors(uv, project.request, environ, below=python.minor)
            wheels = with_older_wheels(wheels, older, of_older)
        with doing(reporter, LOCK_STEP, "looking for the Python that suits them best"):
            chosen = None if project.is_settled else _most_suitable(uv, project, python, wheels, environ, left)
        if chosen and chosen.minor != python.minor:
            why = unsuited(as_installed(python), wheels)
            if found.lowest == python.minor:
                # Only the interpreter limited how far down the pins have to reach
                text = f"choosing versions again, for python {chosen.minor}, which suits them better"
                # Packages that need a newer Python take precedence over those that suit an older one
                with contextlib.suppress(WorkError), doing(reporter, LOCK_STEP, text):
                    lock = resolved(chosen, wanted, left | {python.minor})
                    _note_choice(reporter, chosen, why)
                    return lock
                chosen = python
            else:
                _note_choice(reporter, chosen, why)
        minor = chosen.minor if chosen else ""
        made_for = _interpreter_version(previous, (chosen or python).version, upgrade)
        if found.below and not project.is_settled:
            _note_choice(
                reporter, chosen or python, f"the requirements contradict each other from python {found.below} on"
            )
        for note in found.pins.notes:
            reporter.emit(Event(NOTE, "python", note))
        rows = to_rows(found.pins, project.wish.root)
        return PythonLock(rows, _input_digest(project), found.lowest, minor, made_for, found.below)

    slugs = ("python/resolution", "python/build-failed")
    return _lock_or_as_listed(
        unlocked,
        reporter,
        lambda: downwards(uv, project, environ, reporter, interpreter, resolved, slugs),
        lambda forced: resolved(interpreter, forced),
    )


def _lock_or_as_listed(
    unlocked: Unlocked,
    reporter: Reporter,
    lock: Callable[[], PythonLock],
    lock_forced: Callable[[Unlocked], PythonLock],
) -> PythonLock:
    """Lock; if exact versions in the list contradict each other, lock them as overrides, as old versions of pip did."""
    try:
        return lock()
    except WorkError as caught:
        error = caught
    forced = replace(unlocked, is_forced=True)
    if not contradicts(error) or not forced.override_text:
        raise error
    text = "the versions in the list contradict each other"
    try:
        with doing(reporter, LOCK_STEP, f"{text}: installing them as listed"):
            found = lock_forced(forced)
    except WorkError:
        raise error from None
    text += "; they are installed as listed, as older versions of pip did"
    reporter.emit(Event(WARNING, "python", text, lines=error.causes[-1:], slug="python/contradiction"))
    return found


def _resolve_at_date(wish: PythonWish, reporter: Reporter, resolve: Callable[[str], Outcome]) -> Outcome:
    """Resolve with packages published until the project's date.

    If that fails and the date was only detected, without.
    """
    date = wish.exclude_newer
    try:
        return resolve(date)
    except WorkError as error:
        if not (date and wish.may_stand_in and may_depend_on_date(error)):
            raise
        text = f"choosing versions again, whatever their date: those of {date} don't suffice"
        reporter.emit(Event(NOTE, "python", text, lines=error.causes[:1]))
    with doing(reporter, LOCK_STEP, text):
        return resolve("")


def _resolve_without(unlocked: Unlocked, reporter: Reporter, attempt: Callable[[Unlocked], Outcome]) -> Outcome:
    """Resolve all requirements; if that fails, again without the development packages that the error names."""
    names = unlocked.development_names

    def of_groups(some: Unlocked) -> Outcome:
        try:
            return _attempt_without_tools(some.lines, reporter, lambda lines: attempt(replace(some, lines=lines)))
        except WorkError as error:
            rest = some.without(gone := blamed(error) & names)
            if rest == some:
                raise
            text = f"left out: {', '.join(f'`{name}`' for name in sorted(gone))}, only for development: {error.what}"
            reporter.emit(Event(NOTE, "python", text, lines=error.causes[-1:]))
        return of_groups(rest)

    return of_groups(unlocked)


def _attempt_without_tools(
    named: tuple[Named, ...], reporter: Reporter, attempt: Callable[[tuple[Named, ...]], Outcome]
) -> Outcome:
    """Call `attempt` with all requirements; if that fails, again without what only development or Windows needs."""
    try:
        return attempt(named)
    except WorkError as error:
        foreign = blamed_for_windows(error)
        left_out = foreign or blamed_tools(error)
        rest = tuple(each for each in named if each.name not in left_out)
        if len(rest) == len(named):
            raise
        gone = ", ".join(f"`{each.name}`" for each in named if each.name in left_out)
        text = f"left out: {gone}, only for {'Windows' if foreign else 'development'}: {error.what}"
        reporter.emit(Event(NOTE, "python", text, lines=error.causes[-1:]))
    return _attempt_without_tools(rest, reporter, attempt)


def _resolve_narrowed(
    resolve: Callable[[str, str], _Resolution],
    floor: str,
    python: Interpreter,
    reporter: Reporter,
    *,
    may_exclude: bool,
) -> _Resolution:
    """Resolve for all Pythons from `floor` on; if that fails, for fewer versions around `python`, as many as possible.

    What the project admits may reach further than its packages: `>=3.8` beside a package of today, or packages of years
    ago that contradict each other on a newer Python.
    """
    lowest, below = floor, ""
    text = ""
    while True:
        try:
            with doing(reporter, LOCK_STEP, text) if text else contextlib.nullcontext():
                return resolve(lowest, below)
        except WorkError as error:
            if error.slug != "python/resolution":
                raise
            since = fails_since(error) if may_exclude else ""
            if since and release_key(python.version) < release_key(since) and since != below:
                below = since
                text = f"choosing versions again, for python below {below}: they contradict each other for later ones"
            elif lowest != python.minor:
                text = f"choosing versions again, for python {python.minor} and later: not all support {lowest}"
                lowest = python.minor
            else:
                raise


def _note_choice(reporter: Reporter, python: Interpreter, why: str) -> None:
    reporter.emit(Event(NOTE, "python", f"{python.version} is used rather than a newer one: {why}"))


def _interpreter_version(previous: PythonLock | None, version: str, upgrade: Sequence[str]) -> str:
    """Return the full Python version to write to the lock: the locked one, unless its minor changes or is upgraded."""
    locked = previous.interpreter if previous is not None else ""
    is_same_minor = locked.split(".")[:2] == version.split(".")[:2]
    return locked if is_same_minor and not {"*", "python"} & set(upgrade) else version


def _most_suitable(
    uv: Uv,
    project: PythonProject,
    python: Interpreter,
    pins: Sequence[Pin],
    environ: Mapping[str, str],
    left: Collection[str],
) -> Interpreter:
    """Return the interpreter with wheels for most of the pins: pins of years ago are for a Python of their time.

    The minor versions in `left` were tried before and are not chosen again: two interpreters may each suit the versions
    that were resolved for the other one.
    """
    if suitability(as_installed(python), pins) == (0, 0):
        return python
    found = choose_interpreter(uv, project.request, environ=environ, pins=pins, near=project.suggested)
    return python if found.minor in left else found


def _minor_key(minor: str) -> tuple[int, ...]:
    return tuple(map(int, minor.split(".")))


def is_lock_stale(project: PythonProject, lock: PythonLock | None) -> bool:
    """Return whether devboot.lock lacks the pins of this project, or has pins of other requirements."""
    unlocked = project.loaded.unlocked
    if unlocked is None:
        return lock is not None and bool(lock.rows)
    return lock is None or lock.digest != _input_digest(project)


def _input_digest(project: PythonProject) -> str:
    """Return a digest of all inputs of the resolution: the requirements in files, and the manifest's settings."""
    assert project.loaded.unlocked is not None
    parts = (project.loaded.unlocked.digest, project.wish.exclude_newer, project.request.specifier)
    return f"sha256:{hashlib.sha256(chr(0).join(parts).encode()).hexdigest()}"


def pins_of(project: PythonProject, lock: PythonLock | None) -> Pins:
    """Return the pins to install: from the project's own lock if it has one, else from devboot.lock.

    Raises:
        LockError: `lock/no-address`.

    """
    if project.loaded.locked is not None:
        return project.loaded.locked
    assert project.loaded.unlocked is not None
    rows = lock.rows if lock else ()
    return from_rows(rows, project.wish.root, project.loaded.unlocked)


def sync_python(
    uv: Uv,
    project: PythonProject,
    lock: PythonLock | None,
    *,
    environ: Mapping[str, str],
    reporter: Reporter,
    wall_clock: Callable[[], float],
    is_forced: bool = False,
) -> SyncResult:
    """Bring the virtualenv up to date with the pins. The caller holds the project's lock.

    If the project leaves Python's version open and a package can't be built for the newest, older ones are tried.

    Raises:
        DevbootError: see `virtualenv.sync` and `find_interpreter`.

    """
    pins = pins_of(project, lock)
    if pins.stale:
        reporter.emit(Event(WARNING, "python", pins.stale, slug="python/lock-stale"))
    made = lock if project.needs_lock else None
    interpreter = reported_interpreter(uv, project, environ, reporter, made)
    if interpreter.note:
        reporter.emit(Event(WARNING, "python", interpreter.note, slug=interpreter.note_slug))

    def synced(python: Interpreter) -> SyncResult:
        def install(some: tuple[Pin, ...]) -> SyncResult:
            spec = venv_spec(uv, project, replace(pins, pins=some), python, environ, is_forced=is_forced)
            return sync(uv.inside(working_folder(project)), spec, reporter=reporter, wall_clock=wall_clock)

        with blaming(pins.indexes, project.wish.root):
            return _attempt_without_tools(pins.pins, reporter, install)

    return downwards(uv, project, environ, reporter, interpreter, synced, ("python/build-failed",), made)


def plan_python(
    uv: Uv,
    project: PythonProject,
    lock: PythonLock | None,
    *,
    environ: Mapping[str, str],
    is_forced: bool = False,
) -> SyncPlan:
    """Decide what `sync_python` does with the virtualenv; changes nothing and downloads nothing.

    Raises:
        DevbootError: `python/foreign-venv`, `python/not-found` if no interpreter on this machine fits.

    """
    pins = pins_of(project, lock)
    interpreter = locked_interpreter(uv, project, lock if project.needs_lock else None, environ=environ)
    spec = venv_spec(uv, project, pins, interpreter, environ, is_forced=is_forced)
    return plan_sync(spec, uv.inside(working_folder(project)).environ)


def venv_spec(
    uv: Uv,
    project: PythonProject,
    pins: Pins,
    interpreter: Interpreter,
    environ: Mapping[str, str],
    *,
    is_forced: bool = False,
) -> VenvSpec:
    """Return the spec of the virtualenv: pins, path, interpreter, indexes, and the project if it is a package.

    With `is_forced` a foreign virtualenv is moved aside, and installed packages are compared one by one.
    """
    own = project.own
    own_folders = {os.path.normpath(os.path.join(each.base, each.reference)) for each in pins.directs}
    if own is not None and os.path.normpath(own.direct.base) in own_folders:
        own = None  # the lock has it already
    has_project = own is not None and own.is_needed
    if own is not None and has_project:
        pins = replace(pins, directs=(*pins.directs, own.direct))
    return VenvSpec(
        project.venv,
        project.wish.venv,
        project.wish.name,
        pins,
        interpreter,
        project.request,
        declared_indexes(uv, pins.indexes, interpreter, environ),
        (own.direct,) if own is not None and not has_project else (),
        is_forced,
        "" if any(each.kind in (UV, PYLOCK) for each in project.inputs) else wanted_setuptools(interpreter),
        project.built,
        bool(project.given),
        project.wish.exclude_newer if minor_at(project.wish.exclude_newer) else "",
        has_project,
    )


def declared_indexes(
    uv: Uv,
    lines: Sequence[IndexLine],
    interpreter: Interpreter,
    environ: Mapping[str, str],
    *,
    are_pinned: bool = True,
) -> IndexSettings:
    """Return the indexes that the project's files declare, as settings for uv, without uv's default."""
    return index_settings(lines, lambda: builtin_index(uv, interpreter.path), environ, are_pinned=are_pinned)


def working_folder(project: PythonProject) -> str:
    """Return the folder in which uv is to run, so that its `[tool.uv]` counts: that of the first requirements file."""
    return os.path.dirname(project.inputs[0].path) if project.inputs else project.wish.root


def _lowest(request: VersionRequest, interpreter: Interpreter) -> str:
    """Return the lowest Python for the lock, as `3.11`: the requested one, a range's lower bound, or this one's."""
    if request.minor:
        return min(request.minor, interpreter.minor, key=_minor_key)
    floors = [each.removeprefix(">=").strip() for each in request.specifier.split(",") if each.strip().startswith(">=")]
    return floors[0] if floors else interpreter.minor
