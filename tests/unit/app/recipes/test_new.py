"""What `recipe new` writes."""

import pytest

from devboot.app.recipes.new import NewRecipe, Seen, copy_recipe, origin_of, programs_in, skeleton
from devboot.model.edge.recipe.recipe import parse_recipe

SEEN = Seen("shout-bin", 'Ann "A" Onymous', "MIT", "Says it, loudly\\", {"whisper": "bin/whisper", "shout": "x/shout"})


@pytest.mark.parametrize("seen", [None, SEEN, SEEN._replace(programs={}, publisher="", licence="", summary="")])
def test_the_skeleton_is_a_recipe(seen):
    recipe = parse_recipe(skeleton("shout", seen), "recipe.toml")

    assert recipe.package.name == "shout"
    assert recipe.source[0].kind == "wheel"
    assert recipe.source[0].bin
    assert recipe.test.version == "--version"


def test_the_program_that_is_called_like_the_recipe_stands_first():
    recipe = parse_recipe(skeleton("shout", SEEN), "recipe.toml")

    assert list(recipe.source[0].bin.items()) == [("shout", "x/shout"), ("whisper", "bin/whisper")]
    assert recipe.package.description == "Says it, loudly\\"


def test_its_comments_are_a_service_once_they_are_taken_away():
    lines = skeleton("shout", SEEN).splitlines()
    first, last = lines.index("# [provides]"), lines.index("[test]")
    whole = [line.removeprefix("# ") if first <= number < last else line for number, line in enumerate(lines)]
    recipe = parse_recipe("\n".join(whole), "recipe.toml")

    assert recipe.service.command[0] == "shout"
    assert recipe.service.port == 4000
    assert recipe.provides.env == {"*": {"SHOUT_URL": "{url}"}}


def test_native_programs_and_executable_scripts_are_programs(tmp_path):
    (tmp_path / "bin").mkdir()
    for name, content, mode in [
        ("bin/native", b"\x7fELF...", 0o644),
        ("bin/mac", b"\xcf\xfa\xed\xfe...", 0o644),
        ("bin/script", b"#!/bin/sh\n", 0o755),
        ("read.sh", b"#!/bin/sh\n", 0o644),
        ("libx.so.1", b"\x7fELF...", 0o755),
        ("module.py", b"pass\n", 0o755),
    ]:
        (tmp_path / name).write_bytes(content)
        (tmp_path / name).chmod(mode)

    assert programs_in(str(tmp_path)) == {"native": "bin/native", "mac": "bin/mac", "script": "bin/script"}


@pytest.mark.parametrize(
    ("typed", "name", "condition"),
    [("rust-just", "rust-just", ""), ("rust-just==1.59", "rust-just", "==1.59"), ("just >= 1", "just", ">=1")],
)
def test_a_source_may_be_typed_with_a_condition(typed, name, condition):
    origin, found = origin_of(typed)

    assert (origin.name, found) == (name, condition)


def test_a_copy_of_a_recipe_has_its_files_and_not_its_folders(tmp_path):
    bundled = tmp_path / "bundled/shout"
    (bundled / "notes").mkdir(parents=True)
    for name in ("recipe.toml", "versions.toml"):
        (bundled / name).write_text(f"{name}\n")
    folder = tmp_path / "shop/recipes/shout"
    (tmp_path / "shop").mkdir()

    assert NewRecipe(str(folder), ("recipe.toml", "versions.toml")) == copy_recipe(str(folder), "shout", str(bundled))
    assert {"recipe.toml": "recipe.toml\n", "versions.toml": "versions.toml\n"} == {
        path.name: path.read_text() for path in folder.iterdir()
    }
