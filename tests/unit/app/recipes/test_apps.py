"""What an app needs: pins that hold on every platform and Python for which there are wheels."""

import pytest

from devboot.app.recipes.apps import release_of_app
from devboot.errors import ManifestError
from devboot.model.edge.recipe.source_tables import AppOrigin
from devboot.uv.closures import Needed, parse_closure
from devboot.uv.listing import ListedFile

ORIGIN = AppOrigin(kind="app", name="mail")
MINORS = [(3, 12), (3, 13), (3, 14)]
LINUX, ARM, MAC, INTEL = "linux-x86_64", "linux-aarch64", "macos-arm64", "macos-x86_64"
TAGS = {
    LINUX: "manylinux_2_28_x86_64",
    ARM: "manylinux_2_28_aarch64",
    MAC: "macosx_11_0_arm64",
    INTEL: "macosx_10_9_x86_64",
}


def pure(name, version="1.0", marker="", size=10):
    return Needed(name, version, marker, (ListedFile(f"{name}-{version}-py3-none-any.whl", "a" * 64, size),))


def native(name, *built, marker=""):
    """A distribution with one wheel for each (python tag, platform), the digest telling which."""
    wheels = tuple(
        ListedFile(f"{name}-2.0-{tag}-{tag}-{TAGS[platform]}.whl", f"{number:064x}", 100)
        for number, (tag, platform) in enumerate(built)
    )
    return Needed(name, "2.0", marker, wheels)


def everywhere(*tags):
    return [(tag, platform) for tag in tags for platform in (LINUX, ARM, MAC, INTEL)]


def test_every_platform_has_its_range_of_pythons_and_the_size_of_what_is_fetched():
    built = [*everywhere("cp312", "cp313"), ("cp314", LINUX)]
    release = release_of_app(ORIGIN, [pure("mail"), native("greenlet", *built)], MINORS)

    assert release.version == "1.0"
    assert {platform: row.python for platform, row in release.rows().items()} == {
        LINUX: ">=3.12,<3.15",
        ARM: ">=3.12,<3.14",
        MAC: ">=3.12,<3.14",
        INTEL: ">=3.12,<3.14",
    }
    assert release.row(LINUX).size == 110
    assert [(pin.name, len(pin.hashes)) for pin in release.pin] == [("mail", 1), ("greenlet", 9)]


def test_a_platform_without_wheels_says_what_lacks_them():
    release = release_of_app(
        ORIGIN, [pure("mail"), native("greenlet", ("cp313", LINUX), ("cp313", ARM), ("cp313", MAC))], MINORS
    )

    assert release.unavailable == {INTEL: "greenlet has no wheel for it"}
    assert release.row(LINUX).python == ">=3.13,<3.14"


def test_what_applies_nowhere_is_left_out_and_what_applies_everywhere_needs_no_marker():
    closure = [
        pure("mail"),
        pure("pywin32", marker="sys_platform == 'win32'"),
        pure("six", marker="platform_python_implementation == 'CPython'"),
        pure("tomli", marker="python_full_version < '3.13'"),
    ]
    release = release_of_app(ORIGIN, closure, MINORS)

    assert {pin.name: pin.marker for pin in release.pin} == {
        "mail": "",
        "six": "",
        "tomli": "python_full_version < '3.13'",
    }


def test_an_app_that_runs_nowhere_is_refused():
    with pytest.raises(ManifestError) as caught:
        release_of_app(ORIGIN, [pure("mail"), Needed("greenlet", "2.0", "", ())], MINORS)

    assert caught.value.what == "a package that `mail 1.0` requires has no wheel on any platform"


def test_uvs_answer_is_read_without_its_addresses():
    text = """
[[packages]]
name = "six"
version = "1.17.0"
marker = "python_full_version < '3.13'"
wheels = [{ url = "https://example.test/six-1.17.0-py2.py3-none-any.whl", size = 7, hashes = { sha256 = "0a" } }]
"""
    wheel = ListedFile("six-1.17.0-py2.py3-none-any.whl", "0a", 7)

    assert parse_closure(text) == (Needed("six", "1.17.0", "python_full_version < '3.13'", (wheel,)),)
    assert parse_closure("lock-version = '1.0'\n") == ()
