"""Builds an app's rows for versions.toml: its Python packages on every platform, and the Pythons that it runs on."""

from __future__ import annotations

from collections.abc import Iterable, Iterator

from devboot.app.recipes.update import Listable
from devboot.environment.locks.markers import applies
from devboot.environment.python.wheel_tags import fits
from devboot.errors import DevbootError, ManifestError
from devboot.model.artifact import PLATFORMS
from devboot.model.edge.artifacts import ArtifactRow, PinRow
from devboot.model.edge.recipe.recipe import Release
from devboot.model.edge.recipe.source_tables import AppOrigin
from devboot.record import Record
from devboot.uv.client import Uv
from devboot.uv.closures import Needed, list_closure
from devboot.uv.listing import NO_VERSION, ListedFile

MINORS = ((3, 11), (3, 12), (3, 13), (3, 14))
_SYSTEMS = {"linux": ("linux", "Linux"), "macos": ("darwin", "Darwin")}


class Target(Record):
    """A platform and a Python minor version on which an app may run."""

    platform: str
    minor: tuple[int, int]

    @property
    def environment(self) -> dict[str, str]:
        """Return the values for environment markers on this platform and Python."""
        system, name = _SYSTEMS[self.platform.partition("-")[0]]
        version = ".".join(map(str, self.minor))
        return {
            "implementation_name": "cpython",
            "implementation_version": f"{version}.0",
            "os_name": "posix",
            "platform_machine": self.platform.partition("-")[2],
            "platform_python_implementation": "CPython",
            "platform_release": "",
            "platform_system": name,
            "platform_version": "",
            "python_full_version": f"{version}.0",
            "python_version": version,
            "sys_platform": system,
        }

    def wheels(self, needed: Needed) -> tuple[ListedFile, ...]:
        """Return the wheels of a package that this platform and Python can install."""
        system = _SYSTEMS[self.platform.partition("-")[0]][0]
        machine = self.platform.partition("-")[2]
        return tuple(wheel for wheel in needed.wheels if fits(wheel.name, self.minor, system, machine, "manylinux"))


class AppListing:
    """Queries the package indexes configured for uv and pip; `python` is the path of any interpreter."""

    def __init__(self, uv: Uv, python: str) -> None:
        self._uv = uv
        self._python = python

    def listed(self, origin: Listable, condition: str, exclude_newer: str) -> Release:
        """Return the newest release of an app that meets a condition; see `Listing`, and `list_app`."""
        assert isinstance(origin, AppOrigin)
        return list_app(self._uv, origin, condition, python=self._python, exclude_newer=exclude_newer)


def list_app(uv: Uv, origin: AppOrigin, condition: str, *, python: str, exclude_newer: str = "") -> Release:
    """Return the newest release of an app that meets a condition (`==1.2`, "" for none), with all platforms' packages.

    Raises DevbootError: `python/resolution`, `network/…`; ManifestError `recipe/no-wheels`.
    """
    failure: DevbootError | None = None
    extras = f"[{','.join(origin.extras)}]" if origin.extras else ""
    wanted = (f"{origin.name}{extras}{condition}", *origin.requirements)
    for minor in MINORS:
        try:
            closure = list_closure(
                uv,
                wanted,
                python=python,
                python_version=".".join(map(str, minor)),
                exclude_newer=exclude_newer,
            )
        except DevbootError as error:  # it asks for a newer Python
            if error.slug != NO_VERSION:
                raise
            failure = failure or error
            continue
        if sum(each.name == origin.name for each in closure) > 1:  # an older release of it serves an older Python
            continue
        return release_of_app(origin, closure, [each for each in MINORS if each >= minor])
    assert failure is not None
    raise failure


def release_of_app(origin: AppOrigin, closure: Iterable[Needed], minors: Iterable[tuple[int, int]]) -> Release:
    """Return rows and pins of an app with the packages `closure`, for the Pythons `minors` that have all wheels.

    Raises ManifestError `recipe/no-wheels`.
    """
    needed = tuple(closure)
    own = next(each for each in needed if each.name == origin.name)
    targets = {platform: [Target(platform, minor) for minor in minors] for platform in PLATFORMS}
    served = {platform: list(_served(each, needed)) for platform, each in targets.items()}
    rows = {platform: _row(own, found, needed) for platform, found in served.items() if found}
    if not rows:
        raise ManifestError(
            "recipe/no-wheels",
            f"a package that `{own.name} {own.version}` requires has no wheel on any platform",
            causes=[f"{_without_wheel(target, needed)} has no wheel" for target in targets[PLATFORMS[0]][-1:]],
            help=[f"another version: devboot recipe update NAME '{own.name}==VERSION'"],
        )
    missing = {
        platform: f"{_without_wheel(targets[platform][-1], needed)} has no wheel for it"
        for platform in PLATFORMS
        if platform not in rows
    }
    pins = _pins(needed, [target for found in served.values() for target in found])
    return Release.model_validate({"version": own.version, **rows, "unavailable": missing, "pin": tuple(pins)})


def _served(targets: list[Target], needed: tuple[Needed, ...]) -> Iterator[Target]:
    """Yield the targets with wheels of all packages, as an unbroken run of Python versions ending at the newest."""
    has_begun = False
    for target in reversed(targets):
        if _without_wheel(target, needed):
            if has_begun:
                return
            continue
        has_begun = True
        yield target


def _without_wheel(target: Target, needed: tuple[Needed, ...]) -> str:
    lacking = (each.name for each in _applying(target, needed) if not target.wheels(each))
    return next(lacking, "")


def _applying(target: Target, needed: tuple[Needed, ...]) -> list[Needed]:
    return [each for each in needed if applies(each.marker, target.environment)]


def _row(own: Needed, served: list[Target], needed: tuple[Needed, ...]) -> ArtifactRow:
    newest, oldest = served[0], served[-1]
    size = sum(max(wheel.size for wheel in newest.wheels(each)) for each in _applying(newest, needed))
    lowest, above = ".".join(map(str, oldest.minor)), f"{newest.minor[0]}.{newest.minor[1] + 1}"
    return ArtifactRow(source="app", name=own.name, version=own.version, size=size, python=f">={lowest},<{above}")


def _pins(needed: tuple[Needed, ...], served: list[Target]) -> Iterator[PinRow]:
    for each in needed:
        where = [target for target in served if applies(each.marker, target.environment)]
        digests = {f"sha256:{wheel.sha256}" for target in where for wheel in target.wheels(each)}
        if where:
            marker = "" if len(where) == len(served) else each.marker
            yield PinRow(name=each.name, version=each.version, marker=marker, hashes=tuple(sorted(digests)))
