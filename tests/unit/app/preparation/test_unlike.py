"""What is said of a folder without an application."""

import pytest

from devboot.app.preparation.unlike import what_else

EXAMPLE = "`devboot init --example` writes a small project to start from"
PROCFILE = "write what should run into a file `Procfile`: `web: COMMAND`"


@pytest.mark.parametrize(
    ("name", "causes", "helps"),
    [
        ("notes.txt", [], [EXAMPLE]),
        ("go.mod", ["`go.mod` says that this is Go, and nothing says what should run"], [PROCFILE]),
        (
            "cookiecutter.json",
            ["`cookiecutter.json` says that projects are made from this one; it runs nothing by itself"],
            ["`uvx cookiecutter .`, then `devboot up` in the project that it makes"],
        ),
    ],
)
def test_files_say_what_a_folder_is_instead(tmp_path, name, causes, helps):
    (tmp_path / name).touch()
    assert what_else(str(tmp_path)) == (causes, helps)


def test_a_folder_that_is_gone_says_nothing(tmp_path):
    assert what_else(str(tmp_path / "gone")) == ([], [EXAMPLE])
