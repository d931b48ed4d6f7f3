"""`store`: lists the store's objects and their users, verifies them, repairs them."""

from __future__ import annotations

import os
import sys
from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence

from devboot.app.context import Context
from devboot.app.preparation.install.app_pythons import AppPythons
from devboot.app.preparation.install.artifact_sources import Sources
from devboot.app.preparation.install.provisioning import wanted_objects
from devboot.app.preparation.locking.lockfile import read_lock
from devboot.app.preparation.locking.wanted import recipes_of
from devboot.app.preparation.project.load import look_at_project
from devboot.app.this_machine import this_host
from devboot.errors import DevbootError, IntegrityError, UsageError
from devboot.events import Reporter, doing
from devboot.model.artifact import Wanted
from devboot.model.edge.lockfile.lock import Lock, parse_lock
from devboot.model.nearest import nearest
from devboot.provision import generations
from devboot.provision.collect import OBJECT, Piece, key_of, object_names, remove_object, tree_size, users_of
from devboot.provision.live import objects_in_use
from devboot.provision.objects.realise import object_name, realise
from devboot.provision.objects.roots import TemporaryRoots, project_roots
from devboot.provision.objects.store import Store, StoreObject
from devboot.recipes.folders import version_key
from devboot.record import Record
from devboot.state.project import find_project
from devboot.uv.client import make_uv

_SHOWN = 5  # lines about one damaged object


class Damage(Record):
    """A damaged store object; `complaints` are sentences such as `bin/redis-server is missing`."""

    name: str
    complaints: tuple[str, ...]


class Verified(Record):
    """The result of `store verify`: the number of intact objects, and the damaged ones."""

    intact: int
    damaged: tuple[Damage, ...]


class Repaired(Record):
    """Result of `store repair`: objects downloaded again, unused objects removed, and the number of intact ones."""

    repaired: tuple[str, ...]
    removed: tuple[str, ...]
    intact: int


def title_of(name: str) -> str:
    """Return the title of an object: `redis 8.2.3` for `<key>-redis-8.2.3`."""
    package, _, version = name.partition("-")[2].rpartition("-")
    return f"{package} {version}"


def contents(context: Context) -> tuple[Piece, ...]:
    """Return every store object with its size and the project that uses it ("" for none)."""
    data = context.paths().data
    names, users = object_names(data), users_of(data, context.wall_clock())
    running = objects_in_use(Store(data).directory, [key_of(name) for name in names])
    store = Store(data).directory
    return tuple(
        Piece(OBJECT, name, tree_size(os.path.join(store, name)), users.get(name) or running.get(key_of(name), ""))
        for name in names
    )


def verify(context: Context, wanted: Sequence[str], reporter: Reporter) -> Verified:
    """Compare store objects (all, or the named ones) byte by byte with their recorded digests; changes nothing."""
    data = context.paths().data
    store = Store(data)
    names = _chosen(data, wanted)
    damaged = []
    for number, name in enumerate(names, 1):
        with doing(reporter, "store", f"reading {title_of(name)}, {number} of {len(names)}"):
            found = store.complaints(name, full=True)
        damaged += [Damage(name, found)] if found else []
    return Verified(len(names) - len(damaged), tuple(damaged))


def path_of(context: Context, wanted: str) -> StoreObject:
    """Return the store object that `wanted` names: the one this project uses, else the newest. Raises UsageError."""
    data = context.paths().data
    names = [name for name in _chosen(data, [wanted]) if Store(data).find(name)]
    root = find_project(context.cwd, context.environ).root
    own = {name for held in project_roots(data) if held.root == root for name in held.names}
    best = max(names, key=lambda name: (name in own, version_key(name.rpartition("-")[2])))
    return StoreObject(best, os.path.join(Store(data).directory, best))


def repair(context: Context, wanted: Sequence[str], reporter: Reporter) -> Repaired:
    """Download damaged objects again, remove unused ones; return both.

    The new object is complete before the old one is removed. One that can't be downloaded is made invisible, so that
    nothing starts it.

    Raises:
        NetworkError: `store/unrepairable`, a damaged object can't be downloaded again.
        WorkError: `store/unrepairable`, it can't be built again, or no index has it any more.
        IntegrityError: `store/unknown-origin`.
        DevbootError: errors of fetching.

    """
    found = verify(context, wanted, reporter)
    if not found.damaged:
        return Repaired((), (), found.intact)
    data = context.paths().data
    origins = dict(_locked_packages(context, data, {damage.name for damage in found.damaged}))
    repaired, removed = [], []
    for damage in found.damaged:
        if damage.name in origins:
            _fetch_again(context, damage, *origins[damage.name], reporter)
            repaired.append(damage.name)
        elif why := remove_object(data, damage.name, context.wall_clock):
            raise _unknown_origin(Store(data), damage, why)
        else:
            removed.append(damage.name)
    return Repaired(tuple(repaired), tuple(removed), found.intact)


def _fetch_again(context: Context, damage: Damage, wanted: Wanted, root: str, reporter: Reporter) -> None:
    data = context.paths().data
    store = Store(data)
    uv = make_uv(context.environ, root).shown_by(reporter)
    with TemporaryRoots(data) as roots:
        try:
            realise(
                store,
                wanted,
                Sources(uv)[wanted.artifact.source],
                this_host(sys.platform, os.uname().machine),
                command="store repair",
                roots=roots,
                reporter=reporter,
                now=context.wall_clock,
                is_thorough=True,
            )
        except DevbootError:
            store.withdraw(damage.name)  # its size may be right: it must not look intact
            raise


def _unknown_origin(store: Store, damage: Damage, user: str) -> IntegrityError:
    store.withdraw(damage.name)
    return IntegrityError(
        "store/unknown-origin",
        f"{title_of(damage.name)} is damaged, and its source is unknown",
        details=damage.complaints[:_SHOWN],
        causes=[f"{user} uses it, but no devboot.lock names it any more, so it can't be downloaded again"],
        help=["devboot sync   # in the project that needs it"],
        kept=["the damaged object stays where it is, but nothing is started from it"],
    )


def _locked_packages(context: Context, data: str, names: Collection[str]) -> Iterator[tuple[str, tuple[Wanted, str]]]:
    """Yield (object name, (locked package, project's folder)) for each damaged object that a project's lock has."""
    here = find_project(context.cwd, context.environ).root
    others = [root.root for root in project_roots(data) if root.names & set(names) and not root.is_gone]
    for root in dict.fromkeys([*others, here]):
        for wanted in _required_objects(root, context.environ, data):
            if object_name(wanted) in names:
                yield object_name(wanted), (wanted, root)


def _required_objects(root: str, environ: Mapping[str, str], data: str) -> Iterable[Wanted]:
    """Return the packages that a project's lock requires in the store; none if the lock can't be read."""
    try:
        loaded = look_at_project(root, environ)
        recipes = recipes_of(loaded)
        locks = [read_lock(loaded.project.lock, "devboot.lock"), *_locks_of_generations(loaded.project.state)]
        host = this_host(sys.platform, os.uname().machine)
        pythons = AppPythons(make_uv(environ, root, offline=True), environ, data, is_dry=True)
        return [each for lock in locks if lock for each in wanted_objects(lock, recipes, host, pythons.choose).values()]
    except (DevbootError, KeyError, OSError):  # a project that is being edited says nothing now
        return ()


def _locks_of_generations(state: str) -> Iterator[Lock]:
    for facts in generations.all_facts(state):
        found = generations.read(state, facts.number)
        if found is not None and found.body.get("lock"):
            yield parse_lock(found.body["lock"])


def _chosen(data: str, wanted: Sequence[str]) -> tuple[str, ...]:
    """Return the names of the objects that `wanted` selects, all by default.

    Raises UsageError `usage/unknown-object`.
    """
    names = object_names(data)
    chosen: dict[str, None] = {} if wanted else dict.fromkeys(names)
    for each in wanted:
        found = [name for name in names if _is_selected_by(each, name)]
        if not found:
            raise _unknown(each, names)
        chosen.update(dict.fromkeys(found))
    return tuple(chosen)


def _is_selected_by(word: str, name: str) -> bool:
    """Return whether a word (`redis`, `redis 8.2`, `redis@8.2`, a key, a path) selects the object `name`."""
    package, _, version = title_of(name).rpartition(" ")
    asked, _, asked_version = word.replace("@", " ").partition(" ")
    if asked == package:
        return not asked_version or version == asked_version or version.startswith(f"{asked_version}.")
    return os.path.basename(word.rstrip("/")) in (name, key_of(name))


def _unknown(word: str, names: Sequence[str]) -> UsageError:
    packages = sorted({title_of(name).rpartition(" ")[0] for name in names})
    near = nearest(word, packages)
    advice = [f"did you mean `{near}`?"] if near else []
    return UsageError(
        "usage/unknown-object", f"the store has no `{word}`", help=[*advice, "`devboot store list` shows what it has"]
    )
