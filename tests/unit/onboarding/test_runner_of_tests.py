"""Libraries: their tests are what can be run, so that what runs them is installed."""

import pytest

BUILT = '[project]\nname = "kit"\nversion = "1"\n[build-system]\nrequires = ["hatchling"]\n'
FOR_PYTEST = {"tests/test_kit.py": "import pytest\n"}
PLAIN = {"test/test_kit.py": "def test_it():\n    pass\n"}


@pytest.mark.parametrize(
    ("project", "tests", "expected"),
    [
        ("", FOR_PYTEST, ((), (), ("pytest",))),
        ("", PLAIN, ((), (), ("pytest",))),
        ("", {"tests/test_kit.py": "import unittest\n"}, ((), (), ())),
        ("", {}, ((), (), ())),
        ('[project.optional-dependencies]\ntest = ["pytest>=8"]\ndocs = ["sphinx"]\n', PLAIN, ((), ("test",), ())),
        ('[dependency-groups]\nlint = ["ruff"]\ntest = ["pytest"]\n', PLAIN, (("test",), (), ())),
        ('[dependency-groups]\ndev = ["pytest"]\n', PLAIN, (("dev",), (), ())),
    ],
)
def test_the_tests_of_a_library_get_pytest(propose, project, tests, expected):
    python = propose({"pyproject.toml": BUILT + project, "kit/__init__.py": "", **tests}).python

    assert (python.groups, python.extras, python.packages) == expected


def test_an_application_is_given_no_pytest(propose):
    files = {"pyproject.toml": BUILT, "app.py": "from flask import Flask\napp = Flask(__name__)\n", **FOR_PYTEST}

    assert "pytest" not in propose(files).python.packages


def test_the_program_of_a_library_is_its_console_script(propose):
    files = {
        "pyproject.toml": f"{BUILT}[project.scripts]\nmykit = 'kit.cli:main'\n",
        "kit/cli.py": "def main(): pass\n",
    }

    assert propose(files).program.command == "devboot run -- mykit"


def test_a_library_is_called_that_in_a_note(propose):
    (note,) = propose({"setup.py": "setup()\n", "kit/__init__.py": ""}).notes

    assert (note.text, note.warns) == ("a library: no process found in it", False)
