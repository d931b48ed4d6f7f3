"""Which project a command means."""

import os

from devboot.environment.project import find_project, seen_from


def make(tmp_path, *files):
    for name in files:
        path = tmp_path / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text("")
    return str(tmp_path)


def test_a_manifest_is_found_from_any_folder_below_it(tmp_path):
    root = make(tmp_path, "devboot.toml", "app/sub/manage.py")

    project = find_project(os.path.join(root, "app", "sub"))

    assert (root, os.path.join(root, "devboot.toml"), True) == project


def test_a_detected_manifest_counts_as_one(tmp_path):
    root = make(tmp_path, ".devboot/detected.toml", "app/manage.py")

    project = find_project(os.path.join(root, "app"))

    assert (root, False) == (project.root, project.written)
    assert os.path.join(root, ".devboot", "devboot.lock") == project.lock


def test_without_a_manifest_the_current_folder_wins_if_it_looks_like_an_application(tmp_path):
    root = make(tmp_path, ".git/HEAD", "requirements.txt", "examples/celery/pyproject.toml")

    assert os.path.join(root, "examples", "celery") == find_project(os.path.join(root, "examples", "celery")).root


def test_without_a_manifest_the_nearest_application_above_wins(tmp_path):
    root = make(tmp_path, ".git/HEAD", "shop/manage.py", "shop/app/models/x.py")

    assert os.path.join(root, "shop") == find_project(os.path.join(root, "shop", "app", "models")).root


def test_without_any_landmark_it_is_the_git_root(tmp_path):
    root = make(tmp_path, ".git/HEAD", "docs/index.md")

    assert root == find_project(os.path.join(root, "docs")).root


def test_outside_of_git_it_is_the_current_folder(tmp_path):
    root = make(tmp_path, "notes.txt")

    assert (root, "", False) == find_project(root)


def test_an_application_that_was_detected_below_is_found_from_there(tmp_path):
    root = make(tmp_path, ".git/HEAD", "web/.devboot/detected.toml", "docs/x.md")
    make(tmp_path, ".devboot/below")
    (tmp_path / ".devboot" / "below").write_text("web")

    assert [os.path.join(root, "web")] * 2 == [find_project(root).root, find_project(os.path.join(root, "docs")).root]
    assert root == seen_from(os.path.join(root, "web"))


def test_a_pointer_to_nothing_is_passed_over(tmp_path):
    root = make(tmp_path, ".git/HEAD", ".devboot/below")
    (tmp_path / ".devboot" / "below").write_text("gone")

    assert (root, "") == find_project(root)[:2]
    assert root == seen_from(root)


def test_a_manifest_that_cannot_be_read_is_meant_all_the_same(tmp_path):
    root = make(tmp_path, "Procfile", "app/manage.py")
    (tmp_path / "devboot.toml").symlink_to("../shared/devboot.toml")

    assert (root, True) == find_project(os.path.join(root, "app"))[::2]
