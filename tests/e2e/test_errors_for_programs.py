"""With --json what went wrong is an object on standard output, whoever noticed it: the command line or the daemon."""

from __future__ import annotations

import json


def objects(done) -> list[dict]:
    return [json.loads(line) for line in done.stdout.splitlines()]


def test_refusals_and_failed_processes_are_objects_with_their_slugs(machine, tmp_path):
    project = tmp_path / "source" / "site"
    project.mkdir(parents=True)
    (project / "Procfile").write_text("web: exec sleep 1000\nworker: echo bad; exit 3\n")
    (project / "devboot.toml").write_text("[processes.worker]\nmax_restarts = 1\n")
    here = machine(project)

    *_, failure, end = objects(here.devboot("up", "-d", "--json", code=1))
    assert (failure["event"], failure["exit"], failure["slug"]) == ("error", 1, "process/crash-loop")
    assert "| bad" in "\n".join(failure["details"])
    assert end == {"event": "failed", "exit": 1}

    refused = objects(here.devboot("up", "--json", code=7))[-1]
    assert (refused["exit"], refused["slug"]) == (7, "busy/already-running")

    (unknown,) = objects(here.devboot("logs", "--json", "nobody", code=2))
    assert (unknown["schema"], unknown["exit"], unknown["slug"]) == (1, 2, "usage/unknown-name")
    assert unknown["help"] == ["there are `web`, `worker`"]
