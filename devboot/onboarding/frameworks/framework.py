"""Protocol of web frameworks, worker libraries and tools, and the facts about a clone that they get."""
# ruff: noqa: ARG002 - default implementations ignore their arguments

from __future__ import annotations

import re
from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import NamedTuple, Protocol

from devboot.onboarding.proposal_values import Evidence, Note, Process, PythonInput, Task, Variable
from devboot.onboarding.reading.containers.compose import Compose
from devboot.onboarding.reading.dotenv import EnvFiles
from devboot.onboarding.reading.layout import Application
from devboot.onboarding.reading.procfile import Procfile
from devboot.onboarding.reading.tree import Tree
from devboot.onboarding.symbolic_eval.evaluate import Code, Run
from devboot.onboarding.symbolic_eval.machine import Need

NEVER = re.compile(r"(?!)")


class Candidate(NamedTuple):
    """A possible application of a clone; the one with the smallest rank is taken."""

    rank: tuple[int | str, ...]
    app: Application


class Settings(NamedTuple):
    """The settings module for development, the value for the variable that selects it (None: don't set it), its place.

    `named` is the module that the clone's own script names, even if it isn't in the clone.
    """

    module: str = ""
    variable: str | None = None
    evidence: Evidence | None = None
    named: str = ""


@dataclass(slots=True)
class Clone:
    """Facts about a clone (application, packages, env files, …) that are known before its code is evaluated."""

    tree: Tree
    app: Application
    framework: Framework
    python: PythonInput
    packages: Mapping[str, str]
    compose: Compose
    files: EnvFiles
    settings: Settings
    procfile: Procfile | None
    notes: list[Note]

    @property
    def root(self) -> Path:
        """The folder for the manifest, which contains the application."""
        return self.tree.root if self.app.root == "." else self.tree.root / self.app.root


class Framework(Protocol):
    """A web framework, a worker library or a tool. Everything but `name` has a default that does nothing.

    A framework with an application object for a server subclasses `ApplicationObject`, one whose scripts are servers
    `ServingScript`.
    """

    name: str
    package: str = ""  # the distribution that its import needs, if no list has it
    port: int = 0  # the default port of its server
    requires: tuple[
        frozenset[str], ...
    ] = ()  # one distribution of each set is needed: extras and groups are chosen by it
    databases: str = ""  # the setting with its databases, if it has its own format
    is_found_by_place: bool = False  # True if it finds modules by their place, not by imports
    pages: str = ""  # the folder of modules that it loads automatically
    makes_pages: bool = False  # True if it serves the pages itself, not an API for a front end
    has_context: bool = False  # True if a worker's tasks run in the application's context
    words: tuple[str, ...] = ()  # words in modules that only its worker imports
    starts: re.Pattern[str] = NEVER  # matches a command that starts its worker
    schedules: re.Pattern[str] = NEVER  # matches a command that starts its scheduler

    def applications(self, tree: Tree) -> Iterable[Candidate]:
        """Return the possible applications of this framework in a clone."""
        return ()

    def entry(self, tree: Tree, app: Application) -> Application:
        """Return the application with the module to load, which may be another one that completes `app`."""
        return app

    def settings(self, tree: Tree, app: Application, hints: Mapping[str, str]) -> Settings:
        """Return the settings module for development; `hints` are values of variables for development."""
        return Settings()

    def web(self, clone: Clone) -> Process | None:
        """Return the process of the web server, with reloading; None if there is none."""
        return None

    def program(self, clone: Clone) -> tuple[str, Evidence | None] | None:
        """Return (command, place) of a program that ends by itself, for a clone without a server.

        None if there is none.
        """
        return None

    def workers(self, clone: Clone, run: Run) -> Sequence[Process]:
        """Return the worker processes that the code needs, such as those of a task queue."""
        return ()

    def completed(self, clone: Clone, command: str) -> str:
        """Return a command from the clone with missing options added, such as `--app shop` for `flask run`."""
        return command

    def for_development(self, clone: Clone, command: str) -> str:
        """Return a command of the Procfile with settings for production replaced by those for development."""
        return command

    def tasks(self, clone: Clone, run: Run, databases: tuple[str, ...]) -> Sequence[Task]:
        """Return the tasks before the processes, mainly migrations; `databases` are names for their `depends_on`."""
        return ()

    def tables(self, clone: Clone, databases: tuple[str, ...]) -> Task | None:
        """Return the task that creates all tables of the code, if migrations can't begin without them; else None."""
        return None

    def variables(self, clone: Clone, commands: Iterable[str]) -> Mapping[str, Variable]:
        """Return variables by which `commands` and lines of the Procfile find the application or its settings."""
        return {}

    def switches(self, clone: Clone, code: Code, base: Run) -> Sequence[Variable]:
        """Return variables, such as DEBUG, that switch the application to development."""
        return ()

    def needs(self, clone: Clone) -> Sequence[Need]:
        """Return variables needed at run time, in addition to those that the import needs."""
        return ()

    def notes(self, clone: Clone, tasks: Collection[Task], databases: Collection[str]) -> Sequence[Note]:
        """Return remarks about the application, which become comments in the manifest."""
        return ()


class Plain(Framework):
    """Stands in for the framework of an application without a known one."""

    name = ""


NONE = Plain()
