"""The manual page, from the table of commands that `devboot help` prints. `write_reference.py` writes it."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator

from devboot import __version__
from devboot.app.command_table import COMMANDS, GLOBAL, GROUPS, Command, Flag
from devboot.cli.commands.topics import EXIT_CODES, VARIABLES
from devboot.cli.help import usage

_HEAD = r""".\" Written by scripts/write_reference.py.
.TH DEVBOOT 1 "" "devboot {version}" "User Commands"
.nh
.SH NAME
devboot \- take a fresh clone of a project to a running application
.SH SYNOPSIS
.B devboot
[\fIFLAGS\fR] \fICOMMAND\fR [\fIFLAGS\fR] [\fIARGUMENTS\fR]
.SH DESCRIPTION
"""
_DESCRIPTION = (
    """devboot installs what a project needs (Python packages, services such as Redis and PostgreSQL, databases) and
runs its processes, without containers and without root. It reads `devboot.toml` and the `Procfile`; without a
`devboot.toml` it detects what the project needs.""",
    "`devboot help COMMAND` prints the help of one command, `devboot explain SLUG` explains an error.",
)
_FILES = (
    ("devboot.toml", "the manifest: what the project needs; written by `devboot init`"),
    ("devboot.lock", "chosen versions and their digests; written by `devboot lock`"),
    ("Procfile", "the processes, one on each line"),
    (".venv", "the virtualenv of the project"),
    ("~/.local/share/devboot", "the store of programs, and the data of services"),
    ("~/.local/state/devboot", "logs and other state of projects"),
    ("~/.cache/devboot", "downloads"),
)


def man() -> str:
    """Return the manual page of devboot as roff."""
    lines = [*_paragraphs(_DESCRIPTION)]
    lines += [".SH COMMANDS"]
    for group in GROUPS:
        for command in COMMANDS:
            if command.group == group:
                lines += _command(command)
    lines += [".SH FLAGS", "These work before and after the command.", *_flags(GLOBAL)]
    lines += [".SH EXIT STATUS", *_entries((str(int(code)), meaning) for code, meaning in EXIT_CODES)]
    lines += [_text("`devboot run` passes the code of its command through.", start=".P\n")]
    lines += [".SH ENVIRONMENT", *_entries((one.name, _variable(one.default, one.help)) for one in VARIABLES)]
    lines += [".SH FILES", *_entries(_FILES)]
    return _HEAD.format(version=__version__) + "\n".join(lines) + "\n"


def _command(command: Command) -> Iterator[str]:
    yield f".SS {_escaped(usage(command).removeprefix('usage: '))}"
    yield _text(f"{command.help}.")
    yield from _paragraphs(_joined(command.notes))
    yield from _entries((argument.metavar, argument.help) for argument in command.arguments)
    yield from _flags(command.flags)
    yield ".P\nExamples:"
    yield from _entries(command.examples)


def _flags(flags: Iterable[Flag]) -> Iterator[str]:
    return _entries((", ".join(flag.names) + (f" {flag.metavar}" if flag.metavar else ""), flag.help) for flag in flags)


def _entries(rows: Iterable[tuple[str, str]]) -> Iterator[str]:
    """Yield a tagged paragraph for each pair of term and text."""
    for term, text in rows:
        yield f".TP\n.B {_escaped(term)}\n{_text(text)}"


def _joined(notes: Iterable[str]) -> list[str]:
    """Return the paragraphs of `notes`, whose lines are parted by an empty one."""
    return [" ".join(part.split("\n")) for part in "\n".join(notes).split("\n\n") if part]


def _paragraphs(texts: Iterable[str]) -> Iterator[str]:
    for text in texts:
        yield _text(text, start=".P\n")


def _variable(default: str, text: str) -> str:
    return f"{text} (default: {default})" if default else text


def _text(text: str, start: str = "") -> str:
    """Return `text` with `code` in bold."""
    return start + re.sub(r"`([^`]*)`", r"\\fB\1\\fR", _escaped(text))


def _escaped(text: str) -> str:
    """Return `text` without what roff would take for a request or an escape."""
    escaped = text.replace("\\", r"\e").replace("-", r"\-").replace("~", r"\(ti").replace("^", r"\(ha")
    return re.sub(r"(?m)^([.'])", r"\\&\1", escaped)


PAGES = {"docs/devboot.1": man}
