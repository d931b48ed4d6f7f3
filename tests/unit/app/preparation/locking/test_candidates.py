"""Whom a lock asks for what the recipes know no version of, and what is said where nobody can be asked."""

import pytest

from devboot.app.preparation.locking.candidates import ask, queries_for
from devboot.app.preparation.locking.distro import Distribution
from devboot.app.recipes.miniature import made_up_offers
from devboot.errors import MachineError
from devboot.events import RecordingReporter
from devboot.model.edge.lockfile.lock import Lock, Wish
from devboot.model.edge.recipe.recipe import parse_recipe
from devboot.provision.host import Host
from devboot.recipes import KnownRecipe
from devboot.resolve.packages import resolve
from devboot.sources.conda import not_installed
from devboot.sources.debian.records import DebRecord

CONDA = '[[source]]\nkind = "conda"\nname = "toy-server"\nbin = { toy = "bin/toy" }\n'
DEB = '[[source]]\nkind = "deb"\nnames = ["toy-server | toy-server-8"]\nbin = { toy = "usr/bin/toy" }\n'
HOST = '[[source]]\nkind = "host"\nversion = "toy (.*)"\nbin = { toy = "toy" }\n'
X86 = Host("linux-x86_64", (2, 41), "debian-13")
TOY, SHOP = Wish("toy"), Wish("toy", "8")
EXTRA = not_installed("").help


def recipe(*sources):
    text = '[package]\nname = "toy"\ndescription = "a toy"\n' + "".join(sources) + "[test]\n"
    return {"toy": KnownRecipe(parse_recipe(text, "recipe.toml"), (), "/recipes/toy")}


class Archive:
    """Apt that has these packages."""

    def __init__(self, *records):
        self.records = records

    def show(self, names):
        """Those of the names that there are."""
        return {each.name: each for each in self.records if each.name in names}


def debian(name="debian-13"):
    """A machine whose archive has nothing; "" for one without apt."""
    here = Distribution(
        Host("linux-x86_64", (2, 41), name), {}, lambda _platform, _release: Archive(), RecordingReporter()
    )
    here.name = name
    return here


def channel(origin, condition):
    """A channel that has everything in the version that is asked for."""
    known = recipe(CONDA)["toy"]
    version = condition.removesuffix(".*") + ".2" if condition else "9.1"
    return made_up_offers(Wish("toy", version), known, "").recipes["toy"].releases[0]


def test_a_channel_comes_before_the_distribution_where_it_can_be_asked():
    recipes = recipe(CONDA, DEB)
    asked = queries_for([TOY, SHOP], recipes, debian(), has_channels=True)

    assert (set(asked.channels), set(asked.distribution)) == ({TOY, SHOP}, set())
    offers = ask(asked, recipes, debian(), channel)
    packages = resolve([TOY, SHOP], offers.recipes, offers=offers.rows).packages
    assert [(each.version, len(each.rows())) for each in packages] == [("9.1", 4), ("8.2", 4)]


def test_without_the_library_the_distribution_is_asked():
    asked = queries_for([TOY], recipe(CONDA, DEB), debian(), has_channels=False)

    assert (set(asked.channels), set(asked.distribution)) == (set(), {TOY})


def test_what_only_the_channel_has_is_refused_with_what_to_install():
    with pytest.raises(MachineError) as caught:
        queries_for([TOY], recipe(CONDA, HOST), debian(), has_channels=False)

    assert caught.value.slug == "conda/not-installed"
    assert caught.value.what == "`toy` comes from the conda channel `conda-forge`, which needs py-rattler"
    assert (*EXTRA, 'source = "host"   # in [packages.toy]: takes the one on PATH') == tuple(caught.value.help)


def test_what_the_distribution_lacks_too_is_refused_with_both_reasons():
    recipes = recipe(CONDA, DEB)
    asked = queries_for([TOY], recipes, debian(), has_channels=False)
    with pytest.raises(MachineError) as caught:
        ask(asked, recipes, debian(), None)

    assert caught.value.causes[0] == "debian-13 has no package `toy-server`"
    assert caught.value.help[0] == EXTRA[0]


def test_of_several_names_the_one_that_the_release_has_is_taken():
    older, newer = [f'major = "{major}"\nnames = ["toy{major}"]' for major in (1, 2)]
    named = 'names = ["toy-server | toy-server-8"]'
    recipes = recipe(DEB.replace(named, newer), DEB.replace(named, older))
    there = DebRecord("toy1", "1.4-1", (), "toy1_1.4-1.deb", "a" * 64, 7)
    here = Distribution(X86, {}, lambda _platform, _release: Archive(there), RecordingReporter())
    here.name = "debian-13"

    offers = ask(queries_for([TOY], recipes, here, has_channels=False), recipes, here, None)

    assert {(row.name, row.product) for row in offers.rows[TOY]} == {("toy1", "1.4")}


def test_a_machine_without_apt_is_told_at_once():
    with pytest.raises(MachineError) as caught:
        queries_for([TOY], recipe(CONDA, DEB), debian(""), has_channels=False)

    assert caught.value.slug == "conda/not-installed"


def test_what_is_locked_is_asked_of_nobody():
    recipes = recipe(CONDA)
    offers = ask(queries_for([TOY], recipes, debian(), has_channels=True), recipes, debian(), channel)
    lock = Lock(package=resolve([TOY], offers.recipes).packages)

    for has_channels in (True, False):
        assert queries_for([TOY], recipes, debian(), has_channels=has_channels, previous=lock).is_empty


def test_a_version_is_taken_from_the_release_of_debian_that_has_it_where_the_machines_own_has_another():
    older = '[[source]]\nkind = "deb"\nmajor = "7"\nnames = ["toy-server/bookworm"]\nbin = { toy = "usr/bin/toy" }\n'
    recipes = recipe(DEB, older)
    versions = {"": "8.1-1", "bookworm": "7.2-1~deb12u1"}

    def apt(_platform, release):
        return Archive(DebRecord("toy-server", versions[release], (), "toy.deb", "a" * 64, 1))

    for name, expected in (("debian-13", {"": "8.1", "8": "8.1", "7": "7.2"}), ("ubuntu-24.04", {"7": "8.1"})):
        here = Distribution(Host("linux-x86_64", (2, 41), name), {}, apt, RecordingReporter())
        here.name = name
        for requested, product in expected.items():
            wish = Wish("toy", requested)
            rows = ask(queries_for([wish], recipes, here, has_channels=False), recipes, here, None).rows[wish]
            assert {row.product for row in rows} == {product}
            assert {row.name for row in rows} == {"toy-server/bookworm" if product == "7.2" else "toy-server"}
