"""A project that needs PostgreSQL comes up with `devboot up` and nothing else, as root, too."""

from __future__ import annotations

import os
import shutil
import signal
from pathlib import Path

import pytest

from tests.e2e.conftest import eventually, fetch

pytestmark = pytest.mark.network


@pytest.fixture
def ledger(machine):
    return machine("ledger", manifest=True)


def cluster(here):
    return here.data / "services/postgres/postgres-18"


def test_a_project_with_postgres_comes_up_and_keeps_its_data(ledger):
    here = ledger
    made = "database `books` in postgres"
    assert made in here.devboot("up", "--dry-run").stdout
    here.devboot("up", "-d")
    assert "clerk|books|2\n" == fetch(here.url("web"))  # the first visit is that of `up`, here and below
    assert "ready" == here.ps()["postgres"]["phase"]
    pid = here.ps()["postgres"]["pid"]
    owner = Path(f"/proc/{pid}").stat().st_uid
    assert 0 != owner
    assert owner == cluster(here).stat().st_uid
    assert "2\n" == here.devboot("run", "count").stdout
    said = here.devboot("env", "--json", "--show-secrets").stdout
    assert f"127.0.0.1:{here.ps()['postgres']['address'].partition(':')[2]}/books" in said

    os.kill(pid, signal.SIGKILL)
    eventually(lambda: here.ps()["postgres"]["phase"] == "ready" and here.ps()["postgres"]["pid"] != pid, 90)
    eventually(lambda: fetch(here.url("web")) == "clerk|books|3\n", 90)

    assert made not in here.devboot("up", "--dry-run").stdout
    here.devboot("down")
    assert made not in here.devboot("up", "--dry-run").stdout
    here.devboot("up", "-d")
    assert "clerk|books|5\n" == fetch(here.url("web"))
    here.devboot("down")
    assert "5\n" == here.devboot("run", "count").stdout  # starts what it needs, and stops it again


def test_a_cluster_that_is_gone_is_made_again_and_one_that_is_something_else_is_left(ledger):
    here = ledger
    manifest = here.root / "devboot.toml"
    manifest.write_text(manifest.read_text().replace('"citext"', '"citext", "no-such-thing"'))
    refused = here.devboot("up", "-d", code=1)
    assert 'extension "no-such-thing" is not available' in refused.stdout + refused.stderr
    here.devboot("down")
    manifest.write_text(manifest.read_text().replace(', "no-such-thing"', ""))
    shutil.rmtree(cluster(here))

    for _ in range(2):  # a migration that has run in another cluster is not done in this one
        here.devboot("up", "-d")
        assert "clerk|books|2\n" == fetch(here.url("web"))
        here.devboot("down")
        shutil.rmtree(cluster(here))
    here.devboot("sync")

    (cluster(here) / "PG_VERSION").unlink()
    refused = here.devboot("up", "-d", code=None)
    assert 0 != refused.returncode
    assert "the data folder of `postgres` has unexpected content" in refused.stderr
    assert (cluster(here) / "base").is_dir()


def test_a_clone_that_was_written_for_containers_comes_up_without_a_word(machine):
    here = machine("library")
    here.devboot("up", "-d")
    assert "2 in library of librarian" == fetch(here.url("web"))
    assert "OK" in here.devboot("run", "--", "python", "manage.py", "test", "--noinput").stderr
    here.devboot("down")
    here.devboot("up", "-d")
    assert "4 in library of librarian" == fetch(here.url("web"))
