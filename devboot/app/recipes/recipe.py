"""`recipe new`, `test`, `update`: finds the recipe and calls the module that does the work."""

from __future__ import annotations

import os
import sys

from devboot.app.preparation.install.artifact_sources import Sources
from devboot.app.preparation.install.downloads import make_downloads, make_registry
from devboot.app.preparation.locking.distro import cache_of
from devboot.app.recipes.apps import AppListing
from devboot.app.recipes.archive_listing import ArchiveListing
from devboot.app.recipes.conda_listing import CondaListing
from devboot.app.recipes.new import NewRecipe, copy_recipe, look_into, new_recipe, origin_of
from devboot.app.recipes.npm_listing import NpmListing
from devboot.app.recipes.trial import Trial, TrialResult, try_recipe
from devboot.app.recipes.update import Listing, Updated, UpdateOptions, WheelListing, update_recipe
from devboot.app.this_machine import this_host
from devboot.errors import UsageError
from devboot.events import Reporter
from devboot.model.nearest import nearest
from devboot.recipes import RecipeFolders, bundled_folder
from devboot.recipes.folders import load_recipe_file
from devboot.state.project import find_project
from devboot.uv.client import make_uv

TYPE_CHECKING = False
if TYPE_CHECKING:
    from devboot.app.context import Context
    from devboot.sources.transfers.download import Downloads
    from devboot.uv.client import Uv


def own_folder(context: Context) -> str:
    """Return the project's folder `recipes`, which may not exist yet."""
    return os.path.join(find_project(context.cwd, context.environ).root, "recipes")


def new(context: Context, name: str, source: str, reporter: Reporter) -> NewRecipe:
    """Write a recipe: from a wheel `source` (`NAME` or `NAME==VERSION`), from a bundled recipe, or as a skeleton.

    Raises UsageError, BusyError `recipe/exists`, and the errors of `look_into`.
    """
    folder = os.path.join(own_folder(context), name)
    if not source:
        bundled = os.path.join(bundled_folder(), name)
        is_copied = "/" not in name and os.path.isfile(os.path.join(bundled, "recipe.toml"))
        return copy_recipe(folder, name, bundled) if is_copied else new_recipe(folder, name, None)
    host = this_host(sys.platform, os.uname().machine)
    uv = make_uv(context.environ, context.cwd)
    found = WheelListing(uv, sys.executable).listed(*origin_of(source), "")
    artifact = found.files.get(host.platform) or next(iter(found.files.values()), None)
    if artifact is None:
        raise UsageError(
            "recipe/no-files",
            f"{found.name} {found.version} has no wheel for any platform of devboot",
            causes=["only wheels with a platform in their name hold programs"],
            help=[f"devboot recipe new {name}   # writes a recipe without a source, to fill in by hand"],
        )
    platform = next(platform for platform, file in found.files.items() if file is artifact)
    return new_recipe(folder, name, look_into(artifact, platform, Sources(uv)["wheel"], reporter))


def update(context: Context, name: str, wish: UpdateOptions, reporter: Reporter) -> Updated:
    """Add new versions to a recipe of the project. Raises the errors of `update_recipe`, UsageError."""
    folder = os.path.join(own_folder(context), name)
    if "/" in name or not os.path.isfile(os.path.join(folder, "recipe.toml")):
        raise _not_own(context, name)
    uv = make_uv(context.environ, context.cwd)
    downloads = make_downloads(uv, reporter)
    return update_recipe(
        load_recipe_file(folder),
        folder,
        wish,
        make_listings(uv, downloads),
        Sources(uv, downloads=downloads),
        this_host(sys.platform, os.uname().machine).platform,
        reporter,
    )


def make_listings(uv: Uv, downloads: Downloads) -> dict[str, Listing]:
    """Return the object that lists versions for each kind of source."""
    wheels = WheelListing(uv, sys.executable)
    return {
        "wheel": wheels,
        "app": AppListing(uv, sys.executable),
        "conda": CondaListing(cache_of(uv)),
        "npm": NpmListing(make_registry(uv, downloads), wheels),
        "archive": ArchiveListing(downloads, uv.environ),
        "build": ArchiveListing(downloads, uv.environ),
    }


def test(context: Context, name: str, version: str, *, is_offline: bool, reporter: Reporter) -> TrialResult:
    """Test a recipe on this machine. Raises the errors of `try_recipe`."""
    known = RecipeFolders([own_folder(context), bundled_folder()]).get(name)
    host = this_host(sys.platform, os.uname().machine)
    trial = Trial(known, version, host, context.environ, reporter, context.wall_clock)
    return try_recipe(trial, is_offline=is_offline)


def _not_own(context: Context, name: str) -> UsageError:
    folders = RecipeFolders([own_folder(context)])
    near = nearest(name, folders.names())
    helps = [f"devboot recipe update {near}"] if near else [f"devboot recipe new {name}"]
    causes = ["the one that comes with devboot can't be changed"] if name in _bundled() else []
    return UsageError("recipe/not-own", f"this project has no recipe `{name}` of its own", causes=causes, help=helps)


def _bundled() -> tuple[str, ...]:
    return RecipeFolders([bundled_folder()]).names()
