"""`init`: inspects the clone and writes a manifest for it, adds to an existing one, or writes a small example."""

from __future__ import annotations

import os
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import replace
from difflib import unified_diff
from importlib.resources import files
from pathlib import Path

from devboot.clone_reader import parse_toml, read_text
from devboot.clone_writer import refuse_outside, replace_file
from devboot.environment.project_owner import is_refused
from devboot.errors import ManifestError, UsageError, shell_word
from devboot.files import machine_error, plain
from devboot.record import Record
from devboot.state.project import LOCK, Project, find_project, project_in
from devboot.state.projects import DETECTED, MANIFEST, Projects

TYPE_CHECKING = False
if TYPE_CHECKING:
    # Reading clones imports many modules that the example doesn't need.
    from devboot.onboarding.proposal_values import Evidence, Note, Proposal

# What a run of the example in a checkout leaves beside it.
_MADE = (".venv/", LOCK, "guestbook.sqlite3")


class Fact(Record):
    """A detected fact: `what` in words, `where` it was found as file:line, or ""."""

    subject: str
    what: str
    where: str


class InitResult(Record):
    """Result of `init`: files written (relative to `root`), the facts on which they are based, and notes."""

    root: str
    name: str
    written: tuple[str, ...]
    lines: int
    facts: tuple[Fact, ...]
    notes: tuple[str, ...]


class Change(Record):
    """A planned change of the manifest: its text before (None without one) and after, and the proposal behind it."""

    path: str
    before: str | None
    after: str
    proposal: Proposal

    @property
    def diff(self) -> str:
        """Return the change as a unified diff; "" if nothing changes."""
        old = "/dev/null" if self.before is None else MANIFEST
        before, after = ((text or "").splitlines(keepends=True) for text in (self.before, self.after))
        lines = unified_diff(before, after, old, MANIFEST)
        return "".join(line if line.endswith("\n") else f"{line}\n\\ No newline at end of file\n" for line in lines)


def init(cwd: str, environ: Mapping[str, str], *, merges: bool = False) -> InitResult:
    """Write `devboot.toml` for the clone; with `merges` add missing parts to an existing one, keeping its text.

    Raises UsageError `init/exists` if there is one, ManifestError `manifest/not-found` if nothing was found, and
    MachineError if it can't be written.
    """
    return write_change(planned(cwd, environ, merges=merges), cwd, environ)


def write_change(change: Change, cwd: str, environ: Mapping[str, str]) -> InitResult:
    """Write a planned manifest, or the additions to one. Raises the errors of `init` for files in the way."""
    root, found = os.path.dirname(change.path), change.proposal
    data = change.after.encode("utf-8", "surrogateescape")
    written: list[str] = []
    if change.before is None:
        _write_new(change.path, data, cwd)
        written = [MANIFEST, *_move_up(project_in(root, Projects.from_environ(environ)))]
    elif change.after != change.before:
        replace_file(change.path, root, data)
        written = [MANIFEST]
    lines = change.after.count("\n") - (change.before or "").count("\n")
    observed = () if change.before is None else _observed(project_in(root, Projects.from_environ(environ)))
    notes = (*_notes(found.notes), *observed)
    return InitResult(root, found.name, tuple(written), lines, tuple(facts_of(found)), notes)


def _observed(project: Project) -> Iterator[str]:
    """Yield remarks on variables, files and servers that programs lacked in starts without a manifest."""
    from devboot.daemon.leases import daemon_path, is_daemon_alive
    from devboot.supervisor.explain.observed import lacks, summaries

    is_running = is_daemon_alive(daemon_path(project.state))
    yield from summaries(lacks(project.state, (), is_running=is_running) or ())


def planned(cwd: str, environ: Mapping[str, str], *, merges: bool) -> Change:
    """Return what `init` would write, without writing it. Raises the errors of `init`, and Problems of the manifest."""
    from devboot.app.preparation.project.detect import detect_here
    from devboot.app.preparation.project.kind_of_clone import advice_without_manifest
    from devboot.onboarding import render
    from devboot.onboarding.proposal_values import Note

    project = find_project(cwd, environ)
    is_foreign = is_refused(project.root, cwd, environ, os.geteuid())
    is_written = project.written and not is_foreign
    if is_written and not merges:
        raise exists_already(project.manifest, cwd)
    start = cwd if is_foreign else project.root
    proposal = detect_here(start, environ)
    if is_written:
        return merged(project.manifest, proposal)
    if not proposal.is_useful:
        causes, helps = advice_without_manifest(start)
        raise ManifestError(
            "manifest/not-found",
            "nothing here looks like an application",
            causes=[f"looked in `{start}`", *causes],
            help=helps,
        )
    seen = _observed(project_in(str(proposal.root), Projects.from_environ(environ)))
    notes = tuple(Note(f"at the latest start: {text}", warns=True) for text in seen)
    proposal = replace(proposal, notes=(*proposal.notes, *notes))
    return Change(os.path.join(str(proposal.root), MANIFEST), None, render(proposal), proposal)


def _table_form(name: str) -> str:
    """Return in words the form that a manifest's table must have, so that lines can be added to it."""
    return f"a table (`[{name}]`)" if name in ("env", "packages", "python") else f"tables (`[{name}.NAME]`)"


def merged(path: str, proposal: Proposal) -> Change:
    """Return the change that adds to the manifest at `path` the parts of a proposal that it lacks.

    Raises Problems for mistakes in the manifest, ManifestError `init/elsewhere`, `init/form`, `init/conflict`.
    """
    from devboot.model.edge.complaints import problems_of
    from devboot.model.edge.manifest.manifest import Manifest, read_manifest
    from devboot.model.edge.toml.insert import FormError, insert_tables
    from devboot.onboarding import lacking, render, tables

    root = os.path.dirname(path)
    if str(proposal.root) != root:
        inner = os.path.relpath(proposal.root, root)
        raise ManifestError(
            "init/elsewhere",
            f"the detected application is in `{inner}`, and its paths are relative to that folder",
            causes=[f"`--merge` would extend `{MANIFEST}` in `{root}`"],
            help=[
                f"devboot -C {shell_word(inner)} init",
                f"devboot -C {shell_word(inner)} init --diff   # only shows what it would write",
            ],
            kept=["nothing was written"],
        )
    text = read_text(path)
    _, problems = read_manifest(text, MANIFEST)
    if any(each.slug != "manifest/unknown-name" for each in problems):  # the name may be that of the missing part
        raise problems_of(problems)
    values = parse_toml(text)
    missing = lacking(proposal, values)
    order = [field.alias or name for name, field in Manifest.model_fields.items()]
    if not values and not text.strip():
        return Change(path, text, render(proposal), proposal)
    try:
        after = insert_tables(text, tables(missing), order)
    except FormError as error:
        raise ManifestError(
            "init/form",
            f"`{error.name}` of `{MANIFEST}` is written in a form that can't be extended",
            details=[line for lines in tables(missing) for line in lines],
            causes=["lines can't be added to an inline table, or to keys with dots"],
            help=[f"write `{error.name}` as {_table_form(error.name)}, then `devboot init --merge` again"],
            kept=["nothing was written"],
        ) from None
    _check_merged(root, text, after)
    return Change(path, text, after, missing)


def _check_merged(root: str, before: str, after: str) -> None:
    """Validate a merged manifest, including references and Procfile, before it is written.

    Raises Problems for mistakes that the text had before, ManifestError `init/conflict` for others.
    """
    from devboot.model.edge.complaints import problems_of
    from devboot.model.edge.manifest.manifest import load_procfile, read_manifest

    table = parse_toml(after).get("procfile", {})
    procfile = load_procfile(root, table.get("path"), is_lenient=True)
    names = () if procfile is None else procfile.names
    _, problems = read_manifest(after, MANIFEST, procfile=names)
    if not problems:
        return
    _, known = read_manifest(before, MANIFEST, procfile=names)
    left = {(each.slug, each.what) for each in problems}
    if own := [each for each in known if (each.slug, each.what) in left]:
        raise problems_of(own)
    raise ManifestError(
        "init/conflict",
        f"what devboot detected can't be added to `{MANIFEST}`: the result would have mistakes",
        causes=[each.what for each in problems],
        help=["devboot explain init/conflict"],
        kept=["nothing was written"],
    )


def write_example(cwd: str) -> InitResult:
    """Write the small example project into `cwd`. Raises UsageError `init/exists` for a file in the way."""
    source = example_folder()
    names = [name for name in _files_below(source) if not name.startswith(_MADE) and "__pycache__" not in name]
    for name in names:
        if os.path.lexists(os.path.join(cwd, name)):
            raise exists_already(os.path.join(cwd, name), cwd)
        refuse_outside(os.path.join(cwd, name), cwd)
    for name in names:
        target = os.path.join(cwd, name)
        os.makedirs(os.path.dirname(target), exist_ok=True)
        _write_new(target, Path(source, name).read_bytes(), cwd)
    return InitResult(cwd, os.path.basename(cwd), tuple(names), 0, (), ())


def _files_below(folder: str) -> list[str]:
    found = [os.path.join(place, name) for place, _, names in os.walk(folder) for name in names]
    return sorted(os.path.relpath(path, folder) for path in found)


def example_folder() -> str:
    """Return the folder with the example's files: in the wheel, or in a checkout."""
    package = str(files("devboot"))
    bundled = os.path.join(package, "_example")
    return bundled if os.path.isdir(bundled) else os.path.join(os.path.dirname(package), "examples", "guestbook")


def facts_of(proposal: Proposal) -> Iterator[Fact]:
    """Yield a fact for each part of the proposal, in the order of the manifest."""
    python = proposal.python
    single = (
        Fact("framework", proposal.framework or "", _where(proposal.framework_evidence)),
        Fact("python", python.version or "", _where(python.version_from)),
        Fact("packages", ", ".join(python.requirements), ""),
        Fact("processes", proposal.procfile or "", ""),
    )
    yield from (fact for fact in single if fact.what)
    for package in proposal.packages:
        yield Fact("tool", f"{package.name} {package.version}", _where(package.evidence))
    for service in proposal.services:
        yield Fact("service", service.name, _where(service.evidence))
    for database in proposal.databases:
        what = f"{database.database} in {database.service}" if database.service else database.path
        yield Fact("database", what, _where(database.evidence))
    for variable in proposal.env:
        how = (
            "generated"
            if variable.generate
            else f"required, from {variable.file}"
            if variable.required
            else variable.value or '""'
        )
        yield Fact("variable", f"{variable.name}: {how}", _where(variable.evidence))
    for task in proposal.tasks:
        yield Fact("task", f"{task.name}: {task.run}", _where(task.evidence))
    for process in proposal.processes:
        if process.command:
            yield Fact("process", f"{process.name}: {process.command}", _where(process.evidence))


def _where(evidence: Evidence | None) -> str:
    return str(evidence) if evidence else ""


def _notes(notes: Iterable[Note]) -> tuple[str, ...]:
    return tuple(map(str, notes))


def _write_new(path: str, data: bytes, cwd: str) -> None:
    try:
        with open(path, "xb") as file:  # `x` refuses a file that appeared a moment ago
            file.write(data)
    except FileExistsError:
        raise exists_already(path, cwd) from None
    except OSError as error:
        raise machine_error(error, path) from error


def _move_up(project: Project) -> list[str]:
    """Move the lock that `up` kept in the state folder into the project, and delete the detected manifest there.

    Returns the names of moved files.
    """
    for name in (DETECTED, "detected.json"):
        if os.path.exists(path := os.path.join(project.state, name)):
            os.remove(path)
    kept = os.path.join(project.state, LOCK)
    if not os.path.exists(kept) or os.path.lexists(project.lock):
        return []
    with open(kept, "rb", opener=plain) as file:
        _write_new(project.lock, file.read(), project.root)
    os.remove(kept)
    return [LOCK]


def exists_already(path: str, cwd: str, command: str = "init") -> UsageError:
    """Return the error for an existing file that `init` or `import` would overwrite."""
    shown = os.path.relpath(path, cwd)
    return UsageError(
        "init/exists",
        f"`{shown}` is already there",
        help=["devboot up", f"devboot {command} --merge   # adds what it lacks"]
        if shown.endswith(MANIFEST)
        else ["mkdir example && cd example && devboot init --example"],
        kept=["nothing was written"],
    )
