"""`up --dry-run` says what this very `up` would do: its names, its ports, its way with the lock."""

from __future__ import annotations

import json
import shutil
import socket

import pytest

# Many commands, of which each may be slow on a busy machine
pytestmark = [pytest.mark.timeout(400), pytest.mark.own_ports]

MANIFEST = """
[services.nats]
[tasks.prep]
run = "true"
before = ["processes"]
[processes.web]
command = "python -m http.server $PORT"
depends_on = ["nats"]
[processes.other]
command = "sleep 100"
"""


@pytest.fixture
def site(machine, tmp_path):
    folder = tmp_path / "plan/site"
    folder.mkdir(parents=True)
    (folder / "devboot.toml").write_text(MANIFEST)
    return machine(folder)


def planned(here, *words):
    steps = json.loads(here.devboot("up", "--dry-run", "--json", *words).stdout)["steps"]
    return {step["name"]: step["text"] for step in steps if step["kind"] in ("start", "run")}


def test_names_are_honoured_with_what_they_depend_on(site):
    assert set(planned(site)) == {"nats", "prep", "web", "other"}
    assert "other" not in planned(site, "web")
    assert set(planned(site, "web", "--no-deps")) == {"web"}
    assert "other" not in planned(site, "-x", "other")
    assert "did you mean `web`?" in site.devboot("up", "-n", "wbe", code=2).stderr


def test_ports_are_honoured(site):
    with socket.socket() as listener:
        listener.bind(("127.0.0.1", 0))
        listener.listen()
        taken = listener.getsockname()[1]
        assert "error[port/in-use]" in site.devboot("up", "-n", "--port", f"web={taken}", code=7).stderr
        said = planned(site, "--port", "nats=auto")
    assert said["nats"] == "service nats, on a free port"
    assert "usage/unknown-name" in site.devboot("up", "-n", "--port", "x=1", code=2).stderr


@pytest.mark.faults(41)
def test_the_way_with_the_lock_is_honoured(site):
    assert "`nats` is not locked" in site.devboot("up", "-n", "--locked", code=3).stderr
    assert "lock/frozen" in site.devboot("up", "-n", "--frozen", code=3).stderr
    site.devboot("lock")
    assert set(planned(site, "--locked")) == {"nats", "prep", "web", "other"}
    (site.root / "devboot.toml").write_text(MANIFEST.replace("[services.nats]", "[services.nats]\nversion = '2.14'"))
    assert "`nats 2.14` is not locked" in site.devboot("up", "-n").stdout
    assert "is not locked" not in site.devboot("up", "-n", "--frozen").stdout


@pytest.mark.skipif(shutil.which("apt-get") is None, reason="only Debian and Ubuntu have what is asked for")
def test_what_only_the_distribution_has_is_named_without_asking(site):
    (site.root / "devboot.toml").write_text("[services.rabbitmq]\n[services.postgres.databases.default]\n")
    said = site.devboot("up", "--dry-run").stdout
    assert "fetch   rabbitmq" in said or "fetch  rabbitmq" in said
    assert "the version that this machine's distribution has" in said
    assert set(planned(site, "default")) == {"postgres"}  # and by name, with nothing locked yet
    assert set(planned(site, "rabbitmq")) == {"rabbitmq"}


@pytest.mark.skipif(shutil.which("apt-get") is None, reason="only Debian and Ubuntu have what is asked for")
def test_what_only_the_distribution_has_is_named_where_something_runs(site):
    sleeper = '[processes.other]\ncommand = "sleep 100"\n'
    (site.root / "devboot.toml").write_text(sleeper)
    site.devboot("up", "-d")
    (site.root / "devboot.toml").write_text(f"{sleeper}[services.rabbitmq]\n")
    said = site.devboot("up", "--dry-run").stdout
    assert "the version that this machine's distribution has" in said
    assert "  start    rabbitmq\n" in said
    site.devboot("down")


def test_what_nobody_has_written_is_named_for_what_it_is(machine, tmp_path):
    folder = tmp_path / "plan/found"
    folder.mkdir(parents=True)
    (folder / "Procfile").write_text("web: python -m http.server $PORT\n")
    (folder / "app.py").write_text("import os, flask\nkey = os.environ['STRIPE_KEY']\napp = flask.Flask('a')\n")
    (folder / "requirements.txt").write_text("flask\n")
    here = machine(folder)

    refused = here.devboot("up", "--dry-run", code=3).stderr
    assert "error[env/missing]: `STRIPE_KEY` is not set\n  --> what `devboot init` would write:" in refused
    here.environ["STRIPE_KEY"] = "x"
    said = here.devboot("up", "--dry-run")
    assert "no devboot.toml: using what `devboot init` would write\n" in said.stderr
    assert f"  lock   {here.state}/devboot.lock  " in said.stdout
    assert not here.state.exists()
    assert here.devboot("logs", "web").stderr == "found has no logs yet: devboot up\n"
