"""What only a conda channel knows the versions of: when it is asked, and how its answer counts. Pure."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping

from devboot.model.edge.lockfile.lock import Lock, LockedPackage, Wish
from devboot.model.edge.recipe.origins import CondaOrigin
from devboot.model.edge.recipe.recipe import Release
from devboot.recipes.folders import KnownRecipe, version_key
from devboot.resolve.distributions import is_lacking
from devboot.resolve.packages import served


def channel_origin(known: KnownRecipe, wish: Wish) -> CondaOrigin | None:
    """The recipe's conda package, where the wish admits one."""
    if wish.insisted not in ("", "conda"):
        return None
    return next((origin for origin in known.recipe.source if isinstance(origin, CondaOrigin)), None)


def channel_questions(
    wishes: Iterable[Wish],
    recipes: Mapping[str, KnownRecipe],
    *,
    distribution: str,
    platform: str,
    previous: Lock | None = None,
    update: Collection[str] = (),
) -> dict[Wish, CondaOrigin]:
    """The wishes that no version of the recipe serves and whose lock has nothing for this machine: what to ask for."""
    asked = {}
    for wish in wishes:
        known, origin = recipes[wish.name], channel_origin(recipes[wish.name], wish)
        kept = None if previous is None or {wish.name, "*"} & set(update) else previous.find(*wish)
        if origin is None or served(known, wish) is not None:
            continue
        # what it said once counts for all platforms, also for those that it has nothing for
        if is_lacking(kept, distribution, platform) and (kept is None or not _is_of_channel(kept)):
            asked[wish] = origin
    return asked


def _is_of_channel(package: LockedPackage) -> bool:
    return any(row.source == "conda" for row in package.rows().values())


def with_release(known: KnownRecipe, release: Release) -> KnownRecipe:
    """The recipe as if versions.toml had the release."""
    releases = sorted((*known.releases, release), key=lambda one: version_key(one.version), reverse=True)
    return known._replace(releases=tuple(releases))


def condition_of(requested: str) -> str:
    """How a channel is asked for a version that is as exact as somebody likes: `8` is `8.*`."""
    return f"{requested}.*" if requested else ""
