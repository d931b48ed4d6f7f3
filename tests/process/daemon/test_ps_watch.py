"""`ps --watch`: for programs one document a line, for a person a table that is redrawn."""

from __future__ import annotations

import json
import signal


def test_each_change_is_a_document_and_the_end_of_all_ends_it(project):
    project.spec("web").spec("worker").write().devboot("up", "-d")
    child = project.start("ps", "--json", "--watch")
    first = json.loads(child.stdout.readline())

    project.devboot("stop", "web")

    phases = {each["name"]: each["phase"] for each in first["processes"]}
    assert phases == {"web": "running", "worker": "running"}
    while phases["web"] != "stopped":
        phases = {each["name"]: each["phase"] for each in json.loads(child.stdout.readline())["processes"]}
    assert phases["worker"] == "running"
    project.devboot("down")
    assert child.wait(60) == 0


def test_a_reader_that_has_gone_changes_nothing(project):
    project.spec("web").write().devboot("up", "-d")
    child = project.start("ps", "--json", "--watch")
    child.stdout.readline()
    child.send_signal(signal.SIGKILL)
    child.wait()

    project.devboot("restart", "web")

    assert "running" in project.devboot("ps").stdout
    project.devboot("down")


def test_a_person_sees_the_table_change_and_ctrl_c_leaves(project):
    project.spec("web").write().devboot("up", "-d")
    terminal = project.terminal("ps", "--watch")
    terminal.expect("web .*running")

    project.devboot("stop", "web")

    terminal.expect(r"\x1b\[\d+A\x1b\[J")
    terminal.expect("web .*stopped")
    terminal.type("\x03")
    assert terminal.wait() == 130
    project.devboot("down")
