"""Several terminals on one project: each has a filter of its own, and what one of them does the others still see."""

from __future__ import annotations

import json
import re
import sys

from devboot.model.process import TASK, Dependency
from tests.fakes.processes import wait_until

ECHOES = (sys.executable, "-c", "while True: print('heard', input('> '), flush=True)")


def test_a_filter_holds_for_its_own_terminal_alone(project):
    project.spec("web", "echo web begins; exec sleep 1000").spec(
        "worker", "echo worker begins; exec sleep 1000"
    ).write()
    first = project.terminal("up")
    first.expect("ctrl-c stop")
    second = project.terminal("up")
    second.expect("attaching")
    second.expect("ctrl-c leave")

    first.type("fweb\r")
    first.expect("only web")
    first.text = b""
    project.devboot("restart", "worker")
    second.expect("worker .*worker begins")
    project.devboot("restart", "web")

    first.expect("web .*web begins")
    assert b"worker begins" not in first.text
    second.expect("web .*web begins")
    project.devboot("down")
    assert (first.wait(), second.wait()) == (0, 0)


def test_what_is_typed_in_an_attached_terminal_is_logged_and_shown_to_the_others(project):
    project.spec("shell", argv=ECHOES, command="").write().devboot("up", "-d")
    others = project.terminal("logs", "-f")
    attached = project.terminal("attach", "shell")
    attached.expect("attached to shell")

    attached.type("it works\r")

    attached.expect("heard it works")
    others.expect("shell .*heard it works")
    wait_until(lambda: "heard it works" in project.devboot("logs", "shell").stdout)
    attached.type("\x10\x11")
    assert attached.wait() == 0
    project.devboot("down")


def test_a_start_that_is_clearly_slower_than_the_last_ones_says_what_got_slower(project):
    project.spec("job", "sleep 1", TASK).spec("web", depends_on=(Dependency("job", "succeeded"),)).write()
    project.devboot("up", "-d")
    project.devboot("down")
    kept = f"{project.state}/starts.json"
    with open(kept, encoding="utf-8") as file:
        (at, is_warm, _total, took), *_ = json.load(file)
    usual = {name: 0.1 if name == "job" else 1000.0 for name in took}
    with open(kept, "w", encoding="utf-8") as file:
        json.dump([(at, is_warm, 0.2, usual)] * 3, file)

    told = project.devboot("up", "-d").stderr

    assert re.search(r"^slower than usual \(0\.2 s\): job took \d+\.\d s, usually 0\.1 s$", told, re.MULTILINE)
    project.devboot("down")
