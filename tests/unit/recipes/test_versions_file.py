"""versions.toml as a text that grows."""

import pytest

from devboot.model.artifact import PLATFORMS
from devboot.model.edge.artifacts import ArtifactRow
from devboot.model.edge.recipe.recipe import parse_releases
from devboot.recipes.versions_file import add_release, release_of

LINUX, ARM, MAC, OLD_MAC = PLATFORMS


def row(version, file="toy.whl", sha256="a" * 64):
    return ArtifactRow(source="wheel", name="toy", version=version, file=file, sha256=sha256, size=1)


def release(version, *platforms, reason="toy has no wheel for it", **fields):
    missing = {platform: reason for platform in PLATFORMS if platform not in platforms}
    return release_of(version, dict.fromkeys(platforms, row(version, **fields)), missing)


def test_the_first_release_makes_the_file():
    assert (
        add_release("", "versions.toml", release("1.0", LINUX))
        == """\
# Written by `devboot recipe update`: rows are added, never edited.

[[version]]
version = "1.0"

[version.linux-x86_64]
source = "wheel"
name = "toy"
version = "1.0"
file = "toy.whl"
sha256 = "aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa"
size = 1

[version.unavailable]
linux-aarch64 = "toy has no wheel for it"
macos-arm64 = "toy has no wheel for it"
macos-x86_64 = "toy has no wheel for it"
"""
    )


@pytest.mark.parametrize("order", [("1.9", "1.10", "2.0"), ("2.0", "1.9", "1.10"), ("1.10", "2.0", "1.9")])
def test_the_newest_stands_first_in_whatever_order_they_came(order):
    text = ""
    for version in order:
        text = add_release(text, "versions.toml", release(version, *PLATFORMS))

    assert [found.version for found in parse_releases(text, "versions.toml").version] == ["2.0", "1.10", "1.9"]


def test_what_stands_there_is_never_edited_only_filled_up():
    before = add_release("", "versions.toml", release("1.0", LINUX))
    after = add_release(before, "versions.toml", release("1.0", LINUX, MAC, file="other.whl", sha256="b" * 64))
    (found,) = parse_releases(after, "versions.toml").version

    assert found.rows()[LINUX].file == "toy.whl"
    assert found.rows()[MAC].file == "other.whl"
    assert sorted(found.unavailable) == [ARM, OLD_MAC]


def test_the_same_again_changes_no_byte():
    text = add_release("", "versions.toml", release("1.0", LINUX, MAC))

    assert add_release(text, "versions.toml", release("1.0", LINUX, MAC)) == text


def test_blocks_that_did_not_change_stay_as_they_were_written():
    text = add_release("", "versions.toml", release("1.0", LINUX)).replace("size = 1", "size = 1  # small")

    assert "size = 1  # small" in add_release(text, "versions.toml", release("2.0", LINUX))


def test_a_reason_that_a_person_wrote_holds():
    told = "it needs an OpenSSL that no mac has"
    before = add_release("", "versions.toml", release("1.0", LINUX, reason=told))
    after = add_release(before, "versions.toml", release("1.0", LINUX, MAC))
    (found,) = parse_releases(after, "versions.toml").version

    assert sorted(found.rows()) == [LINUX]
    assert found.unavailable[MAC] == told
