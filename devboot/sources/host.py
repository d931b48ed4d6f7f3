"""Finds programs on PATH: nothing is downloaded or pinned, only the version is read."""

from __future__ import annotations

import os
import re
import shutil

from devboot.errors import MachineError
from devboot.files import machine_error
from devboot.model.artifact import Layout
from devboot.record import Record
from devboot.sources.program_version import ask_program

HOST = "host"  # this source's name in a lock


class Found(Record):
    """Programs found on PATH, as {name: absolute path}, and the `version` that the first of them printed."""

    programs: dict[str, str]
    version: str


def find_on_path(name: str, layout: Layout, pattern: str, search_path: str) -> Found:
    """Find a package's programs in the folders of `search_path`; all but the first may be missing.

    `pattern` extracts the version from the first program's output: its first group, or the whole match. Raises
    MachineError `host/not-found`, `host/no-version`.
    """
    paths = {program: shutil.which(command, path=search_path) for program, command in layout.bin}
    first, command = layout.bin[0]
    found = paths[first]
    if found is None:
        raise MachineError(
            "host/not-found",
            f"`{command}` is not on PATH",
            causes=[f'devboot.toml says `source = "host"` for {name}', f"looked in {search_path}"],
            help=["install it with the machine's package manager", 'or leave out `source = "host"`'],
        )
    version = _version(name, found, layout.asks_version, pattern)
    return Found({program: os.path.abspath(path) for program, path in paths.items() if path is not None}, version)


def _version(name: str, program: str, asks: str, pattern: str) -> str:
    try:
        answer = ask_program(program, asks)
    except OSError as error:
        raise machine_error(error, program, "run") from error
    said = answer.said if answer is not None else ""
    found = re.search(pattern, said)
    if found is None:
        first = said.strip().splitlines()[0][:100] if said.strip() else "nothing"
        raise MachineError(
            "host/no-version",
            f"`{program}` doesn't say which version of {name} it is",
            causes=[f"`{os.path.basename(program)} {asks}`: {first}"],
            help=['leave out `source = "host"` in devboot.toml'],
        )
    return found[1] if found.re.groups else found[0]
