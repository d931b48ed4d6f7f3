"""What has changed in a folder, looked at without any events."""

from __future__ import annotations

import os
import time

import pytest

from devboot.watching.tree import Tree


@pytest.fixture
def project(tmp_path):
    """A small project."""
    for name in ("shop/tasks.py", "shop/web.py", "node_modules/x/a.py", ".venv/lib/a.py", "own/pyvenv.cfg", "own/a.py"):
        (tmp_path / name).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / name).write_text("1")
    (tmp_path / ".env").write_text("A=1")
    (tmp_path / ".gitignore").write_text("generated/\n.env\n")
    (tmp_path / "generated").mkdir()
    (tmp_path / "generated/a.py").write_text("1")
    return tmp_path


def tree_of(project, *globs, since=None):
    tree = Tree(str(project), {"worker": globs}, time.time_ns() + 10**12 if since is None else since)
    assert since is not None or tree.look() == set()
    return tree


def inner(project, paths):
    return sorted(os.path.relpath(path, project) for path in paths)


def test_only_folders_worth_watching_are(project):
    assert inner(project, tree_of(project, "**/*.py").folders) == [".", "shop"]
    assert inner(project, tree_of(project, "shop/*.py").folders) == ["shop"]
    assert inner(project, tree_of(project, ".env").folders) == ["."]
    assert inner(project, tree_of(project, "shop").folders) == [".", "shop"]


def test_changed_new_and_deleted_files_are_found(project):
    tree = tree_of(project, "**/*.py")
    (project / "shop/tasks.py").write_text("22")
    (project / "shop/new.py").write_text("1")
    (project / "shop/web.py").unlink()
    (project / "shop/readme.md").write_text("1")
    (project / "generated/a.py").write_text("22")
    (project / "node_modules/x/a.py").write_text("22")

    changed = tree.look()

    assert inner(project, changed) == ["shop/new.py", "shop/tasks.py", "shop/web.py"]
    assert tree.names(changed) == {"worker": ["shop/new.py", "shop/tasks.py", "shop/web.py"]}
    assert tree.look() == set()


def test_a_new_folder_is_watched_with_all_that_is_in_it(project):
    tree = tree_of(project, "**/*.py")
    (project / "shop/a/b").mkdir(parents=True)
    (project / "shop/a/b/c.py").write_text("1")

    assert inner(project, tree.look_at([str(project / "shop/a")])) == ["shop/a/b/c.py"]
    assert inner(project, tree.folders) == [".", "shop", "shop/a", "shop/a/b"]


def test_a_folder_that_goes_takes_its_files_along(project):
    tree = tree_of(project, "**/*.py")
    (project / "shop").rename(project / "generated/shop")

    assert inner(project, tree.look_at([str(project / "shop")])) == ["shop/tasks.py", "shop/web.py"]


def test_a_folder_that_is_not_there_yet_is_waited_for(project):
    tree = tree_of(project, "plugins/own/*.py")
    (project / "plugins/own").mkdir(parents=True)
    (project / "plugins/own/a.py").write_text("1")

    assert inner(project, tree.look_at([str(project / "plugins")])) == ["plugins/own/a.py"]


def test_a_file_that_is_named_counts_even_where_git_ignores_it(project):
    tree = tree_of(project, ".env", "**/*.py")
    (project / ".env").write_text("A=22")

    assert inner(project, tree.look_at([str(project / ".env")])) == [".env"]


def test_a_glob_with_a_bang_takes_out(project):
    tree = tree_of(project, "**/*.py", "!shop/web.py")
    (project / "shop/web.py").write_text("22")

    assert tree.look() == set()


def test_a_touched_file_and_a_replaced_one_have_changed_and_one_that_was_read_has_not(project):
    tree = tree_of(project, "**/*.py")
    (project / "shop/tasks.py").read_text()
    (project / "shop/tasks.py").chmod(0o600)
    assert tree.look() == set()

    (project / "new").write_text("1")
    os.utime(project / "new", ns=(1, os.stat(project / "shop/tasks.py").st_mtime_ns))
    (project / "new").rename(project / "shop/tasks.py")

    assert inner(project, tree.look()) == ["shop/tasks.py"]


def test_what_changed_before_the_first_look_is_found(project):
    since = time.time_ns() - 10**9
    os.utime(project / "shop/web.py", ns=(1, since - 10**12))
    os.utime(project / "shop/tasks.py", ns=(1, since + 10**9))

    assert inner(project, tree_of(project, "**/*.py", since=since).look()) == ["shop/tasks.py"]


def test_other_rules_of_gitignore_change_what_is_watched_and_nothing_else(project):
    tree = tree_of(project, "**/*.py")
    (project / ".gitignore").write_text("shop/\n")

    assert tree.look_at([str(project / ".gitignore")]) == set()
    (project / "shop/web.py").write_text("22")
    (project / "generated/a.py").write_text("333")

    assert inner(project, tree.look()) == ["generated/a.py"]


def test_rules_above_the_project_count_up_to_the_repository(project):
    (project / ".git").mkdir()
    (project / "shop/.gitignore").write_text("web.py\n")
    tree = Tree(str(project / "shop"), {"worker": ["*.py"]}, time.time_ns() + 10**12)
    tree.look()
    (project / "shop/web.py").write_text("22")
    (project / "shop/tasks.py").write_text("22")

    assert inner(project, tree.look()) == ["shop/tasks.py"]


def test_a_link_to_a_folder_is_not_followed(project):
    (project / "loop").symlink_to(project)

    assert inner(project, tree_of(project, "**/*.py").folders) == [".", "shop"]
