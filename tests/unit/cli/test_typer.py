"""Typer's functions against the table of commands."""

import inspect
from contextlib import suppress

import pytest
import typer

from devboot.app.arguments import Invocation, flag_key
from devboot.app.command_table import BY_NAME
from devboot.cli import direct
from devboot.cli.application import application, words_of


def commands():
    return typer.main.get_command(application).commands


def test_each_function_has_the_flags_of_the_table():
    for name, command in commands().items():
        options = {spelling for one in command.params for spelling in one.opts if spelling.startswith("-")}
        assert options == {spelling for flag in BY_NAME[name].flags for spelling in flag.names}, name


def test_every_command_that_has_no_fast_path_has_a_function():
    without = {name for name, command in BY_NAME.items() if not command.fast}
    assert without <= set(commands()) | set(direct.COMMANDS)
    assert not set(commands()) & set(direct.COMMANDS)


class Asked(dict):
    """Flags of an invocation; the ones that are read are kept."""

    def __init__(self):
        super().__init__()
        self.read = set()

    def get(self, name, default=None):
        self.read.add(name)
        return default

    pop = get


class Here(Exception):  # noqa: N818  it ends a command where its work would begin
    pass


class NoSession:
    def __getattr__(self, name):
        raise Here


@pytest.mark.parametrize("name", ["run", "sync", "lock", "init", "doctor"])
def test_a_command_that_is_called_without_typer_reads_each_of_its_flags(name):
    """Those of `up` are passed on whole; --json is read by the session."""
    asked = Asked()
    with suppress(Here):
        direct.COMMANDS[name](Invocation(name, (), asked), NoSession())

    assert asked.read == {flag_key(flag) for flag in BY_NAME[name].flags} - {"json"}


def test_signatures_are_short():
    for one in application.registered_commands:
        lines, _ = inspect.getsourcelines(one.callback)
        signature = next(number for number, line in enumerate(lines) if line.startswith(") ->") or "-> int:" in line)
        assert signature <= 15


def test_flags_reach_typer_as_words_each_value_after_a_flag_of_its_own():
    values = {"detach": True, "except": ("redis", "worker"), "wait-timeout": 2.5, "timings": None}
    known = {flag_key(flag) for flag in BY_NAME["up"].flags}
    assert values.keys() <= known

    words = words_of(Invocation("up", ("web", "-x"), values))

    assert ["up", "--", "web", "-x"] == [words[0], *words[-3:]]
    assert ["--detach"] == [word for word in words if word in ("--detach", "--timings")]
    assert "--except redis --except worker" in " ".join(words)
    assert "--wait-timeout 2.5" in " ".join(words)
