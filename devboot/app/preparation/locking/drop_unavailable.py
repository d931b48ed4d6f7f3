"""Drops a detected server that neither the distribution nor a conda channel can provide now."""

from __future__ import annotations

import os
import sys
from collections.abc import Callable, Mapping
from functools import partial

from devboot.app.preparation.project.loaded import Loaded
from devboot.clone_reader import is_file
from devboot.errors import DevbootError
from devboot.events import WARNING, Event, Reporter

TYPE_CHECKING = False
if TYPE_CHECKING:
    from devboot.app.preparation.locking.candidates import AskChannel
    from devboot.model.edge.lockfile.lock import Lock
    from devboot.recipes import KnownRecipe
    from devboot.uv.client import Uv

RECIPE = "rabbitmq"


def without_unreachable(loaded: Loaded, uv: Uv, environ: Mapping[str, str], reporter: Reporter) -> Loaded:
    """Return a detected project without the servers that are neither locked nor available now.

    In a written manifest a missing server is an error; one that was only guessed must not prevent the start of the
    rest.
    """
    from devboot.app.preparation.locking.candidates import channel_asker

    if loaded.project.written:
        return loaded
    for recipe in loaded.manifest.services:
        if is_only_in_channel(recipe):
            loaded = without_channel(loaded, recipe, channel_asker(uv), reporter)
    return _with_broker(loaded, uv, environ, reporter) if RECIPE in loaded.manifest.services else loaded


def without_channel(loaded: Loaded, recipe: str, ask: AskChannel | None, reporter: Reporter) -> Loaded:
    """Return the project without a recipe's server, for this run only, if it is neither locked nor in the channel."""
    from devboot.app.this_machine import this_host
    from devboot.model.edge.lockfile.lock import Wish
    from devboot.resolve.conda_queries import channel_questions
    from devboot.sources.conda import load_rattler

    known, wish, platform = _bundled(recipe), Wish(recipe), this_host(sys.platform, os.uname().machine).platform
    asked = channel_questions([wish], {recipe: known}, distribution="", platform=platform, previous=_locked(loaded))
    try:
        for origin in asked.values():
            if ask is None:
                load_rattler()
            else:
                ask(origin, "")
    except DevbootError as error:
        from devboot.onboarding.services.unavailable import kind_of, usual

        text = f"{recipe}: the code connects to it, but it isn't available now: {error.what}"
        reporter.emit(Event(WARNING, "manifest", text, slug="manifest/not-provided"))
        return _without(loaded, recipe, partial(usual, kind_of(recipe)))
    return loaded


def _with_broker(loaded: Loaded, uv: Uv, environ: Mapping[str, str], reporter: Reporter) -> Loaded:
    from devboot.app.preparation.locking.distro import Distribution, apt_of
    from devboot.app.this_machine import this_host
    from devboot.model.edge.lockfile.lock import Wish
    from devboot.resolve.distro_queries import deb_origin
    from devboot.resolve.packages import questions

    here = Distribution(this_host(sys.platform, os.uname().machine), environ, apt_of(uv), reporter)
    known, wish = _bundled(RECIPE), Wish(RECIPE)
    locked = _locked(loaded)
    asked = questions([wish], {RECIPE: known}, distribution=here.name, platform=here.platform, previous=locked)
    origin = deb_origin(known, wish) if asked else None
    try:
        if origin is not None:
            here.row(origin, here.platform)
    except DevbootError as error:
        text = f"rabbitmq: the code connects to it, but it isn't available now: {error.what}"
        reporter.emit(Event(WARNING, "manifest", text, slug="manifest/not-provided"))
        return without_broker(loaded)
    return loaded


def without_broker(loaded: Loaded) -> Loaded:
    """Return the project without RabbitMQ, for this run only; variables get RabbitMQ's usual address."""
    from devboot.onboarding.services.unavailable import kind_of, usual  # reads clones, which this seldom needs

    return _without(loaded, RECIPE, partial(usual, kind_of(RECIPE)))


def is_only_in_channel(recipe: str) -> bool:
    """Return whether a bundled recipe's only sources are a conda channel and a program on PATH."""
    from devboot.recipes import bundled_folder
    from devboot.recipes.folders import load_recipe_file

    folder = os.path.join(bundled_folder(), recipe)
    if not is_file(os.path.join(folder, "recipe.toml")):
        return False
    return {origin.kind for origin in load_recipe_file(folder).source} <= {"conda", "host"}


def _bundled(recipe: str) -> KnownRecipe:
    from devboot.recipes import RecipeFolders, bundled_folder

    return RecipeFolders([bundled_folder()]).get(recipe)


def _locked(loaded: Loaded) -> Lock | None:
    from devboot.app.preparation.locking.lockfile import read_lock

    return read_lock(loaded.project.lock, os.path.basename(loaded.project.lock))


def _without(loaded: Loaded, recipe: str, told: Callable[[str], str]) -> Loaded:
    """Return the project without the services of a recipe; `told(name)` returns values for variables that need them."""
    manifest = loaded.manifest
    services = {name: service for name, service in manifest.services.items() if name != recipe}
    env = {name: told(wanted) if isinstance(wanted, str) else wanted for name, wanted in manifest.env.items()}
    return loaded._replace(manifest=manifest.model_copy(update={"services": services, "env": env}), is_adjusted=True)
