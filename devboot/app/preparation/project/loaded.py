"""A loaded project: its manifest and Procfile as they are used, and what they were read from."""

from __future__ import annotations

from collections.abc import Mapping
from typing import NamedTuple

from devboot.environment.process_specs import PORT_STEP
from devboot.model.edge.manifest.manifest import Manifest
from devboot.model.procfile import Procfile
from devboot.state.project import Project


class FixedAddress(NamedTuple):
    """How code that names the address of a service connects: on which port, 0 for any, and whether with no password."""

    port: int = 0
    is_open: bool = False
    place: str = ""


class Loaded(NamedTuple):
    """A project with its manifest and Procfile, and what they were read from.

    `stamps` tell when to read again. `fresh_detection` is whether the manifest was detected just now; `notes` are what
    detection has to say besides, each with whether it warns; `program` is the command that runs the clone's program by
    hand, where detection finds nothing that keeps running. `templates` are those of modules that the clone lacks.
    """

    project: Project
    manifest: Manifest
    procfile: Procfile | None
    stamps: tuple[tuple[str, int, int], ...]
    fresh_detection: bool
    notes: tuple[tuple[str, bool], ...] = ()
    state_notes: tuple[str, ...] = ()  # what became of the folders that devboot keeps for the project
    formation: Mapping[str, int] = {}  # how often processes are to run, where a flag says other than the manifest
    base: int = 0  # where the processes' ports are to begin, where a flag says so
    step: int = PORT_STEP  # and how far they are apart
    program: str = ""
    templates: tuple[tuple[str, str], ...] = ()
    fixed: Mapping[str, FixedAddress] = {}  # what the manifest has because the code names addresses of services
    is_adjusted: bool = False  # flags have changed something: what is composed of it is for this time only

    @property
    def name(self) -> str:
        """The project's name: the manifest's, else the usual one."""
        return self.manifest.project.name or self.project.usual_name

    @property
    def types_ports(self) -> bool:
        """Whether flags say where the ports of processes are, which then are meant as they are."""
        return bool(self.base) or (self.is_adjusted and self.step != PORT_STEP)
