"""A program that reloads its code by itself, and can't load it: it lives, and will not get ready."""

from __future__ import annotations

import sys

import pytest

from devboot.model.process import Dependency, Probe

BROKEN = "ModuleNotFoundError: No module named 'striped'"
RELOADS = f"""
import os, socket, time
print("Traceback (most recent call last):\\n  …\\n{BROKEN}", flush=True)
while not os.path.exists("mended"):
    time.sleep(0.02)
print("reloading", flush=True)
listener = socket.create_server(("127.0.0.1", PORT))
time.sleep(1000)
"""


@pytest.mark.faults(78)
def test_a_start_is_over_when_what_reloads_itself_waits_for_an_edit(stage, port, tmp_path):
    script = stage.script("web.py", RELOADS.replace("PORT", str(port)))
    stage.add("web", f"exec {sys.executable} {script}", port=port, ready=Probe("listen", port=port), gates=True)
    stage.add("worker", "exec sleep 1000", needs=[Dependency("web", "ready")])

    stage.up()
    stage.until_settled()
    first, second = stage.supervisor.verdict().failures

    assert (first.error.slug, first.error.what) == ("process/not-ready", f"web is not ready: {BROKEN}")
    assert f"| {BROKEN}" in first.error.details
    assert second.error.what == "worker was not started: web can't start"
    assert (stage.status("web").phase, stage.status("web").note) == ("starting", BROKEN)

    (tmp_path / "mended").touch()
    stage.until_phase("web", "ready")
    stage.until_phase("worker", "running")
    assert stage.status("web").note == ""
