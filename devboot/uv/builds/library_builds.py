"""Builds that lack a system library: the library is fetched, and the build is run again with it.

What is built so refers to the place of the library, so it never gets into uv's usual cache: each set of libraries has a
cache of its own.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping, Sequence
from typing import Protocol

from devboot.errors import DevbootError
from devboot.uv.child import Finished
from devboot.uv.failures import is_build_failure
from devboot.uv.system_libraries import SystemLibrary, libraries_of, what_is_lacking

_ROUNDS = 6  # a build may say one by one what it lacks


class LibrarySupply(Protocol):
    """Has system libraries on this machine, without root."""

    @property
    def used(self) -> tuple[str, ...]:
        """The paths of what builds were given."""

    def variables(self, libraries: Sequence[SystemLibrary]) -> Mapping[str, str] | None:
        """Return the variables for builds with these libraries; None where this machine has no source for them.

        Raises DevbootError where the source can't be reached.
        """

    def recall(self, requirement: str) -> Mapping[str, str] | None:
        """Return the variables with which this requirement (`name==version`) was built before; None: it wasn't."""

    def remember(self, requirement: str, libraries: Sequence[SystemLibrary]) -> None:
        """Note that this requirement takes these libraries."""


class Attempts:
    """Runs of one command, each with the libraries that the one before it lacked.

    `libraries` are those that the last run had; `refusal` is why one couldn't be fetched, empty where nobody tried.
    """

    def __init__(self, supply: LibrarySupply) -> None:
        self._supply = supply
        self.libraries: tuple[SystemLibrary, ...] = ()
        self.refusal = ""

    def go_on(self, finished: Finished, requirement: str, again: Callable[[Mapping[str, str]], Finished]) -> Finished:
        """Repeat a failed run as long as libraries bring it further, and return how the last one ended.

        Args:
            finished: how the run ended.
            requirement: the one whose build failed; empty where that isn't known.
            again: runs it once more with further variables.

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
