"""Which source a package comes from on which platform, and why others in the recipe fell away."""

from devboot.model.edge.artifacts import PartRow
from devboot.model.edge.lockfile.lock import Wish
from devboot.model.edge.recipe.recipe import parse_recipe, parse_releases
from devboot.recipes import KnownRecipe
from devboot.resolve.distro_queries import deb_origin, distribution_row
from devboot.resolve.packages import resolve
from devboot.resolve.taken import sources_taken

RECIPE = """
[package]
name = "toy"
description = "a toy"
[[source]]
kind = "wheel"
name = "toy-new"
bin = { toy = "toy" }
[[source]]
kind = "wheel"
name = "toy-old"
bin = { toy = "toy" }
[[source]]
kind = "deb"
names = ["toy"]
bin = { toy = "toy" }
[[source]]
kind = "host"
version = "(.*)"
bin = { toy = "toy" }
[test]
"""
ROW = '{{ source = "wheel", name = "{name}", version = "1", file = "{name}", sha256 = "{digest}", size = 1 }}'
RELEASES = f"""
[[version]]
version = "2.0"
linux-x86_64 = {ROW.format(name="toy-new", digest="a" * 64)}
macos-arm64 = {ROW.format(name="toy-new", digest="a" * 64)}
[[version]]
version = "1.0"
linux-x86_64 = {ROW.format(name="toy-old", digest="b" * 64)}
macos-x86_64 = {ROW.format(name="toy-old", digest="b" * 64)}
"""
TOY = KnownRecipe(
    parse_recipe(RECIPE, "recipe.toml"), parse_releases(RELEASES, "versions.toml").version, "/recipes/toy"
)


def taken(requested="", insisted="", offers=()):
    wish = Wish("toy", requested, insisted)
    (package,) = resolve([wish], {"toy": TOY}, offers={wish: tuple(offers)}).packages
    return sources_taken(package, TOY)


def offer(product):
    part = PartRow(name="toy", version=f"{product}-1", file="toy.deb", sha256="c" * 64, size=1)
    return distribution_row(deb_origin(TOY, Wish("toy")), "debian-13", "linux-aarch64", product, part.version, [part])


def test_the_first_source_needs_no_excuse():
    assert taken() == ("wheel toy-new 1: linux-x86_64, macos-arm64",)


def test_a_later_one_says_what_those_before_it_have():
    assert taken("1") == (
        "wheel toy-old 1: linux-x86_64, macos-x86_64",
        "  not wheel toy-new: it has 2.0 there, not 1.0",
    )


def test_a_distribution_is_named_with_its_release():
    assert taken(offers=[offer("2.0.1")]) == (
        "wheel toy-new 1: linux-x86_64, macos-arm64",
        "deb toy 2.0.1-1 of debian-13: linux-aarch64",
        "  not wheel toy-new: it has nothing there",
        "  not wheel toy-old: it has nothing there",
    )


def test_what_the_manifest_insists_on_needs_no_other_reason():
    assert taken(insisted="deb", offers=[offer("2.0.1")]) == (
        "deb toy 2.0.1-1 of debian-13: linux-aarch64",
        "  not wheel toy-new: devboot.toml insists on deb",
        "  not wheel toy-old: devboot.toml insists on deb",
    )


def test_what_is_on_path_is_whatever_is_there():
    assert taken(insisted="host") == (
        "host: linux-x86_64, linux-aarch64, macos-arm64, macos-x86_64, whatever is there",
    )
