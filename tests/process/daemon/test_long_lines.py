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
