"""Installs a recipe's Python interpreter into the store, before Python packages are locked for it."""

from __future__ import annotations

import os
from collections.abc import Callable, Collection, Mapping

from devboot.app.preparation.install.provisioning import Machine, provision, wanted_objects
from devboot.environment.python.wish import RECIPE
from devboot.events import Reporter
from devboot.model.artifact import Wanted
from devboot.model.edge.lockfile.lock import Lock, Wish
from devboot.recipes import KnownRecipe

TYPE_CHECKING = False
if TYPE_CHECKING:
    # Gives the uv that fetches what is about to be realised, once that is there to be fetched.
    from devboot.environment.project_python import PythonProject
    from devboot.provision.objects.store import StoreObject
    from devboot.uv.client import Uv

    Supply = Callable[[Collection[Wanted]], Uv]

_PROGRAM = "python3"


class InterpreterProvider:
    """Installs a recipe's Python interpreter for the project at `root`; `objects` is the result for later steps.

    `is_thorough` as for `provision`.
    """

    def __init__(
        self,
        machine: Machine,
        root: str,
        recipes: Mapping[str, KnownRecipe],
        supply: Supply,
        *,
        environ: Mapping[str, str],
        reporter: Reporter,
        is_thorough: bool = False,
    ) -> None:
        self.objects: Mapping[Wish, StoreObject] = {}
        self._machine = machine
        self._root = root
        self._recipes = recipes
        self._environ = environ
        self._reporter = reporter
        self._supply = supply
        self._is_thorough = is_thorough

    def bring(self, lock: Lock, python: PythonProject) -> PythonProject:
        """Install the interpreter that `lock` has; return the project's Python part with its path.

        Without such a recipe, `python` is returned unchanged. Raises the errors of `provision`.
        """
        from dataclasses import replace

        package = next((each for each in lock.package if each.name == RECIPE), None)
        if package is None or not package.reproducible:  # one on PATH is found like any other
            return python
        wanted = wanted_objects(Lock(package=(package,)), self._recipes, self._machine.host, _no_app)
        if not self.objects:
            self.objects = provision(
                self._machine,
                self._root,
                "",
                wanted,
                None,
                None,
                self._supply(wanted.values()),
                environ=self._environ,
                reporter=self._reporter,
                is_thorough=self._is_thorough,
                is_part=True,
            ).objects
        (brought,) = self.objects.values()
        return replace(python, given=os.path.realpath(brought.program(_PROGRAM)))


def _no_app(specifier: str) -> str:
    raise AssertionError(f"an interpreter runs on none, here {specifier}")
