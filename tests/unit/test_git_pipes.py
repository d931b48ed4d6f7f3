"""Questions to git about a clone."""

import os
import shutil
import subprocess

import pytest

from devboot.git import ask_git, last_change, tracked_below

pytestmark = pytest.mark.skipif(shutil.which("git") is None, reason="git is not installed")
ENVIRON = {"PATH": os.environ["PATH"], "HOME": "/nonexistent"}


@pytest.fixture
def clone(tmp_path):
    (tmp_path / "a.txt").write_text("a\n")
    who = ["-c", "user.name=a", "-c", "user.email=a@example.test"]
    for words in (["init", "-q"], ["add", "a.txt"], [*who, "commit", "-qm", "a"]):
        subprocess.run(["git", *words], cwd=tmp_path, check=True, capture_output=True)
    return tmp_path


def test_tracked_files_and_the_last_change_are_known(clone):
    assert frozenset({b"a.txt"}) == tracked_below(".", str(clone), ENVIRON)
    assert 10 == len(last_change(["a.txt"], str(clone), ENVIRON))


@pytest.mark.faults(150)
@pytest.mark.parametrize("name", ["", "HEAD", "config", "index", "packed-refs"])
def test_git_is_not_asked_where_it_would_wait_for_a_pipe(clone, name):
    path = clone / ".git" / name if name else clone / ".git"
    path.rename(clone / "aside") if path.exists() else None
    os.mkfifo(path)
    inner = clone / "inner"
    inner.mkdir()

    assert ask_git(["status"], str(inner), ENVIRON) is None
    assert tracked_below(".", str(clone), ENVIRON) is None
