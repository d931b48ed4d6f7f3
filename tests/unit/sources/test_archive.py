"""Where a release file is fetched from, and what a recipe may say of it."""

import pytest

from devboot.errors import Problems
from devboot.model.edge.recipe.recipe import parse_recipe
from devboot.model.edge.recipe.source_tables import BuildOrigin
from devboot.sources.archive import Mirrored, mirrored

URL = "https://files.example.test/v1/shout.tgz"


@pytest.mark.parametrize(
    ("mirrors", "url"),
    [
        ("", URL),
        ("https://m.example.test", "https://m.example.test/files.example.test/v1/shout.tgz"),
        ("https://m.example.test/all/", "https://m.example.test/all/files.example.test/v1/shout.tgz"),
        ("https://files.example.test/=https://m.example.test/f/", "https://m.example.test/f/v1/shout.tgz"),
        ("https://files.example.test/=http://a/ https://files.example.test/v1/=http://b/", "http://b/shout.tgz"),
        ("https://other.example.test/=http://a/", URL),
        ("https://other.example.test/=http://a/ http://b", "http://b/files.example.test/v1/shout.tgz"),
    ],
)
def test_a_mirror_replaces_the_longest_beginning_or_goes_before_all(mirrors, url):
    said_by = "the recipe" if url == URL else "`DEVBOOT_MIRROR`"

    assert mirrored(URL, mirrors, "the recipe") == Mirrored(url, said_by)


def recipe(source):
    text = '[package]\nname = "shout"\ndescription = "x"\n[[source]]\nkind = "archive"\nbin = { shout = "shout" }\n'
    return parse_recipe(f"{text}{source}[test]\n", "recipe.toml")


def test_an_address_has_words_for_version_platform_and_file():
    known = recipe('url = "https://a.test/{version}/{platform}/{file}"\nplatforms = { linux-x86_64 = "amd64" }\n')
    (origin,) = known.source

    assert origin.address("1.0", "linux-x86_64", "f.zip") == "https://a.test/1.0/amd64/f.zip"
    assert origin.address("1.0", "macos-arm64", "f.zip") == "https://a.test/1.0/macos-arm64/f.zip"


@pytest.mark.parametrize("url", ["a.test/x", "file:///x", "https://a.test/{os}"])
def test_what_is_no_address_is_refused(url):
    with pytest.raises(Problems, match="recipe/"):
        recipe(f'url = "{url}"\n')


def test_a_build_keeps_its_programs_and_what_it_says():
    origin = BuildOrigin(
        kind="build", url="https://a.test/x", steps=[["make"]], bin={"shout": "src/shout"}, keep=["src/*.so"]
    )

    assert tuple(origin.building) == ((("make",),), ("cc", "make"), ("src/*.so", "src/shout"))
