"""A Python that isn't there, a virtualenv that broke, a project that moved: named, rebuilt, never half used."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
from pathlib import Path

import pytest

from tests.e2e.conftest import fetch
from tests.e2e.test_projects import is_up

pytestmark = pytest.mark.network


def interpreter(here) -> Path:
    return here.root / ".venv/bin/python"


@pytest.mark.faults(103)
def test_no_python_of_the_wanted_version_offline(counter):
    here = counter
    here.devboot("up", "-d")
    here.devboot("down")
    before = (here.root / ".venv/pyvenv.cfg").read_bytes()
    manifest = here.root / "devboot.toml"
    whole = manifest.read_text()
    manifest.write_text(f'{whole}[python]\nversion = "3.4"\n')

    refused = here.devboot("up", "-d", "--offline", code=6)

    assert "error[python/not-found]" in refused.stderr
    assert "3.4" in refused.stderr
    assert "/python3" in refused.stderr  # what there is, and where
    assert "help: " in refused.stderr
    assert before == (here.root / ".venv/pyvenv.cfg").read_bytes()
    assert [] == here.left()
    manifest.write_text(whole)
    here.devboot("up", "-d", "--offline")
    is_up(here, "redis", "web")


@pytest.mark.faults(104)
@pytest.mark.parametrize("how", ["interpreter gone", "pyvenv.cfg gone", "pyvenv.cfg unreadable"])
def test_a_broken_virtualenv_is_rebuilt(counter, how):
    here = counter
    here.devboot("up", "-d")
    here.devboot("down")
    configuration = here.root / ".venv/pyvenv.cfg"
    if how == "interpreter gone":
        for path in (here.root / ".venv/bin").glob("python*"):
            path.unlink()
            path.symlink_to("/no/such/python")
    elif how == "pyvenv.cfg gone":
        configuration.unlink()
    else:
        configuration.write_bytes(b"\xff\xfe what?")
    if how == "interpreter gone":
        assert "python" in here.devboot("doctor", code=1).stdout

    done = here.devboot("up", "-d")

    assert "rebuilding .venv" in done.stderr
    is_up(here, "redis", "web")
    assert "1.0" == fetch(here.url("web"))
    assert "no problems" in here.devboot("doctor").stdout


@pytest.mark.faults(105)
def test_a_project_that_moved_is_rebuilt_and_keeps_its_data(counter):
    here = counter
    here.devboot("up", "-d")
    assert "1" == fetch(here.url("web", "/visit"))
    fetch(here.url("web", "/add?kept"))
    here.devboot("down")
    here.root = here.root.rename(here.root.parent / "moved here")

    done = here.devboot("up", "-d")

    assert "project moved" in done.stderr
    is_up(here, "redis", "web")
    assert "kept" == fetch(here.url("web", "/words"))
    assert "2" == fetch(here.url("web", "/visit"))
    found = here.devboot("run", "--", "sh", "-c", "command -v python").stdout
    assert f"{interpreter(here)}\n" == found


@pytest.mark.faults(105)
def test_a_bare_command_in_a_moved_project_never_gets_the_systems_python(counter):
    here = counter
    here.devboot("sync")
    here.root = here.root.rename(here.root.parent / "moved")

    shown = here.devboot("run", "--", "python", "-c", "import greeting, sys; print(sys.prefix)")

    assert f"{here.root / '.venv'}\n" == shown.stdout


@pytest.mark.faults(106)
def test_a_link_out_of_the_project_is_moved_aside_and_what_it_leads_to_is_left(counter):
    here = counter
    elsewhere = here.root.parent / "elsewhere"
    elsewhere.mkdir()
    (elsewhere / "mine.txt").write_text("mine")
    (here.root / ".venv").symlink_to(elsewhere)

    here.devboot("up", "-d")

    is_up(here, "redis", "web")
    (aside,) = here.root.glob(".venv.*")
    assert elsewhere == aside.readlink()
    assert ["mine.txt"] == [path.name for path in elsewhere.iterdir()]


@pytest.mark.faults(106)
@pytest.mark.parametrize("what", ["a file", "a folder"])
def test_what_is_no_virtualenv_is_not_touched(counter, what):
    here = counter
    venv = here.root / ".venv"
    elsewhere = here.root.parent / "elsewhere"
    elsewhere.mkdir()
    (elsewhere / "mine.txt").write_text("mine")
    if what == "a file":
        venv.write_text("mine")
    else:
        shutil.copytree(elsewhere, venv)
    before = sorted(venv.rglob("*")) if venv.is_dir() else venv.read_text()

    refused = here.devboot("up", "-d", code=6)

    assert "error[python/foreign-venv]" in refused.stderr
    assert before == (sorted(venv.rglob("*")) if venv.is_dir() else venv.read_text())
    assert "mine" == (elsewhere / "mine.txt").read_text()

    here.devboot("sync", "--force")
    here.devboot("up", "-d")
    is_up(here, "redis", "web")
    assert "mine" == (elsewhere / "mine.txt").read_text()


@pytest.mark.faults(106)
def test_packages_that_a_person_added_stay(counter):
    here = counter
    here.devboot("sync")
    python = str(interpreter(here))
    site = subprocess.run(
        [python, "-c", "import site; print(site.getsitepackages()[0])"], capture_output=True, text=True, check=True
    )
    mine = Path(site.stdout.strip(), "mine.py")
    mine.write_text("")
    (here.root / "requirements.txt").write_text("--no-index\n--find-links ./wheels\ngreeting==2.0\n")

    here.devboot("up", "-d")

    assert "2.0" == fetch(here.url("web"))
    assert mine.exists()


@pytest.mark.faults(107)
def test_variables_that_bend_python_are_ignored_for_provisioning(counter, tmp_path):
    here = counter
    trap = tmp_path / "trap"
    trap.mkdir()
    (trap / "greeting.py").write_text("raise SystemExit('trapped')")
    bent = {"VIRTUAL_ENV": str(trap), "PYTHONHOME": "", "CONDA_PREFIX": str(trap), "UV_PYTHON": "3.4"}

    here.devboot("up", "-d", **bent)

    assert "1.0" == fetch(here.url("web"))
    shown = json.loads(here.devboot("env", "--json", **bent).stdout)
    assert (
        str(here.root / ".venv") == shown["variables"].get("VIRTUAL_ENV", {"value": str(here.root / ".venv")})["value"]
    )
    assert os.path.exists(interpreter(here))


@pytest.mark.faults(215)
def test_a_virtualenv_that_is_deleted_while_the_project_runs_is_reported_and_made_anew(counter):
    here = counter
    here.devboot("up", "-d")
    (here.root / ".venv").rename(here.root.parent / "venv-away")

    found = json.loads(here.devboot("doctor", "--json", code=1).stdout)
    made = here.devboot("up", "-d")

    assert "process/files-gone" in json.dumps(found)
    assert "; nothing to restart\n" in made.stderr
    assert "nothing changed" not in made.stderr
    assert "no problems" in here.devboot("doctor").stdout
    assert "nothing changed" in here.devboot("up", "-d").stderr


@pytest.mark.faults(215)
def test_data_of_a_service_that_is_deleted_while_it_runs_is_reported(counter):
    here = counter
    here.devboot("up", "-d")
    data = Path(here.devboot("state", "path", "--data").stdout.strip(), "services/redis")
    assert data.is_dir()
    shutil.rmtree(data)

    said = here.devboot("doctor", code=1).stdout

    assert "error[process/files-gone]: the data directory of redis was deleted while it runs" in said
    assert "mkdir -m 700 -p" in said
    assert said.index("redis-cli --rdb") < said.index("devboot restart redis")
