"""Finds and reads a project's manifest, written or detected, and its Procfile."""

from __future__ import annotations

import json
import os
from collections.abc import Mapping

from devboot import __version__
from devboot.app.preparation.project.detect import Detection
from devboot.app.preparation.project.fixed_addresses import with_fixed_addresses
from devboot.app.preparation.project.folders import claim_folders
from devboot.app.preparation.project.loaded import Loaded
from devboot.app.preparation.project.recorded_reads import RecordedReads
from devboot.clone_reader import note, parse_json
from devboot.environment.process_specs import PORT_STEP
from devboot.environment.project_owner import refuse_sudo
from devboot.errors import ManifestError
from devboot.files import atomic_write, plain
from devboot.model.edge.manifest.manifest import load_procfile, load_sources, parse_manifest
from devboot.model.project_files import overmind
from devboot.paths import refuse_bad_root
from devboot.record import Record
from devboot.snapshot import are_current, listing
from devboot.state.claiming import Patience
from devboot.state.project import Project, find_project, own_folders, project_in
from devboot.state.projects import BELOW, DETECTED, MANIFEST, Projects
from devboot.text.units import whole_number

TYPE_CHECKING = False
if TYPE_CHECKING:
    from devboot.onboarding import Proposal

    Stamp = tuple[str, int, int]

PROPOSED = "what `devboot init` would write"  # the name of a manifest that wasn't written


class KeptDetection(Record):
    """A stored detection's results other than its manifest; fields as in `Loaded`."""

    stamps: tuple[Stamp, ...]
    notes: tuple[tuple[str, bool], ...]
    program: str = ""
    program_kind: str = ""
    templates: tuple[tuple[str, str], ...] = ()


def load_project(cwd: str, environ: Mapping[str, str], patience: Patience | None = None) -> Loaded:
    """Load the project of the folder `cwd`; detect a manifest if none was written.

    A detected manifest is kept in the state folder, which is created for it, until a file that it was read from
    changes, or one that was looked for appears. For a written manifest nothing is created: see `lock_project`. Raises
    Problems for mistakes in the files, ManifestError `manifest/not-found` if nothing was detected, BusyError
    `state/in-use`, BusyError `busy/locked` after `patience`.
    """
    project, projects = _find(cwd, environ)
    notes: tuple[str, ...] = ()
    if project.manifest and not project.written:
        notes = claim_folders(project.root, environ, patience)  # the detection may be of another clone
        project = project_in(project.root, projects)
    start = project.root if project.written else projects.seen_from(project.root)
    detection = Detection(start, environ)
    if project.written:
        return _read(own_folders(project, projects), cwd, detection)._replace(state_notes=notes)
    if project.manifest and (kept := _stored_detection(project)) is not None:
        return _read(project, cwd, detection, kept)._replace(state_notes=notes)
    with RecordedReads() as watched:
        proposal = _useful_proposal(detection, start)
    root = str(proposal.root)
    if root.startswith(f"{start}/"):  # so that every command finds it from the folder where this one was typed
        notes += claim_folders(start, environ, patience)
        atomic_write(os.path.join(projects.state_of(start), BELOW), os.fsencode(os.path.relpath(root, start)))
    notes += claim_folders(root, environ, patience)
    project = project_in(root, projects)
    if project.written:
        return _read(project, cwd, detection)._replace(state_notes=notes)
    kept = _store_detection(project, proposal, watched.stamps)
    found = _read(project_in(root, projects), cwd, detection, kept)
    return found._replace(fresh_detection=True, state_notes=notes)


def look_at_project(cwd: str, environ: Mapping[str, str]) -> Loaded:
    """Load the project like `load_project`, but write nothing: a newly detected manifest isn't stored."""
    project, projects = _find(cwd, environ)
    start = project.root if project.written else projects.seen_from(project.root)
    detection = Detection(start, environ)
    if project.written:
        return _read(project, cwd, detection)
    if project.manifest and (kept := _stored_detection(project)) is not None:
        return _read(project, cwd, detection, kept)
    from devboot.onboarding import render

    proposal = _useful_proposal(detection, start)
    root = str(proposal.root)
    project = project_in(root, projects)
    if root != start and project.written:
        return _read(project, cwd, detection)
    procfile = load_procfile(root, proposal.procfile, is_lenient=True)
    manifest = parse_manifest(render(proposal), PROPOSED, procfile=() if procfile is None else procfile.names)
    shown = project._replace(manifest="")
    found = Loaded(shown, manifest, procfile, (), detection, fresh_detection=True, notes=_notes(proposal))
    return _with_overmind_counts(found._replace(program=proposal.program.command, program_kind=proposal.program.kind))


def _find(cwd: str, environ: Mapping[str, str]) -> tuple[Project, Projects]:
    """Find the project of the folder `cwd`. Raises the errors for a root that devboot must not work in."""
    project, projects = find_project(cwd, environ), Projects.from_environ(environ)
    refuse_bad_root(project.root)
    refuse_sudo(project.root, environ, os.geteuid())
    return project, projects


def _read(project: Project, cwd: str, detection: Detection, kept: KeptDetection | None = None) -> Loaded:
    """Read manifest and Procfile; `kept` is the stored detection if the manifest wasn't written by a user."""
    prefix = "" if project.root == cwd else f"{os.path.relpath(project.root, cwd)}/"
    with RecordedReads() as watched:
        note(os.path.join(project.root, MANIFEST))  # which would take the place of a detected one
        sources = load_sources(project.manifest, root=project.root, prefix=prefix, is_lenient=not project.written)
        found = Loaded(project, sources.manifest, sources.procfile, (), detection, fresh_detection=False)
        found = _with_overmind_counts(found._replace(notes=kept.notes if kept is not None else ()))
    found = found._replace(stamps=watched.stamps)
    if kept is not None:
        stamps = (*watched.stamps, *kept.stamps)
        found = found._replace(stamps=stamps, templates=kept.templates)
        found = found._replace(program=kept.program, program_kind=kept.program_kind)
    if not project.written:
        return found
    manifest, fixed = with_fixed_addresses(found.manifest, project.state)
    return found._replace(manifest=manifest, fixed=fixed)


def _with_overmind_counts(loaded: Loaded) -> Loaded:
    """Apply the numbers of instances in `.overmind.env`; those of the manifest take precedence."""
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
    number = whole_number(step, 65535)
    return loaded._replace(formation=counts, notes=notes, step=PORT_STEP if number is None else number)


def _useful_proposal(detection: Detection, start: str) -> Proposal:
    """Return the proposed manifest for the folder `start`.

    Raises ManifestError `manifest/not-found` for an empty one, and Problems if its Procfile has only mistakes.
    """
    proposal = detection.proposal
    if not proposal.is_useful:
        load_procfile(start, None, is_lenient=True)
        from devboot.app.preparation.project.kind_of_clone import advice_without_manifest

        causes, helps = advice_without_manifest(start)
        raise ManifestError(
            "manifest/not-found",
            f"there is no `{MANIFEST}` here, and nothing that looks like an application",
            causes=[f"looked in `{start}` and the folders above it", *causes],
            help=helps,
        )
    return proposal


def _notes(proposal: Proposal) -> tuple[tuple[str, bool], ...]:
    return tuple((str(each), each.warns) for each in proposal.notes)


def _store_detection(project: Project, proposal: Proposal, reads: tuple[Stamp, ...]) -> KeptDetection:
    """Store a detected manifest in the state folder; `reads` are stamps of the files it was read from."""
    from devboot.onboarding import render

    stamps = (*reads, *(listing(str(path)) for path in proposal.globbed))
    atomic_write(os.path.join(project.state, DETECTED), render(proposal))
    program = proposal.program
    kept = KeptDetection(stamps, _notes(proposal), program.command, program.kind, proposal.templates)
    atomic_write(_stamps_file(project), json.dumps({"devboot": __version__, **kept._asdict()}))
    return kept


def _stored_detection(project: Project) -> KeptDetection | None:
    """Return the stored detection; None if there is none or a file has changed since."""
    try:
        with open(_stamps_file(project), encoding="utf-8", opener=plain) as file:
            record = parse_json(file.read())
        stamps = tuple((str(path), int(time), int(size)) for path, time, size in record["stamps"])
        notes = tuple((str(text), bool(warns)) for text, warns in record["notes"])
        program, kind = str(record["program"]), str(record["program_kind"])
        templates = tuple((str(template), str(target)) for template, target in record["templates"])
    except (OSError, ValueError, KeyError, TypeError):
        return None
    if record.get("devboot") != __version__:
        return None
    return KeptDetection(stamps, notes, program, kind, templates) if are_current(stamps) else None


def _stamps_file(project: Project) -> str:
    return os.path.join(project.state, "detected.json")
