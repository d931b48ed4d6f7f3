"""Provides system libraries for uv's builds, created at the first build that needs one: most projects build nothing."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace

from devboot.events import Reporter

TYPE_CHECKING = False
if TYPE_CHECKING:
    from devboot.app.preparation.install.provisioning import Machine
    from devboot.uv.builds.library_builds import LibrarySupply
    from devboot.uv.client import Uv
    from devboot.uv.system_libraries import SystemLibrary


def with_libraries(uv: Uv, machine: Machine, root: str, reporter: Reporter) -> Uv:
    """Return a uv whose builds get missing system libraries, whose objects are kept for the project at `root`."""

    def make() -> LibrarySupply:
        from devboot.app.preparation.install.system_libraries import make_supply

        return make_supply(uv, machine, root, reporter)

    return replace(uv, libraries=SupplyOnDemand(make))


class SupplyOnDemand:
    """A `LibrarySupply` that creates the real one at its first use."""

    def __init__(self, make: Callable[[], LibrarySupply]) -> None:
        self._make = make
        self._made: LibrarySupply | None = None

    @property
    def used(self) -> tuple[str, ...]:
        """The paths of the libraries that builds have used; see `LibrarySupply`."""
        return self._made.used if self._made is not None else ()

    def variables(self, libraries: Sequence[SystemLibrary]) -> Mapping[str, str] | None:
        """Return the environment variables by which builds find these libraries; see `LibrarySupply`."""
        return self._supply.variables(libraries)

    def recall(self, requirement: str) -> Mapping[str, str] | None:
        """Return the variables with which `requirement` was built before; see `LibrarySupply`."""
        return self._supply.recall(requirement)

    def remember(self, requirement: str, libraries: Sequence[SystemLibrary]) -> None:
        """Record that building `requirement` needs these libraries; see `LibrarySupply`."""
        self._supply.remember(requirement, libraries)

    @property
    def _supply(self) -> LibrarySupply:
        if self._made is None:
            self._made = self._make()
        return self._made
