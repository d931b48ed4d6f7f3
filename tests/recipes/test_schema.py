"""Every bundled recipe, offline: complete data, and the lock that it gives."""

import os
import re
import signal
from pathlib import Path

import pytest

from devboot.app.recipes.miniature import made_up_offers
from devboot.model.artifact import PLATFORMS
from devboot.model.edge.lockfile.lock import Lock, Wish, lock_to_text, parse_lock
from devboot.recipes import bundled_folder
from devboot.resolve.packages import resolve, wanted_on
from devboot.services.plan import plan_service, provided_variables
from tests.recipes.running import RECIPES

GOLDEN = Path(__file__).parents[1] / "golden/lock"
pytestmark = pytest.mark.parametrize("name", RECIPES.names())


def offers_of(name):
    """What a recipe has, with made-up versions where only distributions or channels know any."""
    return made_up_offers(Wish(name), RECIPES.get(name), "debian-13")


def test_every_version_says_for_every_platform_what_there_is_or_why_not(name):
    for release in RECIPES.get(name).releases:
        assert set(release.rows()) | set(release.unavailable) == set(PLATFORMS), release.version
        assert not set(release.rows()) & set(release.unavailable), release.version


def test_every_row_belongs_to_a_source_that_has_programs(name):
    known = RECIPES.get(name)
    for release in known.releases:
        for platform, row in release.rows().items():
            origin = known.origin(row.source, row.name)
            assert origin is not None, (release.version, platform)
            assert origin.programs
            # static programs on Linux need nothing; on macOS every program says what it needs
            assert row.macos or row.source == "app" or platform.startswith("linux"), (release.version, platform)


def test_licences_are_told_for_every_version(name):
    known = RECIPES.get(name)
    for release in known.releases:
        assert any(
            release.version == key or release.version.startswith(key + ".") for key in known.recipe.package.licenses
        )


def test_a_service_can_be_planned_and_leaves_no_placeholder(name):
    recipe = RECIPES.get(name).recipe
    if recipe.service is None:
        return
    service = plan_service(
        recipe, name, "1.2.3", {}, port=1, root="/project", data="/data", runtime="/run", programs="/store/x/bin"
    )
    spec = service.spec
    variables = provided_variables(recipe, service.exports, [key for key in recipe.provides.env if key != "*"])
    texts = [*spec.argv, *service.exports.values(), *variables.values(), *(hint.help for hint in spec.failure_hints)]

    assert [text for text in texts if re.search(r"\{[a-z_]+\}", text)] == []
    assert spec.ready is not None
    assert signal.Signals(spec.stop_signal)
    assert os.path.basename(spec.argv[0]) in {program for origin in recipe.source for program in origin.programs}


def test_the_recipe_is_short_enough_to_be_read(name):
    with open(f"{bundled_folder()}/{name}/recipe.toml", encoding="utf-8") as stream:
        text = stream.read()

    assert len(text.splitlines()) <= 120
    assert not re.search(r"https?://(?!(?:\{userinfo\})?\{host\})", text)


def test_its_lock_is_the_golden_one(name):
    offers = offers_of(name)
    resolution = resolve([Wish(name)], offers.recipes, offers=offers.rows)
    text = lock_to_text(Lock(package=resolution.packages))
    golden = GOLDEN / f"{name}.toml"
    if os.environ.get("REWRITE_GOLDEN"):
        golden.write_text(text)

    assert text == golden.read_text()
    assert lock_to_text(parse_lock(text)) == text


def test_what_is_locked_can_be_wanted_on_each_of_its_platforms(name):
    known = RECIPES.get(name)
    offers = offers_of(name)
    (package,) = resolve([Wish(name)], offers.recipes, offers=offers.rows).packages
    for row in package.distribution:
        assert wanted_on(package, known, row.platform, row.on).layout.programs
    for platform in package.rows():
        assert wanted_on(package, known, platform).layout.programs
