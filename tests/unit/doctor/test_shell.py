"""The shell that called devboot: completions of another version, variables of another project."""

import os
import sys

import pytest

from devboot.cli.completions import SHELLS, completions
from devboot.doctor.checks.surroundings import shell
from devboot.environment.venv.record import NAME


class Session:
    """What `completions` needs of a session."""

    def __init__(self, context):
        self.context = context
        self.text = ""

    def out(self, text):
        self.text += text


PLACES = {
    "bash": ".local/share/bash-completion/completions/devboot",
    "zsh": ".zfunc/_devboot",
    "fish": ".config/fish/completions/devboot.fish",
}


@pytest.mark.parametrize("name", SHELLS)
def test_completions_of_another_version_are_found_and_written_again_by_the_fix(name, subject, tmp_path):
    one, path = subject(), tmp_path / PLACES[name]
    session = Session(one)
    completions(name, "", session)
    path.parent.mkdir(parents=True)
    path.write_text(session.text)
    assert (f"completions for {name}",) == shell.completions(one).facts

    (finding,) = shell.completions(one._replace(version="0.2.0")).findings

    assert "shell/completions" == finding.slug
    assert f"devboot completions {name} > {path}" == finding.fix.command


def test_a_completion_that_somebody_else_wrote_is_left_alone(subject, tmp_path):
    path = tmp_path / PLACES["bash"]
    path.parent.mkdir(parents=True)
    path.write_text("complete -W 'up down' devboot\n")
    assert shell.Answer() == shell.completions(subject())


def test_completions_are_looked_for_where_the_shell_looks(subject, tmp_path):
    path = tmp_path / "xdg/fish/completions/devboot.fish"
    path.parent.mkdir(parents=True)
    path.write_text("# Completion of devboot 0.0.9 for fish\n")
    one = subject(environ={"XDG_CONFIG_HOME": str(tmp_path / "xdg")})
    assert ["shell/completions"] == [each.slug for each in shell.completions(one).findings]


def test_the_virtualenv_of_another_project_in_the_shell_is_found(subject, tmp_path):
    other = tmp_path / "other/.venv"
    other.mkdir(parents=True)
    (other / NAME).write_text("")

    (finding,) = shell.variables(subject(environ={"VIRTUAL_ENV": str(other)})).findings

    assert (
        "shell/other-virtualenv",
        f"the virtualenv of the shell is `{other}`, which belongs to another project",
    ) == (
        finding.slug,
        finding.what,
    )


def test_a_virtualenv_that_is_gone_is_found(subject, tmp_path):
    (finding,) = shell.variables(subject(environ={"VIRTUAL_ENV": str(tmp_path / "gone")})).findings
    assert finding.what.endswith("which doesn't exist")


def test_its_own_virtualenv_and_that_of_a_tool_are_no_problem(subject):
    own = os.path.join(subject().project.root, ".venv")
    for venv in (own, os.path.join(own, "..", ".venv"), sys.prefix, ""):
        assert () == shell.variables(subject(environ={"VIRTUAL_ENV": venv})).findings


def test_a_shell_of_another_project_is_found(subject, tmp_path):
    own = subject().project.root
    assert () == shell.variables(subject(environ={"DEVBOOT_INSIDE": own})).findings

    (finding,) = shell.variables(subject(environ={"DEVBOOT_INSIDE": str(tmp_path / "other")})).findings

    assert "shell/other-project" == finding.slug
