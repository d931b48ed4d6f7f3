"""Finds and reads `<folder>/<name>/recipe.toml` with its versions.toml."""

from __future__ import annotations

import os
from collections.abc import Sequence

from devboot.clone_reader import exists, is_file, read_text
from devboot.errors import ManifestError, Place, reason_of, shell_word
from devboot.model.nearest import nearest
from devboot.record import Record

TYPE_CHECKING = False
if TYPE_CHECKING:
    from devboot.model.edge.recipe.recipe import Recipe, Release, Releases
    from devboot.model.edge.recipe.source_tables import Origin

LISTED_ELSEWHERE = ("conda", "deb", "host")  # kinds of sources whose versions are listed by a channel or the machine

_WITHOUT = "devboot explain manifest/no-such-recipe   # how to do without one, or write one"


class KnownRecipe(Record):
    """A recipe with its versions, newest first, and the folder that it was read from."""

    recipe: Recipe
    releases: tuple[Release, ...]
    folder: str

    @property
    def name(self) -> str:
        """Name of the package that the recipe describes."""
        return self.recipe.package.name

    def origin(self, kind: str, name: str) -> Origin | None:
        """Return the recipe's source of this kind and name; None if it has no such source any more."""
        for origin in self.recipe.source:
            names = getattr(origin, "known_as", ()) or getattr(origin, "names", ()) or (getattr(origin, "name", ""),)
            if origin.kind == kind and name in names:
                return origin
        return None


class RecipeFolders:
    """Recipes in several folders; a recipe in an earlier folder hides those of the same name in later ones."""

    def __init__(self, folders: Sequence[str]) -> None:
        self._folders = tuple(folders)
        self._read: dict[str, KnownRecipe] = {}

    def names(self) -> tuple[str, ...]:
        """Return the names of all recipes."""
        found = {
            name
            for folder in self._folders
            if os.path.isdir(folder)
            for name in os.listdir(folder)
            if os.path.isfile(os.path.join(folder, name, "recipe.toml"))
        }
        return tuple(sorted(found))

    def get(self, name: str, *, place: Place | None = None) -> KnownRecipe:
        """Return the recipe with this name; `place` is where it was requested.

        Raises ManifestError `manifest/no-such-recipe`, and Problems if its files can't be parsed.
        """
        if name not in self._read:
            folder = next((path for path in self._places(name) if is_file(f"{path}/recipe.toml")), None)
            if folder is None:
                raise self._unknown(name, place)
            self._read[name] = load_recipe(folder)
        return self._read[name]

    def _places(self, name: str) -> list[str]:
        # a name with a slash would leave the folder
        return [os.path.join(folder, name) for folder in self._folders] if "/" not in name else []

    def _unknown(self, name: str, place: Place | None) -> ManifestError:
        near = nearest(name, self.names())
        helps = [f"did you mean `{near}`?", f'under another name: recipe = "{near}"'] if near else [_WITHOUT]
        there = ", ".join(f"`{known}`" for known in self.names())
        return ManifestError(
            "manifest/no-such-recipe",
            f"there is no recipe `{name}`",
            place=place,
            causes=[f"there are {there}"],
            help=helps,
        )


def load_recipe(folder: str) -> KnownRecipe:
    """Read the recipe and its versions in `folder`, whose name must be the recipe's.

    Raises Problems and ManifestError.
    """
    recipe = load_recipe_file(folder)
    releases = _releases(recipe, folder)
    _refuse_unbuilt(releases, os.path.join(folder, "versions.toml"))
    newest_first = sorted(releases.version, key=lambda release: version_key(release.version), reverse=True)
    return KnownRecipe(recipe, tuple(newest_first), folder)


def load_recipe_file(folder: str) -> Recipe:
    """Read recipe.toml in `folder` without its versions. Raises Problems and ManifestError."""
    from devboot.model.edge.recipe.recipe import parse_recipe  # most projects use no recipe

    recipe = parse_recipe(_text(folder, "recipe.toml"), os.path.join(folder, "recipe.toml"))
    right = os.path.join(os.path.dirname(folder), recipe.package.name)
    if recipe.package.name != os.path.basename(os.path.abspath(folder)):
        raise ManifestError(
            "recipe/wrong-name",
            f"the recipe in `{folder}` is named `{recipe.package.name}`",
            help=[f"mv {shell_word(folder)} {shell_word(right)}"],
        )
    return recipe


def _releases(recipe: Recipe, folder: str) -> Releases:
    from devboot.model.edge.recipe.recipe import Releases, parse_releases

    path = os.path.join(folder, "versions.toml")
    is_elsewhere = any(origin.kind in LISTED_ELSEWHERE for origin in recipe.source)
    if is_elsewhere and not exists(path):
        return Releases(version=())
    return parse_releases(_text(folder, "versions.toml"), path)


def _refuse_unbuilt(releases: Releases, path: str) -> None:
    from devboot.model.edge.recipe.source_tables import FETCHED

    for release in releases.version:
        for row in release.rows().values():
            if row.source not in FETCHED:
                raise ManifestError(
                    "recipe/unsupported",
                    f"this devboot can't fetch sources of kind `{row.source}`",
                    causes=[f"version {release.version} in `{path}`"],
                    help=["uv tool upgrade devboot"],
                )


def version_key(version: str) -> tuple[int, ...]:
    """Return a sort key that orders versions numerically: 8.10 after 8.2."""
    return tuple(int(part) if part.isdigit() else 0 for part in version.replace("-", ".").split("."))


def bundled_folder() -> str:
    """Return the folder of devboot's own recipes: `_recipes` in an installation, `recipes` in a checkout."""
    import devboot

    package = os.path.dirname(os.path.abspath(devboot.__file__))
    installed = os.path.join(package, "_recipes")
    return installed if os.path.isdir(installed) else os.path.join(os.path.dirname(package), "recipes")


def _text(folder: str, name: str) -> str:
    path = os.path.join(folder, name)
    if name == "versions.toml" and not exists(path):
        raise ManifestError(
            "recipe/no-versions",
            f"the recipe in `{folder}` has no versions yet",
            help=[f"devboot recipe update {os.path.basename(folder)}"],
        )
    try:
        return read_text(path, errors="strict")
    except (OSError, UnicodeDecodeError) as error:
        cause = reason_of(error) if isinstance(error, OSError) else str(error)
        help_line = f"ls -lL {shell_word(path)}" if isinstance(error, OSError) else "save the file as UTF-8"
        what = f"can't read the recipe file `{path}`"
        raise ManifestError("recipe/unreadable", what, causes=[cause], help=[help_line]) from error
