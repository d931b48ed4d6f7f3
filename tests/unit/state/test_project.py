"""Which project a command means."""

import os

import pytest

from devboot.state.project import find_project
from devboot.state.projects import Projects
from tests.fakes.folders import state_folder


def make(tmp_path, *files):
    for name in files:
        path = tmp_path / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text("")
    return str(tmp_path)


@pytest.fixture
def found(at_home):
    """The project that a command in a folder means."""
    return lambda folder: find_project(folder, at_home)


@pytest.fixture
def detected(home):
    """Record that a manifest was detected in a folder, or in one below it."""

    def record(root, below=""):
        state = state_folder(root, home)
        state.mkdir(parents=True)
        (state / ("below" if below else "detected.toml")).write_text(below)
        return str(state)

    return record


def test_a_manifest_is_found_from_any_folder_below_it(tmp_path, found):
    root = make(tmp_path, "devboot.toml", "app/sub/manage.py")

    project = found(os.path.join(root, "app", "sub"))

    assert (root, os.path.join(root, "devboot.toml"), True) == project[:3]


def test_a_detected_manifest_counts_as_one(tmp_path, found, detected):
    root = make(tmp_path, "app/manage.py")
    state = detected(root)

    project = found(os.path.join(root, "app"))

    assert (root, False) == (project.root, project.written)
    assert os.path.join(state, "devboot.lock") == project.lock


def test_without_a_manifest_the_current_folder_wins_if_it_looks_like_an_application(tmp_path, found):
    root = make(tmp_path, ".git/HEAD", "requirements.txt", "examples/celery/pyproject.toml")

    assert os.path.join(root, "examples", "celery") == found(os.path.join(root, "examples", "celery")).root


def test_without_a_manifest_the_nearest_application_above_wins(tmp_path, found):
    root = make(tmp_path, ".git/HEAD", "shop/manage.py", "shop/app/models/x.py")

    assert os.path.join(root, "shop") == found(os.path.join(root, "shop", "app", "models")).root


def test_without_any_landmark_it_is_the_git_root(tmp_path, found):
    root = make(tmp_path, ".git/HEAD", "docs/index.md")

    assert root == found(os.path.join(root, "docs")).root


def test_an_application_of_node_beside_others_of_node_is_a_project(tmp_path, found):
    root = make(tmp_path, ".git/HEAD", "site/package.json", "site/src/x.js", "admin/package.json")

    for folder, expected in {"site": "site", "site/src": "site", "admin": "admin", ".": "."}.items():
        assert os.path.normpath(os.path.join(root, expected)) == found(os.path.join(root, folder)).root


def test_a_front_end_belongs_to_the_api_beside_it(tmp_path, found):
    root = make(tmp_path, ".git/HEAD", "site/package.json", "api/requirements.txt")

    assert root == found(os.path.join(root, "site")).root


def test_outside_of_git_it_is_the_current_folder(tmp_path, found):
    root = make(tmp_path, "notes.txt")

    assert (root, "", False) == found(root)[:3]


def test_an_application_that_was_detected_below_is_found_from_there(tmp_path, found, detected, at_home):
    root = make(tmp_path, ".git/HEAD", "web/manage.py", "docs/x.md")
    detected(os.path.join(root, "web"))
    detected(root, below="web")

    assert [os.path.join(root, "web")] * 2 == [found(root).root, found(os.path.join(root, "docs")).root]
    assert root == Projects.from_environ(at_home).seen_from(os.path.join(root, "web"))


def test_a_pointer_to_nothing_is_passed_over(tmp_path, found, detected, at_home):
    root = make(tmp_path, ".git/HEAD")
    detected(root, below="gone")
    detected(os.path.join(root, "gone"))

    assert (root, "") == found(root)[:2]
    assert root == Projects.from_environ(at_home).seen_from(root)


def test_a_manifest_that_cannot_be_read_is_meant_all_the_same(tmp_path, found):
    root = make(tmp_path, "Procfile", "app/manage.py")
    (tmp_path / "devboot.toml").symlink_to("../shared/devboot.toml")

    assert (root, True) == found(os.path.join(root, "app"))[:3:2]


@pytest.fixture
def find_root(at_home):
    """The root as fast commands find it."""
    return Projects.from_environ(at_home).find_root


def test_the_nearest_folder_with_a_manifest_written_or_detected_is_the_root(tmp_path, find_root, detected):
    inner = tmp_path / "outer" / "inner" / "deep"
    inner.mkdir(parents=True)
    (tmp_path / "outer" / "devboot.toml").touch()
    assert find_root(str(inner)) == str(tmp_path / "outer")

    detected(tmp_path / "outer" / "inner")
    assert find_root(str(inner)) == str(tmp_path / "outer" / "inner")


def test_without_a_manifest_there_is_no_root(tmp_path, find_root):
    assert find_root(str(tmp_path)) == ""


def test_a_folder_that_is_not_there_has_the_root_above_it(tmp_path, find_root):
    (tmp_path / "devboot.toml").touch()

    assert find_root(str(tmp_path / "gone" / "deeper")) == str(tmp_path)


def test_a_project_has_the_same_folders_whatever_link_leads_to_it(tmp_path, found):
    root = make(tmp_path, "shop/devboot.toml")
    (tmp_path / "link").symlink_to("shop")

    assert found(os.path.join(root, "shop")) == found(os.path.join(root, "link"))
