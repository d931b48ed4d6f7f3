"""Chooses an interpreter for each app from a recipe and records it beside the store, for the apps' scripts.

`<data>/pythons/3.13/path` names the interpreter; `pycache` beside it has the bytecode of the apps that it runs.
"""

from __future__ import annotations

import os
from collections.abc import Iterator, Mapping

from devboot.files import atomic_write, machine_error, make_directories
from devboot.provision.objects.programs import PYTHONS

TYPE_CHECKING = False
if TYPE_CHECKING:
    from devboot.uv.client import Uv


class AppPythons:
    """Chooses the Python interpreter of each app; `data` is the data directory, which a dry run only reads."""

    def __init__(self, uv: Uv, environ: Mapping[str, str], data: str, *, is_dry: bool = False) -> None:
        self._uv = uv.inside(os.sep) if is_dry else uv  # where uv works it asks a virtualenv's Python
        self._environ = environ
        self._folder = os.path.join(data, PYTHONS)
        self._is_dry = is_dry

    def choose(self, specifier: str) -> str:
        """Return a minor version that `specifier` admits: one that apps use already, else the newest installed.

        Raises MachineError `python/not-found` if none is installed and none can be downloaded.
        """
        from packaging.specifiers import SpecifierSet

        from devboot.environment.python.interpreters import choose_interpreter
        from devboot.environment.python.versions import VersionRequest

        admitted = SpecifierSet(specifier)
        known = next((minor for minor in self._known() if admitted.contains(minor)), None)
        if known is not None:
            return known
        found = choose_interpreter(self._uv, VersionRequest(specifier, specifier), environ=self._environ)
        if not self._is_dry:
            self._remember(found.minor, found.path)
        return found.minor

    def _known(self) -> Iterator[str]:
        names = os.listdir(self._folder) if os.path.isdir(self._folder) else []
        for minor in sorted(names, key=_numbers, reverse=True):
            try:
                with open(os.path.join(self._folder, minor, "path"), encoding="utf-8") as stream:
                    path = stream.readline().rstrip("\n")
            except OSError:
                continue
            if os.access(path, os.X_OK):
                yield minor

    def _remember(self, minor: str, path: str) -> None:
        place = os.path.join(self._folder, minor)
        try:
            make_directories(place)
        except OSError as error:
            raise machine_error(error, place) from error
        atomic_write(os.path.join(place, "path"), f"{os.path.realpath(path)}\n")


def _numbers(minor: str) -> tuple[int, ...]:
    return tuple(int(part) for part in minor.split(".") if part.isdigit())
