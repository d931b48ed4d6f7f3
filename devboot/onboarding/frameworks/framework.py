"""The Protocol of web frameworks, worker libraries and tools, and what they are shown of a clone."""
# ruff: noqa: ARG002 - a default uses nothing of what it is given

from __future__ import annotations

import re
from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass
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
    """An application that a clone may hold; of several the one with the smallest rank is taken."""

    rank: tuple[int | str, ...]
    app: Application


class Settings(NamedTuple):
    """The settings module of development, what its variable must be set to (None: nothing), and where that stands.

    `named` is the module that the clone's own script names, whether the clone has it or not.
    """

    module: str = ""
    variable: str | None = None
    evidence: Evidence | None = None
    named: str = ""


@dataclass(slots=True)
class Clone:
    """What is known of a clone before its code is followed."""

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


class Framework(Protocol):
    """A web framework, a worker library or a tool. Everything but `name` has a default that does nothing.

    A framework that makes an application object for a server subclasses `ApplicationObject`, one whose scripts serve
    by themselves `ServingScript`.
    """

    name: str
    package: str = ""  # the distribution that an import of it needs, where no list has that
    port: int = 0  # where its server listens unless it is told
    requires: tuple[
        frozenset[str], ...
    ] = ()  # sets of distributions, one of each needed: they choose extras and groups
    databases: str = ""  # the setting with its databases, where that has a form of its own
    is_found_by_place: bool = False  # whether it finds modules by where they lie, not by imports
    pages: str = ""  # the folder of modules that it loads by itself
    makes_pages: bool = False  # whether it is itself what people see, and no API behind a front end
    has_context: bool = False  # whether tasks of a worker run inside of the application's context
    words: tuple[str, ...] = ()  # in modules that only its worker imports
    starts: re.Pattern[str] = NEVER  # a command that starts its worker
    schedules: re.Pattern[str] = NEVER  # a command that starts its scheduler

    def applications(self, tree: Tree) -> Iterable[Candidate]:
        """Recognise its applications in a clone."""
        return ()

    def entry(self, tree: Tree, app: Application) -> Application:
        """Return the application that is started, where another module completes the one that was recognised."""
        return app

    def settings(self, tree: Tree, app: Application, hints: Mapping[str, str]) -> Settings:
        """Find the settings module; `hints` are variables with values for development."""
        return Settings()

    def web(self, clone: Clone) -> Process | None:
        """Return the process that serves, with whatever makes it reload."""
        return None

    def program(self, clone: Clone) -> tuple[str, Evidence | None] | None:
        """Return the command of a program that ends by itself, and where it shows; for what keeps nothing running."""
        return None

    def workers(self, clone: Clone, run: Run) -> Sequence[Process]:
        """Return the workers that the code implies."""
        return ()

    def completed(self, clone: Clone, command: str) -> str:
        """Return a command that the clone gives to people, with the options that it needs to find the application."""
        return command

    def tasks(self, clone: Clone, run: Run, databases: tuple[str, ...]) -> Sequence[Task]:
        """Return the once-tasks, migrations above all; `databases` are the names of what they depend on."""
        return ()

    def tables(self, clone: Clone, databases: tuple[str, ...]) -> Task | None:
        """Return the once-task that makes all tables as the code has them, where migrations can't begin without."""
        return None

    def variables(self, clone: Clone, commands: Iterable[str]) -> Mapping[str, Variable]:
        """Return variables with which `commands`, and lines of the Procfile, find the application or its settings."""
        return {}

    def switches(self, clone: Clone, code: Code, base: Run) -> Sequence[Variable]:
        """Return variables that may turn the application to development."""
        return ()

    def needs(self, clone: Clone) -> Sequence[Need]:
        """Return variables that it needs when it runs, beside those that the import of the application needs."""
        return ()

    def notes(self, clone: Clone, tasks: Collection[Task], databases: Collection[str]) -> Sequence[Note]:
        """Return what is worth saying beside the manifest."""
        return ()


class Plain(Framework):
    """No framework that devboot knows."""

    name = ""


NONE = Plain()
