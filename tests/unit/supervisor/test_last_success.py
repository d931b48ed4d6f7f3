"""What a project ran with when it last started without errors, and what has changed since."""

from __future__ import annotations

import os
import subprocess
from pathlib import Path

import pytest

from devboot.model.process import SERVICE, Plan, ProcessSpec
from devboot.supervisor.last_success import (
    changes_since,
    head_of,
    keep_changes,
    keep_success,
    last_success,
    sentence,
)


@pytest.fixture
def plan(tmp_path):
    (tmp_path / "state/generations").mkdir(parents=True)
    (tmp_path / "state/generations/current").write_text("7\n6\n")
    (tmp_path / "shop").mkdir()
    web = ProcessSpec("redis", SERVICE, ("redis-server",), port=6379)
    return Plan("shop", str(tmp_path / "shop"), str(tmp_path / "state"), (("KEY", "s3cret"),), (web,), version="1.0")


def changes(plan, version="1.0"):
    return changes_since(last_success(plan.state), plan, plan.root, plan.state, version)


def test_nothing_is_known_before_the_first_start(plan):
    assert last_success(plan.state) is None


def test_after_a_start_nothing_has_changed(plan):
    keep_success(plan)

    known = last_success(plan.state)

    assert (known.generation, known.facts["port of redis"], known.facts["devboot"]) == (7, "6379", "1.0")
    assert changes(plan) == ()
    assert sentence(known, (), known.at) == ""


def test_no_value_of_a_variable_is_kept_and_nobody_else_can_read_it(plan):
    keep_success(plan)

    path = Path(plan.state, "worked")
    assert "s3cret" not in path.read_text()
    assert path.stat().st_mode & 0o777 == 0o600


def test_ports_devboot_and_what_was_prepared_since_are_named(plan):
    keep_success(plan)
    keep_changes(plan.state, ["python 3.12.3 → 3.13.5"])
    later = plan._replace(version="1.1", processes=(plan.processes[0]._replace(port=6380),))

    found = changes(later)

    assert found == ("python 3.12.3 → 3.13.5", "devboot 1.0 → 1.1", "port of redis 6379 → 6380")
    known = last_success(plan.state)
    assert sentence(known, found[:2], known.at + 2 * 86400 + 5) == (
        "since it last worked, 2 days ago: python 3.12.3 → 3.13.5; devboot 1.0 → 1.1"
    )


def test_a_start_without_errors_forgets_what_was_prepared_before(plan):
    keep_changes(plan.state, ["python 3.12.3 → 3.13.5"])

    keep_success(plan)

    assert changes(plan) == ()


@pytest.mark.parametrize("content", [b"", b"\xff\x00", b"generation\tx\n", b"no tab\n"])
def test_a_damaged_record_is_no_obstacle(content, plan):
    with open(f"{plan.state}/worked", "wb") as file:
        file.write(content)

    known = last_success(plan.state)

    assert known is None or known.generation == 0


def test_many_changes_are_counted(plan):
    keep_success(plan)
    known = last_success(plan.state)

    assert sentence(known, map(str, range(11)), known.at) == (
        "since it last worked, a moment ago: 0; 1; 2; 3; 4; 5; 6; 7; 3 more"
    )


# The commit, from the files of git


@pytest.fixture
def git(tmp_path):
    environ = {
        "PATH": os.environ["PATH"],
        "HOME": str(tmp_path),
        **{f"GIT_{who}_{what}": "ada@example.com" for who in ("AUTHOR", "COMMITTER") for what in ("NAME", "EMAIL")},
    }

    def run(*words, folder=tmp_path / "clone"):
        done = subprocess.run(["git", "-C", folder, *words], check=True, capture_output=True, text=True, env=environ)
        return done.stdout.strip()

    (tmp_path / "clone/api").mkdir(parents=True)
    run("init", "-q", "-b", "main")
    run("commit", "-q", "--allow-empty", "-m", "one")
    return run


def test_the_commit_is_read_without_git(git, tmp_path):
    commit = git("rev-parse", "HEAD")[:9]

    assert head_of(str(tmp_path / "clone/api")) == f"{commit} (main)"
    git("pack-refs", "--all")
    assert head_of(str(tmp_path / "clone")) == f"{commit} (main)"
    git("worktree", "add", "-q", "-b", "fix/it", "../other")
    assert head_of(str(tmp_path / "other")) == f"{commit} (fix/it)"
    git("checkout", "-q", "--detach")
    assert head_of(str(tmp_path / "clone")) == commit


@pytest.mark.parametrize("head", ["", "ref: refs/heads/none\n", "ref: ../../../../../../../etc/passwd\n", "secret"])
def test_no_commit_is_read_where_there_is_none(head, tmp_path):
    (tmp_path / ".git").mkdir()
    (tmp_path / ".git/HEAD").write_text(head)

    assert head_of(str(tmp_path)) == ""


def test_a_pipe_in_place_of_head_is_not_waited_for(tmp_path):
    (tmp_path / ".git").mkdir()
    os.mkfifo(tmp_path / ".git/HEAD")

    assert head_of(str(tmp_path)) == ""
