"""devboot.lock in git: compared in words, and taken together after a merge. Nothing here needs the network."""

from __future__ import annotations

import re
import subprocess

import pytest

pytestmark = pytest.mark.timeout(400)  # many commands, of which each may be slow on a busy machine


@pytest.fixture
def team(machine, tmp_path):
    """A repository with a locked Redis, in its first commit."""
    folder = tmp_path / "plan/team"
    folder.mkdir(parents=True)
    (folder / "devboot.toml").write_text("[services.redis]\n")
    here = machine(folder)
    git(here, "init", "-q", "-b", "main")
    git(here, "config", "user.name", "Ann")
    git(here, "config", "user.email", "ann@example.test")
    here.devboot("lock")
    commit(here)
    return here


def git(here, *words, code=0):
    done = subprocess.run(["git", *words], cwd=here.root, env=here.environ, capture_output=True, text=True, check=False)
    assert done.returncode == code, done.stdout + done.stderr
    return done.stdout


def commit(here):
    git(here, "add", "-A")
    git(here, "commit", "-q", "-m", "change")


def ask_for(here, text):
    (here.root / "devboot.toml").write_text(text)
    here.devboot("lock")


def test_what_has_changed_since_a_commit_is_told_in_words(team):
    assert team.devboot("lock", "diff").stdout == "devboot.lock and HEAD are the same\n"
    ask_for(team, "[services.redis]\nversion = '6.2'\n[packages]\njust = '*'\n")

    said = team.devboot("lock", "diff").stdout
    assert "HEAD -> devboot.lock\n" in said
    assert re.search(r"^  \+ just   \d+\.\S+$", said, re.MULTILINE)
    assert re.search(r"^  ~ redis  8\.\S+ -> 6\.2\S+$", said, re.MULTILINE)

    commit(team)
    assert team.devboot("lock", "diff").stdout == "devboot.lock and HEAD are the same\n"
    assert "+ just" in team.devboot("lock", "diff", "HEAD~1").stdout
    assert "- just" in team.devboot("lock", "diff", "HEAD", "HEAD~1").stdout
    assert "usage/no-lock" in team.devboot("lock", "diff", "nowhere", code=2).stderr
    assert "did you mean `devboot lock diff`?" in team.devboot("lock", "dif", code=2).stderr


@pytest.mark.faults(62)
def test_a_digest_that_was_changed_is_refused_until_what_the_recipe_says_is_taken(team):
    lock = team.root / "devboot.lock"
    locked = lock.read_text()
    digest = re.search(r'sha256 = "(\w+)"', locked)[1]
    lock.write_text(locked.replace(digest, "0" * 64))

    for words in (("lock", "--check"), ("lock",), ("sync",)):
        refused = team.devboot(*words, code=5).stderr
        assert "error[lock/source-changed]: devboot.lock has another digest for `redis` than its recipe" in refused
        assert digest in refused
        assert "help: devboot lock --update redis " in refused
    assert "0" * 64 in lock.read_text()

    team.devboot("lock", "--update", "redis")
    assert lock.read_text() == locked
    team.devboot("lock", "--check")


@pytest.mark.faults(40)
def test_after_a_merge_both_sides_are_taken_together_and_the_file_is_kept(team):
    git(team, "checkout", "-q", "-b", "feature")
    ask_for(team, "[services.redis]\n[packages]\njust = '*'\n")
    commit(team)
    git(team, "checkout", "-q", "main")
    ask_for(team, "[services.nats]\n[services.redis]\n[packages]\nhugo = '*'\n")
    commit(team)
    git(team, "merge", "feature", code=1)
    (team.root / "devboot.toml").write_text("[services.nats]\n[services.redis]\n[packages]\nhugo = '*'\njust = '*'\n")
    conflicted = (team.root / "devboot.lock").read_bytes()
    assert b"<<<<<<<" in conflicted

    refused = team.devboot("lock", "--check", code=3)
    assert "error[lock/conflict]" in refused.stderr
    assert "help: devboot lock" in refused.stderr
    assert (team.root / "devboot.lock").read_bytes() == conflicted

    done = team.devboot("lock")
    assert "its versions are chosen again from both sides" in done.stderr
    (kept,) = (team.data / "backup").glob("devboot.lock.conflict.*")
    assert kept.read_bytes() == conflicted
    assert "is up to date" in team.devboot("lock", "--check").stderr
    text = (team.root / "devboot.lock").read_text()
    assert all(f'name = "{name}"' in text for name in ("hugo", "just", "nats", "redis"))
    assert "unchanged" in team.devboot("lock").stderr
