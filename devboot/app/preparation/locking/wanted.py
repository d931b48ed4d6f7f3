"""Collects a project's recipes and Python requirements."""

from __future__ import annotations

import os
from collections.abc import Mapping

from devboot.app.preparation.locking.lockfile import known_recipes
from devboot.app.preparation.project.loaded import Loaded
from devboot.environment.python.wish import needs_python, python_wish
from devboot.errors import MachineError, shell_word
from devboot.recipes import KnownRecipe, RecipeFolders, bundled_folder

TYPE_CHECKING = False
if TYPE_CHECKING:
    from devboot.app.context import Context
    from devboot.environment.project_python import PythonLock, PythonProject
    from devboot.uv.client import Uv


def inspecting_uv(loaded: Loaded, context: Context) -> Uv:
    """Return a uv that only inspects: it downloads and changes nothing. Raises MachineError."""
    from devboot.uv.client import make_looking_uv

    _, cache, _ = context.directories()
    return make_looking_uv(context.environ, loaded.project.root, cache)


def recipes_of(loaded: Loaded) -> dict[str, KnownRecipe]:
    """Return the recipes of the manifest's services and tools; the project's own override bundled ones.

    Raises ManifestError, Problems.
    """
    own = os.path.join(loaded.project.root, "recipes")
    return known_recipes(loaded.manifest, RecipeFolders([own, bundled_folder()]))


def python_of(loaded: Loaded, uv: Uv, environ: Mapping[str, str]) -> PythonProject | None:
    """Return the project's Python requirements; None without any. Raises the errors of reading its files."""
    project = loaded.project
    wish = python_wish(project.root, loaded.name, loaded.manifest, is_detected=not project.written)
    if not needs_python(wish):
        return None
    from devboot.environment.project_python import read_python

    found = read_python(uv, wish, environ=environ)
    _refuse_undecodable(project.root)
    return found


def _refuse_undecodable(root: str) -> None:
    """Raise MachineError `python/path-encoding` if uv can't create a virtualenv below this path."""
    try:
        os.fsencode(root).decode()
    except UnicodeDecodeError:
        place = os.path.dirname(root)
        raise MachineError(
            "python/path-encoding",
            f"uv can't create a virtualenv in `{root}`",
            causes=["the name of a folder in it isn't UTF-8"],
            help=[f"mv {shell_word(root)} {shell_word(os.path.join(place, 'another-name'))}"],
            kept=["nothing was changed"],
        ) from None


def libraries_of(python: PythonProject | None, pins: PythonLock | None) -> tuple[str, ...]:
    """Return the names of all packages to be installed in the virtualenv."""
    if python is None:
        return ()
    from devboot.environment.project_python import pins_of

    return tuple(pin.name for pin in pins_of(python, pins).pins)


def packages_digest(python: PythonProject | None) -> str:
    """Return a digest of the packages that are installed in the virtualenv; "" without one."""
    if python is None:
        return ""
    from devboot.environment.venv.record import load_record

    record = load_record(python.venv)
    return record.wanted if record is not None else ""


def package_list(loaded: Loaded, python: PythonProject | None) -> tuple[str, ...]:
    """Return the facts that error messages need to advise adding a package: see `ProcessSpec.packages`."""
    root = loaded.project.root
    inputs = python.inputs if python is not None else ()
    for each in inputs:
        path = os.path.relpath(each.path, root)
        return () if path.startswith("..") else (root, path)
    if loaded.project.written:
        return ()
    return (root, "", *(python.wish.packages if python is not None else ()))
