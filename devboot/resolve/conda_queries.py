"""Decides when to query a conda channel for versions, and adds its answer to a recipe; no I/O."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping

from devboot.model.edge.lockfile.lock import Lock, LockedPackage, Wish
from devboot.recipes.folders import KnownRecipe, version_key
from devboot.resolve.distro_queries import is_lacking
from devboot.resolve.packages import served

TYPE_CHECKING = False
if TYPE_CHECKING:
    from devboot.model.edge.recipe.recipe import Release
    from devboot.model.edge.recipe.source_tables import CondaOrigin


def channel_origin(known: KnownRecipe, wish: Wish) -> CondaOrigin | None:
    """Return the recipe's conda source if the request allows it, else None."""
    if wish.insisted not in ("", "conda"):
        return None
    from devboot.model.edge.recipe.source_tables import CondaOrigin

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
    """Return the requests for which to query a conda channel, each with its conda source.

    These are requests that no version in the recipe fulfils and for which the lock has nothing for this machine.
    """
    asked = {}
    for wish in wishes:
        known, origin = recipes[wish.name], channel_origin(recipes[wish.name], wish)
        kept = None if previous is None or {wish.name, "*"} & set(update) else previous.find(*wish)
        if origin is None or served(known, wish) is not None:
            continue
        # an earlier answer of the channel covers all platforms, including those that it lacks
        if is_lacking(kept, distribution, platform) and (kept is None or not _is_of_channel(kept)):
            asked[wish] = origin
    return asked


def _is_of_channel(package: LockedPackage) -> bool:
    return any(row.source == "conda" for row in package.rows().values())


def with_release(known: KnownRecipe, release: Release) -> KnownRecipe:
    """Return the recipe with `release` added to its versions."""
    releases = sorted((*known.releases, release), key=lambda one: version_key(one.version), reverse=True)
    return known._replace(releases=tuple(releases))


def condition_of(requested: str) -> str:
    """Convert a version request to conda's form: `8` to `8.*`; "" for any."""
    return f"{requested}.*" if requested else ""
