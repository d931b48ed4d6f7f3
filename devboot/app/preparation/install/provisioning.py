"""Installs everything in the lock: store objects in threads, in parallel with the virtualenv; reports each step."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from types import MappingProxyType
from typing import TypeVar

from devboot.app.preparation.install.artifact_sources import Sources
from devboot.errors import DevbootError, Problems
from devboot.events import FAILED, Event, Reporter
from devboot.files import refuse_noexec
from devboot.model.artifact import Wanted
from devboot.model.edge.lockfile.lock import Lock, Wish
from devboot.provision.host import Host
from devboot.provision.objects.roots import TemporaryRoots, hold_for_project, hold_more_for_project
from devboot.record import Record
from devboot.resolve.packages import wanted_on

TYPE_CHECKING = False
if TYPE_CHECKING:
    from concurrent.futures import ThreadPoolExecutor

    from devboot.app.preparation.install.host_programs import HostPrograms
    from devboot.environment.project_python import PythonLock, PythonProject
    from devboot.environment.venv.sync import SyncResult
    from devboot.provision.objects.store import StoreObject
    from devboot.recipes import KnownRecipe
    from devboot.resolve.source import Source
    from devboot.uv.client import Uv

_Result = TypeVar("_Result")
_PARALLEL = 4  # downloads at once; uv parallelises within each by itself


class Machine(Record):
    """The machine to install on: data directory, platform, clock."""

    data: str
    host: Host
    wall_clock: Callable[[], float]


class Provisioned(Record):
    """Result of provisioning: store objects by request of the manifest, and the virtualenv's sync (None without one).

    `hosted` are packages from PATH instead of the store.
    """

    objects: Mapping[Wish, StoreObject]
    venv: SyncResult | None
    hosted: Mapping[Wish, HostPrograms] = MappingProxyType({})

    @property
    def programs(self) -> dict[Wish, StoreObject]:
        """Return the folders with programs by request of the manifest, from the store and from PATH."""
        return {**self.objects, **{wish: each.object for wish, each in self.hosted.items()}}

    @property
    def paths(self) -> list[str]:
        """Return the paths whose removal makes the snapshot invalid."""
        libraries = self.venv.libraries if self.venv is not None else ()
        hosted = [path for each in self.hosted.values() for path in each.paths]
        return [*(each.path for each in self.objects.values()), *hosted, *libraries]


def wanted_objects(
    lock: Lock, recipes: Mapping[str, KnownRecipe], host: Host, choose_python: Callable[[str], str]
) -> dict[Wish, Wanted]:
    """Return the store objects that the lock requires on this machine.

    `choose_python` returns the minor version for an app that runs on some versions of Python. Raises LockError
    `lock/no-artifact`, MachineError `python/not-found`.
    """
    wanted = {
        Wish(*package.key): wanted_on(package, recipes[package.name], host.platform, host.distribution)
        for package in lock.package
        if package.reproducible
    }
    return {wish: _for_python(each, choose_python) for wish, each in wanted.items()}


def _for_python(wanted: Wanted, choose_python: Callable[[str], str]) -> Wanted:
    pythons = wanted.artifact.pythons
    return wanted._replace(artifact=wanted.artifact._replace(python=choose_python(pythons))) if pythons else wanted


def realise_here(
    machine: Machine,
    sources: Mapping[str, Source],
    wanted: Wanted,
    roots: TemporaryRoots,
    reporter: Reporter,
    *,
    is_thorough: bool = False,
) -> StoreObject:
    """Return the store object of a package, installing it if needed. Raises the errors of `realise`."""
    from devboot.provision.objects.realise import realise
    from devboot.provision.objects.store import Store

    return realise(
        Store(machine.data),
        wanted,
        sources[wanted.artifact.source],
        machine.host,
        command="up",
        roots=roots,
        reporter=reporter,
        now=machine.wall_clock,
        is_thorough=is_thorough,
    )


def provision(
    machine: Machine,
    root: str,
    state: str,
    wanted: Mapping[Wish, Wanted],
    python: PythonProject | None,
    pins: PythonLock | None,
    uv: Uv,
    *,
    environ: Mapping[str, str],
    reporter: Reporter,
    is_forced: bool = False,
    is_thorough: bool = False,
    hosted: Mapping[Wish, HostPrograms] = MappingProxyType({}),
    there: Mapping[Wish, StoreObject] = MappingProxyType({}),
    is_part: bool = False,
) -> Provisioned:
    """Install everything that the lock names, in parallel. The caller holds the project's provisioning lock.

    `state` is the project's state folder, whose generations keep objects, too; not needed with `is_part`. `there` are
    objects of an earlier call for this project; `is_part`: the project uses more than `wanted`.

    `is_thorough`: existing objects are compared byte by byte, not only by size.

    Errors are raised once all transfers have ended; what succeeded is kept.
    """
    from devboot.provision.generations import held_objects

    if wanted:
        refuse_noexec(os.path.join(machine.data, "store"))  # also what is there already can't be started
    sources = Sources(uv, {each.artifact.sha256: each.name for each in wanted.values()}, reporter=reporter)
    missing = {wish: each for wish, each in wanted.items() if wish not in there}
    pool = _make_pool() if missing else None
    with TemporaryRoots(machine.data) as roots, _interruptible(pool, sources.cancel):

        def one(each: Wanted) -> StoreObject:
            return realise_here(machine, sources, each, roots, reporter, is_thorough=is_thorough)

        def virtualenv() -> SyncResult | None:
            if python is None:
                return None
            from devboot.environment.project_python import sync_python

            clock = machine.wall_clock
            return sync_python(
                uv, python, pins, environ=environ, reporter=reporter, wall_clock=clock, is_forced=is_forced
            )

        failures: list[DevbootError] = []
        waiting = {wish: pool.submit(one, each) for wish, each in missing.items()} if pool is not None else {}
        # In this thread, since uv's children die with the thread that started them.
        venv = _collect("venv", virtualenv, failures, reporter)
        found = {wish: _collect(wish.name, future.result, failures, reporter) for wish, future in waiting.items()}
        if failures:
            raise failures[0] if len(failures) == 1 else Problems(failures)
        objects = {**there, **{wish: each for wish, each in found.items() if each is not None}}
        names = [each.name for each in objects.values()]
        names += [os.path.basename(path) for path in (venv.libraries if venv is not None else ())]
        if is_part:
            hold_more_for_project(machine.data, root, names)
        else:
            hold_for_project(machine.data, root, names, held_objects(state))
    return Provisioned(objects, venv, hosted)


def _make_pool() -> ThreadPoolExecutor:
    from concurrent.futures import ThreadPoolExecutor

    return ThreadPoolExecutor(_PARALLEL)


def _collect(
    step: str, work: Callable[[], _Result], failures: list[DevbootError], reporter: Reporter
) -> _Result | None:
    try:
        return work()
    except DevbootError as error:
        reporter.emit(Event(FAILED, step, error.what))
        failures.append(error)
        return None


@contextmanager
def _interruptible(pool: ThreadPoolExecutor | None, cancel: Callable[[], None]) -> Iterator[None]:
    """At Ctrl-C, call `cancel` to abort the pool's downloads instead of waiting for them."""
    try:
        yield
    except DevbootError:
        raise
    except BaseException:
        from devboot.uv.child import end_running_children

        if pool is not None:
            pool.shutdown(wait=False, cancel_futures=True)
        cancel()
        end_running_children()
        raise
    finally:
        if pool is not None:
            pool.shutdown()
