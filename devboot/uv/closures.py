"""Resolves a Python server's dependencies for all platforms by uv: names, markers and files, without URLs."""

from __future__ import annotations

import tomllib
from collections.abc import Sequence

from devboot.record import Record
from devboot.uv.client import Uv
from devboot.uv.listing import ListedFile, listed_file

_COMPILE = ("pip", "compile", "--quiet", "--format", "pylock.toml", "--universal", "--no-python-downloads")
_OUTPUT = ("--no-header", "--no-annotate", "--only-binary", ":all:")


class Needed(Record):
    """One package with its wheels; `marker` restricts where it is needed, "" for everywhere."""

    name: str
    version: str
    marker: str
    wheels: tuple[ListedFile, ...]


def list_closure(
    uv: Uv, requirements: Sequence[str], *, python: str, python_version: str, exclude_newer: str = ""
) -> tuple[Needed, ...]:
    """Return the requirements and their dependencies on Python `python_version` and later, on all platforms.

    `python` is the path of any interpreter. `exclude_newer` is a date or a span such as `7 days`. Raises
    DevbootError: `python/resolution` if nothing satisfies it, `network/…`.
    """
    arguments = [*_COMPILE, *_OUTPUT, "--python", python, "--python-version", python_version]
    if exclude_newer:
        arguments += ["--exclude-newer", exclude_newer]
    lines = "".join(f"{each}\n" for each in requirements)
    return parse_closure(uv.run([*arguments, "-"], doing=f"list what {requirements[0]} needs", stdin=lines).stdout)


def parse_closure(text: str) -> tuple[Needed, ...]:
    """Return all packages in the text of a pylock.toml."""
    return tuple(
        Needed(
            package["name"],
            package["version"],
            package.get("marker", ""),
            tuple(listed_file(wheel) for wheel in package.get("wheels", ())),
        )
        for package in tomllib.loads(text).get("packages", ())
    )
