"""Old lists of packages."""

import datetime as dt

import pytest

from devboot.onboarding import render, with_date

TODAY = dt.date(2026, 6, 1)
FLASK = "from flask import Flask\napp = Flask(__name__)\n"


@pytest.mark.parametrize(
    ("files", "changed", "expected"),
    [
        ({"requirements.txt": "flask\n"}, "2021-03-04", "2021-03-04"),
        ({"requirements.txt": "flask==1.1\nredis>=3\n"}, "2021-03-04", "2021-03-04"),
        ({"requirements.txt": "flask==1.1\n"}, "2021-03-04", "2021-03-04"),
        ({"requirements.txt": "flask\n"}, "2026-03-04", ""),
        ({"requirements.txt": "flask\n"}, "2025-12-04", ""),
        ({"requirements.txt": "flask\n"}, "2025-11-04", "2025-11-04"),
        ({"requirements.txt": "flask\n"}, "", ""),
        ({}, "2021-03-04", "2021-03-04"),
        ({"uv.lock": "version = 1\n", "pyproject.toml": "[project]\nname = 'x'\n"}, "2021-03-04", "2021-03-04"),
    ],
)
def test_versions_and_builds_of_an_old_list_are_those_of_its_last_change(propose, files, changed, expected):
    asked = []
    proposal = with_date(propose({"app.py": FLASK, **files}), TODAY, lambda paths: asked.append(paths) or changed)
    assert expected == proposal.python.exclude_newer
    assert all(paths == ([*files][:1] or ["."]) for paths in asked)


def test_the_date_stands_in_the_manifest_with_its_reason(propose):
    proposal = with_date(propose({"app.py": FLASK, "requirements.txt": "flask\n"}), TODAY, lambda _paths: "2021-03-04")
    assert 'exclude-newer = "2021-03-04"  # the last change of the list' in render(proposal).splitlines()
    what = "limits versions that aren't pinned, and packages for builds, to those of 2021-03-04"
    assert f"{what}: requirements.txt was last changed then" in [note.text for note in proposal.notes]


@pytest.mark.parametrize(
    ("changed", "command"),
    [
        ("2022-03-02", "FLASK_APP=shop flask run -p $PORT --reload"),
        ("2023-03-02", "flask --app shop run -p $PORT --reload"),
    ],
)
def test_a_list_from_before_flask_had_its_option_gets_the_variable(propose, changed, command):
    proposal = propose({"shop.py": FLASK, "requirements.txt": "flask\n"})
    assert [each.command for each in with_date(proposal, TODAY, lambda _paths: changed).processes] == [command]
