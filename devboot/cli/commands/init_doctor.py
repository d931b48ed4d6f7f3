"""The commands `init` and `doctor`, which inspect a clone or a machine."""

from __future__ import annotations

import os
import subprocess
from collections.abc import Callable, Mapping, Sequence
from contextlib import nullcontext
from functools import partial
from typing import TYPE_CHECKING, Any

from devboot.app.commands.doctor import Reach, available, chosen, doctor as examine
from devboot.cli.session import Session
from devboot.doctor.findings import Report
from devboot.doctor.fixing import LEFT, NOT_FIXED, OF_PROJECT, Step, apply, steps_of, summary
from devboot.errors import DevbootError, Exit, UsageError, shell_word
from devboot.locks import FileLock
from devboot.model.printable import counted
from devboot.state.project import LOCK, find_project
from devboot.state.projects import MANIFEST
from devboot.text.columns import table, table_within
from devboot.text.invocation import as_called
from devboot.text.units import duration
from devboot.ui.doctor import render_list, render_report, report_as_json

if TYPE_CHECKING:
    from devboot.ui.reporters import RunReporter


def init(session: Session, *, merges: bool = False, only_diff: bool = False, example: bool = False) -> int:
    """Write the manifest or add to it, and print what was detected, or print only the diff; return the exit code.

    Raises UsageError for flags that exclude each other.
    """
    from devboot.app.commands.init import init as propose, planned, write_example

    context = session.context
    if example:
        if merges or only_diff:
            raise UsageError("usage/argument", "`--example` takes no other flag", help=["devboot init --example"])
        done = write_example(context.cwd)
        session.say(*(f"wrote {name}" for name in done.written))
        session.say("next: devboot up, then open the address of web")
        return Exit.OK
    if only_diff:
        diff = planned(context.cwd, context.environ, merges=True).diff
        session.out(diff)
        if not diff:
            session.say(f"{MANIFEST} has all that was found; nothing to add")
        return Exit.OK
    done = propose(context.cwd, context.environ, merges=merges)
    place = os.path.relpath(done.root, context.cwd)
    shown = MANIFEST if place == "." else os.path.join(place, MANIFEST)
    if not done.written:
        session.say(f"{shown} has all that was found in {done.name}; nothing was written")
        return Exit.OK
    session.say(f"found in {done.name}:")
    width = session.width(err=True)
    facts = table_within([tuple(fact) for fact in done.facts], width - 2 if width else 0)
    session.say(*(f"  {line}" for line in facts))
    for note in done.notes:
        session.say(f"note: {note}")
    session.say("", f"wrote {shown}, {counted(done.lines, 'further line' if merges else 'line')}")
    lock = os.path.join(os.path.dirname(shown), LOCK)
    steps = [
        ("devboot up", "start everything"),
        (f"git add {shell_word(shown)} {shell_word(lock)}", "so that others get the same"),
    ]
    session.say(*(f"{lead}{line}" for lead, line in zip(("next: ", "      "), table(steps), strict=True)))
    return Exit.OK


def doctor(
    session: Session,
    names: Sequence[str],
    *,
    only_list: bool,
    strict: bool,
    fix: bool,
    yes: bool,
    dry_run: bool = False,
    reach: Reach | None = None,
) -> int:
    """Print the report of `doctor`, or the list of checks; with `fix` run each available fix after confirmation.

    With `fix` and `dry_run` the fixes are only listed. Returns the exit code.

    Raises UsageError if there is no terminal for the questions.
    """
    if only_list:
        session.out(render_list(chosen(names, available(session.context))))
        return Exit.OK
    look = partial(_examine, session, reach)
    report = look(names)
    if fix:
        return _fix(session, names, report, look, is_asked=not yes, strict=strict, dry_run=dry_run)
    if session.json:
        session.out_json(report_as_json(report, session.mask))
    else:
        output = session.context.output
        text = render_report(
            report,
            session.symbols(),
            width=session.width(),
            colour=session.colour(),
            verbose=output.verbose,
            mask=session.mask,
        )
        session.out(f"{as_called(text)}\n")
    return Exit.OK if report.is_ok(strict=strict) else Exit.FAILED


def write_report(session: Session, names: Sequence[str], path: str, *, yes: bool, reach: Reach | None = None) -> int:
    """Print the report and, after confirmation, write it to `path`; return the exit code.

    Raises UsageError if there is no terminal for the question, or another file at `path`.
    """
    from devboot.app.commands.doctor_report import collect, write

    if not yes and not session.can_ask:
        raise UsageError(
            "usage/argument",
            "`devboot doctor --report` asks before it writes, and there is no terminal to ask on",
            help=[f"devboot doctor --report {shell_word(path)} -y"],
        )
    findings = report_as_json(_examine(session, reach, names), session.mask)
    document = collect(session.context, findings, mask=session.mask)
    _show_document(session, document)
    session.say("", f"{path} will contain what is shown above; it is sent to nobody")
    if not yes and not session.is_yes():
        return Exit.FAILED
    write(os.path.join(session.context.cwd, path), document)
    session.say(f"wrote {path}; others open it with: devboot doctor --read {shell_word(os.path.basename(path))}")
    return Exit.OK


def read_report(session: Session, names: Sequence[str], path: str, **_flags: object) -> int:  # noqa: ARG001
    """Print the report stored at `path`; return the exit code. Raises UsageError if there is none."""
    from devboot.app.commands.doctor_report import read

    _show_document(session, read(os.path.join(session.context.cwd, path)))
    return Exit.OK


def _show_document(session: Session, document: Mapping[str, Any]) -> None:
    from devboot.ui.doctor_report import render_document

    if session.json:
        session.out_json(document)
    else:
        text = render_document(document, session.symbols(), width=session.width(), colour=session.colour())
        session.out(f"{text}\n")


def _fix(
    session: Session,
    names: Sequence[str],
    report: Report,
    look: Callable[[Sequence[str]], Report],
    *,
    is_asked: bool,
    strict: bool,
    dry_run: bool,
) -> int:
    steps, outcomes = steps_of(report), []
    if dry_run:
        lines = [_announced(session, number, len(steps), step) for number, step in enumerate(steps, 1)]
        session.say(*(lines or ["nothing to fix"]))
        return Exit.OK if report.is_ok(strict=strict) else Exit.FAILED
    if steps and is_asked and not session.can_ask:
        raise UsageError(
            "usage/argument",
            "`devboot doctor --fix` asks before each fix, and there is no terminal to ask on",
            help=["devboot doctor --fix -y"],
        )
    for number, step in enumerate(steps, 1):
        session.say(_announced(session, number, len(steps), step))
        outcome = LEFT
        if not is_asked or session.is_yes():
            outcome = _apply(session, step, report, partial(look, [step.area]))
        session.say(f"{number} of {len(steps)}  {step.area}: {outcome}")
        outcomes.append((step, outcome))
    after = look(names) if steps else report
    session.say(summary(outcomes, (found.fix.command for _, found in after.findings if not found.fix.use_case)))
    return Exit.OK if after.is_ok(strict=strict) else Exit.FAILED


def _announced(session: Session, number: int, steps: int, step: Step) -> str:
    parts = (f"{number} of {steps}  {step.area}: {step.command}", step.cost, _usual_time(session, step))
    return ", ".join(filter(None, parts))


def _usual_time(session: Session, step: Step) -> str:
    """Return how long the last start with an installation took, for a fix that installs the same; "" for others."""
    if step.words[:1] != ("sync",):
        return ""
    from devboot.daemon.views.timings import read_starts

    starts = read_starts(find_project(session.context.cwd, session.context.environ).state)
    took = [start.total for start in starts if not start.is_warm]
    return f"about {duration(took[-1])}" if took else ""


def _apply(session: Session, step: Step, found: Report, examine_again: Callable[[], Report]) -> str:
    """Apply a step, with the project's lock if it changes the project; print errors, and return its outcome."""
    try:
        with _lock(session) if step.use_case in OF_PROJECT else nullcontext():
            return apply(step, found, examine_again, lambda: _act(session, step))
    except DevbootError as error:
        session.say(f"{error.what} [{error.slug}]", *error.help)
        return NOT_FIXED


def _lock(session: Session) -> FileLock:
    from devboot.app.preparation.project_lock import lock_project

    context = session.context
    with _reporting(session) as reporter:
        return lock_project(find_project(context.cwd, context.environ), "doctor --fix", context, reporter)


def _act(session: Session, step: Step) -> None:
    from devboot.app.commands.repairs import repair
    from devboot.app.fast.self_invoke import command_line

    context = session.context
    if step.is_repair:
        if kept := repair(step.use_case, step.arguments, context.wall_clock()):
            session.say(f"kept: {kept}")
    else:
        subprocess.run(command_line("-C", context.cwd, *step.words), check=False, env=dict(context.environ))


def _examine(session: Session, reach: Reach | None, names: Sequence[str]) -> Report:
    with _reporting(session) as reporter:
        return examine(session.context, names, reporter, reach)


def _reporting(session: Session) -> RunReporter:
    shown = session.reporting(session.project, is_brief=True)
    session.reporter = None  # nothing is installed that Ctrl-C could interrupt
    return shown
