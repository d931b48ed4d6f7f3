"""`recipe test`: tests a recipe in steps: schema, resolution, a build of fake files, then the real package."""

from __future__ import annotations

import os
import shutil
import sys
from collections.abc import Callable, Mapping

from devboot.app.preparation.locking.candidates import ask, channel_asker, queries_for
from devboot.app.preparation.locking.distro import Distribution, apt_of
from devboot.app.recipes.miniature import MiniatureSource, made_up_offers, miniature_of, write_wheel
from devboot.app.recipes.project import TrialProject, failed
from devboot.errors import IntegrityError, MachineError
from devboot.events import DONE, FAILED, NOTE, START, Event, RecordingReporter, Reporter
from devboot.model.artifact import Wanted
from devboot.model.edge.lockfile.lock import Lock, LockedPackage, Wish, lock_to_text, parse_lock
from devboot.model.printable import counted
from devboot.provision.host import Host
from devboot.provision.objects.realise import object_name, realise
from devboot.provision.objects.roots import TemporaryRoots
from devboot.provision.objects.store import Store
from devboot.provision.objects.tree import remove_tree
from devboot.recipes import KnownRecipe
from devboot.recipes.checks import complaints
from devboot.record import Record
from devboot.resolve.packages import resolve, wanted_on
from devboot.resolve.source import Source
from devboot.scratch import scratch_folder
from devboot.services.plan import plan_service
from devboot.sources.wheel import WheelSource
from devboot.uv.client import Uv, make_uv


class Trial(Record):
    """A recipe to test, and the machine to test it on."""

    known: KnownRecipe
    version: str  # "" for the one that a lock would take
    host: Host
    environ: Mapping[str, str]
    reporter: Reporter
    wall_clock: Callable[[], float]


class TrialResult(Record):
    """The tested version; `lacks` names a source that is missing here for the real test, "" for none."""

    version: str
    lacks: str = ""


def try_recipe(trial: Trial, *, is_offline: bool = False) -> TrialResult:
    """Run all steps of the test; `is_offline`, or a source missing here, skips the one that downloads.

    Raises WorkError `recipe/test-failed` at the first level that fails, and the errors of resolving and building.
    """
    _level(trial, "schema", _schema)
    package, lacks = _locked(trial, is_offline=is_offline)
    _level(trial, "resolve", lambda one: _resolve(one, package))
    _level(trial, "build", lambda one: _build(one, package))
    if lacks:
        trial.reporter.emit(Event(NOTE, "real", f"left out: {lacks}"))
    elif not is_offline:
        _level(trial, "real", lambda one: _real(one, package))
    return TrialResult(package.version, lacks)


def _level(trial: Trial, name: str, work: Callable[[Trial], str]) -> None:
    trial.reporter.emit(Event(START, name, ""))
    try:
        trial.reporter.emit(Event(DONE, name, work(trial)))
    except Exception as error:
        trial.reporter.emit(Event(FAILED, name, getattr(error, "what", str(error))))
        raise


def _schema(trial: Trial) -> str:
    wrong = complaints(trial.known)
    if wrong:
        raise failed(trial.known.name, "its files lack values that are required", wrong)
    if trial.known.recipe.service is not None:
        plan_service(
            trial.known.recipe, trial.known.name, "1", {}, port=1, root="/x", data="/x", runtime="/x", programs="/x/bin"
        )
    count = len(trial.known.releases)
    if not count:
        return "its channel or distribution knows the versions"
    return f"{counted(count, 'version')}, each with a file or a reason for every platform"


def _locked(trial: Trial, *, is_offline: bool) -> tuple[LockedPackage, str]:
    """Return the package as it would be locked, and a source that is missing here; its version is then made up."""
    wish, recipes, lacks = Wish(trial.known.name, trial.version), {trial.known.name: trial.known}, ""
    uv = make_uv(trial.environ, os.sep)
    here = Distribution(trial.host, trial.environ, apt_of(uv), trial.reporter)
    made_up = made_up_offers(wish, trial.known, trial.host.distribution)
    if is_offline:
        offers = made_up
    else:
        channel = channel_asker(uv)
        try:
            offers = ask(queries_for([wish], recipes, here, has_channels=channel is not None), recipes, here, channel)
        except MachineError as error:
            if error.slug != "conda/not-installed":
                raise
            offers, lacks = made_up, error.what
    (package,) = resolve([wish], offers.recipes, offers=offers.rows).packages
    return package, lacks


def _resolve(trial: Trial, package: LockedPackage) -> str:
    text = lock_to_text(Lock(package=(package,)))
    if lock_to_text(parse_lock(text)) != text:
        raise failed(trial.known.name, "its lock changes when it is read and written again", [])
    for platform in package.rows():
        wanted_on(package, trial.known, platform)
    releases = (f"{row.platform} of {row.on}" for row in package.distribution)
    return f"{package.version} for {', '.join((*package.rows(), *releases)) or 'no platform as a whole'}"


def _build(trial: Trial, package: LockedPackage) -> str:
    """Build the fake package twice, and once with a damaged byte, which must be refused; return a line on it."""
    real = wanted_on(package, trial.known, trial.host.platform, trial.host.distribution)
    with scratch_folder() as place:
        wanted, source, damaged = _small(trial, real, place)
        try:
            first = _realise(trial, wanted, source, os.path.join(place, "a"))
            second = _realise(trial, wanted, source, os.path.join(place, "b"))
            if object_name(wanted) != first or first != second:
                raise failed(trial.known.name, "two builds of the same bytes gave different objects", [first, second])
            _refuses_damage(trial, wanted, damaged, os.path.join(place, "c"))
        finally:
            for each in "abc":
                remove_tree(os.path.join(place, each))
    return "two builds of the same bytes give the same object, and a changed byte is refused"


def _small(trial: Trial, real: Wanted, place: str) -> tuple[Wanted, Source, Source]:
    if real.artifact.source != "wheel":
        kind = real.artifact.source
        if kind == "app":  # its scripts call what only the real thing has
            programs = tuple((name, f"app/{name}") for name, _ in real.layout.shims)
            real = real._replace(layout=real.layout._replace(bin=programs, shims=()))
        source = MiniatureSource(kind, real.layout, real.version)
        return miniature_of(real, source), source, MiniatureSource(kind, real.layout, real.version, damage=True)
    whole, damaged = os.path.join(place, "wheels"), os.path.join(place, "damaged")
    os.mkdir(whole)
    artifact = write_wheel(whole, real.artifact, real.layout, real.version)
    shutil.copytree(whole, damaged)
    with open(os.path.join(damaged, artifact.file), "r+b") as file:
        file.seek(-1, os.SEEK_END)
        file.write(b"\x01")  # the length of a comment that isn't there
    good, bad = (WheelSource(_uv_of(trial, folder, place), sys.executable) for folder in (whole, damaged))
    return real._replace(artifact=artifact), good, bad


def _uv_of(trial: Trial, folder: str, place: str) -> Uv:
    """Return a uv whose only package index is a local folder."""
    kept = {name: value for name, value in trial.environ.items() if not name.startswith(("UV_", "PIP_"))}
    own = {"UV_FIND_LINKS": folder, "UV_NO_INDEX": "1", "UV_NO_CONFIG": "1", "PIP_CONFIG_FILE": os.devnull}
    return make_uv({**kept, **own, "UV_CACHE_DIR": os.path.join(place, f"cache-{os.path.basename(folder)}")}, place)


def _realise(trial: Trial, wanted: Wanted, source: Source, data: str) -> str:
    os.makedirs(data, exist_ok=True)
    with TemporaryRoots(data) as roots:
        found = realise(
            Store(data),
            wanted,
            source,
            trial.host,
            command="recipe",
            roots=roots,
            reporter=RecordingReporter(),
            now=trial.wall_clock,
        )
    return found.name


def _refuses_damage(trial: Trial, wanted: Wanted, source: Source, data: str) -> None:
    try:
        _realise(trial, wanted, source, data)
    except IntegrityError:
        return
    raise failed(trial.known.name, "a changed byte was accepted", [])


def _real(trial: Trial, package: LockedPackage) -> str:
    """Install and run the real package in a temporary project; return a line with the result."""
    with scratch_folder() as root:
        project = TrialProject(trial.known, package, os.path.realpath(root), trial.environ, trial.reporter)
        project.write()
        try:
            return project.run_tool() if trial.known.recipe.service is None else project.run_service()
        finally:
            project.remove()
