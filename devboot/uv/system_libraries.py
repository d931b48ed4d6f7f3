"""Recognises in a build's output the system library that it lacks, by the table `system_libraries.toml`."""

from __future__ import annotations

import functools
import re
import shutil
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from typing import Any

from devboot.model.data_tables import load_table

# Package managers by their program, in the order in which they are looked for
_COMMANDS = {
    "apt-get": ("apt", "sudo apt-get install {}", "Debian, Ubuntu"),
    "dnf": ("dnf", "sudo dnf install {}", "Fedora"),
    "pacman": ("pacman", "sudo pacman -S {}", "Arch Linux"),
    "apk": ("apk", "sudo apk add {}", "Alpine"),
    "brew": ("brew", "brew install {}", "macOS"),
}
# Only lines that report something missing count: compilers' command lines name many libraries.
_ABSENCE = re.compile(
    r"No such file or directory|not found|could not be found|is required|command not found|not installed|"
    r"Unable to find|cannot find|provides `[^`]+`|Unknown compiler|No module named 'mesonpy'",
    re.IGNORECASE,
)
_PYTHON = re.compile(r"-I\S*/python(3\.\d+)\b")
_OF_UV = ("cause:", "Caused by:", "hint:", "error: Failed")
_NEVER = re.compile(r"(?!)")


@dataclass(frozen=True, slots=True)
class SystemLibrary:
    """A system library or program that builds may need. `system_libraries.toml` explains each field."""

    key: str
    title: str
    packages: tuple[str, ...] = ()
    summary: re.Pattern[str] = _NEVER
    said: re.Pattern[str] = _NEVER
    apt: tuple[str, ...] = ()
    dnf: str = ""
    pacman: str = ""
    apk: str = ""
    brew: str = ""
    conda: str = ""
    include: tuple[str, ...] = ()
    variables: Mapping[str, str] = field(default_factory=dict)
    fetch: bool = True
    debs: tuple[str, ...] = ()
    also: tuple[str, ...] = ()

    def commands(self, search_path: str = "") -> tuple[str, ...]:
        """Return commands that install the library: by the package manager on `search_path`, else the usual ones."""
        here = next((each for each in _COMMANDS if search_path and shutil.which(each, path=search_path)), "")
        shown = (here,) if here else ("apt-get", "brew")
        lines = ((_COMMANDS[each], self._names(_COMMANDS[each][0])) for each in shown)
        return tuple(f"{line.format(names)}   # {system}" for (_, line, system), names in lines if names)

    def _names(self, manager: str) -> str:
        if manager == "apt":
            return " ".join(each.partition(" |")[0] for each in self.apt)
        return str(getattr(self, manager))


@functools.cache
def known_libraries() -> Mapping[str, SystemLibrary]:
    """Return all libraries of the table by key, in order."""
    return {key: _library(key, row) for key, row in load_table(__file__, "system_libraries").items()}


def _library(key: str, row: Mapping[str, Any]) -> SystemLibrary:
    patterns = {"said", "summary"}
    values: dict[str, Any] = {
        name: re.compile("|".join(value)) if name in patterns else tuple(value) if isinstance(value, list) else value
        for name, value in row.items()
    }
    return SystemLibrary(key, **values)


def what_is_lacking(output: str) -> SystemLibrary | None:
    """Return the library whose lack a build's output reports; None if it fails for another reason."""
    for library in known_libraries().values():
        if library.summary.search(output):
            return library
    for line in output.splitlines():
        if _ABSENCE.search(line):
            for library in known_libraries().values():
                if library.said.search(line):
                    return _for_python(library, output)
    return None


def complaint(output: str) -> str:
    """Return the last line of a build's output that reports something missing; "" if there is none."""
    lack = what_is_lacking(output)
    lines = (line.strip() for line in output.splitlines() if lack and lack.said.search(line))
    found = [line for line in lines if _ABSENCE.search(line) and not line.startswith(_OF_UV)]
    return found[-1] if found else ""


def _for_python(library: SystemLibrary, output: str) -> SystemLibrary | None:
    """Return the library with the build's Python version inserted into its package names, if they depend on it."""
    if not any("{python}" in each for each in (*library.apt, *library.include)):
        return library
    found = _PYTHON.search(output)
    if found is None:
        return replace(library, apt=("python3-dev",), fetch=False)
    apt, include = (tuple(e.replace("{python}", found[1]) for e in each) for each in (library.apt, library.include))
    return replace(library, apt=apt, include=include)


def libraries_of(package: str) -> tuple[SystemLibrary, ...]:
    """Return the libraries that a PyPI package (normalised name) is known to need."""
    return tuple(each for each in known_libraries().values() if package in each.packages)
