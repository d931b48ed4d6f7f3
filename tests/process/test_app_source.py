"""A Python server out of wheels: installed into the store, started through its script, on an interpreter that fits."""

import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from devboot.app.preparation.install.app_pythons import AppPythons
from devboot.app.preparation.install.artifact_sources import Sources
from devboot.app.this_machine import this_host
from devboot.errors import IntegrityError, NetworkError
from devboot.events import RecordingReporter
from devboot.model.artifact import AppPin, Artifact, Layout, Wanted, digest_of_parts
from devboot.provision.objects.realise import realise
from devboot.provision.objects.roots import TemporaryRoots
from devboot.provision.objects.store import Store
from devboot.provision.objects.tree import remove_tree
from devboot.uv.client import make_uv
from tests.fakes.wheels import write_wheel

HOST = this_host(sys.platform, os.uname().machine)
HERE = f"{sys.version_info.major}.{sys.version_info.minor}"
MAIN = "import sys, herald\nprint('mail 1.0.0', herald.VERSION, '%d.%d' % sys.version_info[:2], *sys.argv[1:])\n"
LAYOUT = Layout((), shims=(("mail", "{python} -m mail"),))


@pytest.fixture
def place(tmp_path):
    yield tmp_path
    for name in ("data", "moved"):
        remove_tree(str(tmp_path / name))


@pytest.fixture
def app(place):
    """The artifact of an app with one dependency, and the environment in which uv finds both."""
    wheels = str(place / "wheels")
    hashes = {
        "mail": write_wheel(wheels, "mail", "1.0.0", requires=["herald"], files={"mail/__main__.py": MAIN}),
        "herald": write_wheel(wheels, "herald", "2.1"),
        "old": write_wheel(wheels, "old", "1.0"),
    }
    pins = (
        AppPin("herald", "2.1", "", (hashes["herald"],)),
        AppPin("mail", "1.0.0", "", (hashes["mail"],)),
        AppPin("old", "1.0", "python_version < '3'", (hashes["old"],)),
    )
    environ = {**os.environ, "UV_FIND_LINKS": wheels, "UV_NO_INDEX": "1", "UV_CACHE_DIR": str(place / "cache")}
    artifact = Artifact("app", "mail", "1.0.0", "", digest_of_parts(pins), 1, pins=pins, pythons=f"=={HERE}.*")
    return artifact, environ


def realised(place, artifact, environ):
    data = str(place / "data")
    uv = make_uv(environ, str(place), offline=True)
    artifact = artifact._replace(python=AppPythons(uv, environ, data).choose(artifact.pythons))
    wanted = Wanted("mail", "1.0.0", 1, HOST.platform, artifact, LAYOUT)
    with TemporaryRoots(data) as roots:
        source = Sources(uv)["app"]
        return realise(
            Store(data),
            wanted,
            source,
            HOST,
            command="up",
            roots=roots,
            reporter=RecordingReporter(),
            now=lambda: 0,
        )


def said(program, *words):
    environ = {name: value for name, value in os.environ.items() if not name.startswith("PYTHON")}
    ended = subprocess.run(
        [program, *words], capture_output=True, text=True, check=True, timeout=90, cwd="/", env=environ
    )
    return ended.stdout


def test_an_app_starts_from_wherever_the_store_is(app, place):
    found = realised(place, *app)

    assert said(found.program("mail"), "-n") == f"mail 1.0.0 2.1 {HERE} -n\n"
    assert sorted(os.listdir(f"{found.path}/tree")) == [
        "herald-2.1.dist-info",
        "herald.py",
        "mail",
        "mail-1.0.0.dist-info",
    ]
    os.rename(place / "data", place / "moved")
    assert said(f"{place}/moved/store/{found.name}/bin/mail") == f"mail 1.0.0 2.1 {HERE}\n"


def test_running_it_changes_nothing_in_the_store(app, place):
    found = realised(place, *app)
    said(found.program("mail"))

    assert Store(str(place / "data")).complaints(found.name, full=True) == ()
    assert (place / f"data/pythons/{HERE}/pycache").is_dir()


def test_the_interpreter_is_remembered_and_asked_for_once(app, place):
    realised(place, *app)
    named = Path(place / f"data/pythons/{HERE}/path").read_text().strip()

    assert os.access(named, os.X_OK)
    nowhere = make_uv({**app[1], "PATH": "/nonexistent", "HOME": "/nonexistent"}, str(place), offline=True)
    assert AppPythons(nowhere, {}, str(place / "data")).choose(f">={HERE}") == HERE


def test_an_interpreter_that_went_away_is_chosen_anew(app, place):
    realised(place, *app)
    path = place / f"data/pythons/{HERE}/path"
    path.write_text("/nonexistent/python\n")
    AppPythons(make_uv(app[1], str(place), offline=True), app[1], str(place / "data")).choose(f"=={HERE}.*")

    assert os.access(path.read_text().strip(), os.X_OK)


@pytest.mark.faults(10)
def test_another_file_than_the_pinned_one_is_refused(app, place):
    artifact, environ = app
    pins = (artifact.pins[0]._replace(hashes=(f"sha256:{'0' * 64}",)), *artifact.pins[1:])
    with pytest.raises(IntegrityError) as caught:
        realised(place, artifact._replace(pins=pins), environ)

    assert caught.value.slug == "integrity/hash-mismatch"
    assert not [name for name in os.listdir(place / "data/store") if "mail" in name]


@pytest.mark.faults(1)
def test_a_pin_that_cannot_be_had_is_an_error_of_the_network(app, place):
    shutil.rmtree(place / "wheels")
    (place / "wheels").mkdir()
    with pytest.raises(NetworkError):
        realised(place, *app)
