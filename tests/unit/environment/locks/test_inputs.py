"""Which files say what is to be installed."""

import os

import pytest

from devboot.app.preparation.project.recorded_reads import RecordedReads
from devboot.environment.locks.inputs import default_inputs, named_inputs
from devboot.snapshot import are_current

DEPENDS = '[project]\nname = "a"\ndependencies = ["b"]\n'


def choose(tmp_path, files, folder=""):
    for name, text in (files if isinstance(files, dict) else dict.fromkeys(files, "")).items():
        path = tmp_path / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text)
    found = default_inputs(str(tmp_path), os.path.join(str(tmp_path), folder).rstrip("/"))
    return [os.path.relpath(each.path, tmp_path) for each in found]


@pytest.mark.parametrize(
    ("files", "expected"),
    [
        (["requirements.txt", "uv.lock", "poetry.lock"], ["uv.lock"]),
        (["requirements.txt", "poetry.lock", "Pipfile.lock"], ["poetry.lock"]),
        (["requirements.txt", "Pipfile.lock"], ["Pipfile.lock"]),
        (["requirements.txt", "requirements-dev.txt", "Pipfile"], ["requirements.txt"]),
        (["requirements-dev.txt", "requirements-prod.txt"], ["requirements-dev.txt"]),
        (["requirements-a.txt", "requirements_b.txt"], ["requirements-a.txt", "requirements_b.txt"]),
        (["requirements-prod.txt"], ["requirements-prod.txt"]),
        (["requirements/base.txt", "requirements/local.txt"], ["requirements/local.txt"]),
        (["requirements/base.txt", "requirements/production.txt"], ["requirements/base.txt"]),
        (["Pipfile", "notes.txt"], ["Pipfile"]),
        (["requirement.txt", "notes.txt"], ["requirement.txt"]),
        (["reqs.txt", "requirements-dev.txt"], ["requirements-dev.txt"]),
        (["pyproject.toml"], []),
        (["pyproject.toml", "setup.py"], ["setup.py"]),
        (["Pipfile", "setup.py"], ["Pipfile"]),
        ({"pyproject.toml": DEPENDS}, ["pyproject.toml"]),
        ({"pyproject.toml": "[tool.ruff]\nline-length = 99\n", "Pipfile": ""}, ["Pipfile"]),
        ({"pyproject.toml": '[dependency-groups]\ndev = ["b"]\n'}, ["pyproject.toml"]),
        ({"pyproject.toml": '[tool.poetry.dependencies]\npython = "^3.11"\n'}, []),
        ([], []),
    ],
)
def test_the_first_file_of_the_list_that_is_there_counts(tmp_path, files, expected):
    assert expected == choose(tmp_path, files)


def test_the_folder_of_the_application_comes_before_the_root(tmp_path):
    files = ["uv.lock", "backend/requirements.txt"]

    assert ["backend/requirements.txt"] == choose(tmp_path, files, "backend")


def test_an_application_without_a_list_uses_that_of_the_root(tmp_path):
    assert ["Pipfile.lock"] == choose(tmp_path, ["Pipfile.lock", "src/app/manage.py"], "src/app")


def test_the_member_of_a_workspace_is_locked_by_the_lock_above(tmp_path):
    files = {"uv.lock": "", "pyproject.toml": "", "services/api/pyproject.toml": DEPENDS}

    assert ["services/api/uv.lock"] == choose(tmp_path, files, "services/api")


def test_named_files_are_taken_by_their_names():
    found = named_inputs("/p", ["requirements/dev.txt", "pyproject.toml", "pylock.dev.toml", "sub/uv.lock"])

    assert [
        ("requirements", "/p/requirements/dev.txt"),
        ("pyproject.toml", "/p/pyproject.toml"),
        ("pylock.toml", "/p/pylock.dev.toml"),
        ("uv.lock", "/p/sub/uv.lock"),
    ] == [(each.kind, each.path) for each in found]


@pytest.mark.parametrize("name", ["uv.lock", "app/poetry.lock", "requirements-dev.txt", "app/requirements/local.txt"])
def test_files_whose_appearance_would_change_the_choice_are_noted(tmp_path, name):
    with RecordedReads() as watched:
        assert choose(tmp_path, ["app/manage.py"], "app") == []
    assert are_current(watched.stamps)

    (tmp_path / name).parent.mkdir(exist_ok=True)
    (tmp_path / name).touch()

    assert not are_current(watched.stamps)
