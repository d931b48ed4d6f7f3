"""Packages of Debian as text: what a program needs of them, and which version of the product they are."""

import pytest

from devboot.sources.debian.records import DebRecord, closure, parse_records, product_version

SHOWN = """\
Package: memcached
Version: 1.6.38-1
Depends: adduser, perl:any, libc6 (>= 2.38), libevent-2.1-7t64 (>= 2.1.8-stable),
 libold [amd64] | libsasl2-2
Pre-Depends: init-system-helpers (>= 1.54~)
Filename: pool/main/m/memcached/memcached_1.6.38-1_amd64.deb
Size: 405328
SHA256: bbf4
Description: Cache
 SHA256: not this

Package: memcached
Version: 1.6.30-1
Filename: pool/old.deb
Size: 1
SHA256: 0000
"""


def record(name, *depends):
    return DebRecord(name, "1-1", tuple(tuple(each.split("|")) for each in depends), f"{name}.deb", "a" * 64, 1)


def finder(*records, asked=None):
    """Finds these; the names that were asked for end in `asked`."""

    def find(names):
        if asked is not None:
            asked.append(tuple(names))
        return {each.name: each for each in records if each.name in names}

    return find


def names(found):
    return [each.name for each in found]


def test_the_newest_record_of_a_name_is_read():
    depends = (("init-system-helpers",), ("adduser",), ("perl",), ("libc6",), ("libevent-2.1-7t64",))
    (found,) = parse_records(SHOWN).values()

    assert found[:2] == ("memcached", "1.6.38-1")
    assert found.depends[:5] == depends
    assert found[3:] == ("memcached_1.6.38-1_amd64.deb", "bbf4", 405328)
    assert parse_records("") == {}


def test_only_libraries_that_not_every_machine_has_are_followed():
    found = closure(
        ["server"],
        finder(
            record("server", "libssl3", "libc6", "adduser", "perl", "libpam0g", "libfoo-perl", "zlib1g"),
            record("libssl3", "libc6", "libzstd1"),
            record("libzstd1"),
            record("libc6"),
            record("adduser"),
            record("libpam0g"),
            record("libfoo-perl"),
            record("zlib1g"),
        ),
    )

    assert names(found) == ["libssl3", "libzstd1", "server", "zlib1g"]


def test_what_a_recipe_names_besides_is_followed_too():
    packages = finder(record("rabbit", "erlang-base", "adduser"), record("erlang-base", "libssl3"), record("libssl3"))

    assert names(closure(["rabbit"], packages, ["erlang-"])) == ["erlang-base", "libssl3", "rabbit"]


def test_of_alternatives_the_first_that_exists_is_taken_and_needs_are_asked_for_once_a_level():
    asked = []
    packages = [record("a", "libone|libtwo", "libgone"), record("libtwo", "liba"), record("liba", "libtwo")]
    found = closure(["a"], finder(*packages, asked=asked))

    assert names(found) == ["a", "liba", "libtwo"]
    assert asked == [("a",), ("libgone", "libone", "libtwo"), ("liba",)]


def test_a_package_that_does_not_exist_is_named():
    with pytest.raises(KeyError, match="tools"):
        closure(["server", "tools"], finder(record("server")))


@pytest.mark.parametrize(
    ("version", "product"),
    [
        ("5:8.0.2-3+deb13u1", "8.0.2"),
        ("1.6.38-1", "1.6.38"),
        ("1:11.8.9-0+deb13u1", "11.8.9"),
        ("2.1.28+dfsg1-9", "2.1.28"),
        ("1.13", "1.13"),
        ("17.12~rc1-1", "17.12"),
    ],
)
def test_the_version_of_the_product_is_read_out_of_the_packages(version, product):
    assert product_version(version) == product


def test_a_package_that_is_called_otherwise_elsewhere_is_found_by_the_name_that_there_is():
    assert names(closure(["server | server-8"], finder(record("server-8", "libssl3"), record("libssl3")))) == [
        "libssl3",
        "server-8",
    ]
    assert names(closure(["server | server-8"], finder(record("server"), record("server-8")))) == ["server"]
    with pytest.raises(KeyError, match="server"):
        closure(["server | server-8"], finder(record("other")))
