"""Where the folders of projects are, as fast commands find it."""

import pytest

from devboot.paths import project_key
from devboot.state.projects import Projects, folder_name


@pytest.mark.parametrize("was_used", [False, True])
@pytest.mark.parametrize(
    "variables",
    [{}, {"XDG_STATE_HOME": "/s"}, {"XDG_DATA_HOME": "/d"}, {"DEVBOOT_HOME": "/own"}, {"XDG_STATE_HOME": "s"}],
)
def test_the_short_way_leads_to_the_same_folders_as_the_long_one(tmp_path, variables, was_used):
    environ = {"HOME": str(tmp_path), **variables}
    before = Projects.from_environ(environ)
    if was_used:
        (tmp_path / ".local/state/devboot/projects").mkdir(parents=True)

    assert before == Projects.from_environ(environ)


@pytest.mark.parametrize(
    ("root", "start"),
    [
        ("/src/shop", "shop-"),
        ("/src/my-shop_2", "my-shop_2-"),
        ("/src/a b$c:d", "a_b_c_d-"),
        ("/src/.hidden", "_hidden-"),
        ("/src/caf\u00e9", "caf_-"),
        ("/src/\udcff", "_-"),
        ("/", "-"),
        (f"/src/{'x' * 200}", f"{'x' * 40}-"),
    ],
)
def test_folders_are_called_as_the_project_and_told_apart_by_its_path(root, start):
    name = folder_name(root)

    assert name == f"{start}{project_key(root)}"
    assert name != folder_name(f"{root}/{root}")
