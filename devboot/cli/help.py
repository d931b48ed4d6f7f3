"""Renders help as plain text from the table of commands, for any width."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence

from devboot.app.command_table import BY_NAME, COMMANDS, GLOBAL, GROUPS, Command, Flag
from devboot.text.columns import cells, wrap

_NARROW = 60  # below it, explanations stand under what they explain
_DEFAULT = 80

Row = tuple[str, str]


def command_help(command: Command, width: int = 0) -> str:
    """Return the help of a command: usage, description, examples, flags; `width` 0 means a usual page's width."""
    width = width or _DEFAULT
    common = [flag for flag in command.flags if flag.common]
    rest = [flag for flag in command.flags if not flag.common]
    sections: list[tuple[str, list[Row]]] = [
        ("examples", list(command.examples)),
        ("arguments", [(argument.metavar, argument.help) for argument in command.arguments]),
        ("flags", [_flag_row(flag) for flag in common]),
        ("more flags", [_flag_row(flag) for flag in rest]),
        ("with every command", [_flag_row(flag) for flag in GLOBAL if flag.names != ("--version",)]),
    ]
    lines = [*wrap(usage(command), width, then="  "), "", *wrap(f"{command.help}.", width)]
    for note in command.notes:
        lines += ["", *wrap(note, width)]
    for title, rows in sections:
        lines += _section(title, rows, width)
    return "\n".join(lines) + "\n"


def usage(command: Command) -> str:
    """Return the usage line, as in `usage: devboot logs [FLAGS] [NAME...]`."""
    words = ["usage: devboot", command.name, "[FLAGS]"]
    for argument in command.arguments:
        metavar = argument.metavar + ("..." if argument.multiple else "")
        words.append(metavar if argument.required else f"[{metavar}]")
    return " ".join(words)


def overview(width: int = 0) -> str:
    """Return the list of all commands by group, with the global flags and the help topics."""
    width = width or _DEFAULT
    lines = wrap("devboot takes a fresh clone of a project to a running application.", width)
    lines += ["", *wrap("usage: devboot [FLAGS] COMMAND [FLAGS] [ARGUMENTS]", width, then="  ")]
    for group in GROUPS:
        rows = [(command.name, command.help) for command in COMMANDS if command.group == group]
        lines += _section(group.lower(), rows, width)
    lines += _section("flags, before or after the command", [_flag_row(flag) for flag in GLOBAL], width)
    topics = [
        ("devboot help COMMAND", "flags and examples of a command"),
        ("devboot help exit-codes", "what each exit code means"),
        ("devboot help environment", "the variables that devboot reads"),
        ("devboot explain SLUG", "what an error means and what to do about it"),
    ]
    return "\n".join([*lines, *_section("more", topics, width)]) + "\n"


def brief(state: str) -> str:
    """Return the text that `devboot` without a command prints; `state` is the line about this project."""
    now = [
        ("up", "start everything; what is missing is installed"),
        ("ps", "show what runs"),
        ("logs -f", "follow the output"),
        ("down", "stop everything"),
    ]
    lines = [state, "", *(f"  devboot {command:<8}  {text}" for command, text in now)]
    return "\n".join([*lines, "", "`devboot help` lists all commands, `devboot help up` explains one"]) + "\n"


def known_commands() -> Sequence[str]:
    """Return the commands that `help` can explain, besides topics."""
    return tuple(BY_NAME)


def _flag_row(flag: Flag) -> Row:
    value = f" {flag.metavar}" if flag.metavar else ""
    return ", ".join(flag.names) + value, flag.help


def _section(title: str, rows: Sequence[Row], width: int) -> list[str]:
    if not rows:
        return []
    return ["", f"{title}:", *(_stacked(rows, width) if width < _NARROW else _columns(rows, width))]


def _columns(rows: Sequence[Row], width: int) -> Iterator[str]:
    """Yield lines with two columns; a cell too wide for the left column gets its own line."""
    left = min(max(cells(term) for term, _ in rows), 34)
    indent = " " * (left + 4)
    for term, text in rows:
        if cells(term) > left:
            yield f"  {term}"
            yield from wrap(text, width, first=indent, then=indent)
        else:
            first = f"  {term}{' ' * (left - cells(term) + 2)}"
            yield from wrap(text, width, first=first, then=indent)


def _stacked(rows: Iterable[Row], width: int) -> Iterator[str]:
    for term, text in rows:
        yield f"  {term}"
        yield from wrap(text, width, first="      ", then="      ")
