"""What detection proposes: values that are ready to be written as a manifest."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path

OPEN_ACCESS = 'the code connects without a password, so `access = "open"` lets in every user of this machine'


CONTAINER = "the code connects to `{}`, a name that only containers have"


@dataclass(frozen=True, slots=True)
class Evidence:
    """Where a fact stands: a path relative to the clone's root, and a line (0: the file as such)."""

    path: str
    line: int = 0

    @classmethod
    def at(cls, path: str, match: re.Match[str], group: str | int = 0) -> Evidence:
        """The place of a match in the text of a file."""
        return cls(path, match.string.count("\n", 0, match.start(group)) + 1)

    def __str__(self) -> str:
        return f"{self.path}:{self.line}" if self.line else self.path


@dataclass(frozen=True, slots=True)
class Note:
    """Something worth knowing that the manifest can't say; `warns` where something won't work because of it."""

    text: str
    evidence: Evidence | None = None
    warns: bool = False

    def __str__(self) -> str:
        return f"{self.text} ({self.evidence})" if self.evidence else self.text


@dataclass(frozen=True, slots=True)
class PythonInput:
    """Where the packages come from. Paths are relative to the proposal's root."""

    requirements: tuple[str, ...] = ()
    version: str | None = None  # as a file of the clone states it, which a manifest needn't repeat
    version_from: Evidence | None = None
    groups: tuple[str, ...] = ()
    extras: tuple[str, ...] = ()
    packages: tuple[str, ...] = ()  # beside the lists
    exclude_newer: str = ""  # a date: what unpinned packages were then
    hosts: tuple[str, ...] = ()  # names of containers that lead to this machine
    is_list_usual: bool = False  # whether a manifest that names no list means these


@dataclass(frozen=True, slots=True)
class Package:
    """A tool that a recipe brings onto PATH."""

    name: str
    version: str
    evidence: Evidence | None = None


@dataclass(frozen=True, slots=True)
class Service:
    """A service that a recipe runs."""

    name: str
    recipe: str
    port: int | None = None
    evidence: Evidence | None = None
    is_open: bool = False  # whether the code connects without a password
    version: str = ""  # empty: the recipe's own choice


@dataclass(frozen=True, slots=True)
class Database:
    """A SQLite file, its path relative to the proposal's root; or the database and its owner in a service."""

    name: str
    path: str
    evidence: Evidence | None = None
    service: str = ""
    database: str = ""
    user: str = ""  # empty: the service's own
    password: str = ""
    extensions: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Variable:
    """A variable of `[env]`: exactly one of `value`, `generate` and `required` says where it comes from."""

    name: str
    value: str | None = None
    generate: str | None = None
    required: bool = False
    secret: bool = False
    description: str = ""
    evidence: Evidence | None = None
    file: str = ".env"


@dataclass(frozen=True, slots=True)
class Task:
    """A once-step."""

    name: str
    run: str
    cwd: str = "."
    inputs: tuple[str, ...] = ()
    before: tuple[str, ...] = ("processes",)
    depends_on: tuple[str, ...] = ()
    evidence: Evidence | None = None
    once: bool = False


@dataclass(frozen=True, slots=True)
class Process:
    """A process: with a command of its own, or what a line of the Procfile needs besides.

    `listens` is the address, host and port, by which it is ready; empty: its port tells. `watch` are the globs of files
    whose change restarts it.
    """

    name: str
    command: str | None = None
    cwd: str = "."
    port: int | None = None
    evidence: Evidence | None = None
    env: Mapping[str, str] = field(default_factory=dict)
    listens: str = ""
    watch: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class ProcfileLine:
    """A line of the Procfile."""

    name: str
    command: str


@dataclass(frozen=True, slots=True)
class Proposal:
    """A manifest in the making, with its evidence.

    `root` is absolute, the folder in which `devboot.toml` should lie. So are the paths of `globbed`: the proposal holds
    as long as no name comes or goes in these folders; `clone_reader` has noted the files that were read or missed.
    """

    root: Path
    name: str
    framework: str | None = None
    framework_evidence: Evidence | None = None
    python: PythonInput = field(default_factory=PythonInput)
    packages: tuple[Package, ...] = ()
    services: tuple[Service, ...] = ()
    databases: tuple[Database, ...] = ()
    env: tuple[Variable, ...] = ()
    env_files: tuple[str, ...] | None = None
    tasks: tuple[Task, ...] = ()
    procfile: str | None = None
    is_procfile_default: bool = True
    lines: tuple[ProcfileLine, ...] = ()  # of the Procfile
    processes: tuple[Process, ...] = ()
    notes: tuple[Note, ...] = ()
    program: str = ""  # command that runs the clone's program by hand, where nothing is shown to keep running
    templates: tuple[tuple[str, str], ...] = ()  # with the module of settings that each is for and the clone lacks
    globbed: tuple[Path, ...] = ()

    @property
    def is_useful(self) -> bool:
        """Whether there is anything to run or to install."""
        return bool(self.framework or self.procfile or self.has_virtualenv or self.processes)

    @property
    def has_virtualenv(self) -> bool:
        """Whether there are packages of Python's to install."""
        return bool(self.python.requirements or self.python.packages)
