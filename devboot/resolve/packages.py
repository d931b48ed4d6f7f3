"""Resolves the manifest's requests and the recipes into locked packages; reproducible, without I/O."""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterable, Iterator, Mapping, Sequence
from typing import Any

from devboot.errors import IntegrityError, LockError, ManifestError, Place, Problems
from devboot.model.artifact import PLATFORMS, Artifact, Layout, Wanted
from devboot.model.edge.artifacts import ArtifactRow, DistributionRow
from devboot.model.edge.lockfile.lock import Lock, LockedPackage, Wish, changed_origins
from devboot.model.edge.manifest.manifest import Manifest
from devboot.model.edge.manifest.tables import Tool
from devboot.recipes.folders import KnownRecipe, version_key
from devboot.record import Record
from devboot.resolve.distro_queries import LINUX, ONLY_THERE, deb_origin, is_lacking, there_as, with_offers

TYPE_CHECKING = False
if TYPE_CHECKING:
    from devboot.model.edge.recipe.recipe import Release
    from devboot.model.edge.recipe.source_tables import DebOrigin, Origin

WhereAsked = Callable[[Wish], Place | None]
_TO_COMPILE = 'it has to be compiled, which devboot does where the manifest says `source = "build"`'
_SHOWN = 4  # most versions named in the error for a missing one


class VersionChange(Record):
    """A package whose locked version has changed; "" as `old` or `new` if it was added or removed."""

    name: str
    old: str
    new: str


class Resolution(Record):
    """Result of resolving: packages to lock, version changes, and warnings about platforms without a package."""

    packages: tuple[LockedPackage, ...]
    changes: tuple[VersionChange, ...]
    warnings: tuple[str, ...]


def wishes_of(manifest: Manifest) -> tuple[Wish, ...]:
    """Return the manifest's requests for packages from recipes, without duplicates."""
    services = [
        Wish(service.recipe or name, service.version or "", service.source or "")
        for name, service in manifest.services.items()
    ]
    return tuple(dict.fromkeys([*services, *tool_wishes(manifest)]))


def tool_wishes(manifest: Manifest) -> Iterator[Wish]:
    """Yield the requests for tools in `[packages]`."""
    for name, asked in manifest.packages.items():
        tool = asked if isinstance(asked, Tool) else Tool(version=asked)
        yield Wish(name, "" if tool.version == "*" else tool.version, tool.source or "")


def where_asked(manifest: Manifest) -> WhereAsked:
    """Return a function from a request to its place in the manifest, for errors."""

    def place(wish: Wish) -> Place | None:
        for name, service in manifest.services.items():
            if (service.recipe or name, service.version or "") == wish[:2]:
                return manifest.at(("services", name, "version") if service.version else ("services", name))
        return manifest.at(("packages", wish.name)) if wish.name in manifest.packages else None

    return place


def resolve(
    wishes: Sequence[Wish],
    recipes: Mapping[str, KnownRecipe],
    *,
    previous: Lock | None = None,
    update: Collection[str] = (),
    where: WhereAsked = lambda _wish: None,
    offers: Mapping[Wish, tuple[DistributionRow, ...]] | None = None,
) -> Resolution:
    """Return the packages to lock; those in `previous` are kept unless `update` contains their name or "*".

    `recipes` has every recipe that a wish names, `offers` the packages of this machine's distribution for the wishes
    that `questions` returned. Raises Problems of `manifest/no-such-version`, and IntegrityError `lock/source-changed`
    if `previous` contradicts the recipe for the same version.
    """
    packages, errors = [], []
    for wish in wishes:
        before = None if previous is None else previous.find(*wish)
        kept = None if {wish.name, "*"} & set(update) else before
        offered = (offers or {}).get(wish, ())
        fitting = [row for row in offered if not wish.requested or fits(row.product, wish.requested)]
        try:
            package = kept or _lock(wish, recipes[wish.name], where, fitting, before)
            packages.append(with_offers(package, fitting, before))
        except ManifestError as error:
            errors.append(error)
    if errors:
        raise Problems(errors)
    refuse_changed_sources(Lock(package=tuple(packages)), recipes)
    warnings = [warning for package in packages for warning in _warnings(package)]
    return Resolution(tuple(packages), tuple(sorted(_changes(previous, packages))), tuple(warnings))


def questions(
    wishes: Iterable[Wish],
    recipes: Mapping[str, KnownRecipe],
    *,
    distribution: str,
    platform: str,
    previous: Lock | None = None,
    update: Collection[str] = (),
) -> dict[Wish, DebOrigin]:
    """Return the requests for which to query this machine's distribution, each with its source of Debian packages."""
    asked = {}
    for wish in wishes if distribution else ():
        known, origin = recipes[wish.name], deb_origin(recipes[wish.name], wish)
        kept = None if previous is None or {wish.name, "*"} & set(update) else previous.find(*wish)
        if origin is None or (kept is not None and not is_lacking(kept, distribution, platform)):
            continue
        chosen = served(known, wish)
        if kept is not None or chosen is None or platform not in _rows(chosen, wish, known):
            asked[wish] = origin
    return asked


def served(known: KnownRecipe, wish: Wish) -> Release | None:
    """Return the release in versions.toml that fulfils a request; None if none does."""
    return _choose(_served(known, wish), wish.requested, known)


def _served(known: KnownRecipe, wish: Wish) -> list[Release]:
    return [release for release in known.releases if _rows(release, wish, known)]


def refuse_changed_sources(
    lock: Lock, recipes: Mapping[str, KnownRecipe], *, chosen_anew: Collection[str] = ()
) -> None:
    """Raise IntegrityError `lock/source-changed` if a locked artifact differs from the recipe's for that version.

    Packages in `chosen_anew` (names, "*" for all) are skipped: their rows are about to be replaced.
    """
    kept = [] if "*" in chosen_anew else [package for package in lock.package if package.name not in chosen_anew]
    known = [_as_recipe_says(package, recipes[package.name]) for package in kept if package.name in recipes]
    changes = changed_origins(Lock(package=tuple(item for item in known if item is not None)), lock)
    if not changes:
        return
    first = changes[0]
    accept = "".join(f" --update {name}" for name in sorted({change.package for change in changes}))
    raise IntegrityError(
        "lock/source-changed",
        f"devboot.lock has another {first.what} for `{first.package}` than its recipe",
        details=[
            line
            for change in changes
            for line in (f"{change.package} on {change.platform}, recipe: {change.old}", f"devboot.lock: {change.new}")
        ],
        causes=["the lock was edited by hand or in a merge, perhaps to make other bytes run"],
        help=["git diff devboot.lock", f"devboot lock{accept}   # uses the recipe's values"],
    )


def wanted_on(package: LockedPackage, known: KnownRecipe, platform: str, distribution: str = "") -> Wanted:
    """Return the locked package for one platform, ready to be realised.

    `distribution` is the release of this machine's Linux, such as debian-13; its packages count if the platform has
    none. Raises LockError `lock/no-artifact`.
    """
    own = package.on(distribution, platform)
    row = package.row(platform) or own
    origin = None if row is None else known.origin(row.source, row.name)
    if row is None or origin is None:
        raise _no_artifact(package, known, platform)
    version = own.product if own is not None and row is own else package.version
    others = tuple(
        (other.version, found.glibc) for other in known.releases if (found := other.row(platform)) is not None
    )
    artifact = _placed(row.artifact(package.pin), origin, platform)
    layout = layout_of(origin, known.recipe.test.version)
    return Wanted(package.name, version, package.revision, platform, artifact, layout, others)


def _placed(artifact: Artifact, origin: Origin, platform: str) -> Artifact:
    """Return a locked artifact with address and build steps from the recipe, which the lock doesn't have."""
    from devboot.model.edge.recipe.source_tables import BuildOrigin, CondaOrigin, UpstreamOrigin

    if isinstance(origin, CondaOrigin):
        return artifact._replace(address=origin.channel)
    if not isinstance(origin, UpstreamOrigin):
        return artifact
    building = origin.building if isinstance(origin, BuildOrigin) else None
    return artifact._replace(address=origin.address(artifact.version, platform, artifact.file), building=building)


def layout_of(origin: Origin, asks_version: str) -> Layout:
    """Return the layout of files that a recipe's source describes, as a plain value."""
    return Layout(
        bin=tuple(origin.bin.items()),
        drop=origin.drop,
        asks_version=asks_version,
        shims=tuple(origin.shims.items()),
        links=tuple(origin.links.items()),
        substitute=tuple(origin.substitute.items()),
        env=tuple(origin.env.items()),
        modules=origin.modules,
    )


def refuse_stale(reasons: Sequence[str], *, is_written: bool = True) -> None:
    """Raise LockError `lock/stale` if there are reasons why the lock is stale; for `--locked`.

    `is_written` is whether the project has a devboot.toml.
    """
    if reasons:
        what = "devboot.lock doesn't fit the manifest" if is_written else "the project's lock doesn't fit its files"
        raise LockError("lock/stale", what, details=list(reasons), help=["devboot lock"])


def _lock(
    wish: Wish,
    known: KnownRecipe,
    where: WhereAsked,
    offers: Sequence[DistributionRow],
    before: LockedPackage | None,
) -> LockedPackage:
    if wish.insisted == "host" and any(origin.kind == "host" for origin in known.recipe.source):
        return _left_to_the_machine(wish, known)
    release = served(known, wish)
    if release is None and (offers or (before is not None and before.distribution)):
        version = offers[0].product if offers else before.version if before is not None else ""
        from devboot.model.edge.recipe.recipe import Release

        release = Release(version=version, unavailable=dict.fromkeys(LINUX, ONLY_THERE))
    if release is None:
        hint = _TO_COMPILE if _is_source(known, wish) else there_as(known, wish)
        hint = ONLY_THERE if deb_origin(known, wish) is not None else hint
        raise _no_such_version(wish, _served(known, wish), where(wish), hint)
    rows = _rows(release, wish, known)
    missing = {platform: _reason(release, wish, platform) for platform in PLATFORMS if platform not in rows}
    own: dict[str, Any] = dict(rows)
    return LockedPackage(
        name=wish.name,
        version=release.version,
        revision=known.recipe.package.revision,
        requested=wish.requested,
        insisted=wish.insisted,
        unavailable=missing,
        pin=release.pin if any(row.source == "app" for row in rows.values()) else (),
        **own,
    )


def _left_to_the_machine(wish: Wish, known: KnownRecipe) -> LockedPackage:
    """Return an unpinned package for a program that the manifest takes from PATH."""
    return LockedPackage(
        name=wish.name,
        version=wish.requested or "any",
        revision=known.recipe.package.revision,
        requested=wish.requested,
        insisted=wish.insisted,
        reproducible=False,
    )


def _rows(release: Release, wish: Wish, known: KnownRecipe) -> dict[str, ArtifactRow]:
    """Return the artifacts of a release that the request's source admits, by platform, with the recipe's publisher."""
    rows = {}
    for platform, row in release.rows().items():
        origin = known.origin(row.source, row.name)
        # building is never the default: it takes minutes and needs a compiler
        if origin is not None and wish.insisted in ("" if row.source != "build" else "build", row.source):
            publisher = getattr(origin, "publisher", None) or ""
            rows[platform] = row.model_copy(update={"publisher": publisher})
    return rows


def _choose(releases: Sequence[Release], requested: str, known: KnownRecipe) -> Release | None:
    """Return the newest release that satisfies the requested version; `releases` are sorted newest first."""
    if requested:
        return next((release for release in releases if fits(release.version, requested)), None)
    majors = {release.version.split(".")[0] for release in releases}
    if not majors:
        return None
    best = max(majors, key=lambda major: (_reach(releases, major, known), version_key(major)))
    return next(release for release in releases if fits(release.version, best))


def _reach(releases: Iterable[Release], major: str, known: KnownRecipe) -> int:
    """Return for how many platforms the recipe's first source has this major version."""
    first = known.recipe.source[0]
    rows = [release.rows() for release in releases if fits(release.version, major)]
    return max(sum(known.origin(row.source, row.name) is first for row in row_set.values()) for row_set in rows)


def fits(version: str, requested: str) -> bool:
    """Return whether a version satisfies a request: `8` and `8.2` admit 8.2.3, `8.2.1` doesn't."""
    return version == requested or version.startswith(requested + ".")


def _reason(release: Release, wish: Wish, platform: str) -> str:
    if wish.insisted and release.row(platform) is not None:
        return f"source `{wish.insisted}` doesn't have it for this platform"
    if (row := release.row(platform)) is not None and row.source == "build":
        return _TO_COMPILE
    return release.unavailable.get(platform, "no source has it for this platform")


def _is_source(known: KnownRecipe, wish: Wish) -> bool:
    """Return whether the requested version exists only as source code, and the manifest didn't ask to build it."""
    fitting = (release for release in known.releases if not wish.requested or fits(release.version, wish.requested))
    return not wish.insisted and any(row.source == "build" for release in fitting for row in release.rows().values())


def _no_such_version(wish: Wish, releases: Sequence[Release], place: Place | None, hint: str) -> ManifestError:
    wanted = version_key(wish.requested)
    by_distance = sorted(releases, key=lambda release: _distance(version_key(release.version), wanted))
    near = [release.version for release in by_distance[:_SHOWN]]
    version = f" {wish.requested}" if wish.requested else ""
    source = f" from source `{wish.insisted}`" if wish.insisted else ""
    there = ", ".join(f"`{version}`" for version in near)
    return ManifestError(
        "manifest/no-such-version",
        f"{wish.name} has no version{version}{source}",
        place=place,
        causes=[*([f"there are {there}"] if near else []), *([hint] if hint else [])],
        help=[_advice(near, hint)],
    )


def _advice(near: Sequence[str], hint: str) -> str:
    if hint == _TO_COMPILE:
        return 'source = "build"'
    return f'version = "{near[0]}"' if near else "devboot explain manifest/no-such-version"


def _distance(version: tuple[int, ...], wanted: tuple[int, ...]) -> tuple[int, ...]:
    # compare only as many parts as the wish has; the sort is stable, so the newest stays first
    return tuple(abs(here - there) for here, there in zip(version, wanted, strict=False))


def _no_artifact(package: LockedPackage, known: KnownRecipe, platform: str) -> LockError:
    reason = package.unavailable.get(platform, "the lock has nothing for this platform")
    locked = sorted({row.on for row in package.distribution if row.platform == platform})
    if locked:
        reason = f"it is locked only for {', '.join(locked)}, each release has its own packages"
    others = [release.version for release in known.releases if platform in release.rows()]
    helps = [f'version = "{others[0]}"'] if others else ["devboot lock"]
    return LockError(
        "lock/no-artifact",
        f"{package.name} {package.version} isn't available on {platform}",
        causes=[reason],
        help=helps,
    )


def _as_recipe_says(package: LockedPackage, known: KnownRecipe) -> LockedPackage | None:
    release = next((item for item in known.releases if item.version == package.version), None)
    if release is None:  # locked by a newer devboot, whose recipe has more versions
        return None
    rows = _rows(release, Wish(*package.key), known)
    said: dict[str, object] = {platform.replace("-", "_"): rows.get(platform) for platform in PLATFORMS}
    return package.model_copy(update={**said, "pin": release.pin})


def _warnings(package: LockedPackage) -> Iterable[str]:
    releases = sorted({row.on for row in package.distribution})
    if releases:
        yield f"{package.name} is locked to packages of {', '.join(releases)} only"
    served = {row.platform for row in package.distribution}
    for platform, reason in package.unavailable.items():
        if platform not in served:
            yield f"{package.name} {package.version} isn't available on {platform}: {reason}"


def _changes(previous: Lock | None, packages: Sequence[LockedPackage]) -> Iterable[VersionChange]:
    before = {} if previous is None else {package.key: package.version for package in previous.package}
    now = {package.key: package.version for package in packages}
    for key in before.keys() & now.keys():
        if before[key] != now[key]:
            yield VersionChange(key[0], before[key], now[key])
    gone = [(key[0], version) for key, version in before.items() if key not in now]
    for key, version in now.items():
        if key in before:
            continue
        # a changed wish for the same recipe is a version change, not a removal and an addition
        old = next((item for item in gone if item[0] == key[0]), None)
        if old is not None:
            gone.remove(old)
        yield VersionChange(key[0], old[1] if old else "", version)
    yield from (VersionChange(name, version, "") for name, version in gone)
