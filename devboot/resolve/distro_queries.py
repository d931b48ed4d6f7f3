"""Decides when to query the machine's Linux distribution for packages, and adds its answer to the lock; no I/O."""

from __future__ import annotations

from collections.abc import Iterable

from devboot.model.edge.artifacts import DistributionRow, PartRow, PlatformRows
from devboot.model.edge.lockfile.lock import LockedPackage, Wish
from devboot.recipes.folders import KnownRecipe

TYPE_CHECKING = False
if TYPE_CHECKING:
    from devboot.model.edge.recipe.recipe import Release
    from devboot.model.edge.recipe.source_tables import DebOrigin

ONLY_THERE = "only Debian and Ubuntu have it: `devboot lock` on such a machine adds it for that release"
LINUX = ("linux-x86_64", "linux-aarch64")


def deb_origin(known: KnownRecipe, wish: Wish) -> DebOrigin | None:
    """Return the recipe's first source of Debian packages that may have the requested version, else None."""
    return next(iter(deb_origins(known, wish)), None)


def deb_origins(known: KnownRecipe, wish: Wish) -> tuple[DebOrigin, ...]:
    """Return the recipe's sources of Debian packages that may have the requested version, in order."""
    if wish.insisted not in ("", "deb"):
        return ()
    from devboot.model.edge.recipe.source_tables import DebOrigin

    origins = (origin for origin in known.recipe.source if isinstance(origin, DebOrigin))
    return tuple(origin for origin in origins if origin.may_have(wish.requested))


def there_as(known: KnownRecipe, wish: Wish) -> str:
    """Return text such as `Debian or Ubuntu may have version 16, 17`; "" if the recipe has no packages from there."""
    from devboot.model.edge.recipe.source_tables import DebOrigin

    origins = (origin for origin in known.recipe.source if isinstance(origin, DebOrigin))
    majors = [origin.major for origin in origins if origin.major and wish.insisted in ("", "deb")]
    return f"Debian or Ubuntu may have version {', '.join(majors)}" if majors else ""


def is_lacking(rows: PlatformRows | Release | None, distribution: str, platform: str) -> bool:
    """Return whether a lock or recipe has no artifact for this machine, by platform or by distribution."""
    return rows is None or (rows.row(platform) is None and rows.on(distribution, platform) is None)


def with_offers(
    package: LockedPackage, offers: Iterable[DistributionRow], before: LockedPackage | None
) -> LockedPackage:
    """Return the package with this distribution's packages `offers`, and with those of `before` for other releases.

    Packages of other releases can't be queried on this machine.
    """
    known = {(row.on, row.platform): row for row in (before.distribution if before is not None else ())}
    known |= {(row.on, row.platform): row for row in package.distribution}
    known |= {(row.on, row.platform): row for row in offers if _is_same(package, row)}
    rows = tuple(known[place] for place in sorted(known))
    return package if rows == package.distribution else package.model_copy(update={"distribution": rows})


def _is_same(package: LockedPackage, row: DistributionRow) -> bool:
    """Return whether a distribution's package has the major version already locked from other sources."""
    return not package.rows() or row.product.partition(".")[0] == package.version.partition(".")[0]


def distribution_row(
    origin: DebOrigin, distribution: str, platform: str, product: str, version: str, files: Iterable[PartRow]
) -> DistributionRow:
    """Return a lock row for a distribution's packages; `version` is that of the first package."""
    parts = tuple(files)
    first = origin.known_as[: origin.names[0].count("|") + 1]
    return DistributionRow.model_validate(
        {
            "on": distribution,
            "platform": platform,
            "product": product,
            "source": "deb",
            "name": next((part.name for part in parts if part.name in first), first[0]),
            "version": version,
            "publisher": distribution.partition("-")[0].capitalize(),
            "files": parts,
        }
    )
