"""Typer's functions against the table of commands."""

import inspect

import typer

from devboot.app.command_table import BY_NAME
from devboot.cli.application import application


def commands():
    return typer.main.get_command(application).commands


def test_each_function_has_the_flags_of_the_table():
    for name, command in commands().items():
        options = {spelling for one in command.params for spelling in one.opts if spelling.startswith("-")}
        assert options == {spelling for flag in BY_NAME[name].flags for spelling in flag.names}, name


def test_every_command_that_has_no_fast_path_has_a_function():
    assert {name for name, command in BY_NAME.items() if not command.fast} <= set(commands())


def test_signatures_are_short():
    for one in application.registered_commands:
        lines, _ = inspect.getsourcelines(one.callback)
        signature = next(number for number, line in enumerate(lines) if line.startswith(") ->") or "-> int:" in line)
        assert signature <= 15
