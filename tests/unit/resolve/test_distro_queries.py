"""What only a distribution has: asked for where nothing else serves this machine, kept for all other releases."""

import pytest

from devboot.errors import LockError, Problems
from devboot.model.edge.artifacts import PartRow
from devboot.model.edge.lockfile.lock import Lock, Wish, lock_to_text, parse_lock
from devboot.model.edge.recipe.recipe import parse_recipe, parse_releases
from devboot.model.edge.recipe.source_tables import DebOrigin
from devboot.recipes import KnownRecipe
from devboot.resolve.distro_queries import ONLY_THERE, distribution_row
from devboot.resolve.packages import questions, resolve, wanted_on

RECIPE = """
[package]
name = "toy"
description = "a toy"
{sources}
[[source]]
kind = "deb"
names = ["toy-server", "toy-tools"]
bin = {{ toy = "usr/bin/toy" }}
[test]
"""
WHEEL = '[[source]]\nkind = "wheel"\nname = "toy-bin"\nbin = { toy = "toy/bin/toy" }\n'
ROW = """[[version]]
version = "2.1"
[version.linux-x86_64]
source = "wheel"
name = "toy-bin"
version = "1"
file = "toy.whl"
sha256 = "{digest}"
size = 1
"""
X86, ARM, MAC = "linux-x86_64", "linux-aarch64", "macos-arm64"
ONLY_DEBS = KnownRecipe(parse_recipe(RECIPE.format(sources=""), "recipe.toml"), (), "/recipes/toy")
BOTH = KnownRecipe(
    parse_recipe(RECIPE.format(sources=WHEEL), "recipe.toml"),
    parse_releases(ROW.format(digest="a" * 64), "versions.toml").version,
    "/recipes/toy",
)
ORIGIN = DebOrigin(kind="deb", names=["toy-server", "toy-tools"], bin={"toy": "usr/bin/toy"})


def offer(on="debian-13", platform=X86, product="1.6.38", digest="b"):
    part = PartRow(name="toy-server", version=f"{product}-1", file="toy.deb", sha256=digest * 64, size=7)
    return distribution_row(ORIGIN, on, platform, product, part.version, [part])


def locked(*offers, recipe=ONLY_DEBS, requested="", previous=None, update=()):
    wish = Wish("toy", requested)
    resolution = resolve([wish], {"toy": recipe}, previous=previous, update=update, offers={wish: offers})
    return resolution.packages[0]


def asked(recipe=ONLY_DEBS, requested="", insisted="", platform=X86, distribution="debian-13", **more):
    wish = Wish("toy", requested, insisted)
    return wish in questions([wish], {"toy": recipe}, distribution=distribution, platform=platform, **more)


def test_a_distribution_is_asked_only_where_nothing_before_it_serves_this_machine():
    assert asked()
    assert not asked(distribution="")
    assert not asked(insisted="wheel")
    assert not asked(recipe=BOTH)
    assert asked(recipe=BOTH, platform=ARM)
    assert asked(recipe=BOTH, requested="1.6")
    assert asked(recipe=BOTH, insisted="deb")


def test_packages_of_one_major_version_are_asked_for_no_other():
    text = RECIPE.format(sources=WHEEL).replace('kind = "deb"', 'kind = "deb"\nmajor = "1"')
    one = BOTH._replace(recipe=parse_recipe(text, "recipe.toml"))

    assert asked(recipe=one, requested="1")
    assert asked(recipe=one, requested="1.6")
    assert asked(recipe=one, insisted="deb")
    assert not asked(recipe=one, requested="1", insisted="wheel")
    for other in ("", "2", "2.1", "3", "16", "17"):
        assert not asked(recipe=one, requested=other)
    with pytest.raises(Problems) as caught:
        locked(recipe=one, requested="3")
    assert tuple(caught.value.errors[0].causes) == ("there are `2.1`", "Debian or Ubuntu may have version 1")


@pytest.mark.parametrize(
    ("requested", "is_asked"),
    [("", True), ("3", True), ("3.13", True), ("3.13.5", True), ("3.1", False), ("3.12", False), ("2", False)],
)
def test_a_minor_version_may_be_what_the_names_say(requested, is_asked):
    text = RECIPE.format(sources="").replace('kind = "deb"', 'kind = "deb"\nmajor = "3.13"')

    assert asked(recipe=ONLY_DEBS._replace(recipe=parse_recipe(text, "recipe.toml")), requested=requested) is is_asked


def test_what_is_locked_for_this_release_is_not_asked_again_but_for_another_release_it_is():
    lock = Lock(package=(locked(offer()),))

    assert not asked(previous=lock)
    assert asked(previous=lock, update=["toy"])
    assert asked(previous=lock, distribution="ubuntu-24.04")
    assert asked(previous=lock, platform=ARM)


def test_the_row_of_a_release_is_what_this_machine_gets():
    package = locked(offer(), offer(platform=ARM, digest="c"))
    wanted = wanted_on(package, ONLY_DEBS, ARM, "debian-13")

    assert package.version == "1.6.38"
    assert package.unavailable[X86] == ONLY_THERE
    assert (wanted.version, wanted.artifact.source, wanted.artifact.files[0].sha256) == ("1.6.38", "deb", "c" * 64)
    assert parse_lock(lock_to_text(Lock(package=(package,)))).package == (package,)


def test_another_release_adds_its_own_row_with_its_own_version():
    lock = Lock(package=(locked(offer()),))
    package = locked(offer("ubuntu-24.04", product="1.6.24"), previous=lock)

    assert [(row.on, row.product) for row in package.distribution] == [
        ("debian-13", "1.6.38"),
        ("ubuntu-24.04", "1.6.24"),
    ]
    assert wanted_on(package, ONLY_DEBS, X86, "ubuntu-24.04").version == "1.6.24"


def test_an_update_here_keeps_what_other_releases_have():
    lock = Lock(package=(locked(offer(), offer("ubuntu-24.04", product="1.6.24")),))
    package = locked(offer(product="1.6.40"), previous=lock, update=["toy"])

    assert {row.on: row.product for row in package.distribution} == {"debian-13": "1.6.40", "ubuntu-24.04": "1.6.24"}


def test_an_update_where_nobody_can_be_asked_changes_nothing():
    lock = Lock(package=(locked(offer()),))

    assert locked(previous=lock, update=["toy"]) == lock.package[0]


def test_a_release_never_stands_in_for_another_version():
    with pytest.raises(Problems) as caught:
        locked(offer(product="1.6.38"), requested="1.5")

    (error,) = caught.value.errors
    assert (error.slug, error.what) == ("manifest/no-such-version", "toy has no version 1.5")
    package = locked(offer(product="1.6.38"), recipe=BOTH, requested="2.1")
    assert package.distribution == ()


def test_a_distribution_completes_what_another_source_has_for_other_platforms():
    package = locked(offer(platform=ARM, product="2.1.3"), recipe=BOTH, requested="2.1")

    assert package.row(X86).source == "wheel"
    assert package.on("debian-13", ARM).product == "2.1.3"


def test_a_distribution_with_another_major_version_stands_in_for_nothing():
    assert locked(offer(platform=ARM, product="1.6.38"), recipe=BOTH).distribution == ()


def test_a_machine_whose_release_is_not_locked_hears_which_are():
    with pytest.raises(LockError) as caught:
        wanted_on(locked(offer()), ONLY_DEBS, X86, "fedora-43")

    assert caught.value.slug == "lock/no-artifact"
    assert tuple(caught.value.causes) == ("it is locked only for debian-13, each release has its own packages",)


def test_where_only_debian_has_it_the_refusal_says_so():
    with pytest.raises(Problems) as caught:
        locked()

    assert tuple(caught.value.errors[0].causes) == (ONLY_THERE,)


def test_who_locks_is_told_for_which_releases():
    wish = Wish("toy")
    warnings = resolve([wish], {"toy": ONLY_DEBS}, offers={wish: (offer(), offer(platform=ARM))}).warnings

    assert warnings == (
        "toy is locked to packages of debian-13 only",
        "toy 1.6.38 isn't available on macos-arm64: no source has it for this platform",
        "toy 1.6.38 isn't available on macos-x86_64: no source has it for this platform",
    )
