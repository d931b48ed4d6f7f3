"""The manifest's settings for Python, and the files that list requirements; light, as many projects need no Python."""

from __future__ import annotations

import os

from devboot.clone_reader import read_text
from devboot.environment.locks.inputs import Input, common_folder, default_inputs, named_inputs
from devboot.record import Record

TYPE_CHECKING = False
if TYPE_CHECKING:
    from devboot.model.edge.manifest.manifest import Manifest

RECIPE = "python"  # in `[packages]`: the virtualenv is made with what this recipe brings


class PythonWish(Record):
    """The manifest's settings for Python, and the application's folder. Paths are absolute.

    `requirements` None: the project's usual files; `groups` None: those for development. `venv` is relative to the
    root. `may_stand_in`: nothing requires this exact version, so that another is better than none.
    """

    root: str
    folder: str
    name: str
    version: str = ""
    is_exact: bool = False
    may_stand_in: bool = False
    requirements: tuple[str, ...] | None = None
    groups: tuple[str, ...] | None = None
    extras: tuple[str, ...] = ()
    venv: str = ".venv"
    exclude_newer: str = ""
    packages: tuple[str, ...] = ()


def python_wish(root: str, name: str, manifest: Manifest, *, is_detected: bool = False) -> PythonWish:
    """Return a manifest's settings for Python; the application's folder is the one where most commands run.

    For a detected manifest the version is left to the file that it was read from, so that messages name that file.
    """
    settings = manifest.python
    folders = [process.cwd for process in manifest.processes.values()]
    folders += [task.cwd for task in manifest.tasks.values()]
    folder = os.path.normpath(os.path.join(root, common_folder(folders)))
    version = settings.version or _version_of_recipe(manifest)
    if is_detected and version and _is_stated(version, root, folder):
        version = ""
    return PythonWish(
        root=root,
        folder=folder,
        name=name,
        version=version,
        is_exact=settings.exact,
        may_stand_in=is_detected,
        requirements=settings.requirements,
        groups=settings.groups,
        extras=settings.extras,
        venv=settings.venv,
        exclude_newer=settings.exclude_newer or "",
        packages=settings.packages,
    )


def _is_stated(version: str, root: str, folder: str) -> bool:
    """Return whether the first Python version that the project's files state is this one."""
    from devboot.environment.python.versions import as_specifier, stated_versions

    stated = next(stated_versions(root, folder, text_of), None)
    return stated is not None and stated.specifier == as_specifier(version)


def _version_of_recipe(manifest: Manifest) -> str:
    """Return the Python version that `[packages]` requests of the recipe; "" for any version, or without the recipe."""
    asked = manifest.packages.get(RECIPE, "*")
    version = asked if isinstance(asked, str) else asked.version
    return "" if version == "*" else version


def inputs_of(wish: PythonWish) -> tuple[Input, ...]:
    """Return the files with requirements: those that the manifest names, else the project's usual ones."""
    if wish.requirements is None:
        return default_inputs(wish.root, wish.folder)
    return named_inputs(wish.root, wish.requirements)


def needs_python(wish: PythonWish) -> bool:
    """Return whether the project needs a virtualenv: it has requirements, or requests a Python version."""
    return bool(wish.packages or wish.version or inputs_of(wish))


def text_of(path: str) -> str | None:
    """Return the text of a project's file; None if it can't be read."""
    try:
        return read_text(path)
    except OSError:
        return None
