"""Several `devboot up` at once: one provisions, one daemon runs, and nobody is left waiting."""

from __future__ import annotations

import re
import shutil

import pytest

from tests.e2e.conftest import eventually, fetch
from tests.e2e.test_projects import goes_down, is_up
from tests.fakes.ports import free_ports

pytestmark = pytest.mark.network


def finish(child):
    """The exit code and what was said."""
    said = child.communicate(timeout=120)
    return child.returncode, "".join(said)


@pytest.mark.faults(20)
def test_four_cold_ups_at_once_provision_once_and_share_one_daemon(cold_counter):
    here = cold_counter

    children = [here.start("up", "-d") for _ in range(4)]
    ends = [finish(child) for child in children]

    assert [0, 0, 0, 0] == [code for code, _ in ends], ends
    said = [text for _, text in ends]
    assert 1 == sum(".venv, 1 package" in text for text in said), said
    assert 1 == sum("redis      fetch" in text for text in said), said
    # One that comes when all is done has nobody to wait for.
    assert sum("waiting for pid " in text for text in said) >= 1, said
    is_up(here, "redis", "web")
    assert "1" == fetch(here.url("web", "/visit"))
    assert 1 == sum("redis-server" in line for line in here.processes())
    goes_down(here)


@pytest.mark.faults(20)
def test_four_warm_ups_at_once_share_one_daemon(counter):
    here = counter
    here.devboot("sync")

    children = [here.start("up", "-d") for _ in range(4)]
    ends = [finish(child) for child in children]

    assert [0, 0, 0, 0] == [code for code, _ in ends], ends
    is_up(here, "redis", "web")
    assert 1 == sum("redis-server" in line for line in here.processes())
    goes_down(here)


@pytest.mark.faults(21)
def test_up_without_a_terminal_says_who_runs_and_touches_nothing(counter):
    here = counter
    here.devboot("up", "-d")
    before = here.ps()

    refused = here.devboot("up", code=7)

    assert "error[busy/already-running]: counter is already up" in refused.stderr
    assert "`devboot logs -f`" in refused.stderr
    assert "`devboot down`" in refused.stderr
    assert "lock" not in refused.stderr  # nothing was prepared
    assert {name: entry["pid"] for name, entry in before.items()} == {
        name: entry["pid"] for name, entry in here.ps().items()
    }


@pytest.mark.faults(21, 85)
def test_up_on_a_terminal_attaches_and_leaves_what_it_does_not_own(counter):
    here = counter
    here.devboot("up", "-d")
    pids = {name: entry["pid"] for name, entry in here.ps().items()}

    window = here.terminal("up")
    window.expect("counter is already up")
    window.type("\x03")
    window.expect("keeps running")
    window.type("d")

    assert 0 == window.wait()
    assert pids == {name: entry["pid"] for name, entry in here.ps().items()}


@pytest.mark.faults(21)
def test_up_in_the_background_starts_what_is_missing_and_applies_an_edit(counter):
    here = counter
    here.devboot("up", "-d")
    redis = here.ps()["redis"]["pid"]
    here.devboot("stop", "web")
    assert "stopped" == here.ps()["web"]["phase"]

    here.devboot("up", "-d")
    is_up(here, "redis", "web")

    (here.root / ".env").write_text("EXTRA=1\n")
    web = here.ps()["web"]["pid"]
    here.devboot("up", "-d")

    is_up(here, "redis", "web")
    assert web != here.ps()["web"]["pid"]
    assert redis == here.ps()["redis"]["pid"]


@pytest.mark.faults(22)
def test_a_project_finishes_the_download_that_another_was_killed_over(cold_counter, tmp_path):
    here = cold_counter
    other = tmp_path / "other"
    other.mkdir()
    for name in ("devboot.toml", "requirements.txt", "Procfile", "server.py", "visits.py"):
        (other / name).write_text((here.root / name).read_text())
    manifest = other / "devboot.toml"
    manifest.write_text(re.sub(r"port = \d+", f"port = {free_ports()}", manifest.read_text(), count=1))
    shutil.copytree(here.root / "migrations", other / "migrations")
    shutil.copytree(here.root / "wheels", other / "wheels")

    holder = here.start("up", "-d", DEVBOOT_TEST="1", DEVBOOT_FAIL_POINT="store/fetched=sleep")
    eventually(lambda: any(name.startswith(".") for name in here.store()))
    waiter = here.start("up", "-d", cwd=other)
    holder.kill()
    finish(holder)
    code, said = finish(waiter)

    assert 0 == code, said
    assert 1 == len(here.store())
    here.devboot("up", "-d")
    is_up(here, "redis", "web")
    here.devboot("down", cwd=other)
    goes_down(here)


@pytest.mark.faults(26)
def test_the_daemon_keeps_no_lock_of_the_command_that_started_it(counter):
    here = counter
    here.devboot("up", "-d")

    (here.root / ".env").write_text("EXTRA=1\n")
    done = here.devboot("sync")

    assert "waiting for" not in done.stderr
    (here.state / "run/prepare.lock").unlink()
    assert "waiting for" not in here.devboot("sync", "--force").stderr
