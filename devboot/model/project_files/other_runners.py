"""Compares how devboot reads a Procfile with how honcho, foreman and overmind read the same file."""

from __future__ import annotations

import re
from collections.abc import Iterator

from devboot.model.printable import printable
from devboot.model.project_files.procfile import Procfile

_RUNNERS = {
    "honcho": re.compile(r"^([A-Za-z0-9_-]+):[ \t]*(.+)$"),
    "foreman": re.compile(r"^([A-Za-z0-9_]+):[ \t]*(.+)$"),
    "overmind": re.compile(r"^([A-Za-z0-9_-]+):[ \t]+(.+)$"),
}


def read_otherwise(data: bytes, own: Procfile) -> Iterator[str]:
    """Yield a sentence for each process that other runners leave out, or start although devboot doesn't.

    `data` is the content of the file, and `own` what devboot has read from it.
    """
    lines = data.decode("utf-8", "replace").replace("\r\n", "\n").split("\n")
    found = {
        runner: {(match[1], match[2].strip()) for line in lines if (match := pattern.match(line))}
        for runner, pattern in _RUNNERS.items()
    }
    for line in own.lines:
        lacking = [runner for runner, read in found.items() if (line.name, line.command) not in read]
        if lacking:
            verb = "leaves" if len(lacking) == 1 else "leave"
            yield f"{own.file}:{line.line}: {_listed(lacking)} {verb} out `{printable(line.name)}`"
    if own.release is not None:
        yield f"{own.file}:{own.release.line}: other runners start `release` as a process"


def _listed(names: list[str]) -> str:
    return names[0] if len(names) == 1 else f"{', '.join(names[:-1])} and {names[-1]}"
