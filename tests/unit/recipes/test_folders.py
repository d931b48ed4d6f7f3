"""Recipes are found in folders, of which earlier ones shadow later ones."""

from pathlib import Path

import pytest

from devboot.errors import ManifestError, Problems
from devboot.recipes import RecipeFolders, bundled_folder
from devboot.recipes.folders import load_recipe, version_key

RECIPE = '[package]\nname = "{name}"\ndescription = "{text}"\n[[source]]\nkind = "wheel"\nname = "x"\n[test]\n'
VERSIONS = '[[version]]\nversion = "8.2"\n[[version]]\nversion = "8.10"\n'


def write(folder, name, text="a toy", *, called=""):
    (folder / name).mkdir(parents=True)
    (folder / name / "recipe.toml").write_text(RECIPE.format(name=called or name, text=text))
    (folder / name / "versions.toml").write_text(VERSIONS)
    return str(folder)


def test_a_projects_own_recipe_shadows_the_bundled_one(tmp_path):
    own, bundled = write(tmp_path / "own", "toy", "own"), write(tmp_path / "bundled", "toy", "bundled")
    write(tmp_path / "bundled", "other")
    folders = RecipeFolders([str(tmp_path / "absent"), own, bundled])

    assert folders.names() == ("other", "toy")
    assert folders.get("toy").recipe.package.description == "own"
    assert folders.get("toy") is folders.get("toy")


def test_versions_stand_newest_first(tmp_path):
    folders = RecipeFolders([write(tmp_path, "toy")])

    assert [release.version for release in folders.get("toy").releases] == ["8.10", "8.2"]
    assert version_key("1.4.1-2") == (1, 4, 1, 2)


@pytest.mark.parametrize(
    ("name", "near"),
    [
        ("tyo", ("did you mean `toy`?", 'under another name: recipe = "toy"')),
        ("../tmp/toy", ("devboot explain manifest/no-such-recipe   # how to do without one, or write one",)),
    ],
)
def test_an_unknown_recipe_names_the_nearest(name, near, tmp_path):
    folders = RecipeFolders([write(tmp_path, "toy")])
    with pytest.raises(ManifestError) as caught:
        folders.get(name)

    assert caught.value.what == f"there is no recipe `{name}`"
    assert caught.value.causes == ("there are `toy`",)
    assert caught.value.help == near


def test_a_recipe_is_called_what_its_folder_is_called(tmp_path):
    write(tmp_path, "toy", called="other")
    with pytest.raises(ManifestError) as caught:
        load_recipe(f"{tmp_path}/toy")

    assert caught.value.what == f"the recipe in `{tmp_path}/toy` is named `other`"


def test_a_recipe_without_a_test_does_not_load(tmp_path):
    write(tmp_path, "toy")
    path = tmp_path / "toy/recipe.toml"
    path.write_text(path.read_text().replace("[test]", ""))

    with pytest.raises(Problems):
        load_recipe(f"{tmp_path}/toy")


def test_a_recipe_without_versions_is_told(tmp_path):
    write(tmp_path, "toy")
    (tmp_path / "toy/versions.toml").unlink()
    with pytest.raises(ManifestError) as caught:
        load_recipe(f"{tmp_path}/toy")

    assert caught.value.what == f"the recipe in `{tmp_path}/toy` has no versions yet"
    assert caught.value.help == ("devboot recipe update toy",)


def test_the_bundled_recipes_are_there():
    assert Path(bundled_folder(), "redis", "recipe.toml").is_file()
    assert {"redis", "valkey"} <= set(RecipeFolders([bundled_folder()]).names())


def test_a_version_that_only_an_unbuilt_source_has_is_refused(tmp_path):
    folder = write(tmp_path, "toy")
    row = f'source = "host", name = "toy", version = "8", file = "toy.conda", sha256 = "{"0" * 64}", size = 1'
    Path(folder, "toy", "versions.toml").write_text(f'[[version]]\nversion = "8"\nlinux-x86_64 = {{ {row} }}\n')

    with pytest.raises(ManifestError) as caught:
        load_recipe(f"{folder}/toy")

    assert ("recipe/unsupported", "this devboot can't fetch sources of kind `host`") == (
        caught.value.slug,
        caught.value.what,
    )
    assert (f"version 8 in `{folder}/toy/versions.toml`",) == tuple(caught.value.causes)
