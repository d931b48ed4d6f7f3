"""Lines of megabytes, in files and while somebody watches: shown, whole in the log, and nobody else waits."""

from __future__ import annotations

import os
import pathlib
import sys

import pytest

from tests.fakes.processes import wait_until

MEGABYTES = 5
LONG = f"""
import os, time
line = b"10%\\r" * ({MEGABYTES} << 18) + b"x" * (1 << 20) + b"the end\\n"
while line: line = line[os.write(1, line):]
time.sleep(1000)
"""


@pytest.mark.faults(124)
def test_logs_shows_a_line_of_megabytes_that_was_overwritten_again_and_again(project):
    project.spec("web").write()
    os.makedirs(f"{project.state}/logs")
    with open(f"{project.state}/logs/web.log", "wb") as log:
        log.write(
            b"before\n" + b"10%\r" * (MEGABYTES << 18) + b"100%\n" + b"\x1b[0;1" * (MEGABYTES << 18) + b"\nafter\n"
        )

    assert project.devboot("logs", "--no-prefix").stdout.split("\n") == ["before", "100%", "", "after", ""]
    assert project.devboot("logs", "--no-prefix", "--grep", "0%").stdout == "100%\n"


@pytest.mark.faults(124)
def test_the_daemon_answers_while_a_viewer_is_shown_a_line_of_megabytes(project):
    project.spec("quiet").spec("web", "", argv=(sys.executable, "-I", "-S", "-c", LONG), pty=False).write()
    project.devboot("up", "-d", "quiet")
    with open(f"{project.root}/shown", "wb") as shown:
        child = project.start("logs", "-f", stdout=shown)
        project.devboot("start", "web")
        wait_until(lambda: b"the end" in pathlib.Path(shown.name).read_bytes(), "the line")
    assert "web" in project.devboot("ps").stdout
    size = os.path.getsize(f"{project.state}/logs/web.log")
    assert (MEGABYTES << 20) + (1 << 20) + len("the end\n") == size
    project.devboot("down")
    assert 0 == child.wait(60)


ENDLESS = f"""
import os, time
os.write(1, b"x is ready\\n")
while not os.path.exists("go"): time.sleep(0.01)
line = b"x" * ({MEGABYTES} << 20)
while line: line = line[os.write(1, line):]
time.sleep(1000)
"""


@pytest.mark.faults(124)
@pytest.mark.parametrize("flags", [("--grep", "x"), ("--json",)], ids="-".join)
def test_a_line_of_megabytes_without_an_end_is_searched_and_shown_in_parts(project, flags):
    project.spec("web", "", argv=(sys.executable, "-I", "-S", "-c", ENDLESS), pty=False).write()
    project.devboot("up", "-d")
    shown = pathlib.Path(project.root, "shown")
    with shown.open("wb") as file:
        child = project.start("logs", "-f", "--no-prefix", *flags, stdout=file)
    wait_until(lambda: b"x is ready" in shown.read_bytes(), "the follower")
    pathlib.Path(project.root, "go").touch()
    wait_until(lambda: shown.stat().st_size > (MEGABYTES - 1) << 20, "all parts but the last")
    assert max(map(len, shown.read_bytes().split(b"\n"))) < 3 << 20
    project.devboot("down")
    assert 0 == child.wait(60)
