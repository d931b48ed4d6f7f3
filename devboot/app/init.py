"""`init`: looks at the clone and writes a manifest for it, or a tiny example; never overwrites anything."""

from __future__ import annotations

import os
import shutil
from collections.abc import Iterable, Iterator, Mapping
from importlib.resources import files
from pathlib import Path
from typing import NamedTuple

from devboot.clone_writer import refuse_outside
from devboot.environment.root import is_refused
from devboot.errors import ManifestError, UsageError
from devboot.files import machine_error
from devboot.state.project import LOCK, Project, find_project, project_in
from devboot.state.projects import DETECTED, MANIFEST, Projects

TYPE_CHECKING = False
if TYPE_CHECKING:
    # Reading clones takes many modules, which the example does without.
    from devboot.onboarding.proposal_values import Evidence, Note, Proposal

# What a run of the example in a checkout leaves beside it.
_MADE = (".venv/", LOCK, "guestbook.sqlite3")


class Fact(NamedTuple):
    """One thing that was found: `what` in words, `where` as file:line or "" ."""

    subject: str
    what: str
    where: str


class InitResult(NamedTuple):
    """What `init` did: files written (relative to `root`), what they were drawn from, what is worth knowing."""

    root: str
    name: str
    written: tuple[str, ...]
    lines: int
    facts: tuple[Fact, ...]
    notes: tuple[str, ...]


def init(cwd: str, environ: Mapping[str, str]) -> InitResult:
    """Write `devboot.toml` from what is there.

    Raises UsageError `init/exists` where there is one, ManifestError `manifest/not-found` where nothing was found, and
    MachineError where it can't be written.
    """
    from devboot.app.preparation.detecting import detect_here
    from devboot.app.preparation.unlike import what_else
    from devboot.onboarding import render

    project = find_project(cwd, environ)
    is_foreign = is_refused(project.root, cwd, environ, os.geteuid())
    if project.written and not is_foreign:
        raise _exists(project.manifest, cwd)
    start = cwd if is_foreign else project.root
    proposal = detect_here(start, environ)
    if not proposal.is_useful:
        causes, helps = what_else(start)
        raise ManifestError(
            "manifest/not-found",
            "nothing here looks like an application",
            causes=[f"looked in `{start}`", *causes],
            help=helps,
        )
    root, text = str(proposal.root), render(proposal)
    _write_new(os.path.join(root, MANIFEST), text.encode("utf-8", "surrogateescape"), cwd)
    written = [MANIFEST, *_move_up(project_in(root, Projects.from_environ(environ)))]
    return InitResult(
        root, proposal.name, tuple(written), text.count("\n"), tuple(facts_of(proposal)), _notes(proposal.notes)
    )


def write_example(cwd: str) -> InitResult:
    """Write the tiny example into `cwd`. Raises UsageError `init/exists` for a file that is in the way."""
    source = example_folder()
    names = [name for name in _files_below(source) if not name.startswith(_MADE) and "__pycache__" not in name]
    for name in names:
        if os.path.lexists(os.path.join(cwd, name)):
            raise _exists(os.path.join(cwd, name), cwd)
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
    """Where the example stands: in the wheel, or in a checkout."""
    package = str(files("devboot"))
    bundled = os.path.join(package, "_example")
    return bundled if os.path.isdir(bundled) else os.path.join(os.path.dirname(package), "examples", "guestbook")


def facts_of(proposal: Proposal) -> Iterator[Fact]:
    """Everything that was found, in the order in which the manifest has it."""
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
        how = "generated" if variable.generate else "to be filled in" if variable.required else variable.value or '""'
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
        raise _exists(path, cwd) from None
    except OSError as error:
        raise machine_error(error, path) from error


def _move_up(project: Project) -> list[str]:
    """Make what `up` kept of its detection the project's own; the detected manifest is of no more use."""
    for name in (DETECTED, "detected.json"):
        if os.path.exists(path := os.path.join(project.state, name)):
            os.remove(path)
    kept = os.path.join(project.state, LOCK)
    if not os.path.exists(kept) or os.path.lexists(project.lock):
        return []
    shutil.move(kept, project.lock)
    return [LOCK]


def _exists(path: str, cwd: str) -> UsageError:
    shown = os.path.relpath(path, cwd)
    return UsageError(
        "init/exists",
        f"`{shown}` is already there",
        help=["devboot up"] if shown.endswith(MANIFEST) else ["devboot init --example, in an empty folder"],
        kept=["nothing was written"],
    )
