"""`source = "host"`: what is on PATH is used, marked as not reproducible, and never pinned."""

import json
import os
import sys

import pytest

from tests.fakes.toyproject import ToyProject

pytestmark = pytest.mark.smoke

MANIFEST = '[services.toy]\nsource = "host"\n[processes.web]\ncommand = "exec sleep 600"\n'
HOST = """
[[source]]
kind = "host"
version = 'toy (\\d+\\.\\d+\\.\\d+)'
bin = { toy-server = "toyd", toy-tool = "toy-tool" }
shims = { toy-at = "{bin}/toy-server at" }
[service]
"""
SERVER = """#!{python} -I
import socket, sys
if "--version" in sys.argv:
    sys.exit(print("toy {version}"))
listener = socket.create_server(("127.0.0.1", int(sys.argv[2])))
while True:
    listener.accept()[0].close()
"""


@pytest.fixture
def project(tmp_path):
    found = ToyProject(tmp_path, manifest=MANIFEST)
    recipe = found.root / "recipes/toy/recipe.toml"
    text = recipe.read_text().replace("\n[service]\n", HOST).replace('["toy-server"]', '["toy-at", "{port}"]')
    # another worker of these tests has another number, so that two servers never want the same at the same moment
    recipe.write_text(text.replace("port = 23999", f"port = {24000 + os.getpid() % 6000}"))
    (tmp_path / "programs").mkdir()
    install(found, "2.3.4")
    yield found
    found.devboot("down", **on_path(found))


def install(project, version):
    program = project.folder / "programs/toyd"
    program.write_text(SERVER.replace("{python}", sys.executable).replace("{version}", version))
    program.chmod(0o755)


def on_path(project):
    return {"PATH": f"{project.folder}/programs:{os.environ['PATH']}"}


def statuses(project):
    said = json.loads(project.devboot("ps", "--json").stdout)["processes"]
    return {each["name"]: each for each in said}


def test_what_is_on_path_runs_and_every_place_says_so(project):
    said = project.devboot("up", "-d", **on_path(project))
    lock = (project.root / "devboot.lock").read_text()
    toy = statuses(project)["toy"]

    assert "2.3.4 from PATH, not reproducible" in said.stdout + said.stderr
    assert 'version = "any"\ninsisted = "host"\nreproducible = false\n' in lock
    assert "sha256" not in lock
    assert (toy["phase"], toy["note"]) == ("ready", "from PATH, not reproducible")
    assert project.objects() == []
    assert (project.data / "services/toy/toy-2").is_dir()
    assert "from PATH, not reproducible" in project.devboot("doctor").stdout
    assert os.readlink(project.state / "host/toy/bin/toy-server") == f"{project.folder}/programs/toyd"


def test_inside_the_projects_environment_the_links_do_not_lead_to_themselves(project):
    project.devboot("sync", **on_path(project))
    inside = {"PATH": f"{project.state}/host/toy/bin:{on_path(project)['PATH']}"}
    project.devboot("sync", **inside)

    assert os.readlink(project.state / "host/toy/bin/toy-server") == f"{project.folder}/programs/toyd"


def test_another_version_than_the_wanted_one_is_refused(project):
    (project.root / "devboot.toml").write_text(MANIFEST.replace('source = "host"', 'source = "host"\nversion = "3"'))
    refused = project.devboot("up", "-d", code=6, **on_path(project))

    assert "toy on PATH is 2.3.4, devboot.toml requires 3" in refused.stderr
    install(project, "3.0.1")
    project.devboot("sync", **on_path(project))
    assert 'version = "3"' in (project.root / "devboot.lock").read_text()


def test_what_is_not_on_path_is_refused(project):
    refused = project.devboot("up", "-d", code=6)

    assert "error[host/not-found]: `toyd` is not on PATH\n" in refused.stderr
