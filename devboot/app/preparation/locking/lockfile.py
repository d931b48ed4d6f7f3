"""devboot.lock: reads it, checks that it fits the project, resolves what is missing, writes it atomically."""

from __future__ import annotations

import os
import sys
from collections.abc import Callable, Collection, Mapping, Sequence

from devboot.app.preparation.locking.candidates import Queries, ask, channel_asker, queries_for
from devboot.app.preparation.locking.distro import Distribution, apt_of
from devboot.app.preparation.locking.frozen import frozen_lock
from devboot.app.this_machine import this_host
from devboot.clone_reader import read_bytes, read_text
from devboot.events import DONE, NOTE, START, UNCHANGED, WARNING, Event, Reporter
from devboot.model.edge.lockfile.lock import (
    Lock,
    LockedPackage,
    PythonLock,
    PythonPackage,
    empty_lock,
    lock_to_text,
    parse_lock,
    stale_packages,
)
from devboot.model.edge.manifest.manifest import Manifest
from devboot.model.printable import counted
from devboot.recipes import KnownRecipe, RecipeFolders
from devboot.record import Record
from devboot.resolve.packages import (
    VersionChange,
    refuse_changed_sources,
    refuse_stale,
    resolve,
    where_asked,
    wishes_of,
)
from devboot.state.projects import MANIFEST

TYPE_CHECKING = False
if TYPE_CHECKING:
    from devboot.environment.project_python import PythonLock as PythonPins, PythonProject
    from devboot.uv.client import Uv

    # Gives a project the interpreter that the lock's packages have for it.
    InstallInterpreter = Callable[[Lock, PythonProject], PythonProject]

STEP = "lock"


class LockResult(Record):
    """The current lock, whether it was written, and why; `changes` are the packages whose version changed."""

    lock: Lock
    path: str
    written: bool
    reasons: tuple[str, ...]
    changes: tuple[VersionChange, ...]


class LockOptions(Record):
    """Options of locking.

    `is_frozen` never writes, `update` names what is chosen anew ("*" for all), `warns` reports platforms without an
    artifact: useful when locking, not to a newcomer on another platform. `takes_as_it_is` never resolves, whatever the
    manifest says; `merged` has both sides of a conflict, to be resolved anew.
    """

    is_frozen: bool = False
    update: tuple[str, ...] = ()
    warns: bool = False
    takes_as_it_is: bool = False
    merged: Lock | None = None


def known_recipes(manifest: Manifest, folders: RecipeFolders) -> dict[str, KnownRecipe]:
    """Load the recipes that the manifest names, by name.

    Raises ManifestError, also for a tool among services, Problems.
    """
    place = where_asked(manifest)
    known = {wish.name: folders.get(wish.name, place=place(wish)) for wish in wishes_of(manifest)}
    for name, service in manifest.services.items():
        recipe = known[service.recipe or name].recipe
        if recipe.service is None:
            from devboot.services.plan import no_service

            raise no_service(recipe, manifest.at(("services", name)))
    return known


def read_lock(path: str, name: str) -> Lock | None:
    """Read the lock at `path`, None if there is none; `name` is for messages. Raises Problems."""
    try:
        return parse_lock(read_bytes(path), name)
    except FileNotFoundError:
        return None


def why_stale(lock: Lock | None, manifest: Manifest, python: PythonProject | None) -> tuple[str, ...]:
    """Return a sentence for each reason why the lock doesn't fit manifest and requirements; empty if it does.

    No lock counts as an empty one. Without `python` the requirements aren't compared.
    """
    reasons = list(stale_packages(lock or empty_lock(), wishes_of(manifest)))
    if python is not None and _is_stale(python, lock):
        is_locked = lock is not None and lock.python is not None
        cooled = lock.python.exclude_newer if lock and lock.python else python.wish.exclude_newer
        inputs = input_name(python) if manifest.is_written else " or ".join((*_files(python), "what devboot detects"))
        name = inputs if cooled == python.wish.exclude_newer else "`exclude-newer`"
        reasons.append(f"{name} changed since it was locked" if is_locked else f"{name} is not locked")
    return tuple(reasons)


def _is_stale(python: PythonProject, lock: Lock | None) -> bool:
    from devboot.environment.project_python import is_lock_stale

    return is_lock_stale(python, pins_of_lock(lock))


class LockPlan(Record):
    """What `ensure_lock` will do: keep the lock, or resolve versions for these `reasons`.

    `asked` are the queries to send first, `frozen` is the lock to use whatever the manifest says.
    """

    was: Lock | None
    reasons: tuple[str, ...]
    asked: Queries = Queries({}, {})
    frozen: Lock | None = None

    @property
    def is_current(self) -> bool:
        """Return whether the lock is kept as it is."""
        return self.frozen is not None or not (self.reasons or not self.asked.is_empty)


def plan_lock(
    path: str,
    manifest: Manifest,
    recipes: Mapping[str, KnownRecipe],
    python: PythonProject | None,
    wish: LockOptions,
    here: Distribution,
    *,
    has_channels: bool,
) -> LockPlan:
    """Decide what `ensure_lock` will do; no network, changes nothing.

    Raises its errors, except for those of resolving.
    """
    was = wish.merged or read_lock(path, os.path.basename(path))
    reasons = why_stale(was, manifest, python)
    if was is not None:
        refuse_changed_sources(was, recipes, chosen_anew=wish.update)
    wishes = wishes_of(manifest)
    if wish.takes_as_it_is:
        needs_python = python is not None and python.needs_lock
        return LockPlan(was, reasons, frozen=frozen_lock(was, wishes, needs_python=needs_python))
    if wish.is_frozen:
        refuse_stale(reasons, is_written=manifest.is_written)
        return LockPlan(was, reasons)
    asked = queries_for(wishes, recipes, here, has_channels=has_channels, previous=was, update=wish.update)
    return LockPlan(was, reasons, asked)


def ensure_lock(
    path: str,
    manifest: Manifest,
    recipes: Mapping[str, KnownRecipe],
    python: PythonProject | None,
    uv: Uv,
    *,
    wish: LockOptions,
    environ: Mapping[str, str],
    reporter: Reporter,
    bring: InstallInterpreter = lambda _lock, python: python,
    distribution: Distribution | None = None,
) -> LockResult:
    """Bring the lock up to date, changing as few versions as possible; `distribution` is by default this machine's.

    Raises:
        LockError: `lock/stale` if it is frozen, `lock/frozen`, `lock/conflict`, `lock/syntax`, `lock/too-new`.
        IntegrityError: `lock/source-changed`.
        DevbootError: errors of resolving.

    """
    here = distribution or Distribution(this_host(sys.platform, os.uname().machine), environ, apt_of(uv), reporter)
    channel = channel_asker(uv) if wishes_of(manifest) else None
    plan = plan_lock(path, manifest, recipes, python, wish, here, has_channels=channel is not None)
    old, reasons = plan.was, plan.reasons
    if plan.frozen is not None:
        return _as_it_is(plan.frozen, path, reasons, reporter)
    if plan.is_current and not wish.update and wish.merged is None:
        if old is not None:
            reporter.emit(Event(UNCHANGED, STEP, "devboot.lock matches"))
        return LockResult(old or empty_lock(), path, written=False, reasons=(), changes=())
    reporter.emit(Event(START, STEP, "choosing versions"))
    offers = ask(plan.asked, recipes, here, channel)
    resolution = resolve(
        wishes_of(manifest),
        offers.recipes,
        previous=old,
        update=(*wish.update, *(each.name for each in plan.asked.channels)),
        where=where_asked(manifest),
        offers=offers.rows,
    )
    for warning in resolution.warnings if wish.warns else ():
        reporter.emit(Event(WARNING, STEP, warning, slug="lock/no-artifact"))
    lock = Lock(package=resolution.packages)
    made = _python_part(old, python, uv, wish, environ, reporter, lambda python: bring(lock, python))
    lock = lock.model_copy(update={"python": made})
    written = _write(path, lock)
    lines = _lines(resolution.changes, lock if wish.warns else empty_lock(), recipes)
    reporter.emit(Event(DONE, STEP, _summary(lock, here), lines=lines))
    return LockResult(lock, path, written, reasons, resolution.changes)


def _as_it_is(lock: Lock, path: str, reasons: tuple[str, ...], reporter: Reporter) -> LockResult:
    if reasons:
        reporter.emit(Event(NOTE, STEP, "used unchanged, although it is out of date", lines=reasons))
    reporter.emit(Event(UNCHANGED, STEP, "devboot.lock is used unchanged"))
    return LockResult(lock, path, written=False, reasons=reasons, changes=())


def pins_of_lock(lock: Lock | None) -> PythonPins | None:
    """Convert the Python part of a lock to the form of `environment.project_python`; None without one."""
    if lock is None or lock.python is None:
        return None
    from devboot.environment.locks.resolved import PythonRow
    from devboot.environment.project_python import PythonLock as PythonPins

    rows = tuple(
        PythonRow(**{name: getattr(row, name) for name in PythonPackage.model_fields}) for row in lock.python.package
    )
    digest = next(iter(lock.python.inputs.values()), "")
    lowest, _, below = lock.python.requires.removeprefix(">=").partition(",<")
    return PythonPins(rows, digest, lowest, lock.python.python, lock.python.interpreter, below)


def input_name(python: PythonProject) -> str:
    """Return the names of the requirements files, joined, for the lock and for messages."""
    return " + ".join([*_files(python), *([MANIFEST] if python.wish.packages else [])])


def _files(python: PythonProject) -> list[str]:
    return [os.path.relpath(each.path, python.wish.root) for each in python.inputs]


def _python_part(
    old: Lock | None,
    python: PythonProject | None,
    uv: Uv,
    wish: LockOptions,
    environ: Mapping[str, str],
    reporter: Reporter,
    bring: Callable[[PythonProject], PythonProject],
) -> PythonLock | None:
    if python is None or not python.needs_lock:
        return None
    before = pins_of_lock(old)
    is_kept = not wish.update and wish.merged is None
    if old is not None and before is not None and not _is_stale(python, old) and is_kept:
        return old.python
    from devboot.environment.project_python import lock_python

    upgrade = _upgrades(before, wish.update)
    pins = lock_python(uv, bring(python), environ=environ, reporter=reporter, previous=before, upgrade=upgrade)
    unlocked = python.loaded.unlocked
    assert unlocked is not None
    packages = [PythonPackage(**{name: getattr(row, name) for name in PythonPackage.model_fields}) for row in pins.rows]
    return PythonLock(
        **{
            "requires-python": pins.requires,
            "python": pins.chosen,
            "interpreter": pins.interpreter,
            "exclude-newer": python.wish.exclude_newer,
            "groups": python.wish.groups,
            "extras": python.wish.extras,
            "options": unlocked.options,
            "inputs": {input_name(python): pins.digest},
            "package": tuple(packages),
        }
    )


def _upgrades(before: PythonPins | None, update: Collection[str]) -> Sequence[str]:
    """Return those of the names `update` that are Python packages."""
    names = {row.name for row in before.rows} if before else set()
    return [name for name in update if name in ("*", "python") or name in names]


def _write(path: str, lock: Lock) -> bool:
    text = lock_to_text(lock)
    if not lock.package and lock.python is None and not os.path.exists(path):
        return False  # nothing to pin: no file to commit
    try:
        if read_text(path, errors="strict") == text:
            return False
    except (FileNotFoundError, UnicodeDecodeError):
        pass
    from devboot.clone_writer import replace_file

    replace_file(path, os.path.dirname(path), text)
    return True


def _summary(lock: Lock, here: Distribution) -> str:
    products = [shown_version(package, here) for package in lock.package]
    if lock.python is not None:
        from devboot.environment.python.platform_tags import packages_here

        count = packages_here(lock.python, here.platform)
        products.append(counted(count, "Python package"))
    return f"devboot.lock has {', '.join(products)}" if products else "nothing to lock"


def shown_version(package: LockedPackage, here: Distribution) -> str:
    """Return a package with its version on this machine, and the version elsewhere if that is another one."""
    row = package.on(here.name, here.platform) if package.row(here.platform) is None else None
    own = row.product if row is not None else package.version
    return f"{package.name} {own}" + (f" ({package.version} elsewhere)" if own != package.version else "")


def _lines(changes: Sequence[VersionChange], lock: Lock, recipes: Mapping[str, KnownRecipe]) -> tuple[str, ...]:
    """Return version changes as lines of text; for a new package with its sources."""
    from devboot.resolve.taken import sources_taken

    lines: list[str] = []
    for change in changes:
        if change.old and change.new:
            lines.append(f"~ {change.name} {change.old} -> {change.new}")
        else:
            lines.append(f"+ {change.name} {change.new}" if change.new else f"- {change.name} {change.old}")
        for package in lock.package:
            if (package.name, package.version) == (change.name, change.new):
                lines += [f"    {line}" for line in sources_taken(package, recipes[package.name])]
    return tuple(lines)
