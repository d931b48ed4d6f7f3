"""What `recipe update` writes, and where it never writes."""

import pytest

from devboot.app.recipes.new import skeleton
from devboot.app.recipes.update import UpdateOptions, update_recipe
from devboot.errors import MachineError
from devboot.events import SilentReporter
from devboot.model.artifact import PLATFORMS
from devboot.model.edge.recipe.recipe import parse_recipe
from devboot.recipes.versions_file import release_of


class Shelf:
    """A listing that has one release, and counts how often it was asked."""

    calls = 0

    def listed(self, _origin, _condition, _exclude_newer):
        self.calls += 1
        return release_of("1.2", {}, dict.fromkeys(PLATFORMS, "shout-bin==1.2 has no wheel for it"))


@pytest.fixture
def update(tmp_path):
    """Update the recipe `shout` of the project in `tmp_path`/project."""
    shelf = Shelf()
    recipe = parse_recipe(skeleton("shout", None), "recipe.toml")
    folder = tmp_path / "project/recipes/shout"
    return shelf, lambda: update_recipe(
        recipe, str(folder), UpdateOptions(), {"wheel": shelf}, {}, PLATFORMS[0], SilentReporter()
    )


def test_versions_are_written_into_the_folder_of_the_recipe(tmp_path, update):
    (tmp_path / "project/recipes/shout").mkdir(parents=True)
    assert update[1]().added[0][0] == "1.2"
    assert "1.2" in (tmp_path / "project/recipes/shout/versions.toml").read_text()


@pytest.mark.parametrize("link", ["recipes", "recipes/shout", "recipes/shout/versions.toml"])
def test_nothing_is_written_through_a_link_that_leads_out_of_the_project(tmp_path, update, link):
    shelf, run = update
    victim = tmp_path / "victim"
    (victim / "shout").mkdir(parents=True)
    target = {"recipes": victim, "recipes/shout": victim / "shout"}.get(link, victim / "shout/versions.toml")
    place = tmp_path / "project" / link
    place.parent.mkdir(parents=True)
    place.symlink_to(target)

    with pytest.raises(MachineError) as caught:
        run()

    assert caught.value.slug == "machine/leads-outside"
    assert not (victim / "shout/versions.toml").exists()
    assert shelf.calls == 0
