"""Refuses a project in which nothing would or could run; compares a manifest with what detection proposes."""

from __future__ import annotations

import os
from collections.abc import Iterator

from devboot.app.preparation.project.kind_of_clone import kind_with_packages
from devboot.clone_reader import parse_toml, read_text
from devboot.errors import MachineError, ManifestError, Problems
from devboot.events import WARNING, Event, Reporter
from devboot.state.projects import DETECTED, MANIFEST

TYPE_CHECKING = False
if TYPE_CHECKING:
    from devboot.app.preparation.project.loaded import Loaded
    from devboot.onboarding import Proposal


def is_idle(loaded: Loaded) -> bool:
    """Return whether the manifest was detected and has no processes."""
    has_lines = loaded.procfile is not None and loaded.procfile.names
    return not (loaded.project.written or loaded.manifest.processes or has_lines)


def warn_of_missing(missing: Problems, reporter: Reporter) -> None:
    """Warn of missing variables in a clone without processes, since other commands may work without them."""
    for each in missing.errors:
        reporter.emit(Event(WARNING, "env", each.what, lines=(*each.details, *each.causes, *each.help), slug=each.slug))


def refuse_python_2(loaded: Loaded) -> None:
    """Raise MachineError `python/not-found` for code that only Python 2 can parse."""
    if not loaded.program_kind:
        return
    from devboot.environment.python.versions import PYTHON_2

    if not loaded.program_kind.startswith(PYTHON_2):
        return
    raise MachineError(
        "python/not-found",
        "the program of this clone is written for Python 2, with which nothing can be installed any more",
        causes=[loaded.program_kind.removeprefix(f"{PYTHON_2}: ")],
        help=["2to3 --write --nobackups .   # translates it; only Pythons up to 3.12 have this program"],
        kept=["nothing was installed or started"],
    )


def refuse_idle(loaded: Loaded, missing: Problems | None = None) -> None:
    """Raise ManifestError `manifest/nothing-to-run` if `up` would start no process.

    A written manifest without processes is refused if detection would run some, unless it has an empty `[processes]`.
    `missing` are the errors for unset variables: a program that ends on its own needs them, too.
    """
    names = loaded.procfile.names if loaded.procfile is not None else ()
    if loaded.manifest.processes or names:
        return
    if loaded.project.written:
        _refuse_less_than_detected(loaded)
        _refuse_empty(loaded)
        return
    if loaded.manifest.services and loaded.program:  # for the program that a note has named
        return
    what, helps, title = kind_with_packages(loaded.project.root)
    errors = missing.errors if missing is not None else ()
    details: list[str] = []
    what = f"its program {loaded.program_kind}" if loaded.program_kind and not title else what
    causes = ["no Procfile, web application, worker or start command was found", what]
    if loaded.program:
        for each in errors:
            details += each.details
            needed = "it" if each.what.startswith("`") else "them"
            causes.append(f"{each.what}, and its program needs {needed}" + "".join(f": {why}" for why in each.causes))
        which = f", which {loaded.program_kind}" if loaded.program_kind else ""
        command = f"{loaded.program}   # runs its program{which}"
        helps = [*(line for each in errors for line in each.help), command, *helps]
    raise ManifestError(
        "manifest/nothing-to-run",
        (title if not loaded.program else "")
        or "no long-running process found in this clone"
        + (f": its program {loaded.program_kind}" if loaded.program_kind else ""),
        details=details,
        causes=causes,
        help=[
            *helps,
            "echo 'web: COMMAND' >> Procfile   # with the command that should keep running, then `devboot up -d`",
        ],
        kept=["nothing was installed or started; `devboot sync` makes the virtualenv alone"],
    )


def _refuse_less_than_detected(loaded: Loaded) -> None:
    if "processes" in loaded.manifest.model_fields_set:
        return
    lacking = _lacking(loaded)
    if lacking is None or not lacking.processes:
        return
    found = ", ".join(f"`{process.name}`" for process in lacking.processes)
    raise ManifestError(
        "manifest/nothing-to-run",
        f"`{MANIFEST}` has no processes; without it devboot would start {found}",
        details=list(_lines(lacking)),
        causes=[f"a written `{MANIFEST}` replaces what devboot detects"],
        help=[
            f"devboot init --merge   # adds the lines above to `{MANIFEST}`",
            f"echo '[processes]' >> {MANIFEST}   # if nothing should run but what it has",
        ],
        kept=["nothing was installed or started"],
    )


def _refuse_empty(loaded: Loaded) -> None:
    """Raise an error for a written manifest that starts nothing and prepares only the virtualenv, as for a library."""
    manifest = loaded.manifest
    if "processes" in manifest.model_fields_set or any(
        (manifest.services, manifest.databases, manifest.tasks, manifest.packages)
    ):
        return
    what, helps, title = kind_with_packages(loaded.project.root)
    raise ManifestError(
        "manifest/nothing-to-run",
        title or f"`{MANIFEST}` has nothing to run",
        causes=[f"`{MANIFEST}` has no processes, services or tasks", what],
        help=[
            *helps,
            "devboot sync   # makes its virtualenv",
            f"echo '[processes]' >> {MANIFEST}   # if `devboot up` should do no more than that",
        ],
        kept=["nothing was installed or started"],
    )


def warn_of_undeclared(loaded: Loaded, reporter: Reporter) -> None:
    """Warn once that a newly written manifest lacks parts that were detected before."""
    detected = os.path.join(loaded.project.state, DETECTED)
    if not loaded.project.written or not os.path.exists(detected):
        return
    lacking = _lacking(loaded)
    if lacking is not None and (lines := tuple(_lines(lacking))):
        text = f"`{MANIFEST}` lacks what devboot has detected so far; `devboot init --merge` adds it"
        reporter.emit(Event(WARNING, "manifest", text, lines=lines, slug="manifest/less-than-detected"))
    os.remove(detected)


def _lacking(loaded: Loaded) -> Proposal | None:
    """Return the parts that detection proposes and the manifest lacks; None if there are none."""
    from devboot.onboarding import lacking

    proposal = loaded.proposal
    return None if proposal is None else lacking(proposal, parse_toml(read_text(loaded.project.manifest)))


def _lines(proposal: Proposal) -> Iterator[str]:
    from devboot.onboarding import tables

    yield from (line for table in tables(proposal) for line in table)
