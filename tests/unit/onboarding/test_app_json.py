"""What app.json says of an application."""

import json

import pytest

FLASK = "import os\nfrom flask import Flask\napp = Flask(__name__)\n"


def app(propose, described, code=""):
    text = described if isinstance(described, str) else json.dumps(described, indent=2)
    return propose({"app.py": FLASK + code, "requirements.txt": "flask\n", "app.json": text})


def test_its_variables_fill_what_nothing_else_has_a_value_for(propose):
    env = {
        "GREETING": {"value": "hello"},
        "STEM": "x",
        "MODE_NAME": {"value": "production"},
        "HASH": {"generator": "secret"},
    }
    code = "".join(f"os.environ['{name}']\n" for name in env)
    found = {each.name: each for each in app(propose, {"env": env}, code).env}
    assert (found["GREETING"].value, found["STEM"].value, found["HASH"].generate) == ("hello", "x", "token")
    assert str(found["GREETING"].evidence) == "app.py:4"
    assert found["MODE_NAME"].required


def test_an_addon_that_nothing_shows_to_be_needed_is_a_note(propose):
    found = app(propose, {"addons": ["heroku-postgresql", {"plan": "bonsai:sandbox"}, "scheduler"]})
    assert found.services == ()
    assert [str(note) for note in found.notes] == [
        "postgres: app.json lists it as an add-on; `[services.postgres]` would run it (app.json:3)",
        "elasticsearch: app.json lists it as an add-on; there is no recipe for it yet (app.json:5)",
    ]


@pytest.mark.parametrize(
    "text", ["", "[]", "{", '{"env": 3, "addons": {}, "scripts": []}', '{"env": {"A": null}, "addons": [null, 3]}']
)
def test_a_file_of_another_form_says_nothing(propose, text):
    assert [note.text for note in app(propose, text).notes] == []
