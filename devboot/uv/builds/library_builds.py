"""Repeats builds that lack a system library, after fetching the library.

The result contains the library's path, so it must not get into uv's usual cache: each set of libraries has its own
cache.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping, Sequence
from typing import Protocol

from devboot.errors import DevbootError
from devboot.uv.child import Finished
from devboot.uv.failures import is_build_failure
from devboot.uv.system_libraries import SystemLibrary, libraries_of, what_is_lacking

_ROUNDS = 6  # a build may report missing libraries one by one


class LibrarySupply(Protocol):
    """Provides system libraries for builds on this machine, without root."""

    @property
    def used(self) -> tuple[str, ...]:
        """Paths of the libraries that builds have used."""

    def variables(self, libraries: Sequence[SystemLibrary]) -> Mapping[str, str] | None:
        """Return the environment variables by which builds find these libraries; None if no source has them.

        Raises DevbootError if the source can't be reached.
        """

    def recall(self, requirement: str) -> Mapping[str, str] | None:
        """Return the variables with which a requirement (`name==version`) was built before; None if it wasn't."""

    def remember(self, requirement: str, libraries: Sequence[SystemLibrary]) -> None:
        """Record that building this requirement needs these system libraries, for the next build."""


class Attempts:
    """Repeats one command, each time with the libraries that the previous run lacked.

    `libraries` are those of the last run; `refusal` is why one couldn't be fetched, "" if none failed.
    """

    def __init__(self, supply: LibrarySupply) -> None:
        self._supply = supply
        self.libraries: tuple[SystemLibrary, ...] = ()
        self.refusal = ""

    def go_on(self, finished: Finished, requirement: str, again: Callable[[Mapping[str, str]], Finished]) -> Finished:
        """Repeat a failed run as long as more libraries help; return the result of the last run.

        Args:
            finished: how the first run ended.
            requirement: the one whose build failed; "" if unknown.
            again: runs the command again with further variables.

        """
        for _ in range(_ROUNDS):
            if finished.code == 0 or not is_build_failure(finished.lines):
                return finished
            lack = what_is_lacking("\n".join(finished.lines))
            if lack is None or not lack.fetch or lack in self.libraries:
                return finished
            more = [*libraries_of(_name(requirement)), lack]
            held = tuple({each.key: each for each in (*self.libraries, *more)}.values())
            try:
                variables = self._supply.variables(held)
            except DevbootError as error:
                self.refusal = error.what
                return finished
            if variables is None:
                return finished
            self.libraries = held
            finished = again(variables)
        return finished


def _name(requirement: str) -> str:
    name = re.split(r"[=<>!~\[ @]", requirement, maxsplit=1)[0]
    return re.sub(r"[-_.]+", "-", name).lower()
