"""Completions: a script for each shell, and names that are read from files only."""

from types import SimpleNamespace

import pytest

from devboot.cli.completions import SHELLS, completions, names
from devboot.errors import UsageError


class Session(list):
    """A session that keeps what is printed."""

    out = list.append

    def __init__(self, tmp_path):
        super().__init__()
        self.context = SimpleNamespace(
            cwd=str(tmp_path), environ={"DEVBOOT_HOME": str(tmp_path / "home")}, version="0.1.0"
        )


@pytest.mark.parametrize("shell", SHELLS)
def test_each_shell_has_a_script_that_asks_for_names(tmp_path, shell):
    session = Session(tmp_path)

    assert 0 == completions(shell, "", session)
    assert "completions names" in session[0]
    assert "# Completion of devboot 0.1.0 for" in session[0]


@pytest.mark.parametrize(
    ("shell", "helps"),
    [
        ("tcsh", ("there is one for bash, zsh, fish",)),
        ("bsh", ("did you mean `devboot completions bash`?", "there is one for bash, zsh, fish")),
    ],
)
def test_a_shell_without_a_script_is_refused_with_those_that_have_one(tmp_path, shell, helps):
    with pytest.raises(UsageError) as caught:
        completions(shell, "", Session(tmp_path))

    assert ("usage/unknown-shell", f"there is no completion for `{shell}`") == (caught.value.slug, caught.value.what)
    assert helps == tuple(caught.value.help)


def test_names_of_a_project_that_was_never_prepared_are_none(tmp_path):
    context = Session(tmp_path).context

    for kind in ("process", "task", "unheard-of"):
        assert [] == names(kind, context.cwd, context.environ)
