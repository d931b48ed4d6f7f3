"""`ps -v`: what each process runs and needs, and what its probes saw last, also when it has ended."""

from __future__ import annotations

import json
import re

from devboot.model.process import Dependency, Probe
from tests.fakes.processes import wait_until

PROBE = Probe("exec", command="echo two lines; echo of it; test -e up", period=30.0, timeout=30.0)


def paragraphs(project):
    """What stands below the table, without this machine's folders and times."""
    text = project.devboot("ps", "-v").stdout.partition("\n\n")[2]
    return re.sub(r"\d\d:\d\d:\d\d", "TIME", text.replace(project.state, "STATE"))


def test_commands_dependencies_and_what_probes_saw_last_stand_below_the_table(project):
    project.spec("db", ready=PROBE, gates=True, origin="Procfile:1").spec(
        "web", depends_on=(Dependency("db", "ready"),)
    ).write()
    project.devboot("up", "-d", "--wait-timeout", "0", code=1)
    wait_until(lambda: "| of it" in paragraphs(project))

    assert paragraphs(project) == (
        "db\n"
        "  runs     exec sleep 1000  (Procfile:1)\n"
        "  ready    exec echo two lines; echo of it; test -e up, every 30 s\n"
        "           | two lines\n"
        "           | of it\n"
        "  log      STATE/logs/db.log\n"
        "\n"
        "web\n"
        "  runs     exec sleep 1000\n"
        "  needs    db ready\n"
        "  log      STATE/logs/web.log\n"
        "\n"
        "logs and state are in STATE; `devboot state path --data` prints where data is\n"
        "processes have the environment of the `up` at TIME; a restart from another shell does not change it\n"
    )
    assert "two lines" not in project.devboot("ps").stdout.partition("\n\n")[2]
    project.devboot("down")


def test_what_a_probe_saw_is_kept_when_the_process_has_ended(project):
    project.spec("db", ready=PROBE, gates=True).write().devboot("up", "-d", "--wait-timeout", "0", code=1)
    wait_until(lambda: "| of it" in paragraphs(project))

    project.devboot("stop", "db")

    found = json.loads(project.devboot("ps", "-v", "--json").stdout)["processes"][0]
    assert (found["phase"], found["command"], found["cwd"], found["origin"], found["depends_on"]) == (
        "stopped",
        "exec sleep 1000",
        project.root,
        None,
        {},
    )
    assert found["probes"] == {
        "ready": {"how": f"exec {PROBE.command}, every 30 s", "last": "two lines\nof it"},
        "alive": None,
    }
    assert "probes" not in json.loads(project.devboot("ps", "--json").stdout)["processes"][0]
    project.devboot("down")
