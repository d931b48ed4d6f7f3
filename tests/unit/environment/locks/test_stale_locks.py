"""What a lock lacks that is older than the file that it was made from."""

import json

import pytest

from devboot.environment.locks.inputs import named_inputs
from devboot.environment.locks.load import load_inputs

POETRY = """
[[package]]
name = "web"
version = "2.1"
description = ""
optional = false
python-versions = "*"
files = []

[metadata]
lock-version = "2.0"
python-versions = "^3.10"
content-hash = "0000"
"""
PYPROJECT = '[tool.poetry.dependencies]\npython = "^3.10"\nweb = "^2"\n'
PIPFILE = (
    '[[source]]\nurl = "https://index.example.test/simple"\nverify_ssl = true\nname = "own"\n[packages]\nweb = "*"\n'
)
OF_PIPENV = {
    "_meta": {"hash": {"sha256": "0000"}},
    "default": {"web": {"version": "==2.1"}, "pywin32": {"version": "*", "markers": "sys_platform == 'win32'"}},
}


def load(tmp_path, lock, text, source, wanted):
    (tmp_path / lock).write_text(text)
    (tmp_path / source).write_text(wanted)
    return load_inputs(None, named_inputs(str(tmp_path), [lock]), str(tmp_path), environ={})


@pytest.mark.parametrize(
    ("lock", "text", "source", "wanted", "lines"),
    [
        (
            "poetry.lock",
            POETRY,
            "pyproject.toml",
            PYPROJECT + 'Pages = "~3.0.3"\n',
            ["web==2.1", "pages>=3.0.3,<3.1"],
        ),
        (
            "Pipfile.lock",
            json.dumps(OF_PIPENV),
            "Pipfile",
            PIPFILE + 'pages = "*"\n',
            ["web==2.1", "pywin32 ; sys_platform == 'win32'", "pages"],
        ),
    ],
)
def test_what_a_lock_lacks_is_chosen_beside_what_it_pins(tmp_path, lock, text, source, wanted, lines):
    found = load(tmp_path, lock, text, source, wanted)

    assert found.locked is None
    assert lines == [line.text for line in found.unlocked.lines]
    assert (f"{lock} is older than its {source}, so `pages` is added to its packages",) == found.unlocked.notes


def test_a_lock_that_only_has_other_versions_is_installed_as_it_is(tmp_path):
    found = load(tmp_path, "poetry.lock", POETRY, "pyproject.toml", PYPROJECT.replace("^2", "^2.1"))

    assert ["web"] == [pin.name for pin in found.locked.pins]
    assert found.locked.stale


def test_the_choice_is_another_one_when_the_lock_lacks_something_else(tmp_path):
    one = load(tmp_path, "poetry.lock", POETRY, "pyproject.toml", PYPROJECT + 'pages = "3"\n')
    other = load(tmp_path, "poetry.lock", POETRY, "pyproject.toml", PYPROJECT + 'pages = "4"\n')

    assert one.unlocked.digest != other.unlocked.digest
