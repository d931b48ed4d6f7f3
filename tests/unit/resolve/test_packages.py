"""Wishes + recipes → locked packages."""

import pytest

from devboot.errors import IntegrityError, LockError, Problems
from devboot.model.artifact import Layout
from devboot.model.edge.lockfile.lock import Lock, Wish
from devboot.model.edge.manifest.manifest import parse_manifest
from devboot.model.edge.recipe.recipe import parse_recipe, parse_releases
from devboot.recipes import KnownRecipe
from devboot.recipes.folders import version_key
from devboot.resolve.packages import (
    VersionChange,
    fits,
    refuse_changed_sources,
    refuse_stale,
    resolve,
    wanted_on,
    where_asked,
    wishes_of,
)

RECIPE = """
[package]
name = "toy"
description = "a toy"
revision = {revision}
[[source]]
kind = "wheel"
name = "toy-bin"
publisher = "Ada"
bin = {{ toy = "toy/bin/toy" }}
[[source]]
kind = "npm"
name = "toy-js"
bin = {{ toy = "toy.js" }}
[test]
"""
ROW = """[version.{platform}]
source = "{source}"
name = "{name}"
version = "1"
file = "{version}-{platform}"
sha256 = "{digest}"
size = 1
"""
LINUX, ARM, MAC, INTEL = "linux-x86_64", "linux-aarch64", "macos-arm64", "macos-x86_64"


def known(*versions, revision=1, digest="a"):
    """A recipe with (version, source, platforms…) rows."""
    names = {"wheel": "toy-bin", "npm": "toy-js"}
    text = "".join(
        f'[[version]]\nversion = "{version}"\n'
        + "".join(
            ROW.format(platform=platform, source=source, name=names[source], version=version, digest=digest * 64)
            for platform in platforms
        )
        for version, source, *platforms in versions
    )
    releases = parse_releases(text, "versions.toml").version
    newest_first = sorted(releases, key=lambda release: version_key(release.version), reverse=True)
    return KnownRecipe(
        parse_recipe(RECIPE.format(revision=revision), "recipe.toml"), tuple(newest_first), "/recipes/toy"
    )


TOY = known(
    ("8.2.3", "wheel", LINUX, ARM, MAC),
    ("8.10.0", "wheel", LINUX),
    ("7.4.1", "wheel", INTEL),
    ("9.0.0", "npm", LINUX, ARM, MAC, INTEL),
)


def locked(requested="", insisted="", recipe=TOY, **more):
    (package,) = resolve([Wish("toy", requested, insisted)], {"toy": recipe}, **more).packages
    return package


def test_without_a_version_the_first_source_with_the_most_platforms_decides_the_major():
    assert locked().version == "8.10.0"
    assert locked("8.2").version == "8.2.3"
    assert locked(insisted="npm").version == "9.0.0"


def test_numbers_decide_which_version_is_newest():
    assert locked("8").version == "8.10.0"
    assert [fits("8.2.3", wish) for wish in ("8", "8.2", "8.2.3", "8.2.31", "8.20", "")] == [
        True,
        True,
        True,
        False,
        False,
        False,
    ]


def test_a_platform_without_an_artifact_is_told_with_the_reason():
    resolution = resolve([Wish("toy", "8.2")], {"toy": TOY})

    assert resolution.packages[0].unavailable == {INTEL: "no source has it for this platform"}
    assert resolution.warnings == ("toy 8.2.3 isn't available on macos-x86_64: no source has it for this platform",)


def test_the_publisher_is_locked():
    assert locked("8.2").row(LINUX).publisher == "Ada"


@pytest.mark.faults(49)
def test_a_version_that_does_not_exist_names_the_nearest():
    manifest = parse_manifest('[services.toy]\nversion = "8.3"\n', "devboot.toml", procfile=())
    with pytest.raises(Problems) as caught:
        resolve(wishes_of(manifest), {"toy": TOY}, where=where_asked(manifest))

    (error,) = caught.value.errors
    assert (error.slug, error.exit_code, error.what) == ("manifest/no-such-version", 3, "toy has no version 8.3")
    assert error.causes == ("there are `8.2.3`, `8.10.0`, `7.4.1`, `9.0.0`",)
    assert error.help == ('version = "8.2.3"',)
    assert (error.place.file, error.place.line, error.place.column) == ("devboot.toml", 2, 11)


def test_a_source_that_has_nothing_is_named():
    with pytest.raises(Problems) as caught:
        locked(insisted="conda")

    assert caught.value.errors[0].what == "toy has no version from source `conda`"


def test_what_is_locked_stays_until_it_is_to_move():
    old = Lock(package=(locked("8", recipe=known(("8.2.3", "wheel", LINUX))),))

    assert locked("8", previous=old).version == "8.2.3"
    assert locked("8", previous=old, update=["other"]).version == "8.2.3"
    assert locked("8", previous=old, update=["toy"]).version == "8.10.0"
    assert locked("8", previous=old, update=["*"]).version == "8.10.0"


def test_a_changed_wish_moves_what_is_locked():
    old = Lock(package=(locked("7"),))
    resolution = resolve([Wish("toy", "8.2")], {"toy": TOY}, previous=old)

    assert [package.version for package in resolution.packages] == ["8.2.3"]
    assert resolution.changes == (VersionChange("toy", "7.4.1", "8.2.3"),)


def test_what_nothing_asks_for_any_more_goes():
    old = Lock(package=(locked("7"),))

    assert resolve([], {}, previous=old).changes == (VersionChange("toy", "7.4.1", ""),)


def test_an_update_is_one_change():
    old = Lock(package=(locked("8", recipe=known(("8.2.3", "wheel", LINUX))),))
    changes = resolve([Wish("toy", "8")], {"toy": TOY}, previous=old, update=["toy"]).changes

    assert changes == (VersionChange("toy", "8.2.3", "8.10.0"),)


@pytest.mark.faults(62)
def test_a_lock_with_another_digest_than_the_recipe_is_refused():
    tampered = Lock(package=(locked("8.2", recipe=known(("8.2.3", "wheel", LINUX), digest="b")),))
    with pytest.raises(IntegrityError) as caught:
        refuse_changed_sources(tampered, {"toy": TOY})

    error = caught.value
    assert (error.slug, error.exit_code) == ("lock/source-changed", 5)
    assert error.what == "devboot.lock has another digest for `toy` than its recipe"
    assert error.details == (
        f"toy on linux-x86_64, recipe: sha256:{'a' * 64}",
        f"devboot.lock: sha256:{'b' * 64}",
    )
    assert error.help[1].startswith("devboot lock --update toy ")
    for accepted in ("toy", "*"):
        refuse_changed_sources(tampered, {"toy": TOY}, chosen_anew=[accepted])


@pytest.mark.faults(62)
@pytest.mark.parametrize(("field", "value"), [("name", "toy-evil"), ("publisher", "Eve"), ("source", "npm")])
def test_a_lock_with_another_source_than_the_recipe_is_refused(field, value):
    package = locked("8.2")
    row = package.row(LINUX).model_copy(update={field: value})
    with pytest.raises(IntegrityError) as caught:
        resolve(
            [Wish("toy", "8.2")],
            {"toy": TOY},
            previous=Lock(package=(package.model_copy(update={"linux_x86_64": row}),)),
        )

    assert caught.value.what == f"devboot.lock has another {field} for `toy` than its recipe"


def test_a_version_that_this_recipe_does_not_know_yet_is_no_tampering():
    newer = Lock(package=(locked("8.2", recipe=known(("8.2.9", "wheel", LINUX))),))

    assert locked("8.2", previous=newer).version == "8.2.9"


def test_a_wanted_package_has_all_that_its_key_depends_on():
    wanted = wanted_on(locked("8.2", recipe=known(("8.2.3", "wheel", LINUX), revision=2)), TOY, LINUX)

    assert wanted[:4] == ("toy", "8.2.3", 2, LINUX)
    assert wanted.artifact.file == "8.2.3-linux-x86_64"
    assert wanted.layout == Layout((("toy", "toy/bin/toy"),), (), "--version")


def test_a_platform_without_an_artifact_is_refused_with_what_there_is():
    with pytest.raises(LockError) as caught:
        wanted_on(locked("8.2"), TOY, INTEL)

    error = caught.value
    assert (error.slug, error.exit_code) == ("lock/no-artifact", 3)
    assert error.what == "toy 8.2.3 isn't available on macos-x86_64"
    assert error.causes == ("no source has it for this platform",)
    assert error.help == ('version = "9.0.0"',)


@pytest.mark.faults(41)
def test_a_stale_lock_is_refused_with_what_differs():
    refuse_stale(())
    with pytest.raises(LockError) as caught:
        refuse_stale(["`redis 8` is not locked"])

    assert (caught.value.slug, caught.value.details) == ("lock/stale", ("`redis 8` is not locked",))


def test_every_wish_is_made_once():
    text = '[services.toy]\n[services.second]\nrecipe = "toy"\n[services.old]\nrecipe = "toy"\nversion = "7"\n'
    manifest = parse_manifest(text, "devboot.toml", procfile=())

    assert wishes_of(manifest) == (Wish("toy"), Wish("toy", "7"))
