"""Chooses a project's interpreter: its virtualenv's while it fits, else the best available, else an older one."""

from __future__ import annotations

import os
import re
from collections.abc import Callable, Mapping, Sequence
from contextlib import suppress
from dataclasses import replace
from typing import TypeVar

from devboot.environment.locks.pins import Pin
from devboot.environment.python.declared import PythonLock, PythonProject
from devboot.environment.python.interpreters import (
    Interpreter,
    as_installed,
    available_interpreters,
    choose_interpreter,
    inspect,
    installed_minors,
    missing_wheels,
    refuse_uninstallable,
    uninstallable,
    unsuited,
    why_it_fails,
)
from devboot.environment.python.versions import VersionRequest
from devboot.environment.python.wheel_advice import with_version_that_would_do
from devboot.environment.venv.condition import FOREIGN, OURS, Decision, WantedPython, decide, examine
from devboot.environment.venv.origin import examine_origin
from devboot.environment.venv.progress import progress_text
from devboot.errors import DevbootError, MachineError, ManifestError, Place, WorkError
from devboot.events import DONE, FAILED, NOTE, PROGRESS, UNCHANGED, Event, Reporter, doing
from devboot.uv.client import Uv
from devboot.uv.failures import is_offered_nowhere
from devboot.uv.pythons import Installed

Outcome = TypeVar("Outcome")

_EXCEPTION = re.compile(r"^\s*\w*(?:Error|Exception): ")  # a compiler's last line doesn't show the reason
_PATH = re.compile(r"\S*/\S*")
_TRIES = 4  # minor versions that are tried where the project names none


def find_interpreter(
    uv: Uv,
    project: PythonProject,
    *,
    environ: Mapping[str, str],
    below: str = "",
    lock: PythonLock | None = None,
) -> Interpreter:
    """Choose the interpreter: the virtualenv's while it still fits, else the best on this machine, else a download.

    `below` admits only minor versions older than this one; `lock` admits only those that it was made for, and prefers
    one. With a read-only uv, the virtualenv's interpreter isn't run: the same version elsewhere on this machine is
    used.

    Raises:
        MachineError: `python/not-found`.
        ManifestError: `python/version`, a recipe provides another version than the requested one.

    """
    if project.given:
        return _given(uv, project)
    condition = examine_origin(project.venv, project.wish.root, uv.environ)
    request = _within(project.request, lock.requires) if lock is not None else project.request
    pins = project.loaded.locked.pins if project.loaded.locked else ()
    fits = _still_fits(request, condition.version) or _still_stands_in(uv, request, condition.version, environ)
    if condition.state in (OURS, FOREIGN) and not below and fits:
        if uv.only_looks and (
            condition.record or not missing_wheels(Installed("", condition.version, "cpython"), pins)
        ):
            same = VersionRequest(f"=={condition.version}", condition.version, request.file, is_exact=True)
            with suppress(MachineError):
                return choose_interpreter(uv, same, environ=environ)
        found = inspect(uv, os.path.join(project.venv, "bin", "python")) if not uv.only_looks else None
        if found and condition.record and found.version == condition.record.version:
            return replace(found, path=condition.record.python)
        # It was made by hand for this project: its Python is meant, if the packages exist for it.
        if found and not condition.record and not missing_wheels(as_installed(found), pins):
            return found
    hint = (lock.chosen if lock is not None else "") or project.suggested
    return choose_interpreter(uv, request, environ=environ, pins=pins, below=below, preferred=hint)


def _given(uv: Uv, project: PythonProject) -> Interpreter:
    found = inspect(uv, project.given)
    if found is None:
        raise MachineError(
            "store/does-not-run",
            "the Python that `python` in `[packages]` installs doesn't run on this machine",
            causes=[f"`{project.given}`: {why_it_fails(uv, project.given)}"],
            help=["devboot store verify python   # is it damaged?", "devboot explain store/does-not-run"],
        )
    request = project.request
    if request.admits(found.version):
        return found
    raise ManifestError(
        "python/version",
        f"`python` in `[packages]` is {found.version}, but {request.file} requires {request}",
        place=Place(request.file, request.line, label="required here"),
        help=[f'python = "{request.minor}"   # in [packages]' if request.minor else f"change {request.file}"],
    )


def _within(request: VersionRequest, bounds: str) -> VersionRequest:
    """Return a request narrowed to the versions of the specifier `bounds`, unless it requests one version."""
    if request.minor:
        is_open = request.stand_in is not None
        return replace(request, stand_in=",".join(filter(None, [request.stand_in, bounds]))) if is_open else request
    return replace(request, specifier=",".join(filter(None, [request.specifier, bounds])))


def _still_fits(request: VersionRequest, version: str) -> bool:
    stands_in = bool(request.patch) and not request.is_exact and version.startswith(f"{request.minor}.")
    return bool(version) and (request.admits(version) or stands_in)


def _still_stands_in(uv: Uv, request: VersionRequest, version: str, environ: Mapping[str, str]) -> bool:
    """Return whether `version` replaces a requested minor version that is still not installed."""
    is_other = bool(version) and request.admits_instead(version)
    return is_other and not installed_minors(uv, request, environ, below="")


def reported_interpreter(
    uv: Uv,
    project: PythonProject,
    environ: Mapping[str, str],
    reporter: Reporter,
    lock: PythonLock | None = None,
    *,
    tells: bool = True,
) -> Interpreter:
    """Find the interpreter with `find_interpreter` and report that as a step, since it may download one.

    `tells`: report the result even if nothing was downloaded.
    """
    pinned = lock.interpreter if lock is not None else ""
    fetched: list[str] = []

    def hear(line: str) -> None:
        if text := progress_text(line):
            fetched.append(text)
            reporter.emit(Event(PROGRESS, "python", text))

    try:
        with doing(reporter, "python", "looking for a Python that fits"):
            found = locked_interpreter(uv.listening(hear), project, lock, environ=environ)
    except DevbootError as error:
        if fetched:
            reporter.emit(Event(FAILED, "python", error.what))
        raise
    if tells or fetched:
        text = f"{found.version}, {found.path}{_why_older(uv, project, found, environ)}"
        reporter.emit(Event(DONE if fetched else UNCHANGED, "python", text))
    if pinned and not found.note and found.version != pinned and not project.request.patch:
        note = f"python {found.version} is used instead of {pinned}, which devboot.lock names"
        return replace(found, note=note, note_slug="python/patch-version")
    return found


def _why_older(uv: Uv, project: PythonProject, found: Interpreter, environ: Mapping[str, str]) -> str:
    """Return why the interpreter is older than the newest installed one that the project admits; "" if it isn't."""
    if project.is_settled or project.loaded.locked is None:
        return ""
    newest = next(iter(installed_minors(uv, project.request, environ, below="")), found.minor)
    if newest == found.minor:
        return ""
    why = unsuited(Installed("", f"{newest}.0", "cpython"), project.loaded.locked.pins)
    return f", rather than a newer one: {why}" if why else ""


def locked_interpreter(
    uv: Uv, project: PythonProject, lock: PythonLock | None, *, environ: Mapping[str, str]
) -> Interpreter:
    """Return the installed interpreter that a lock was made with, else another that it is for. Raises MachineError."""
    if lock is None or project.given:  # its patch version may differ from the lock's
        return find_interpreter(uv, project, environ=environ)
    wanted = replace(project, request=as_pinned(project.request, lock.interpreter))
    return find_interpreter(uv, wanted, environ=environ, lock=lock)


def as_pinned(request: VersionRequest, version: str) -> VersionRequest:
    """Return the request narrowed to `version`, the Python version that the lock was made for.

    It is returned unchanged if it names a patch version, doesn't admit `version`, or admits several minor versions and
    isn't exact.
    """
    if not version or request.patch or not request.admits(version) or not (request.minor or request.is_exact):
        return request
    return VersionRequest(f"=={version}", version, "devboot.lock", is_exact=request.is_exact)


def downwards(
    uv: Uv,
    project: PythonProject,
    environ: Mapping[str, str],
    reporter: Reporter,
    first: Interpreter,
    attempt: Callable[[Interpreter], Outcome],
    slugs: tuple[str, ...],
    lock: PythonLock | None = None,
) -> Outcome:
    """Call `attempt` with the interpreter `first`; if it fails, with older installed ones. Return the first success.

    Older ones are tried only if the project leaves the version open, and for errors with one of the `slugs`.

    Raises the error of the first one if all fail.
    """
    # A virtualenv that works isn't given up because a new package can't be built for its Python.
    is_settled = _has_packages(project.venv)
    python = first
    failures: list[DevbootError] = []
    for _ in range(_TRIES):
        try:
            return attempt(python)
        except DevbootError as error:
            is_same = bool(failures) and _fails_alike(failures[-1], error)
            failures.append(error)
            if project.is_settled or error.slug not in slugs or is_settled or is_same or is_offered_nowhere(error):
                break
        try:
            with doing(reporter, "python", f"looking for a Python below {python.minor}"):
                older = find_interpreter(uv, project, environ=environ, below=python.minor, lock=lock)
        except DevbootError:
            break
        note = f"{failures[-1].what} with python {python.version}, trying {older.version}"
        reporter.emit(Event(NOTE, "python", note, lines=failures[-1].causes[:1]))
        python = older
    raise with_version_that_would_do(uv, failures[0], project, first)


def _fails_alike(one: DevbootError, other: DevbootError) -> bool:
    """Return whether two Pythons failed for the same reason: the same contradiction, or exception in the same package.

    Then a third one will fail, too.
    """
    if one.slug == other.slug == "python/resolution":  # the first line says for which Pythons, the others why
        return one.causes[1:] == other.causes[1:] != ()
    said = [[line for line in error.details if _EXCEPTION.match(line)][-1:] for error in (one, other)]
    plain = [[_PATH.sub("", line) for line in lines] for lines in said]
    return one.what == other.what and plain[0] == plain[1] != []


def _has_packages(venv: str) -> bool:
    condition = examine(venv)
    return condition.record is not None and bool(condition.record.installed)


def plan_venv(
    uv: Uv,
    project: PythonProject,
    lock: PythonLock | None,
    pins: Sequence[Pin],
    *,
    environ: Mapping[str, str],
    is_offline: bool,
) -> Decision:
    """Return what a sync will do with the virtualenv, as far as that is known without running the clone's programs.

    Nothing is downloaded; an interpreter that could be counts as available, unless `is_offline`. Raises MachineError
    `python/not-found` and `python/foreign-venv`, WorkError `python/resolution`.
    """
    condition = examine_origin(project.venv, project.wish.root, uv.environ)
    here = Installed("", condition.version or "0.0.0", "cpython")
    candidates, fits = [here], True
    if not project.given:
        request = project.request
        if lock is not None:
            request = _within(as_pinned(request, lock.interpreter), lock.requires)
        outside = uv.inside(os.sep)  # where uv works it runs a virtualenv's Python
        fits = _still_fits(request, condition.version) or _still_stands_in(outside, request, condition.version, environ)
        if not fits:
            candidates = available_interpreters(outside, request, environ, is_offline=is_offline)
        if all(uninstallable(each, pins) for each in candidates):
            try:
                refuse_uninstallable(candidates[0], pins)
            except WorkError as error:
                best = Interpreter(candidates[0].path, candidates[0].version)
                raise with_version_that_would_do(uv, error, replace(project, request=request), best) from None
    minor = ".".join(map(str, candidates[0].minor))
    wanted = WantedPython(minor)
    return decide(condition, project.wish.venv, wanted=wanted, is_admitted=fits, is_forced=False)
