"""A new major version goes on with the data of the old one, or says how; it never begins with nothing."""

from __future__ import annotations

import shlex

import pytest

from tests.e2e.conftest import fetch

pytestmark = pytest.mark.network


def ask_for(here, version: str) -> None:
    """Have this version of Redis in the manifest."""
    manifest = here.root / "devboot.toml"
    manifest.write_text(f'[services.redis]\nversion = "{version}"\n' + manifest.read_text().partition("\n")[2])


@pytest.mark.faults(95)
def test_redis_goes_on_with_its_data_in_a_new_major_version_and_back(counter):
    here = counter
    text = (here.root / "devboot.toml").read_text()
    for version, visits in (("6.2", "1"), ("8", "2"), ("8", "3"), ("6.2", "2")):
        (here.root / "devboot.toml").write_text(text)
        ask_for(here, version)
        said = here.devboot("up", "-d")
        assert visits == fetch(here.url("web", "/visit"))
        is_copied = "uses a copy of redis-6" in said.stdout + said.stderr
        assert is_copied == (visits == "2" and version == "8")
        here.devboot("down")


def test_postgres_refuses_data_of_another_major_version_and_says_the_way_out(machine):
    here = machine("ledger", manifest=True)
    here.devboot("lock")  # the folder for data is the project's now
    services = here.data / "services/postgres"
    old, new = services / "postgres-17", services / "postgres-18"
    old.mkdir(parents=True)
    (old / "PG_VERSION").write_text("17\n")

    for _ in range(2):
        refused = here.devboot("up", "-d", code=None)
        assert 0 != refused.returncode
        assert "`postgres` has data of version 17, which 18.6 can't read" in refused.stderr
        assert " -U postgres -f postgres-17.sql && devboot down" in refused.stderr
        assert f"mkdir {shlex.quote(str(new))} && devboot up -d postgres" in refused.stderr
        assert not new.exists()

    # what the message says; the dump is one of another server here
    dump = here.root / "postgres-17.sql"
    dump.write_text("CREATE ROLE clerk LOGIN SUPERUSER; CREATE DATABASE books OWNER clerk;\\connect books\n")
    with dump.open("a") as stream:
        stream.write("CREATE EXTENSION citext; CREATE TABLE visits (id serial, note citext);\n")
        stream.write("INSERT INTO visits (note) SELECT 'old' FROM generate_series(1, 41);\n")
    new.mkdir()
    here.devboot("up", "-d", "postgres")
    here.devboot("run", "--", "psql", "-X", "-U", "postgres", "-d", "postgres", "-f", str(dump))
    here.devboot("up", "-d")
    assert "clerk|books|43\n" == fetch(here.url("web"))  # the first visit was that of `up`
    assert "17\n" == (old / "PG_VERSION").read_text()
