"""Values of a proposed manifest, ready to be written."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path

OPEN_ACCESS = 'the code connects without a password, so `access = "open"` lets in every user of this machine'


Option = str | int | Mapping[str, str | int]  # the value of a key: a text, a number or an inline table

CONTAINER = "the code connects to `{}`, a name that only containers have"


@dataclass(frozen=True, slots=True)
class Evidence:
    """The place from which a fact was read: a path relative to the clone's root, and a line (0: the whole file)."""

    path: str
    line: int = 0

    @classmethod
    def at(cls, path: str, match: re.Match[str], group: str | int = 0) -> Evidence:
        """Return the place of a match in a file's text."""
        return cls(path, match.string.count("\n", 0, match.start(group)) + 1)

    def __str__(self) -> str:
        return f"{self.path}:{self.line}" if self.line else self.path


@dataclass(frozen=True, slots=True)
class Note:
    """A remark for the user about the proposal; `warns`: something won't work because of the fact that it states."""

    text: str
    evidence: Evidence | None = None
    warns: bool = False

    def __str__(self) -> str:
        return f"{self.text} ({self.evidence})" if self.evidence else self.text


@dataclass(frozen=True, slots=True)
class PythonInput:
    """The project's lists of Python packages, and further settings of `[python]`. Paths are relative to its root."""

    requirements: tuple[str, ...] = ()
    version: str | None = None  # stated in a file of the clone, so the manifest needn't repeat it
    version_from: Evidence | None = None
    oldest: str = ""  # the versions that the code needs, if the clone suggests an older one: `>=3.10`
    oldest_from: Evidence | None = None
    groups: tuple[str, ...] = ()
    extras: tuple[str, ...] = ()
    packages: tuple[str, ...] = ()  # in addition to the lists
    exclude_newer: str = ""  # a date: newer versions of unpinned packages are ignored
    hosts: tuple[str, ...] = ()  # container names that resolve to this machine
    is_list_usual: bool = False  # True if a manifest without a list uses these by default


@dataclass(frozen=True, slots=True)
class Package:
    """A tool from a recipe, for PATH."""

    name: str
    version: str
    evidence: Evidence | None = None


@dataclass(frozen=True, slots=True)
class Service:
    """A service of a proposed manifest."""

    name: str
    recipe: str
    port: int | None = None
    evidence: Evidence | None = None
    is_open: bool = False  # True if the code connects without a password
    version: str = ""  # "": the recipe's default
    settings: Mapping[str, str] = field(default_factory=dict)
    port_from: str = "the code names it"


@dataclass(frozen=True, slots=True)
class Database:
    """A database: an SQLite file, its path relative to the proposal's root; or one in a service, with its owner."""

    name: str
    path: str
    evidence: Evidence | None = None
    service: str = ""
    database: str = ""
    user: str = ""  # "": the service's default user
    password: str = ""
    extensions: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Variable:
    """A variable of `[env]`; exactly one of `value`, `generate` and `required` is set.

    With `from_shell` the caller's environment decides, and `value` is the default or None.
    """

    name: str
    value: str | None = None
    generate: str | None = None
    required: bool = False
    secret: bool = False
    description: str = ""
    evidence: Evidence | None = None
    file: str = ".env"
    from_shell: bool = False


@dataclass(frozen=True, slots=True)
class Task:
    """A task of a proposed manifest."""

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
    """A process with a command, or (`command` None) settings for a line of the Procfile.

    `listens` is the host and port of the readiness probe; "" for the process' port. `watch` are the globs of files
    whose change restarts it. `depends_on` maps names to the state to wait for ("": the default of its kind); `options`
    are further keys of its table.
    """

    name: str
    command: str | None = None
    cwd: str = "."
    port: int | None = None
    evidence: Evidence | None = None
    env: Mapping[str, str] = field(default_factory=dict)
    listens: str = ""
    watch: tuple[str, ...] = ()
    depends_on: Mapping[str, str] = field(default_factory=dict)
    options: Mapping[str, Option] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Program:
    """A program of the clone to be run by hand: its command ("" if none), and its effect, such as `opens a window`."""

    command: str = ""
    kind: str = ""


@dataclass(frozen=True, slots=True)
class ProcfileLine:
    """A line of the Procfile."""

    name: str
    command: str


@dataclass(frozen=True, slots=True)
class Proposal:
    """A proposed manifest with its evidence.

    `root` is absolute: the folder for `devboot.toml`. The paths in `globbed` are absolute, too: the proposal is
    valid as long as no name in these folders changes; `clone_reader` has recorded the files that were read or
    missing.
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
    program: Program = Program()  # command that runs the clone's program by hand, if no process was found
    templates: tuple[tuple[str, str], ...] = ()  # each with the missing settings module that it is for
    globbed: tuple[Path, ...] = ()

    @property
    def is_useful(self) -> bool:
        """True if the proposal has anything to run or to install."""
        has_program = bool(self.program.command or self.program.kind)
        return bool(self.framework or self.procfile or self.has_virtualenv or self.processes or has_program)

    @property
    def has_virtualenv(self) -> bool:
        """True if there are Python packages to install."""
        return bool(self.python.requirements or self.python.packages)
