"""Finds and reads what a project says about itself: its manifest, written or detected, and its Procfile."""

from __future__ import annotations

import json
import os
from collections.abc import Mapping
from typing import NamedTuple

from devboot import __version__
from devboot.app.preparation.watched import Watched
from devboot.clone_reader import note
from devboot.environment.processes import PORT_STEP
from devboot.environment.project import BELOW, DETECTED, MANIFEST, STATE, Project, find_project, project_in, seen_from
from devboot.environment.root import refuse_sudo
from devboot.errors import ManifestError
from devboot.files import atomic_write, plain
from devboot.model import overmind
from devboot.model.edge.manifest import Manifest, load_procfile, load_sources, parse_manifest
from devboot.model.procfile import Procfile
from devboot.paths import refuse_bad_root
from devboot.snapshot import are_current, listing

TYPE_CHECKING = False
if TYPE_CHECKING:
    from devboot.onboarding import Proposal

PROPOSED = "what `devboot init` would write"  # names the manifest that nothing has been written of


class Loaded(NamedTuple):
    """A project with its manifest and Procfile, and what they were read from.

    `stamps` tell when to read again. `fresh_detection` is whether the manifest was detected just now; `notes` are what
    detection has to say besides, each with whether it warns.
    """

    project: Project
    manifest: Manifest
    procfile: Procfile | None
    stamps: tuple[tuple[str, int, int], ...]
    fresh_detection: bool
    notes: tuple[tuple[str, bool], ...] = ()
    formation: Mapping[str, int] = {}  # how often processes are to run, where a flag says other than the manifest
    base: int = 0  # where the processes' ports are to begin, where a flag says so
    step: int = PORT_STEP  # and how far they are apart
    is_adjusted: bool = False  # flags have changed something: what is composed of it is for this time only

    @property
    def name(self) -> str:
        """The project's name: the manifest's, else the usual one."""
        return self.manifest.project.name or self.project.usual_name

    @property
    def types_ports(self) -> bool:
        """Whether flags say where the ports of processes are, which then are meant as they are."""
        return bool(self.base) or (self.is_adjusted and self.step != PORT_STEP)


class Kept(NamedTuple):
    """What is kept of a detection beside its manifest, as in `Loaded`."""

    stamps: tuple[tuple[str, int, int], ...]
    notes: tuple[tuple[str, bool], ...]


def load_project(cwd: str, environ: Mapping[str, str]) -> Loaded:
    """Load the project that a command in `cwd` means, detecting a manifest where nobody wrote one.

    What was detected is kept in `.devboot/` and read again until a file that it was read from has changed, or one that
    it looked for has appeared. Raises Problems for mistakes in the files, ManifestError `manifest/not-found` where
    there is nothing to go by.
    """
    project = find_project(cwd)
    refuse_bad_root(project.root)
    refuse_sudo(project.root, environ, os.geteuid())
    fresh = False
    kept: Kept | None = None
    if not project.written:
        kept = _kept(project) if project.manifest else None
        fresh = kept is None
        if kept is None:
            project, kept = _detect(project, environ)
            fresh = not project.written
    stamps, notes = kept or Kept((), ())
    prefix = "" if project.root == cwd else f"{os.path.relpath(project.root, cwd)}/"
    with Watched() as watched:
        note(os.path.join(project.root, MANIFEST))  # which would take the place of a detected one
        sources = load_sources(project.manifest, root=project.root, prefix=prefix, is_lenient=not project.written)
        found = _as_in_overmind(Loaded(project, sources.manifest, sources.procfile, (), fresh, notes))
    return found._replace(stamps=(*watched.stamps, *stamps))


def look_at_project(cwd: str, environ: Mapping[str, str]) -> Loaded:
    """As `load_project`, writing nothing: a manifest that is detected now isn't kept."""
    project = find_project(cwd)
    if project.written or (project.manifest and _kept(project) is not None):
        return load_project(cwd, environ)
    from devboot.onboarding import render

    start = seen_from(project.root)
    proposal = _propose(start, environ)
    root = str(proposal.root)
    if root != start and (below := project_in(root)) is not None and below.written:
        return load_project(root, environ)
    text = render(proposal)
    procfile = load_procfile(root, proposal.procfile, is_lenient=True)
    manifest = parse_manifest(text, PROPOSED, procfile=() if procfile is None else procfile.names)
    found = Loaded(
        Project(root, "", written=False), manifest, procfile, (), fresh_detection=True, notes=_notes(proposal)
    )
    return _as_in_overmind(found)


def prepare_state(project: Project) -> None:
    """Make the folder for everything project-local, which ignores itself."""
    os.makedirs(project.state, mode=0o700, exist_ok=True)
    ignore = os.path.join(project.state, ".gitignore")
    if not os.path.exists(ignore):
        atomic_write(ignore, b"*\n")


def _as_in_overmind(loaded: Loaded) -> Loaded:
    """With the numbers of processes that `.overmind.env` asks for; what the manifest says itself counts more."""
    settings = overmind.read_settings(loaded.project.root)
    if not settings:
        return loaded
    own = loaded.manifest.processes
    names = () if loaded.procfile is None else loaded.procfile.names
    found = overmind.formation_of(settings, (*names, *(name for name in own if name not in names)))
    said = {name for name, process in own.items() if "instances" in process.model_fields_set}
    counts = {name: count for name, count in found.counts.items() if name not in said}
    notes = (*loaded.notes, *((text, False) for text in found.notes))
    step = settings.get(overmind.PORT_STEP, "")
    return loaded._replace(formation=counts, notes=notes, step=int(step) if step.isdecimal() else PORT_STEP)


def _propose(start: str, environ: Mapping[str, str]) -> Proposal:
    from devboot.app.preparation.detecting import detect_here

    proposal = detect_here(start, environ)
    if not proposal.is_useful:
        from devboot.app.preparation.unlike import what_else

        causes, helps = what_else(start)
        raise ManifestError(
            "manifest/not-found",
            f"there is no `{MANIFEST}` here, and nothing that looks like an application",
            causes=[f"looked in `{start}` and the folders above it", *causes],
            help=helps,
        )
    return proposal


def _notes(proposal: Proposal) -> tuple[tuple[str, bool], ...]:
    return tuple((str(each), each.warns) for each in proposal.notes)


def _detect(project: Project, environ: Mapping[str, str]) -> tuple[Project, Kept | None]:
    from devboot.onboarding import render

    start = seen_from(project.root)
    with Watched() as watched:
        proposal = _propose(start, environ)
    root = str(proposal.root)
    if root.startswith(f"{start}/"):  # so that every command finds it from the folder where this one was typed
        prepare_state(Project(start, "", written=False))
        atomic_write(os.path.join(start, BELOW), os.fsencode(os.path.relpath(root, start)))
        below = project_in(root)
        if below is not None and below.written:
            return below, None
    stamps = (*watched.stamps, *(listing(str(path)) for path in proposal.globbed))
    found = Project(root, os.path.join(root, DETECTED), written=False)
    prepare_state(found)
    atomic_write(found.manifest, render(proposal))
    kept = Kept(stamps, _notes(proposal))
    record = {"devboot": __version__, **kept._asdict()}
    atomic_write(_stamps_file(root), json.dumps(record))
    return found, kept


def _kept(project: Project) -> Kept | None:
    """What is kept beside the detected manifest, None when detection has to be done anew."""
    try:
        with open(_stamps_file(project.root), encoding="utf-8", opener=plain) as file:
            record = json.load(file)
        stamps = tuple((str(path), int(time), int(size)) for path, time, size in record["stamps"])
        notes = tuple((str(text), bool(warns)) for text, warns in record["notes"])
    except (OSError, ValueError, KeyError, TypeError):
        return None
    if record.get("devboot") != __version__:
        return None
    return Kept(stamps, notes) if are_current(stamps) else None


def _stamps_file(root: str) -> str:
    return os.path.join(root, STATE, "detected.json")
