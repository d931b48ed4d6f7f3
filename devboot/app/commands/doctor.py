"""`doctor`: collects the facts that the checks examine, and runs the checks; changes nothing."""

from __future__ import annotations

import os
from collections.abc import Sequence
from contextlib import nullcontext

from devboot.app.context import Context
from devboot.app.preparation.preflight import preflight
from devboot.app.preparation.project.detect import Detection
from devboot.app.preparation.project.load import look_at_project
from devboot.app.preparation.project.loaded import Loaded
from devboot.doctor.checks import checks_for, settings, variables
from devboot.doctor.checks.processes import find_lease
from devboot.doctor.findings import Check, Report
from devboot.doctor.running import run_checks
from devboot.doctor.subject import Once, Subject
from devboot.environment.variables.envfiles import read_env_files
from devboot.errors import DevbootError, MachineError, UsageError
from devboot.events import Reporter, doing
from devboot.model.edge.manifest.manifest import Manifest, load_sources
from devboot.model.nearest import nearest
from devboot.model.observation import REQUIRED, UNSET, Observation
from devboot.model.project_files.procfile import Procfile
from devboot.paths import user_directories
from devboot.record import Record
from devboot.state.project import find_project

_ASKED = "pip"  # package whose page is requested: an index's list of all packages is large


class _Sources(Record):
    """The project's manifest and Procfile, or the error for which they can't be read."""

    manifest: Manifest | None = None
    procfile: Procfile | None = None
    problem: DevbootError | None = None


class _Directories(Record):
    """The data, cache and state directories of devboot, or the error for which they can't be determined."""

    data: str = ""
    cache: str = ""
    state: str = ""
    problem: DevbootError | None = None


class Reach(Record):
    """Permissions of the checks: to import the project's code, to send requests to the sources of packages."""

    probes: bool = False
    is_online: bool = False


def doctor(
    context: Context,
    names: Sequence[str] = (),
    reporter: Reporter | None = None,
    reach: Reach | None = None,
) -> Report:
    """Run the checks that `names` (areas or checks) select, all by default. Raises UsageError for an unknown name."""
    reach = reach or Reach()
    subject = examine(context)
    checks = chosen(names, checks_for(subject))
    if reach.probes and any(each in (*settings.CHECKS, *variables.CHECKS) for each in checks):
        subject = subject._replace(probed=_probe(subject, reporter))
    if reach.is_online:
        subject = subject._replace(sources=lambda: _sources(context, subject))
    report = run_checks(checks, subject, context.clock, reporter=reporter)
    return report._replace(changes=_changes(subject)) if report.findings or report.crashes else report


def _probe(subject: Subject, reporter: Reporter | None) -> tuple[Observation, ...]:
    """Import the project's code in this thread, which Ctrl-C interrupts; the checks run in others."""
    from devboot.app.commands.doctor_probe import probe

    with doing(reporter, "doctor", "importing the code") if reporter is not None else nullcontext():
        seen = probe(subject)
        observed = {each.name for each in seen if each.kind == UNSET}
        return (*seen, *(each for each in _undeclared(subject) if each.name not in observed))


def _undeclared(subject: Subject) -> tuple[Observation, ...]:
    """Return the variables that the application can't start without, as far as they have no value anywhere."""
    if subject.manifest is None:
        return ()  # what was detected is in use
    files, environ = subject.manifest.env_files.read, subject.environ
    try:
        proposal = Detection(subject.project.root, environ).proposal_for(subject.project.root)
        known = {each.name for each in read_env_files(subject.project.root, files, environ).variables}
    except DevbootError:
        return ()  # `up` refuses, and is asked by another check
    known |= subject.manifest.env.keys() | environ.keys()
    needed = proposal.env if proposal is not None else ()
    return tuple(
        Observation(UNSET, each.name, REQUIRED, f"{each.evidence.path}:{each.evidence.line}" if each.evidence else "")
        for each in needed
        if each.required and each.name not in known
    )


def _sources(context: Context, subject: Subject) -> tuple[str, ...]:
    """Return the addresses of the indexes that uv uses here, and of the registry if the lock has packages of npm."""
    from devboot.doctor.checks.lockfile import load
    from devboot.sources.npmrc import load_npm_config
    from devboot.uv.client import make_looking_uv
    from devboot.uv.pip.download import index_lines

    root = subject.project.root
    words = [line.split() for line in index_lines(make_looking_uv(context.environ, root, subject.cache)).splitlines()]
    found = [f"{line[1].rstrip('/')}/{_ASKED}/" for line in words if line[0].endswith("index-url") and len(line) > 1]
    found += [line[1] for line in words if line[0] == "--find-links" and len(line) > 1]
    try:
        lock = load(subject)
    except DevbootError:
        lock = None  # `up` refuses, and is asked by another check
    rows = [row for package in (lock.package if lock is not None else ()) for row in package.rows().values()]
    names = dict.fromkeys(row.name for row in rows if row.source == "npm")
    registries = (load_npm_config(context.environ, root).registry(name) for name in names)
    found += [each.value for each in registries if each is not None]
    return tuple(dict.fromkeys(each for each in found if each.startswith(("http://", "https://"))))


def _changes(subject: Subject) -> str:
    from devboot.app.preparation.generations.since_success import changes_of_project

    try:
        return changes_of_project(subject.project, subject.environ, subject.version, subject.now)
    except (OSError, DevbootError):
        return ""


def available(context: Context) -> tuple[Check, ...]:
    """Return every check that this project has, for `--list`."""
    return checks_for(examine(context))


def chosen(names: Sequence[str], checks: Sequence[Check]) -> tuple[Check, ...]:
    """Return the checks that `names` (areas or checks) select, all by default. Raises UsageError."""
    known = {name for check in checks for name in (check.area, check.name)}
    for name in names:
        if name not in known:
            near = nearest(name, sorted(known))
            advice = [f"did you mean `{near}`?"] if near else []
            raise UsageError(
                "usage/unknown-check",
                f"doctor has no area or check `{name}`",
                help=[*advice, "`devboot doctor --list` names them"],
            )
    return tuple(check for check in checks if not names or check.area in names or check.name in names)


def examine(context: Context) -> Subject:
    """Collect the facts that the checks need; errors, such as of a broken manifest, are part of the result."""
    project = find_project(context.cwd, context.environ)
    sources = _load(project.manifest, project.root, context.cwd)
    detection = Detection(project.root, context.environ)

    def loaded() -> Loaded:
        assert sources.manifest is not None
        return Loaded(project, sources.manifest, sources.procfile, (), detection, fresh_detection=False)

    def why_stale() -> tuple[str, ...]:
        from devboot.app.commands.preparing.lock import check as check_lock

        return check_lock(loaded(), context)

    shared = Once(lambda: _look(context))

    def why_nothing() -> DevbootError | None:
        return shared().error

    def refusals() -> tuple[tuple[str, DevbootError, str], ...]:
        seen = shared()
        return seen.refusals if seen.error is None or sources.manifest is None else (("manifest", seen.error, ""),)

    def as_detected() -> tuple[Manifest | None, Procfile | None]:
        seen = shared().loaded
        return (None, None) if seen is None else (seen.manifest, seen.procfile)

    directories = _directories(context)
    named = sources.manifest.project.name if sources.manifest else None
    return Subject(
        version=context.version,
        environ=context.environ,
        uid=context.uid,
        home=context.environ.get("HOME", ""),
        now=context.wall_clock(),
        terminal=context.stdout,
        project=project,
        name=named or project.usual_name,
        data=directories.data,
        cache=directories.cache,
        state=directories.state,
        directories_problem=directories.problem,
        manifest=sources.manifest,
        procfile=sources.procfile,
        manifest_problem=sources.problem,
        as_detected=as_detected,
        why_nothing=why_nothing,
        refusals=refusals,
        lease=Once(lambda: find_lease(project, context.environ)),
        why_stale=why_stale,
    )


class _PreflightResult(Record):
    """The project as `up` would load it, and the errors with which `up` would refuse it.

    `error` is set if it can't even be loaded.
    """

    loaded: Loaded | None = None
    error: DevbootError | None = None
    refusals: tuple[tuple[str, DevbootError, str], ...] = ()


def _look(context: Context) -> _PreflightResult:
    try:
        loaded = look_at_project(context.cwd, context.environ)
    except DevbootError as error:
        return _PreflightResult(error=error)
    return _PreflightResult(loaded, None, preflight(loaded, context))


def _load(path: str, root: str, cwd: str) -> _Sources:
    if not path:
        return _Sources()
    prefix = "" if root == cwd else f"{os.path.relpath(root, cwd)}/"
    try:
        found = load_sources(path, root=root, prefix=prefix)
    except DevbootError as error:
        return _Sources(problem=error)
    return _Sources(found.manifest, found.procfile)


def _directories(context: Context) -> _Directories:
    import pwd

    def passwd_home() -> str | None:
        try:
            return pwd.getpwuid(context.uid).pw_dir
        except KeyError:
            return None

    try:
        return _Directories(*user_directories(context.environ, passwd_home))
    except MachineError as error:
        return _Directories(problem=error)
