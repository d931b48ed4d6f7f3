"""When a conda channel is asked for versions, and how its answer counts."""

import pytest

from devboot.model.artifact import PLATFORMS
from devboot.model.edge.artifacts import ArtifactRow, PartRow
from devboot.model.edge.lockfile.lock import Lock, Wish, lock_to_text, parse_lock
from devboot.model.edge.recipe.recipe import Release, parse_recipe
from devboot.recipes import KnownRecipe
from devboot.resolve.conda_queries import channel_questions, condition_of, with_release
from devboot.resolve.packages import resolve, wanted_on

RECIPE = """
[package]
name = "toy"
description = "a toy"
[[source]]
kind = "conda"
name = "toy-server"
channel = "forge"
bin = { toy = "bin/toy" }
[[source]]
kind = "host"
version = "toy (.*)"
bin = { toy = "toy" }
[test]
"""
TOY = KnownRecipe(parse_recipe(RECIPE, "recipe.toml"), (), "/recipes/toy")
X86, ARM, MAC, INTEL = PLATFORMS


def release(version="8.2", *platforms):
    part = PartRow(name="toy-server", version=f"{version}-h0_0", file="linux-64/toy.conda", sha256="a" * 64, size=7)
    row = ArtifactRow(source="conda", name="toy-server", version=version, files=(part,))
    missing = dict.fromkeys(sorted({*PLATFORMS} - {*platforms}), "not in the channel") if platforms else {}
    return Release.model_validate(
        {"version": version, **dict.fromkeys(platforms or PLATFORMS, row), "unavailable": missing}
    )


def asked(requested="", insisted="", recipe=TOY, platform=X86, **more):
    wish = Wish("toy", requested, insisted)
    return wish in channel_questions([wish], {"toy": recipe}, distribution="", platform=platform, **more)


def locked(recipe, requested=""):
    (package,) = resolve([Wish("toy", requested)], {"toy": recipe}).packages
    return package


def test_a_channel_is_asked_for_what_no_version_of_the_recipe_serves():
    assert asked()
    assert asked("8")
    assert asked(insisted="conda")
    assert not asked(insisted="host")
    assert not asked(insisted="wheel")
    assert not asked(recipe=with_release(TOY, release()))
    assert asked("9", recipe=with_release(TOY, release()))


def test_what_it_said_is_locked_for_all_platforms_and_not_asked_again_on_any():
    lock = Lock(package=(locked(with_release(TOY, release("8.2", X86, MAC))),))

    assert (set(lock.package[0].rows()), set(lock.package[0].unavailable)) == ({X86, MAC}, {ARM, INTEL})
    assert parse_lock(lock_to_text(lock)) == lock
    for platform in PLATFORMS:
        assert not asked(previous=lock, platform=platform)
    assert asked(previous=lock, update=["toy"])
    assert asked(previous=lock, update=["*"])
    assert asked("8", previous=lock)


def test_what_is_locked_needs_no_channel_to_be_wanted():
    package = locked(with_release(TOY, release()))
    wanted = wanted_on(package, TOY, MAC)

    assert (wanted.version, wanted.artifact.source, wanted.artifact.address) == ("8.2", "conda", "forge")
    assert wanted.artifact.files[0].sha256 == "a" * 64


def test_the_newest_of_several_answers_is_taken():
    both = with_release(with_release(TOY, release("8.10")), release("8.9"))

    assert locked(both).version == "8.10"
    assert locked(both, "8.9").version == "8.9"


@pytest.mark.parametrize(("requested", "condition"), [("", ""), ("8", "8.*"), ("8.2.1", "8.2.1.*")])
def test_a_version_is_asked_for_as_exactly_as_it_is_wished_for(requested, condition):
    assert condition == condition_of(requested)
