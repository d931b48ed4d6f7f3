"""`recipe new` and mistyped actions, with what is printed for people and for programs."""

import json
from pathlib import Path

import pytest

from devboot.app.context import Context
from devboot.cli.commands.recipes import recipe
from devboot.cli.session import Session
from devboot.errors import UsageError
from devboot.text.modes import OutputOptions, StreamFacts

OTHER = {"version": "", "exclude_newer": "", "offline": True}


@pytest.fixture
def session(tmp_path):
    """A session in an empty project: `session(json=True)`."""

    def make(**output):
        pipe = StreamFacts()
        environ = {"DEVBOOT_HOME": f"{tmp_path}-home"}
        return Session(
            Context(
                cwd=str(tmp_path), environ=environ, stdin=pipe, stdout=pipe, stderr=pipe,
                output=OutputOptions(**output), clock=lambda: 0.0, wall_clock=lambda: 0.0, uid=1, version="0",
            )
        )  # fmt: skip

    (tmp_path / "devboot.toml").touch()
    return make


@pytest.mark.parametrize(
    ("name", "files"), [("shout", ["recipe.toml"]), ("redis", ["recipe.toml", "versions.toml"])], ids=["own", "bundled"]
)
def test_a_new_recipe_is_named_with_its_files(tmp_path, session, capfd, name, files):
    assert 0 == recipe(session(json=True), ["new", name], **OTHER)

    said = json.loads(capfd.readouterr().out)
    assert (f"recipes/{name}", files) == (said["folder"], [each for each in said["files"] if each in files])
    assert set(files) <= {path.name for path in Path(tmp_path, said["folder"]).iterdir()}


def test_a_new_recipe_says_what_comes_next(session, capfd):
    assert 0 == recipe(session(), ["new", "shout"], **OTHER)

    assert [
        "wrote recipes/shout/recipe.toml",
        "next: look at it, then `devboot recipe update shout`",
        "next: devboot recipe test shout",
    ] == [line for line in "".join(capfd.readouterr()).splitlines() if line.startswith(("wrote", "next"))]


@pytest.mark.parametrize(
    ("words", "what", "helps"),
    [
        (["nw", "shout"], "`devboot recipe` has no action `nw`", ["did you mean `devboot recipe new`?"]),
        (["xyzzy", "shout"], "`devboot recipe` has no action `xyzzy`", []),
        (["new"], "`recipe new` needs the name of one recipe", []),
        (["test", "a", "b", "c"], "`recipe test` needs the name of one recipe", []),
    ],
)
def test_other_words_are_refused(session, words, what, helps):
    with pytest.raises(UsageError) as caught:
        recipe(session(), words, **OTHER)

    assert ("usage/argument", what) == (caught.value.slug, caught.value.what)
    assert [*helps, "`devboot help recipe`"] == list(caught.value.help)
