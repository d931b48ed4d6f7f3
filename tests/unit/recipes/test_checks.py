"""What is said about recipes that lack something."""

import pytest

from devboot.recipes.checks import complaints
from devboot.recipes.folders import load_recipe

RECIPE = """\
[package]
name = "toy"
description = "A toy"
licenses = { "1" = "MIT" }
[[source]]
kind = "wheel"
name = "toy-bin"
bin = { toy = "bin/toy" }
[test]
"""
ROW = """\
[version.linux-x86_64]
source = "wheel"
name = "toy-bin"
version = "1.0"
file = "toy.whl"
sha256 = "aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa"
size = 1
"""
REASONS = """\
[version.unavailable]
linux-aarch64 = "none"
macos-arm64 = "none"
macos-x86_64 = "none"
"""
SERVICE = """\
[service]
command = ["toyd"]
port = 1
[service.ready]
"""
VERSIONS = f'[[version]]\nversion = "1.0"\n{ROW}{REASONS}'


@pytest.mark.parametrize(
    ("recipe", "versions", "said"),
    [
        (RECIPE, VERSIONS, []),
        (RECIPE.replace('"1" =', '"*" ='), VERSIONS, []),
        (
            RECIPE.replace("A toy", "?").replace('"MIT"', '"?"').replace("bin =", 'publisher = "?"\nbin ='),
            VERSIONS,
            [
                "`description` still says `?`",
                "`licenses` still says `?`",
                "`publisher` of a [[source]] still says `?`",
            ],
        ),
        (RECIPE, "version = []", ["versions.toml has no version"]),
        (RECIPE.replace('"1" =', '"2" ='), VERSIONS, ["`licenses` has none for version 1.0"]),
        (
            RECIPE,
            VERSIONS.replace('macos-arm64 = "none"\n', ""),
            ["version 1.0 has neither a file nor a reason for macos-arm64"],
        ),
        (
            RECIPE,
            VERSIONS + 'linux-x86_64 = "none"\n',
            ["version 1.0 has both a file and a reason for its absence for linux-x86_64"],
        ),
        (
            RECIPE.replace('"toy-bin"', '"other"'),
            VERSIONS,
            ["version 1.0 is from wheel `toy-bin`, which is not a [[source]]"],
        ),
        (
            RECIPE.replace('bin = { toy = "bin/toy" }', ""),
            VERSIONS,
            ["[[source]] `toy-bin` names no program in `bin`"],
        ),
        (
            SERVICE + RECIPE,
            VERSIONS,
            ["`toyd` of [service] is not a program of a [[source]]", "[service.ready] has no probe"],
        ),
        (RECIPE + "\n" * 120, VERSIONS, ["recipe.toml has 129 lines, more than 120"]),
    ],
)
def test_everything_that_is_missing_is_said(recipe, versions, said, tmp_path):
    folder = tmp_path / "toy"
    folder.mkdir()
    (folder / "recipe.toml").write_text(recipe)
    (folder / "versions.toml").write_text(versions)

    assert list(complaints(load_recipe(str(folder)))) == said
