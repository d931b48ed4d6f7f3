"""A loaded project: its manifest and Procfile, and stamps of the files that they were read from."""

from __future__ import annotations

from collections.abc import Mapping

from devboot.environment.process_specs import PORT_STEP
from devboot.model.edge.manifest.manifest import Manifest
from devboot.model.project_files.procfile import Procfile
from devboot.record import Record
from devboot.state.project import Project

TYPE_CHECKING = False
if TYPE_CHECKING:
    from devboot.app.preparation.project.detect import Detection
    from devboot.onboarding import Proposal


class FixedAddress(Record):
    """A service's address that is hard-coded in the project: the port (0: any), and whether it has no password."""

    port: int = 0
    is_open: bool = False
    place: str = ""


class Loaded(Record):
    """A project with its manifest and Procfile.

    `stamps` show when to read again. `fresh_detection`: the manifest was detected just now; `notes` are its remarks,
    each with whether it is a warning; `program` is the command of the clone's program to run by hand, if no process was
    found, and `program_kind` what it does. `templates` are those of settings modules that the clone lacks. `detection`
    is shared by everything that compares the manifest with the clone.
    """

    project: Project
    manifest: Manifest
    procfile: Procfile | None
    stamps: tuple[tuple[str, int, int], ...]
    detection: Detection
    fresh_detection: bool
    notes: tuple[tuple[str, bool], ...] = ()
    state_notes: tuple[str, ...] = ()  # notes about moved folders of devboot's
    formation: Mapping[str, int] = {}  # numbers of processes set by flags
    base: int = 0  # first port, set by a flag
    step: int = PORT_STEP  # distance between ports, set by a flag
    program: str = ""
    program_kind: str = ""
    templates: tuple[tuple[str, str], ...] = ()
    fixed: Mapping[str, FixedAddress] = {}  # what the manifest has because the code names addresses of services
    is_adjusted: bool = False  # flags have changed something: its composition is for this run only

    @property
    def name(self) -> str:
        """Return the project's name: the manifest's, else the folder's."""
        return self.manifest.project.name or self.project.usual_name

    @property
    def proposal(self) -> Proposal | None:
        """Return the manifest that detection proposes for the project; None if it is for another folder."""
        return self.detection.proposal_for(self.project.root)

    @property
    def types_ports(self) -> bool:
        """Return whether flags (`-p`, `-P`) set the ports of processes, which are exact then."""
        return bool(self.base) or (self.is_adjusted and self.step != PORT_STEP)
