"""The command `import`, which converts a compose file to a manifest."""

from __future__ import annotations

import os
from collections.abc import Mapping, Sequence

from devboot.app.commands.import_compose import Import, difference, planned_import
from devboot.app.commands.init import write_change
from devboot.cli.session import Session
from devboot.errors import Exit, UsageError, shell_word
from devboot.model.printable import counted
from devboot.onboarding.compose_import.fidelity import percentage
from devboot.state.project import LOCK
from devboot.state.projects import MANIFEST
from devboot.text.columns import table
from devboot.ui.fidelity import render_fidelity, summary

_ALONE = ("merge", "diff", "dry-run", "check")  # each decides alone what is written and printed


def import_compose(session: Session, files: Sequence[str], flags: Mapping[str, object]) -> int:
    """Write the manifest and print the report, or print only the difference; return the exit code.

    Raises UsageError for flags that exclude each other.
    """
    given = [name for name in _ALONE if flags.get(name)]
    if len(given) > 1:
        shown = " and ".join(f"`--{name}`" for name in given)
        raise UsageError("usage/argument", f"{shown} exclude each other", help=["devboot help import"])
    context = session.context
    profiles = flags.get("profile")
    chosen = [str(each) for each in profiles] if isinstance(profiles, list) else []
    if "check" in given:
        return _check(session, files, chosen)
    is_written = not given or given == ["merge"]
    planned = planned_import(context.cwd, context.environ, files, chosen, merges=bool(given))
    if given == ["diff"]:
        session.out(planned.change.diff)
        if not planned.change.diff:
            session.say(f"{MANIFEST} has all of {planned.files[0]}; nothing to add")
        return Exit.OK
    written = write_change(planned.change, context.cwd, context.environ).written if is_written else ()
    if session.json:
        session.out_json(_as_json(planned, written))
        return Exit.OK
    session.page(render_fidelity(planned.report, width=session.width(), colour=session.colour()))
    _conclude(session, planned, written, is_written=is_written)
    return Exit.OK


def _check(session: Session, files: Sequence[str], profiles: Sequence[str]) -> int:
    found = difference(session.context.cwd, session.context.environ, files, profiles)
    if session.json:
        session.out_json({"ok": not found, "diff": found})
    elif found:
        session.out(found)
        advice = "`devboot import --merge` adds what it lacks; edit the rest by hand"
        session.say(f"{MANIFEST} differs from the compose file: {advice}")
    else:
        session.say(f"{MANIFEST} matches the compose file")
    return Exit.FAILED if found else Exit.OK


def _conclude(session: Session, planned: Import, written: Sequence[str], *, is_written: bool) -> None:
    shown = os.path.relpath(planned.change.path, session.context.cwd)
    if not is_written:
        return
    if not written:
        session.say(f"{shown} has all of {planned.files[0]}; nothing was written")
        return
    lines = planned.change.after.count("\n") - (planned.change.before or "").count("\n")
    session.say(f"wrote {shown}, {counted(lines, 'further line' if planned.change.before else 'line')}")
    lock = os.path.join(os.path.dirname(shown), LOCK)
    steps = [
        ("devboot up", "start everything"),
        (f"git add {shell_word(shown)} {shell_word(lock)}", "so that others get the same"),
    ]
    session.say(*(f"{lead}{line}" for lead, line in zip(("next: ", "      "), table(steps), strict=True)))


def _as_json(planned: Import, written: Sequence[str]) -> dict[str, object]:
    return {
        "files": list(planned.files),
        "written": list(written),
        "percentage": percentage(planned.report),
        "summary": summary(planned.report),
        "entries": [
            {"file": each.path, "line": each.line, "key": each.key, "verdict": each.verdict, "text": each.text}
            for each in planned.report
        ],
    }
