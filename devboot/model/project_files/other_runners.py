"""Compares how devboot reads a Procfile with how honcho, foreman and overmind read the same file."""

from __future__ import annotations

from collections.abc import Iterator

from devboot.model.printable import listed, printable
from devboot.model.project_files.procfile import Procfile

_LETTERS = frozenset("ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789_")
# The letters of a name, and whether a blank has to follow the colon
_RUNNERS = {"honcho": (_LETTERS | {"-"}, False), "foreman": (_LETTERS, False), "overmind": (_LETTERS | {"-"}, True)}


def read_otherwise(data: bytes, own: Procfile) -> Iterator[str]:
    """Yield a sentence for each process that other runners leave out, or start although devboot doesn't.

    `data` is the content of the file, and `own` what devboot has read from it.
    """
    lines = data.decode("utf-8", "replace").replace("\r\n", "\n").split("\n")
    entries = [line.partition(":") for line in lines]
    found = {
        runner: {
            (name, command.strip())
            for name, colon, command in entries
            if colon and name and letters.issuperset(name) and (command[:1] in " \t" or not needs_blank)
        }
        for runner, (letters, needs_blank) in _RUNNERS.items()
    }
    for line in own.lines:
        lacking = [runner for runner, read in found.items() if (line.name, line.command) not in read]
        if lacking:
            verb = "leaves" if len(lacking) == 1 else "leave"
            yield f"{own.file}:{line.line}: {listed(lacking)} {verb} out `{printable(line.name)}`"
    if own.release is not None:
        yield f"{own.file}:{own.release.line}: other runners start `release` as a process"
