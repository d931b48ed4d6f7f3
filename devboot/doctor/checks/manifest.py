"""Checks of devboot.toml, the Procfile, env-files and required variables."""

from __future__ import annotations

import os

from devboot.doctor.findings import ERROR, WARNING, Answer, Check, Finding, Fix
from devboot.doctor.fixing import COPY_TEMPLATE
from devboot.doctor.refusals import fix_of, refused
from devboot.doctor.subject import Subject
from devboot.errors import DevbootError, Problems
from devboot.text.units import counted


def manifest(subject: Subject) -> Answer:
    """Check that the manifest can be read; report the number of its tables."""
    if subject.manifest_problem is not None:
        problem = subject.manifest_problem
        errors = problem.errors if isinstance(problem, Problems) else (problem,)
        return Answer(findings=tuple(_finding(error, len(errors)) for error in errors))
    if subject.manifest is None:
        nothing = subject.why_nothing()
        if nothing is not None:
            return Answer(findings=(_nothing(nothing),))
        return Answer(
            ("no devboot.toml; `devboot up` will detect what the project needs, `devboot init` writes it down",),
            idle=True,
        )
    tables = len(subject.manifest.model_fields_set)
    return Answer((f"{subject.project.manifest_name}, {counted(tables, 'table')}",))


def procfile(subject: Subject) -> Answer:
    """Report the number of processes in the Procfile."""
    if subject.procfile is None:
        return Answer()
    names = subject.procfile.names
    return Answer((f"{subject.procfile.file} with {counted(len(names), 'process')}",))


def _nothing(error: DevbootError) -> Finding:
    advice = next(iter(error.help), "devboot init --example")
    command, _, cost = advice.removeprefix("`").partition("`") if advice.startswith("`") else (advice, "", "")
    return Finding(
        error.slug,
        WARNING,
        error.what,
        "`devboot up` has nothing to start here",
        Fix(command, cost.strip()),
        error.causes,
        fact="nothing that looks like an application",
    )


def _finding(error: DevbootError, count: int) -> Finding:
    place = error.place
    where = f"{place.file}:{place.line}:{place.column}" if place and place.line else place.file if place else ""
    advice = next(iter(error.help), "")
    return Finding(
        error.slug,
        ERROR,
        error.what,
        "nothing can be started until the mistakes are corrected",
        Fix("devboot sync --check", "shows the lines and what is expected"),
        tuple(line for line in (where, advice) if line),
        fact=counted(count, "problem"),
    )


def _repair(subject: Subject, error: DevbootError, _name: str) -> Fix | None:
    """Return the fix for a missing env-file of which the clone has a template: a copy of that."""
    words = fix_of(error).command.split()
    if error.slug != "env/missing" or words[:1] != ["cp"] or len(words) != 3:
        return None
    root = subject.project.root
    paths = (os.path.join(root, words[1]), os.path.join(root, words[2]))
    cost = f"copies the template; values that it leaves empty are yours to set in {words[2]}"
    return Fix(" ".join(words), cost, COPY_TEMPLATE, (*paths, root))


CHECKS = (
    Check("manifest", "manifest", manifest),
    Check("procfile", "manifest", procfile),
    refused("manifest", _repair),
)
