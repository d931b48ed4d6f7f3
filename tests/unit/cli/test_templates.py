"""What `up` does about a module of settings that the clone has as a template alone."""

from dataclasses import dataclass, field

import pytest

from devboot.app.preparation.project.load import load_project
from devboot.cli.commands.preparing import load_with_settings
from devboot.errors import ManifestError


@dataclass
class Person:
    """Somebody who types a command in a folder, and perhaps answers."""

    cwd: str
    environ: dict
    can_ask: bool = True
    answer: bool = True
    heard: list = field(default_factory=list)

    def load(self):
        return load_project(self.cwd, self.environ)

    def say(self, *lines):
        self.heard += lines

    def is_yes(self):
        return self.answer


@pytest.fixture
def shop(tmp_path):
    root = tmp_path / "shop"
    root.mkdir()
    (root / "app.py").write_text("from flask import Flask\nimport config\napp = Flask(__name__)\n")
    (root / "config.example.py").write_text("A = 1\n")
    (root / "requirements.txt").write_text("flask\n")
    return root


def test_a_template_is_copied_once_somebody_agrees(shop, at_home):
    person = Person(str(shop), at_home)

    loaded = load_with_settings(person)

    assert ["`config.py` is needed but not in the clone: copy its template `config.example.py`?"] == person.heard
    assert ("A = 1\n", ()) == ((shop / "config.py").read_text(), loaded.templates)
    assert load_with_settings(person).project == loaded.project
    assert 1 == len(person.heard)


@pytest.mark.parametrize("answers", [{"can_ask": False}, {"answer": False}], ids=["nobody", "no"])
def test_nothing_is_written_without_consent(shop, at_home, answers):
    for _ in range(2):  # what was detected is kept, and says so again
        with pytest.raises(ManifestError) as caught:
            load_with_settings(Person(str(shop), at_home, **answers))

        assert "manifest/only-template" == caught.value.slug
        assert ("cp config.example.py config.py && devboot up -d",) == caught.value.help
    assert not (shop / "config.py").exists()
