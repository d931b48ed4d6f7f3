"""The commands of the README that remove devboot, run as they stand there, by a user without special rights."""

from __future__ import annotations

import os
import re
import shutil
import subprocess
import tempfile
from pathlib import Path

import pytest

README = (Path(__file__).parents[2] / "README.md").read_text(encoding="utf-8")
NOBODY = 65534


@pytest.fixture
def home():
    """A folder that an unprivileged user can reach, which `tmp_path` of root isn't."""
    place = Path(tempfile.mkdtemp(prefix="home-"))
    yield place
    for folder, _, _ in os.walk(place):
        os.chmod(folder, 0o700)
    shutil.rmtree(place)


@pytest.mark.faults(169)
def test_what_the_readme_says_removes_the_store_despite_its_read_only_folders(home):
    section = README.partition("## Uninstall")[2].partition("\n## ")[0]
    (script,) = re.findall(r"```sh\n(.*?)```", section, flags=re.DOTALL)
    mine = home / "tools"
    mine.mkdir()
    for name in ("devboot", "uv"):  # what they do isn't the question here
        (mine / name).write_text("#!/bin/sh\n")
        (mine / name).chmod(0o755)
    places = [home / name / "devboot" for name in (".local/share", ".cache", "state")]
    (home / ".cache/devboot/checkouts/src/devboot/.tool").mkdir(parents=True)  # of devbootw
    for place in places:
        (place / "store/redis-8/bin").mkdir(parents=True)
        (place / "store/redis-8/bin/redis-server").touch()
        for folder in ("store/redis-8/bin", "store/redis-8", "store"):
            (place / folder).chmod(0o555)
    user = {}
    if os.geteuid() == 0:
        for folder, _, names in os.walk(home):
            for path in (folder, *(os.path.join(folder, name) for name in names)):
                os.chown(path, NOBODY, NOBODY)
        user = {"user": NOBODY, "group": NOBODY, "extra_groups": ()}

    environ = {"HOME": str(home), "XDG_STATE_HOME": str(home / "state"), "PATH": f"{mine}:{os.environ['PATH']}"}
    done = subprocess.run(
        ["sh", "-ec", script], env=environ, cwd="/", capture_output=True, text=True, check=False, **user
    )

    assert (done.returncode, done.stderr) == (0, "")
    assert [place for place in places if place.exists()] == []
