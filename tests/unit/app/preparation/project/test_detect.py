"""Whether this machine can have what only distributions have."""

import pytest

from devboot.app.preparation.project.detect import Detection, detect_here, has_debs, names_registry
from devboot.errors import UsageError


@pytest.fixture
def with_apt(tmp_path):
    """A PATH with an `apt-get` on it."""
    program = tmp_path / "bin" / "apt-get"
    program.parent.mkdir()
    program.write_text("#!/bin/sh\n")
    program.chmod(0o755)
    return {"PATH": str(program.parent)}


@pytest.mark.parametrize(
    ("system", "machine", "expected"),
    [("linux", "x86_64", True), ("linux", "aarch64", True), ("linux", "riscv64", False), ("darwin", "arm64", False)],
)
def test_packages_of_debian_are_for_linux_with_apt(with_apt, system, machine, expected):
    assert has_debs(system, machine, with_apt) is expected
    assert not has_debs(system, machine, {"PATH": "/nowhere"})


def test_without_apt_a_broker_that_is_detected_is_left_out(tmp_path):
    clone = tmp_path / "clone"
    clone.mkdir()
    (clone / "app.py").write_text("from celery import Celery\napp = Celery('app', broker='amqp://localhost')\n")
    (clone / "requirements.txt").write_text("celery\n")
    (clone / "Procfile").write_text("worker: celery -A app worker\n")

    proposal = detect_here(str(clone), {"PATH": "/nowhere"})
    assert proposal.services == ()
    assert [note.warns for note in proposal.notes if note.text.startswith("rabbitmq: ")] == [True]


def test_a_proposal_for_another_folder_costs_no_evaluation_of_the_code(tmp_path):
    app = tmp_path / "backend"
    app.mkdir(parents=True)
    (app / "app.py").write_text("import flask\napp = flask.Flask(__name__)\n")
    (app / "requirements.txt").write_text("flask\n")
    above, here = Detection(str(tmp_path), {}), Detection(str(app), {})

    assert above.proposal_for(str(tmp_path)) is None
    assert not vars(above).keys() & {"proposal"}
    assert above.proposal.root == app
    found = here.proposal_for(str(app))
    assert found is not None
    assert found.root == app


def clones(root, *names):
    for name in names:
        (root / name / ".git").mkdir(parents=True)
        (root / name / "Procfile").write_text("web: python app.py\n")


def test_a_folder_of_several_clones_is_no_project(tmp_path):
    clones(tmp_path, "shop", "my blog")
    (tmp_path / "library" / ".git").mkdir(parents=True)

    with pytest.raises(UsageError) as caught:
        detect_here(str(tmp_path), {})

    error = caught.value
    assert ("usage/several-projects", 2) == (error.slug, error.exit_code)
    assert "found 3 projects below this folder, but none in it" == error.what
    assert ("each of these folders is a clone: `library`, `my blog`, `shop`",) == error.causes
    assert ("devboot -C 'my blog' up", "devboot -C shop up") == error.help


@pytest.mark.parametrize("sign", [".git", "Procfile"])
def test_clones_within_a_project_are_parts_of_it(tmp_path, sign):
    clones(tmp_path, "shop", "blog")
    (tmp_path / sign).touch()

    assert detect_here(str(tmp_path), {}) is not None


def test_a_single_clone_below_is_looked_at(tmp_path):
    clones(tmp_path, "shop")

    assert detect_here(str(tmp_path), {}) is not None


def test_an_npm_registry_is_named_by_npm_itself_or_by_a_configuration_of_it(tmp_path):
    nowhere = {"PATH": "/nowhere", "HOME": str(tmp_path), "npm_config_globalconfig": "/none"}
    assert not names_registry(nowhere, str(tmp_path))
    assert names_registry({**nowhere, "npm_config_registry": "https://registry.example.test"}, str(tmp_path))

    (tmp_path / "npm").write_text("#!/bin/sh\n")
    (tmp_path / "npm").chmod(0o755)
    assert names_registry({**nowhere, "PATH": str(tmp_path)}, str(tmp_path))
