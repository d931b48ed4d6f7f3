"""The tiny example that `init --example` writes: from an empty folder to an entry in the database."""

from __future__ import annotations

from datetime import UTC, datetime

import pytest

from tests.e2e.conftest import eventually, fetch

pytestmark = pytest.mark.network


def age(entry) -> float:
    """For how many seconds a process has been up in one go."""
    return (datetime.now(UTC) - datetime.fromisoformat(entry["started"])).total_seconds()


def test_the_example_runs_as_it_is_written(machine, tmp_path):
    source = tmp_path / "elsewhere" / "empty"
    source.mkdir(parents=True)
    here = machine(source)

    here.devboot("init", "--example")
    refused = here.devboot("init", "--example", code=2)
    assert "nothing was written" in refused.stderr
    here.devboot("up", "-d")

    assert {"redis", "web", "worker"} == set(here.ps())
    fetch(here.url("web"), post={"text": "hello & goodbye"})
    eventually(lambda: "<li>hello &amp; goodbye</li>" in fetch(here.url("web")))
    here.devboot("doctor")
    # Nobody writes for longer than the client of Redis waits for an answer: the worker has to go on.
    eventually(lambda: age(here.ps()["worker"]) > 7)
    assert {0} == {entry["restarts"] for entry in here.ps().values()}
    here.devboot("down")
